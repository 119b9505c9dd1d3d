//! The revision files of a project: found, opened, and read.

use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::script::{Script, Unread, read};
use super::{Finding, relative};
use crate::revision::Digest;

/// The largest file that is read, in bytes: ten times what people write.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// A revision file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionFile {
    /// The file, relative to the Alembic project.
    pub file: PathBuf,
    /// Its digest; says whether it was edited since.
    pub digest: Digest,
    /// What it says.
    pub script: Script,
}

/// Reads all revision files, in the order of their names, or reports everything
/// in them that cannot be read.
pub fn read_revisions(layout: &Layout) -> Result<Vec<RevisionFile>, Vec<Finding>> {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for location in &layout.versions {
        for path in list(location, layout.recursive, &mut unread) {
            let file = relative(&layout.root, &path);
            match read_file(&path, &file) {
                Ok(revision) => found.push(revision),
                Err(wrong) => {
                    unread.extend(wrong.into_iter().map(|wrong| Finding::at(&file, wrong.line, wrong.what)));
                }
            }
        }
    }
    report_duplicates(&found, &mut unread);
    if unread.is_empty() { Ok(found) } else { Err(unread) }
}

fn report_duplicates(found: &[RevisionFile], unread: &mut Vec<Finding>) {
    for (at, revision) in found.iter().enumerate() {
        let id = &revision.script.revision;
        if let Some(first) = found[..at].iter().find(|other| other.script.revision == *id) {
            let what = format!("revision `{id}` is also in {}", first.file.display());
            unread.push(Finding::at(&revision.file, 0, what));
        }
    }
}

/// The files of a folder that Alembic would load.
fn list(location: &Path, recursive: bool, unread: &mut Vec<Finding>) -> Vec<PathBuf> {
    let (mut files, mut open) = (Vec::new(), vec![location.to_owned()]);
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                unread.push(Finding::at(&folder, 0, format!("the folder cannot be read: {error}")));
                continue;
            }
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            // A link to a folder could lead round in a circle.
            if path.is_dir() {
                let enters = recursive && !path.is_symlink() && !path.ends_with("__pycache__");
                open.extend(enters.then_some(path));
            } else if is_revision_name(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// As Alembic tells them: not `__init__.py`, nor what an editor leaves behind.
fn is_revision_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".py") && !name.starts_with("__init__") && !name.starts_with(".#")
}

fn read_file(path: &Path, file: &Path) -> Result<RevisionFile, Vec<Unread>> {
    let wrong = |what: String| vec![Unread::new(0, what)];
    let size = std::fs::metadata(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?.len();
    if size > MAX_FILE {
        return Err(wrong(format!("it has {size} bytes, more than the {MAX_FILE} of a revision file")));
    }
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let text = decode(&bytes)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let script = read(text, &stem)?;
    Ok(RevisionFile { file: file.to_owned(), digest: Digest::of(&bytes), script })
}

/// The text of a Python file. Python's other encodings are old, and rare; none
/// is guessed.
pub fn decode(bytes: &[u8]) -> Result<&str, Vec<Unread>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let line_of = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(vec![Unread::new(line_of(at), "it is no text: it holds a zero byte")]);
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        vec![Unread::new(line_of(at), format!("it is not UTF-8 (byte {at}); save it as UTF-8"))]
    })
}
