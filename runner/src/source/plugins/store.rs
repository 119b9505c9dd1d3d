//! The store: components by their digests, kept for all projects of a user.
//!
//! A blob is compared with its digest each time it is read, and written aside
//! and renamed. Beside the blobs it is noted which version of a source is which
//! digest, so that adding one again needs no look at the source.

use std::path::{Path, PathBuf};

use semver::Version;

use crate::revision::{Digest, PluginName};
use crate::source::Artifact;
use crate::source::build::write_aside;

/// A folder of components.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// The store in a folder, which is made when something is put into it.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// A component, if it is there and is what its name says.
    pub fn get(&self, digest: Digest) -> Option<Artifact> {
        let path = self.blob(digest);
        let bytes = std::fs::read(&path).ok()?;
        let artifact = Artifact::new(bytes, path.display().to_string());
        if artifact.digest != digest {
            tracing::warn!("{} was changed, and is fetched again", path.display());
            return None;
        }
        Some(artifact)
    }

    /// Whether there is a file for a component; whether it is sound is known when
    /// it is read.
    pub fn has(&self, digest: Digest) -> bool {
        self.blob(digest).is_file()
    }

    /// Keeps a component.
    pub fn put(&self, artifact: &Artifact) -> std::io::Result<()> {
        write_aside(&self.blob(artifact.digest), &artifact.bytes)
    }

    /// Notes which component a version of a source is.
    pub fn note(
        &self,
        source: &Path,
        name: &PluginName,
        version: &Version,
        digest: Digest,
    ) -> std::io::Result<()> {
        write_aside(&self.versions(source, name).join(version.to_string()), digest.to_string().as_bytes())
    }

    /// The versions of a source that were noted, oldest first.
    pub fn noted(&self, source: &Path, name: &PluginName) -> Vec<(Version, Digest)> {
        let entries = std::fs::read_dir(self.versions(source, name)).into_iter().flatten().flatten();
        let read = |entry: std::fs::DirEntry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let digest = Digest::try_from(std::fs::read_to_string(entry.path()).ok()?).ok()?;
            Some((version, digest))
        };
        let mut noted: Vec<_> = entries.filter_map(read).collect();
        noted.sort();
        noted
    }

    fn blob(&self, digest: Digest) -> PathBuf {
        self.dir.join("sha256").join(hex::encode(digest.as_bytes()))
    }

    fn versions(&self, source: &Path, name: &PluginName) -> PathBuf {
        let source = Digest::of(source.as_os_str().as_encoded_bytes());
        self.dir.join("sources").join(hex::encode(source.as_bytes())).join(name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_not_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::new(dir.path().join("plugins"));
        let artifact = Artifact::new(b"component".to_vec(), "a test");
        assert_eq!(store.get(artifact.digest), None);
        store.put(&artifact).expect("keeps it");
        assert_eq!(store.get(artifact.digest).expect("is there").bytes, artifact.bytes);
        std::fs::write(store.blob(artifact.digest), b"another").expect("writes");
        assert_eq!(store.get(artifact.digest), None);
        store.put(&artifact).expect("keeps it");
        assert!(store.get(artifact.digest).is_some(), "it is put right");
    }

    #[test]
    fn versions_are_noted_by_source() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::new(dir.path());
        let name = PluginName::new("x").expect("a name");
        for version in ["1.10.0", "1.9.0"] {
            let digest = Digest::of(version.as_bytes());
            store.note(Path::new("/a"), &name, &version.parse().expect("a version"), digest).expect("notes");
        }
        let noted: Vec<_> =
            store.noted(Path::new("/a"), &name).into_iter().map(|(v, _)| v.to_string()).collect();
        assert_eq!(noted, ["1.9.0", "1.10.0"]);
        assert_eq!(store.noted(Path::new("/b"), &name), []);
    }
}
