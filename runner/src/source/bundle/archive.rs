//! The tar archive around a bundle's files.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bytes::Bytes;

use super::BundleFault;

/// The most files that an archive may hold.
const MOST_ENTRIES: usize = 100_000;

/// Writes files in this order, as every bundle does: regular files of nobody in
/// particular, of no particular time.
pub(super) fn write<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    to: impl Write,
) -> io::Result<()> {
    let mut builder = tar::Builder::new(to);
    for (name, contents) in files {
        let mut header = tar::Header::new_ustar();
        header.set_path(name)?;
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        builder.append(&header, contents)?;
    }
    builder.into_inner()?.flush()
}

/// The files of an archive by their names. The names are those that the archive
/// has: nothing is ever written under them.
pub(in crate::source) fn read(archive: &Bytes) -> Result<BTreeMap<String, Bytes>, BundleFault> {
    let mut files = BTreeMap::new();
    let mut reader = tar::Archive::new(&archive[..]);
    for entry in reader.entries().map_err(|error| broken(&files, &error))? {
        let entry = entry.map_err(|error| broken(&files, &error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            tar::EntryType::Regular => {}
            // Other tools write them. What the archive is tells more than that
            // one of them is there.
            tar::EntryType::Directory => continue,
            _ => return Err(BundleFault::NoFile(name)),
        }
        let contents = slice(archive, entry.raw_file_position(), entry.size());
        let contents = contents.ok_or_else(|| BundleFault::Truncated(name.clone()))?;
        if files.insert(name.clone(), contents).is_some() {
            return Err(BundleFault::Twice(name));
        }
        if files.len() > MOST_ENTRIES {
            return Err(BundleFault::TooManyEntries(MOST_ENTRIES));
        }
    }
    if files.is_empty() { Err(BundleFault::NotAnArchive) } else { Ok(files) }
}

fn slice(archive: &Bytes, start: u64, length: u64) -> Option<Bytes> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= archive.len()).then(|| archive.slice(start..end))
}

/// What stands after the files that could be read is no file. What has none at
/// all is no archive.
fn broken(files: &BTreeMap<String, Bytes>, error: &io::Error) -> BundleFault {
    match files.is_empty() {
        true => BundleFault::NotAnArchive,
        false => BundleFault::Broken { files: files.len(), reason: error.to_string() },
    }
}

/// Compares what is written to it with what it should be.
pub(super) struct Comparison<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Comparison<'a> {
    pub(super) fn with(expected: &'a [u8]) -> Self {
        Self { rest: expected, at: 0 }
    }

    /// How much is left that was not written.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// How much was the same.
    pub(super) fn same(&self) -> usize {
        self.at
    }
}

impl Write for Comparison<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let same = self.rest.iter().zip(bytes).take_while(|(one, other)| one == other).count();
        self.at += same;
        self.rest = &self.rest[same..];
        match same == bytes.len() {
            true => Ok(same),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
