//! How the files of backups are called, and which of them are old.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::db::ClientAccess;
use crate::revision::RevisionId;

/// The ending of the files.
const ENDING: &str = ".dump";
/// How the time is written: its order is that of the texts.
const TIME: &str = "%Y%m%dT%H%M%S%3fZ";
/// How many characters that has.
const TIME_LENGTH: usize = 19;
/// What stands in a name as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// The name of a backup: `DATABASE@HOST-TIME-REVISION.dump`. The host is a part
/// of it, so that two servers with a database of the same name can share a
/// folder, and neither removes what belongs to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BackupName {
    database: String,
    /// In UTC.
    pub(super) time: String,
    /// Where the database was.
    pub(super) revision: String,
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}{ENDING}", self.database, self.time, self.revision)
    }
}

impl BackupName {
    /// The name of a backup that is made now, of a database that is at `heads`.
    pub(super) fn now(access: &ClientAccess, heads: &[RevisionId]) -> Self {
        let time = Timestamp::now().to_zoned(TimeZone::UTC).strftime(TIME).to_string();
        Self { database: database(access), time, revision: revision(heads) }
    }

    /// Removes the backups of the same database that are older than the newest
    /// `keep`, of which this is one. What does not have such a name is left
    /// alone. What cannot be removed is told in the log: the run goes on.
    pub(super) fn remove_older(&self, dir: &Path, keep: NonZeroUsize) {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let names = files.filter_map(|entry| Self::parse(entry.file_name().to_str()?));
        let mut same: Vec<Self> = names.filter(|name| name.database == self.database).collect();
        same.sort_by(|one, other| other.time.cmp(&one.time));
        for old in same.iter().skip(keep.get()).filter(|old| old.time < self.time) {
            let path = dir.join(old.to_string());
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!("the old backup {} could not be removed: {error}", path.display());
            }
        }
    }

    /// Takes a name apart from its end: a database's name may hold what stands
    /// between the parts.
    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(ENDING)?.rsplitn(3, '-');
        let (revision, time, database) = (parts.next()?, parts.next()?, parts.next()?);
        let is_time = time.len() == TIME_LENGTH
            && time.bytes().zip(0..).all(|(byte, at)| match at {
                8 => byte == b'T',
                18 => byte == b'Z',
                _ => byte.is_ascii_digit(),
            });
        is_time.then(|| Self { database: database.into(), time: time.into(), revision: revision.into() })
    }
}

fn database(access: &ClientAccess) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let name = access.database.as_deref().or(access.user.as_deref()).unwrap_or("database");
    let host = if access.host.starts_with('/') { "local" } else { &access.host };
    let port = if access.port == 5432 { String::new() } else { format!("_{}", access.port) };
    format!("{}@{}{port}", encoded(name), encoded(host))
}

/// Where the database is. An id holds no `-`.
fn revision(heads: &[RevisionId]) -> String {
    match heads {
        [] => "base".into(),
        [head] => head.as_str().replace(':', "."),
        several => format!("{}_heads", several.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Location;

    fn name(url: &str, heads: &[&str]) -> BackupName {
        let access = Location::parse(url).expect("a location").client_access().expect("a server");
        let heads: Vec<_> = heads.iter().map(|id| RevisionId::new(*id).expect("an id")).collect();
        BackupName::now(&access, &heads)
    }

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for (url, heads, database, revision) in [
            ("postgresql://me@db/my-app", &["a1"][..], "my-app@db", "a1"),
            ("postgresql://me@db:6000/a%2Fb", &["billing:a1"], "a%2Fb@db_6000", "billing.a1"),
            ("host=/run/x dbname=app user=me", &[], "app@local", "base"),
            ("postgresql://me@db/app", &["a", "b"], "app@db", "2_heads"),
        ] {
            let name = name(url, heads);
            assert_eq!((name.database.as_str(), name.revision.as_str()), (database, revision));
            assert_eq!(BackupName::parse(&name.to_string()), Some(name));
        }
        for other in ["app@db-20261121T101500123Z-a.sql", "app@db-2026-a.dump", "notes.dump", "a-b-c.dump"] {
            assert_eq!(BackupName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn only_older_backups_of_the_same_database_are_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let now = name("postgresql://me@db/app", &["z"]);
        let old = |database: &str, day: u32| format!("{database}-202601{day:02}T000000000Z-a.dump");
        let mut files: Vec<String> = (1..=4).map(|day| old("app@db", day)).collect();
        files.extend([old("app@other", 1), old("app-app@db", 1), "app@db.dump".into(), now.to_string()]);
        files.push(format!("{}.partial", old("app@db", 5)));
        for file in &files {
            std::fs::write(dir.path().join(file), "x").expect("writes");
        }
        now.remove_older(dir.path(), NonZeroUsize::new(3).expect("it is not zero"));
        let mut left: Vec<String> = std::fs::read_dir(dir.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("is UTF-8"))
            .collect();
        left.sort();
        files.drain(..2);
        files.sort();
        assert_eq!(left, files, "the two oldest are gone");
    }
}
