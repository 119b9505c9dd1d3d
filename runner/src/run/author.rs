//! Making a new revision: does it fit, where does it go, write it.

use std::path::{Path, PathBuf};

use crate::graph::{GrowError, Node};
use crate::revision::{PackageName, RevisionId};
use crate::source::{self, MigrationsDir, NewFiles, NewRevision, Project, TemplateError};

use super::OnDisk;

/// Where a new revision goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Whether its parents need not be heads.
    pub splice: bool,
    /// The folder of migrations; none for that of its first parent.
    pub migrations: Option<PathBuf>,
}

/// A revision that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its id, with its package if it is part of one.
    pub id: RevisionId,
    /// Its files.
    pub files: NewFiles,
}

/// Why a revision was not made. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AuthorError {
    /// It does not fit the revisions that there are.
    #[error("the new revision does not fit")]
    Grow(Vec<GrowError>),
    /// The folder is none of the project's.
    #[error("{} is no folder of migrations of this project", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Those of the project.
        known: Vec<MigrationsDir>,
    },
    /// There are several folders, and no parent decides.
    #[error("the project has several folders of migrations")]
    SeveralFolders(Vec<MigrationsDir>),
    /// Its files cannot be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Writes the files of a new revision, if it fits the revisions that there are.
/// Its parents are whole ids; in the manifest those of its own package are named
/// without it.
pub fn write_revision(
    project: &Project,
    on_disk: &OnDisk,
    mut new: NewRevision,
    place: &Place,
) -> Result<Written, AuthorError> {
    let migrations = migrations_of(project, on_disk, &new, place.migrations.as_deref())?;
    let package = migrations.package.as_ref();
    let id = package.map_or_else(|| new.id.clone(), |package| new.id.in_package(package));
    on_disk.graph.check_new(&node(&id, &new), place.splice).map_err(AuthorError::Grow)?;
    new.parents = new.parents.iter().map(|parent| within(parent, package)).collect();
    let files = source::new_revision(project, &migrations, &new)?;
    Ok(Written { id, files })
}

fn node(id: &RevisionId, new: &NewRevision) -> Node {
    let origin = "the new revision".to_owned();
    let node = Node {
        parents: new.parents.clone(),
        labels: new.labels.clone(),
        origin: origin.clone(),
        ..Node::bare(id.clone())
    };
    node.depending_on(&new.depends_on, |_| origin.clone())
}

/// An id as it is named within a package.
fn within(id: &RevisionId, package: Option<&PackageName>) -> RevisionId {
    match package.is_some_and(|package| id.package() == Some(package.as_str())) {
        true => RevisionId::new(id.local()).expect("a part of an id is one"),
        false => id.clone(),
    }
}

/// The folder of migrations that was asked for, or that of the first parent, or
/// the only one there is.
fn migrations_of(
    project: &Project,
    on_disk: &OnDisk,
    new: &NewRevision,
    asked: Option<&Path>,
) -> Result<MigrationsDir, AuthorError> {
    let known = project.migrations_dirs();
    if let Some(path) = asked {
        // As the shell completes it, or as runner.toml spells it.
        let spellings = [canonical(path), canonical(&project.root.join(path))];
        let same = |dir: &&MigrationsDir| spellings.contains(&canonical(&dir.path));
        let path = path.to_owned();
        return known.iter().find(same).cloned().ok_or(AuthorError::NotOurs { path, known });
    }
    if let [only] = known.as_slice() {
        return Ok(only.clone());
    }
    let parent = new.parents.first().and_then(|parent| on_disk.revisions.get(parent));
    let of_parent = |dir: &&MigrationsDir| parent.is_some_and(|found| found.dir.starts_with(&dir.path));
    // Of two folders of which one is in the other, the inner one.
    let found = known.iter().filter(of_parent).max_by_key(|dir| dir.path.components().count());
    found.cloned().ok_or(AuthorError::SeveralFolders(known))
}

/// One spelling of a path, also of one that does not exist yet.
fn canonical(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.canonicalize().unwrap_or_else(|_| absolute())
}
