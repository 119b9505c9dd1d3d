//! Reading an Alembic project, and making revisions of it.
//!
//! Its files are read and not run: `python` knows the grammar, `literal`,
//! `bindings` and `remark` what it means, `script` the one file, `file` all of
//! them. Only `offline` starts Alembic, where that is wanted; `make` puts both
//! together. What cannot be carried over is listed as a [`Finding`], and never
//! guessed.

mod bindings;
mod config;
mod file;
mod layout;
mod literal;
mod make;
mod offline;
mod python;
mod remark;
mod script;
mod sql;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use file::{RevisionFile, read_revisions};
pub use layout::{Layout, LayoutError};
pub use make::{Made, make};
pub use offline::{Offline, OfflineError, run_offline};
pub use script::Script;

/// Something in an Alembic project that cannot be read, or not be carried over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, relative to the Alembic project.
    pub file: PathBuf,
    /// The line, from 1; 0 where only the file is known.
    pub line: usize,
    /// What it is.
    pub what: String,
}

impl Finding {
    pub(super) fn at(file: &Path, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.what),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.what),
        }
    }
}

/// A path as seen from the Alembic project: the same on every machine.
fn relative(root: &Path, path: &Path) -> PathBuf {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match path.strip_prefix(root) {
        Ok(below) => below.to_owned(),
        Err(_) => {
            canonical(path).strip_prefix(canonical(root)).map_or_else(|_| path.to_owned(), Path::to_owned)
        }
    }
}
