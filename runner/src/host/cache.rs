//! Compiled components on disk.
//!
//! An artifact is native code that this process will run, so whoever can write
//! the cache owns the process. The directory and its files belong to this user
//! and to nobody else, and an artifact is loaded only after its keyed digest
//! was verified. Files are written aside and renamed, never changed: a mapped
//! file that changes is a crash. Any doubt means compiling again.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::engine;

/// A directory of compiled components.
#[derive(Clone)]
pub(super) struct Cache {
    directory: PathBuf,
    /// The key of the digests. It never leaves the directory.
    secret: [u8; 32],
    /// Artifacts of another engine are never found.
    compatibility: [u8; 32],
}

impl Cache {
    /// Opens or makes a cache; none if the directory cannot be used or trusted.
    pub(super) fn open(directory: &Path, engine: &Engine) -> Option<Self> {
        let opened = private_directory(directory).and_then(|()| secret(directory));
        match opened {
            Ok(secret) => {
                let compatibility = engine::compatibility(engine);
                Some(Self { directory: directory.to_owned(), secret, compatibility })
            }
            Err(error) => {
                tracing::debug!(directory = %directory.display(), %error, "no cache for compiled components");
                None
            }
        }
    }

    /// Loads what was compiled from the component with this digest.
    pub(super) fn load(&self, engine: &Engine, digest: &[u8; 32]) -> Option<Component> {
        let path = self.path(digest, "cwasm");
        let expected = read_small(&self.path(digest, "mac")).ok()?;
        let found = self.digest_of_file(&path, digest).ok()?;
        // `blake3::Hash` compares in constant time.
        if found != *expected.as_slice() {
            tracing::debug!(path = %path.display(), "a compiled component in the cache is not ours");
            return None;
        }
        // SAFETY: the keyed digest says that this host, or one with the same
        // key in the same private directory, wrote the file, from an engine
        // with this configuration. Files are replaced by renaming and never
        // changed, so the mapping stays as it was verified.
        match unsafe { Component::deserialize_file(engine, &path) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "a compiled component does not load");
                None
            }
        }
    }

    /// Keeps an artifact. That it cannot be kept is no error.
    pub(super) fn store(&self, digest: &[u8; 32], artifact: &[u8]) {
        let mut hasher = self.hasher(digest);
        hasher.update(artifact);
        let stored = write_aside(&self.directory, &self.path(digest, "cwasm"), artifact).and_then(|()| {
            write_aside(&self.directory, &self.path(digest, "mac"), hasher.finalize().as_bytes())
        });
        if let Err(error) = stored {
            tracing::debug!(directory = %self.directory.display(), %error, "a compiled component was not kept");
        }
    }

    fn digest_of_file(&self, path: &Path, digest: &[u8; 32]) -> io::Result<blake3::Hash> {
        let mut file = open_private(path)?;
        let mut hasher = self.hasher(digest);
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hasher.finalize()),
                read => hasher.update(&buffer[..read]),
            };
        }
    }

    /// The digest covers the name as well, so that files cannot be exchanged.
    fn hasher(&self, digest: &[u8; 32]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(&self.compatibility).update(digest);
        hasher
    }

    fn path(&self, digest: &[u8; 32], extension: &str) -> PathBuf {
        let engine = hex::encode(&self.compatibility[..8]);
        self.directory.join(format!("{}-{engine}.{extension}", hex::encode(digest)))
    }
}

/// Makes the directory, or checks the one that is there.
fn private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    // A symbolic link would be checked by where it points and used by where it
    // points later.
    check_private(&fs::symlink_metadata(directory)?, true)
}

#[cfg(unix)]
fn check_private(metadata: &fs::Metadata, directory: bool) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let denied = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    match () {
        () if metadata.is_dir() != directory || (!directory && !metadata.is_file()) => {
            denied("it is of the wrong kind")
        }
        () if metadata.uid() != rustix::process::geteuid().as_raw() => denied("it belongs to another user"),
        () if metadata.mode() & 0o077 != 0 => denied("other users may use it"),
        () => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_private(_metadata: &fs::Metadata, _directory: bool) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "its owner cannot be checked on this system"))
}

