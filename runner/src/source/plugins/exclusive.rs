//! One process at a time, where a file is read, changed and written again.

use std::fs::File;
use std::io;
use std::path::Path;

/// Nobody else has it until it is dropped, or the process ends.
#[derive(Debug)]
pub struct Exclusive {
    pub(super) file: File,
}

impl Exclusive {
    /// Waits until nobody else has the lock of a file; it is made, with the folders
    /// above it, if it is not there. The file must not be replaced by another one.
    pub(super) fn on(path: &Path) -> io::Result<Self> {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let file = File::options().create(true).append(true).open(path)?;
        file.lock()?;
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/lock");
        let first = Exclusive::on(&path).expect("locks");
        let other = File::open(&path).expect("opens");
        assert!(matches!(other.try_lock(), Err(std::fs::TryLockError::WouldBlock)));
        drop(first);
        other.try_lock().expect("it is free");
    }
}
