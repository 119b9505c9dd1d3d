//! Finding the revisions on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::revision::{Digest, Kind, Manifest, ManifestError, PackageName, Place, SourceDigest};

use super::MigrationsDir;

/// The file that makes a folder a revision.
pub(super) const MANIFEST_FILE: &str = "migration.toml";

/// The files of a revision of kind `sql`.
const SCRIPTS: [&str; 2] = ["upgrade.sql", "downgrade.sql"];

/// So many folders take longer to read than threads take to start.
const WORTH_THREADS: usize = 200;

/// A revision on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its folder.
    pub dir: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// The digest of what its author wrote.
    pub source_digest: Digest,
    /// For kind `sql`: the scripts.
    pub scripts: Option<Scripts>,
    /// The manifest as it is written.
    pub text: Arc<str>,
}

/// The scripts of a revision of kind `sql`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripts {
    /// `upgrade.sql`.
    pub upgrade: String,
    /// `downgrade.sql`, if there is one.
    pub downgrade: Option<String>,
}

/// One thing that is wrong with a revision's folder.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A file or a folder cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not UTF-8.
    #[error("{} is not UTF-8 (byte {at})", path.display())]
    NotUtf8 {
        /// Which.
        path: PathBuf,
        /// Where the first wrong byte is, from 0.
        at: usize,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file that the kind needs is not there.
    #[error("revision `{revision}` of kind `{kind}` has no {file} in {}", dir.display())]
    MissingFile {
        /// The revision.
        revision: String,
        /// Its kind.
        kind: &'static str,
        /// The file.
        file: &'static str,
        /// Its folder.
        dir: PathBuf,
    },
    /// A folder that looks like a revision and is none.
    #[error("{} holds {file} and no {MANIFEST_FILE}, so it is no revision", dir.display())]
    NoManifest {
        /// The folder.
        dir: PathBuf,
        /// The file that revisions have.
        file: &'static str,
    },
}

/// Everything that is wrong with the revisions' folders.
#[derive(Debug)]
pub struct ScanErrors(pub Vec<ScanError>);

impl Found {
    /// The parameters that the component is given.
    pub fn params(&self) -> Value {
        match &self.scripts {
            Some(Scripts { upgrade, downgrade: Some(downgrade) }) => {
                json!({ "upgrade": upgrade, "downgrade": downgrade })
            }
            Some(Scripts { upgrade, downgrade: None }) => json!({ "upgrade": upgrade }),
            None => Value::Object(self.manifest.params.clone()),
        }
    }
}

impl Found {
    /// Where the manifest grants a capability; for messages.
    pub fn place_of_grant(&self, capability: &str) -> Place {
        Place::of_grant(&self.dir.join(MANIFEST_FILE), &self.text, capability)
    }

    /// Where an entry of `depends_on` is written; for messages.
    pub fn place_of_dependency(&self, entry: &str) -> Place {
        Place::of_text(&self.dir.join(MANIFEST_FILE), &self.text, "depends_on", entry)
    }

    /// Where a key of the manifest's first table is set; for messages.
    pub fn place_of_key(&self, key: &str) -> Place {
        Place::of_key(&self.dir.join(MANIFEST_FILE), &self.text, key)
    }

    /// Where a parameter is set in the manifest, or where the parameters begin;
    /// for messages.
    pub fn place_of_param(&self, name: &str) -> Place {
        let file = self.dir.join(MANIFEST_FILE);
        let text = &*self.text;
        let first = name.split('.').next().unwrap_or_default();
        let table = text.find("[params]").unwrap_or(text.len());
        let lines = text[table..].match_indices('\n').map(|(at, _)| table + at + 1);
        let sets = |at: &usize| {
            let rest = text[*at..].trim_start().strip_prefix(first);
            !first.is_empty() && rest.is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        match lines.into_iter().find(sets) {
            Some(at) => Place::of(&file, text, at),
            None if table < text.len() => Place::of(&file, text, table),
            None => Place { file, line: 0, column: 0 },
        }
    }
}

/// Finds all revisions of some folders, in the order of the folders and of the
/// names in each, or reports everything that is wrong with them. Folders without
/// a `migration.toml` are none of ours, unless they hold a revision's scripts; in a
/// recursive one they are looked into.
pub fn scan(dirs: &[MigrationsDir]) -> Result<Vec<Found>, ScanErrors> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for dir in dirs {
        scan_folder(&dir.path, dir, dirs, &mut found, &mut errors);
    }
    if errors.is_empty() { Ok(found) } else { Err(ScanErrors(errors)) }
}

