//! Building the crates of revisions of kind `rust`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::revision::{Kind, RevisionId};

use super::artifact::{Artifact, ArtifactError, artifact_path, encode, load_artifact};
use super::compile::{BuildError, CompileOptions, Compiled, Crate, compile};
use super::{BuildStop, Found, Project};

/// A revision whose component is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The revision.
    pub revision: RevisionId,
    /// Where the component is.
    pub path: PathBuf,
    /// Whether it is another one than before.
    pub changed: bool,
}

/// Builds the crates of all revisions of kind `rust` among `revisions`; only what
/// came out different is written.
pub fn build(project: &Project, revisions: &[Found]) -> Result<Vec<Built>, BuildError> {
    build_until(project, revisions, &BuildStop::default())
}

/// The same, until somebody stops it.
pub fn build_until(
    project: &Project,
    revisions: &[Found],
    stop: &BuildStop,
) -> Result<Vec<Built>, BuildError> {
    let found: Vec<&Found> = revisions.iter().filter(|found| found.manifest.kind == Kind::Rust).collect();
    let of = |found: &Found| format!("revision `{}`", found.manifest.revision);
    let crates: Vec<Crate> =
        found.iter().map(|found| Crate { dir: found.dir.clone(), of: of(found) }).collect();
    let target_dir = project.target_dir();
    let options = CompileOptions { target_dir: Some(&target_dir), offline: project.access.offline, stop };
    let compiled = compile(&crates, options)?;
    found.into_iter().zip(compiled).map(|(found, compiled)| finish(project, found, &compiled)).collect()
}

/// Encodes a module and writes the component if it differs from the one there.
fn finish(project: &Project, found: &Found, compiled: &Compiled) -> Result<Built, BuildError> {
    let bytes = read_module(compiled)?;
    let component = encode(&bytes, &found.manifest, found.source_digest)?;
    let revision = found.manifest.revision.clone();
    let dir = project.components_dir();
    let path = artifact_path(&dir, &revision);
    let before = load_artifact(&dir, &revision, found.source_digest)?;
    let changed = before.is_none_or(|Artifact { bytes, .. }| *bytes != *component);
    if changed {
        write_aside(&path, &component).map_err(|source| ArtifactError::Io { path: path.clone(), source })?;
    }
    Ok(Built { revision, path, changed })
}

/// The bytes of a module that was compiled.
pub(super) fn read_module(compiled: &Compiled) -> Result<Vec<u8>, ArtifactError> {
    let io = |source| ArtifactError::Io { path: compiled.module.clone(), source };
    std::fs::read(&compiled.module).map_err(io)
}

/// Writes a file under a name of its own and renames it: a reader sees the old
/// one or the new one. Makes the folders above it. A file that is there keeps who
/// may read it, and a link what it leads to.
pub(super) fn write_aside(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let aside = path.with_added_extension(format!("{:016x}", rand::random::<u64>()));
    let written = write_new(&aside, bytes, &path).and_then(|()| std::fs::rename(&aside, &path));
    written.inspect_err(|_| {
        // What went wrong before matters more.
        let _ = std::fs::remove_file(&aside);
    })
}

/// Writes a new file for those who may read another one.
fn write_new(path: &Path, bytes: &[u8], like: &Path) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    if let Ok(before) = std::fs::metadata(like) {
        file.set_permissions(before.permissions())?;
    }
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_that_is_replaced_keeps_its_readers_and_its_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").expect("writes");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is ours");
        symlink(&file, &link).expect("links");
        write_aside(&link, b"new").expect("writes");
        assert_eq!(fs::read_to_string(&file).expect("reads"), "new");
        assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 2, "nothing is left beside it");
    }
}
