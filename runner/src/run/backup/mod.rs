//! A backup before a run changes anything: the program of `[backup]` writes a
//! file, and the run begins only if it did.

mod child;
mod name;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::db::{ClientAccess, Connection};
use crate::ledger::LedgerError;
use crate::plan::Plan;
use crate::revision::Direction;
use crate::source::{BackupCommand, BackupConfig};

use super::event::milliseconds;
use super::{Event, Migrator, RunError};

use child::Call;
use name::BackupName;

/// What the file is called until it is whole.
const PARTIAL: &str = "partial";
/// How the files of pg_dump's custom format begin.
const CUSTOM_FORMAT: &[u8] = b"PGDMP";

/// When a run begins with a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backups {
    /// As runner.toml says.
    #[default]
    AsConfigured,
    /// Not in this run.
    Skipped,
    /// Before a downgrade too, if runner.toml has backups at all.
    BeforeBoth,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// The file.
    pub file: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// What restores it into the empty database that takes the place of `URL`,
    /// if it can be told from the file.
    pub restore: Option<String>,
}

/// Why there is no backup. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no server that a program could ask.
    #[error("the embedded server cannot be backed up: it has no address for `{0}`")]
    Embedded(String),
    /// The folder or the file cannot be used.
    #[error("{} cannot be used for a backup", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such program.
    #[error("there is no program `{0}` to make a backup with")]
    NoProgram(String),
    /// The program cannot be started.
    #[error("`{program}` cannot be started")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The program reported a failure.
    #[error("`{command}` ended with {status}{}", after(said))]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        said: String,
    },
    /// The program took too long and was ended.
    #[error("`{command}` was ended after {limit:?}{}", after(said))]
    TooLong {
        /// The program and its arguments.
        command: String,
        /// The limit.
        limit: Duration,
        /// The end of what it wrote to standard error.
        said: String,
    },
    /// The run was told to stop.
    #[error("`{0}` was ended, since the run was told to stop")]
    Interrupted(String),
    /// The program did not write what it should.
    #[error("`{command}` succeeded and wrote nothing to {}{}", file.display(), after(said))]
    Empty {
        /// The program and its arguments.
        command: String,
        /// The file.
        file: PathBuf,
        /// The end of what it wrote to standard error.
        said: String,
    },
}

fn after(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(":\n{said}") }
}

impl Migrator {
    /// Fails where backups are wanted and cannot be made, before anything else
    /// is done.
    pub(super) fn check_backup(&self, direction: Direction, backups: Backups) -> Result<(), BackupError> {
        match (self.wanted(direction, backups), self.location.client_access()) {
            (Some((_, command)), None) => Err(BackupError::Embedded(command.program().to_owned())),
            _ => Ok(()),
        }
    }

    /// Makes the backup that the run of a plan begins with, if it begins with
    /// one. The lock is held meanwhile.
    pub(super) async fn back_up(
        &self,
        connection: &Connection,
        direction: Direction,
        plan: &Plan,
        backups: Backups,
    ) -> Result<Option<Backup>, RunError> {
        let (Some((config, command)), Some(access)) =
            (self.wanted(direction, backups), self.location.client_access())
        else {
            return Ok(None);
        };
        // The session with the lock has nothing to do for as long as it takes.
        let awake = connection.session().lock().await.batch("SET idle_session_timeout = 0").await;
        awake.map_err(LedgerError::from)?;
        let name = BackupName::now(&access, &plan.heads);
        let dir = absolute(&self.project().root.join(&config.dir));
        let file = dir.join(name.to_string());
        (self.reporter)(Event::BackupStarted { file: file.clone() });
        let began = Instant::now();
        let partial = Partial(file.with_added_extension(PARTIAL));
        self.dump(config, command, &access, &partial.0, &name, direction).await?;
        let backup = finish(&partial.0, file)?;
        (self.reporter)(Event::BackupFinished {
            file: backup.file.clone(),
            bytes: backup.bytes,
            duration_ms: milliseconds(began.elapsed()),
        });
        if let Some(keep) = config.keep {
            name.remove_older(&dir, keep);
        }
        Ok(Some(backup))
    }

    /// What makes a backup before this run.
    fn wanted(&self, direction: Direction, backups: Backups) -> Option<(&BackupConfig, &BackupCommand)> {
        let config = &self.project().config.backup;
        let is_wanted = match (backups, direction) {
            (Backups::Skipped, _) => false,
            (Backups::AsConfigured, Direction::Downgrade) => config.downgrade,
            (Backups::AsConfigured, Direction::Upgrade) | (Backups::BeforeBoth, _) => true,
        };
        Some((config, config.command.as_ref().filter(|_| is_wanted)?))
    }

    async fn dump(
        &self,
        config: &BackupConfig,
        command: &BackupCommand,
        access: &ClientAccess,
        file: &Path,
        name: &BackupName,
        direction: Direction,
    ) -> Result<(), BackupError> {
        reserve(file)?;
        let args = command.args(|token| match token {
            "file" => file.display().to_string(),
            "url" => access.url.clone(),
            "host" => access.host.clone(),
            "port" => access.port.to_string(),
            "user" => access.user.clone().unwrap_or_default(),
            "dbname" => access.database.clone().or(access.user.clone()).unwrap_or_default(),
            "time" => name.time.clone(),
            "revision" => name.revision.clone(),
            _ => direction.to_string(),
        });
        let folder = absolute(&self.project().root);
        let call = Call { program: command.program(), args, folder: &folder, access };
        let said = call.run(Duration::try_from(config.timeout).ok(), self.stop.told()).await?;
        match std::fs::metadata(file) {
            Ok(metadata) if metadata.is_file() && metadata.len() > 0 => Ok(()),
            _ => Err(BackupError::Empty { command: call.to_string(), file: file.to_owned(), said }),
        }
    }
}

/// A file that is not whole: gone with this, unless it has its name by then. A
/// run that is told to stop may not come back to its end.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // What went wrong matters more than a file that is in the way.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes the file, for nobody else to read: it will hold all that the database
/// holds.
fn reserve(file: &Path) -> Result<(), BackupError> {
    let dir = file.parent().unwrap_or(Path::new("/"));
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|source| BackupError::Io { path: dir.to_owned(), source })?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    made.map(drop).map_err(|source| BackupError::Io { path: file.to_owned(), source })
}

/// Gives a file that is whole its name.
fn finish(partial: &Path, file: PathBuf) -> Result<Backup, BackupError> {
    let renamed = || {
        let mut whole = File::open(partial)?;
        whole.sync_all()?;
        let bytes = whole.metadata()?.len();
        let mut beginning = Vec::new();
        whole.by_ref().take(CUSTOM_FORMAT.len() as u64).read_to_end(&mut beginning)?;
        std::fs::rename(partial, &file)?;
        Ok((bytes, beginning == CUSTOM_FORMAT))
    };
    let (bytes, is_custom) =
        renamed().map_err(|source| BackupError::Io { path: partial.to_owned(), source })?;
    let restore = is_custom.then(|| format!("pg_restore --dbname URL '{}'", file.display()));
    Ok(Backup { file, bytes, restore })
}

/// An absolute path: the program runs elsewhere. An empty one is the current
/// folder.
fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