fn scan_folder(
    path: &Path,
    of: &MigrationsDir,
    all: &[MigrationsDir],
    found: &mut Vec<Found>,
    errors: &mut Vec<ScanError>,
) {
    // A folder that is named by itself is not looked into from above; nor is a
    // link, which may lead back up.
    let is_looked_into = |dir: &Path| {
        of.is_recursive()
            && dir.is_dir()
            && !dir.is_symlink()
            && !all.iter().any(|other| is_same(&other.path, dir))
    };

    let folders = match folders(path) {
        Ok(folders) => folders,
        Err(error) => return errors.push(error),
    };
    let revisions = read_revisions(&folders, of.package.as_ref());
    for (dir, revision) in folders.into_iter().zip(revisions) {
        match revision {
            Ok(Some(revision)) => found.push(revision),
            Ok(None) if is_looked_into(&dir) => scan_folder(&dir, of, all, found, errors),
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Reads folders, in their order. Many of them by several threads: most of the
/// time goes into opening files.
fn read_revisions(
    folders: &[PathBuf],
    package: Option<&PackageName>,
) -> Vec<Result<Option<Found>, ScanError>> {
    let read = |dir: &PathBuf| read_revision(dir, package);
    match folders.len() < WORTH_THREADS {
        true => folders.iter().map(read).collect(),
        false => folders.par_iter().map(read).collect(),
    }
}

/// The folders in a folder, by name; hidden ones and what cargo builds are left
/// out.
fn folders(path: &Path) -> Result<Vec<PathBuf>, ScanError> {
    let unreadable = |source| ScanError::Unreadable { path: path.to_owned(), source };
    let mut dirs = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // A link to a folder is followed; a file is not worth another look.
        let is_file = entry.file_type().map_err(unreadable)?.is_file();
        let name = entry.file_name();
        let is_left_out = name == "target" || name.as_encoded_bytes().starts_with(b".");
        if !is_file && !is_left_out {
            dirs.push(entry.path());
        }
    }
    dirs.sort();
    Ok(dirs)
}

fn read_revision(dir: &Path, package: Option<&PackageName>) -> Result<Option<Found>, ScanError> {
    let file = dir.join(MANIFEST_FILE);
    let Some(text) = read_text(&file)? else {
        return match SCRIPTS.into_iter().find(|script| dir.join(script).is_file()) {
            Some(file) => Err(ScanError::NoManifest { dir: dir.to_owned(), file }),
            None => Ok(None),
        };
    };
    let mut manifest = Manifest::parse(&file, &text)?;
    if let Some(package) = package {
        manifest.revision = manifest.revision.in_package(package);
    }
    let mut digest = SourceDigest::new();
    digest.add(MANIFEST_FILE, text.as_bytes());
    let scripts = match manifest.kind {
        Kind::Sql => Some(read_scripts(dir, &manifest, &mut digest)?),
        Kind::Rust => {
            add_crate(dir, &manifest, &mut digest)?;
            None
        }
        // What runs it is pinned in runner.lock: a newer one is no edit.
        Kind::Plugin | Kind::Imported => None,
    };
    let source_digest = digest.finish();
    Ok(Some(Found { dir: dir.to_owned(), manifest, source_digest, scripts, text: text.into() }))
}

fn read_scripts(dir: &Path, manifest: &Manifest, digest: &mut SourceDigest) -> Result<Scripts, ScanError> {
    let upgrade =
        read_text(&dir.join("upgrade.sql"))?.ok_or_else(|| missing(dir, manifest, "upgrade.sql"))?;
    digest.add("upgrade.sql", upgrade.as_bytes());
    let downgrade = read_text(&dir.join("downgrade.sql"))?;
    if let Some(downgrade) = &downgrade {
        digest.add("downgrade.sql", downgrade.as_bytes());
    }
    Ok(Scripts { upgrade, downgrade })
}

fn missing(dir: &Path, manifest: &Manifest, file: &'static str) -> ScanError {
    ScanError::MissingFile {
        revision: manifest.revision.to_string(),
        kind: manifest.kind.as_str(),
        file,
        dir: dir.to_owned(),
    }
}

/// Adds a crate's sources: everything in the folder but what tools leave there.
fn add_crate(dir: &Path, manifest: &Manifest, digest: &mut SourceDigest) -> Result<(), ScanError> {
    if !dir.join("Cargo.toml").is_file() {
        return Err(missing(dir, manifest, "Cargo.toml"));
    }
    for relative in files_below(dir)? {
        // The manifest is in already.
        if relative != Path::new(MANIFEST_FILE) {
            digest.add(&slashed(&relative), &read_bytes(&dir.join(&relative))?);
        }
    }
    Ok(())
}

/// The digest of what a plugin's crate is built from: its files, but for its tests,
/// its cases and its documentation.
pub(super) fn crate_digest(dir: &Path) -> Result<Digest, ScanError> {
    let is_beside = |path: &Path| {
        let top = path
            .iter()
            .next()
            .is_some_and(|first| ["tests", "cases", "benches"].iter().any(|name| first == *name));
        top || path.extension().is_some_and(|extension| extension == "md")
    };
    let mut digest = SourceDigest::new();
    for relative in files_below(dir)?.into_iter().filter(|path| !is_beside(path)) {
        digest.add(&slashed(&relative), &read_bytes(&dir.join(&relative))?);
    }
    Ok(digest.finish())
}

/// The files of a folder and of the folders in it, as paths below it: everything
/// but what tools leave there.
pub(super) fn files_below(dir: &Path) -> Result<Vec<PathBuf>, ScanError> {
    let (mut files, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(relative) = open.pop() {
        let here = dir.join(&relative);
        let unreadable = |source| ScanError::Unreadable { path: here.clone(), source };
        for entry in std::fs::read_dir(&here).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            if is_left_by_tools(&relative, &name.to_string_lossy()) {
                continue;
            }
            let relative = relative.join(&name);
            match entry.path().is_dir() {
                true => open.push(relative),
                false => files.push(relative),
            }
        }
    }
    Ok(files)
}

/// A lock file says which versions were built, not what the author wrote.
fn is_left_by_tools(folder: &Path, name: &str) -> bool {
    let at_top = folder.as_os_str().is_empty();
    (at_top && matches!(name, "target" | "Cargo.lock")) || name.starts_with('.')
}

fn slashed(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, ScanError> {
    std::fs::read(path).map_err(|source| ScanError::Unreadable { path: path.to_owned(), source })
}

/// The text of a file; none if there is no such file.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, ScanError> {
    match std::fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map(without_mark).map(Some).map_err(|error| {
            ScanError::NotUtf8 { path: path.to_owned(), at: error.utf8_error().valid_up_to() }
        }),
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(source) => Err(ScanError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Leaves out the byte order mark that some editors begin a file with.
fn without_mark(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(root: &Path) -> Result<Vec<Found>, ScanErrors> {
        super::scan(&[MigrationsDir::new(root)])
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        std::fs::write(path, text).expect("writes");
    }

    fn manifest(revision: &str, kind: &str) -> String {
        format!("revision = \"{revision}\"\nparents = []\nmessage = \"m\"\nkind = \"{kind}\"\n")
    }

    #[test]
    fn revisions_are_found_in_the_order_of_their_folders() {
        let root = tempfile::tempdir().expect("a folder");
        write(root.path(), "2_b/migration.toml", &manifest("b", "sql"));
        write(root.path(), "2_b/upgrade.sql", "select 1");
        write(root.path(), "1_a/migration.toml", &manifest("a", "rust"));
        write(root.path(), "1_a/Cargo.toml", "[package]");
        write(root.path(), "notes/readme.md", "nothing");
        write(root.path(), "Cargo.toml", "[workspace]");
        let found = scan(root.path()).expect("sound");
        let ids: Vec<_> = found.iter().map(|found| found.manifest.revision.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(found[1].params(), json!({ "upgrade": "select 1" }));
    }

    #[test]
    fn a_recursive_folder_is_looked_into_and_a_package_names_its_revisions() {
        let root = tempfile::tempdir().expect("a folder");
        for (path, id) in [("2024/01/x", "a"), ("2024/y", "b"), ("z", "c"), (".hidden/w", "d")] {
            write(root.path(), &format!("{path}/migration.toml"), &manifest(id, "sql"));
            write(root.path(), &format!("{path}/upgrade.sql"), "");
        }
        let mut dir = MigrationsDir::new(root.path());
        let ids = |dir: &MigrationsDir| {
            let found = super::scan(std::slice::from_ref(dir)).expect("sound");
            found.iter().map(|found| found.manifest.revision.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&dir), ["c"]);
        dir.recursive = Some(true);
        assert_eq!(ids(&dir), ["a", "b", "c"]);
        dir.package = Some(PackageName::new("billing").expect("a name"));
        assert_eq!(ids(&dir), ["billing:a", "billing:b", "billing:c"]);
        std::os::unix::fs::symlink(".", root.path().join("loop")).expect("links");
        assert_eq!(ids(&dir).len(), 3, "a link that leads back is not followed");
        let inner = MigrationsDir::new(root.path().join("2024"));
        let both = super::scan(&[dir, inner]).expect("sound");
        let ids: Vec<_> = both.iter().map(|found| found.manifest.revision.as_str()).collect();
        assert_eq!(ids, ["billing:c", "b"], "the inner folder is not read twice");
    }

    #[test]
    fn what_tools_leave_in_a_crate_is_no_edit() {
        let root = tempfile::tempdir().expect("a folder");
        write(root.path(), "a/migration.toml", &manifest("a", "rust"));
        write(root.path(), "a/Cargo.toml", "[package]");
        write(root.path(), "a/src/lib.rs", "// one\r\n");
        let digest = || scan(root.path()).expect("sound")[0].source_digest;
        let before = digest();
        write(root.path(), "a/target/x", "built");
        write(root.path(), "a/Cargo.lock", "locked");
        write(root.path(), "a/src/lib.rs", "// one\n");
        assert_eq!(digest(), before);
        write(root.path(), "a/src/more.rs", "// two\n");
        assert_ne!(digest(), before);
    }

    #[test]
    fn everything_that_is_wrong_is_reported() {
        let root = tempfile::tempdir().expect("a folder");
        write(root.path(), "a/migration.toml", &manifest("a", "sql"));
        write(root.path(), "b/migration.toml", "revision = 7\n");
        write(root.path(), "c/migration.toml", &manifest("c", "rust"));
        write(root.path(), "d/downgrade.sql", "");
        let errors = scan(root.path()).expect_err("four errors").0;
        assert!(matches!(&errors[0], ScanError::MissingFile { file: "upgrade.sql", .. }));
        assert!(matches!(&errors[1], ScanError::Manifest(_)));
        assert!(matches!(&errors[2], ScanError::MissingFile { file: "Cargo.toml", .. }));
        assert!(matches!(&errors[3], ScanError::NoManifest { file: "downgrade.sql", .. }));
    }
}