/// Opens a file for reading if nobody else may touch it.
fn open_private(path: &Path) -> io::Result<fs::File> {
    let file = fs::File::open(path)?;
    check_private(&file.metadata()?, false)?;
    Ok(file)
}

fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_private(path)?.take(64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the directory's key, or makes one.
fn secret(directory: &Path) -> io::Result<[u8; 32]> {
    let path = directory.join("key");
    if !path.exists() {
        let fresh: [u8; 32] = rand::random();
        let aside = aside(directory);
        write_private(&aside, &fresh)?;
        // A link, unlike a rename, does not replace the key of a process that
        // was faster.
        let linked = fs::hard_link(&aside, &path);
        fs::remove_file(&aside)?;
        linked.or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        })?;
    }
    read_small(&path)?
        .try_into()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "its key is damaged"))
}

fn write_aside(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = aside(directory);
    let written = write_private(&aside, bytes).and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

fn aside(directory: &Path) -> PathBuf {
    directory.join(format!("aside-{:016x}", rand::random::<u64>()))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: [u8; 32] = [7; 32];

    fn engine_and_artifact() -> (Engine, Vec<u8>) {
        let engine = engine::new().expect("an engine");
        let component = wat::parse_str("(component)").expect("parses");
        let artifact = engine.precompile_component(&component).expect("compiles");
        (engine, artifact)
    }

    fn cache(directory: &tempfile::TempDir, engine: &Engine) -> Cache {
        Cache::open(&directory.path().join("cache"), engine).expect("a cache")
    }

    #[test]
    fn what_was_stored_is_loaded_by_the_next_process() {
        let (engine, artifact) = engine_and_artifact();
        let directory = tempfile::tempdir().expect("a directory");
        cache(&directory, &engine).store(&DIGEST, &artifact);
        let again = cache(&directory, &engine);
        assert!(again.load(&engine, &DIGEST).is_some());
        assert!(again.load(&engine, &[8; 32]).is_none());
    }

    #[test]
    fn an_artifact_that_was_changed_or_moved_is_not_loaded() {
        let (engine, artifact) = engine_and_artifact();
        let directory = tempfile::tempdir().expect("a directory");
        let cache = cache(&directory, &engine);
        cache.store(&DIGEST, &artifact);
        for extension in ["cwasm", "mac"] {
            fs::copy(cache.path(&DIGEST, extension), cache.path(&[8; 32], extension)).expect("copies");
        }
        assert!(cache.load(&engine, &[8; 32]).is_none(), "moved");
        let mut bytes = fs::read(cache.path(&DIGEST, "cwasm")).expect("reads");
        *bytes.last_mut().expect("not empty") ^= 1;
        fs::write(cache.path(&DIGEST, "cwasm"), bytes).expect("writes");
        assert!(cache.load(&engine, &DIGEST).is_none(), "changed");
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_may_use_is_no_cache() {
        use std::os::unix::fs::PermissionsExt as _;
        let (engine, _) = engine_and_artifact();
        let directory = tempfile::tempdir().expect("a directory");
        for mode in [0o770, 0o707, 0o755] {
            let path = directory.path().join(format!("{mode:o}"));
            fs::create_dir(&path).expect("creates");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets");
            assert!(Cache::open(&path, &engine).is_none(), "{mode:o}");
        }
        std::os::unix::fs::symlink(directory.path(), directory.path().join("link")).expect("links");
        assert!(Cache::open(&directory.path().join("link"), &engine).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private() {
        use std::os::unix::fs::MetadataExt as _;
        let (engine, artifact) = engine_and_artifact();
        let directory = tempfile::tempdir().expect("a directory");
        cache(&directory, &engine).store(&DIGEST, &artifact);
        for entry in fs::read_dir(directory.path().join("cache")).expect("reads") {
            let metadata = entry.expect("an entry").metadata().expect("metadata");
            assert_eq!(metadata.mode() & 0o777, 0o600);
        }
    }
}
