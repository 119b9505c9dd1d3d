//! Making revisions of another tool's: everything is read and checked before
//! the first file is written, and the folders appear at the end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::graph::GraphError;
use crate::revision::{Digest, Kind, PackageName, RevisionId};
use crate::source::alembic::{
    self, Finding, Layout, LayoutError, Made, Offline, OfflineError, RevisionFile, read_revisions,
    run_offline,
};
use crate::source::{self, Found, MigrationsDir, Project, ScanErrors, TemplateError, write_revision};

use super::{Migrator, OnDisk, RunError};

/// How an Alembic project is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// The Alembic project: its folder, its configuration, or its script
    /// directory.
    pub dir: PathBuf,
    /// The section of its .ini file.
    pub section: String,
    /// Alembic's program, which runs the project's env.py; without it the
    /// revisions come without SQL.
    pub alembic: Option<PathBuf>,
    /// Write nothing.
    pub dry_run: bool,
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The revisions, in the order of their folders; those that were there
    /// already at the end.
    pub revisions: Vec<ImportedRevision>,
    /// What could not be carried over.
    pub not_carried_over: Vec<Finding>,
    /// Alembic's version, where it was run.
    pub alembic: Option<String>,
    /// The table of versions, as `stamp` takes it, where Alembic was run.
    pub version_table: Option<String>,
}

/// What became of one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportedRevision {
    /// Its id.
    pub revision: RevisionId,
    /// What became of it.
    pub outcome: ImportOutcome,
    /// Its folder.
    pub dir: PathBuf,
    /// Alembic's file, relative to its project.
    pub file: String,
}

/// What became of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportOutcome {
    /// It is of kind `sql` now.
    Imported,
    /// It can be stamped, and not be run.
    Marked,
    /// It was imported before.
    Skipped,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no Alembic project.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Its revisions cannot be read.
    #[error("the Alembic project cannot be read")]
    Unread(Vec<Finding>),
    /// Alembic cannot be run.
    #[error(transparent)]
    Offline(#[from] OfflineError),
    /// There are other revisions of the same ids.
    #[error("there are other revisions of the same ids")]
    Conflicts(Vec<Finding>),
    /// The revisions do not fit together.
    #[error("the revisions do not fit together")]
    Graph(Vec<GraphError>),
    /// What was made cannot be read again.
    #[error("the revisions that were made cannot be read")]
    Made(ScanErrors),
    /// The revisions on disk are wrong.
    #[error(transparent)]
    OnDisk(#[from] Box<RunError>),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] TemplateError),
    /// A folder cannot be made, moved or removed.
    #[error("{} cannot be written", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Migrator {
    /// Imports an Alembic project; no database is needed. What was imported
    /// before, and is the same, is left alone.
    pub fn import_alembic(project: &Project, options: &ImportOptions) -> Result<Import, ImportError> {
        let on_disk = Self::on_disk(project).map_err(Box::new)?;
        let layout = Layout::find(&options.dir, &options.section)?;
        let files = read_revisions(&layout).map_err(ImportError::Unread)?;
        let place = project.migrations_dirs().swap_remove(0);
        let existing = Existing { on_disk: &on_disk, package: place.package.as_ref() };
        let known = known(&files, &existing)?;
        let offline = offline(project, &layout, &files, &known, options.alembic.as_deref())?;
        let wanted = |id: &str| !known.contains(id);
        let made = alembic::make(&files, offline.as_ref(), wanted).map_err(ImportError::Unread)?;
        let staging = Staging::new(&place.path)?;
        stage(&staging.0, &made)?;
        check(MigrationsDir { path: staging.0.clone(), ..place.clone() }, &on_disk)?;
        if !options.dry_run {
            publish(&staging.0, &place.path, &made)?;
        }
        Ok(report(&layout, &files, made, offline.as_ref(), &existing, &place.path))
    }
}

/// The ids that were imported before; others of the same ids are reported.
fn known<'a>(files: &'a [RevisionFile], existing: &Existing<'_>) -> Result<BTreeSet<&'a str>, ImportError> {
    let (mut known, mut conflicts) = (BTreeSet::new(), Vec::new());
    for file in files {
        let id = file.script.revision.as_str();
        let Some(found) = existing.find(id) else { continue };
        match conflict(found, file.digest) {
            None => {
                known.insert(id);
            }
            Some(why) => conflicts.push(Finding {
                file: file.file.clone(),
                line: 0,
                what: format!("revision `{id}` is in {}, {why}", found.dir.display()),
            }),
        }
    }
    if conflicts.is_empty() { Ok(known) } else { Err(ImportError::Conflicts(conflicts)) }
}

/// The revisions that are there, as seen from the folder of new ones.
struct Existing<'a> {
    on_disk: &'a OnDisk,
    /// The package of that folder.
    package: Option<&'a PackageName>,
}

impl Existing<'_> {
    fn id(&self, id: &RevisionId) -> RevisionId {
        self.package.map_or_else(|| id.clone(), |package| id.in_package(package))
    }

    fn find(&self, id: &str) -> Option<&Found> {
        self.on_disk.revisions.get(&self.id(&RevisionId::new(id).ok()?))
    }
}

fn conflict(found: &Found, digest: Digest) -> Option<&'static str> {
    match &found.manifest.imported {
        None => Some("and was not imported"),
        Some(imported) if imported.digest != digest => Some("and this file was edited since it was imported"),
        Some(_) => None,
    }
}

/// Runs Alembic for the new revisions, if there are any.
fn offline(
    project: &Project,
    layout: &Layout,
    files: &[RevisionFile],
    known: &BTreeSet<&str>,
    program: Option<&Path>,
) -> Result<Option<Offline>, ImportError> {
    let ids = files.iter().map(|file| file.script.revision.as_str());
    let new: Vec<&str> = ids.filter(|id| !known.contains(id)).collect();
    let Some(program) = program.filter(|_| !new.is_empty()) else {
        return Ok(None);
    };
    let scratch = Staging::new(&project.root.join(".runner"))?;
    Ok(Some(run_offline(program, layout, &new, &scratch.0)?))
}

/// A folder that is removed again.
struct Staging(PathBuf);

impl Staging {
    /// Makes one below a folder, which may not exist yet.
    fn new(below: &Path) -> Result<Self, ImportError> {
        let path = below.join(format!(".import-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&path)
            .map_err(|source| ImportError::Io { path: path.clone(), source })
            .map(|()| Self(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!("{} could not be removed: {error}", self.0.display());
        }
    }
}

fn stage(staging: &Path, made: &[Made]) -> Result<(), ImportError> {
    for revision in made {
        write_revision(&staging.join(&revision.folder), &revision.manifest, revision.scripts.as_ref())?;
    }
    Ok(())
}

/// What was made must be read again, and fit to what is there.
fn check(staging: MigrationsDir, existing: &OnDisk) -> Result<(), ImportError> {
    let mut found: Vec<Found> = existing.revisions.values().cloned().collect();
    found.extend(source::scan(&[staging]).map_err(ImportError::Made)?);
    OnDisk::new(found).map(|_| ()).map_err(ImportError::Graph)
}

/// Moves the folders to where they belong: all of them, or none.
fn publish(staging: &Path, migrations: &Path, made: &[Made]) -> Result<(), ImportError> {
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    for revision in made {
        let (from, to) = (staging.join(&revision.folder), migrations.join(&revision.folder));
        // A rename would replace an empty folder without a word.
        let result = match to.exists() {
            true => Err(std::io::ErrorKind::AlreadyExists.into()),
            false => std::fs::rename(&from, &to),
        };
        if let Err(source) = result {
            for (from, to) in moved {
                if let Err(error) = std::fs::rename(&to, &from) {
                    tracing::warn!("{} could not be taken back: {error}", to.display());
                }
            }
            return Err(ImportError::Io { path: to, source });
        }
        moved.push((from, to));
    }
    Ok(())
}

fn report(
    layout: &Layout,
    files: &[RevisionFile],
    mut made: Vec<Made>,
    offline: Option<&Offline>,
    existing: &Existing<'_>,
    migrations: &Path,
) -> Import {
    made.sort_by(|a, b| a.folder.cmp(&b.folder));
    let mut not_carried_over = layout.findings.clone();
    not_carried_over.extend(offline.into_iter().flat_map(|offline| around(layout, offline)));
    let mut revisions = Vec::with_capacity(files.len());
    let mut new = BTreeSet::new();
    for revision in made {
        let id = revision.manifest.revision;
        new.insert(id.as_str().to_owned());
        not_carried_over.extend(revision.findings);
        revisions.push(ImportedRevision {
            outcome: match revision.manifest.kind {
                Kind::Imported => ImportOutcome::Marked,
                Kind::Sql | Kind::Rust | Kind::Plugin => ImportOutcome::Imported,
            },
            revision: existing.id(&id),
            dir: migrations.join(revision.folder),
            file: revision.manifest.imported.map(|imported| imported.file).unwrap_or_default(),
        });
    }
    let skipped = files.iter().filter(|file| !new.contains(&file.script.revision));
    revisions.extend(skipped.filter_map(|file| {
        let found = existing.find(&file.script.revision)?;
        Some(ImportedRevision {
            revision: found.manifest.revision.clone(),
            outcome: ImportOutcome::Skipped,
            dir: found.dir.clone(),
            file: file.file.display().to_string(),
        })
    }));
    Import {
        revisions,
        not_carried_over,
        alembic: offline.map(|offline| offline.alembic.clone()),
        version_table: offline.and_then(Offline::qualified_version_table),
    }
}

/// What env.py sends by itself belongs to no revision.
fn around(layout: &Layout, offline: &Offline) -> Vec<Finding> {
    let file = layout.env_py();
    let what = |sql: &String| format!("env.py itself sends: {}", sql.lines().next().unwrap_or_default());
    offline.around.iter().map(|sql| Finding { file: file.clone(), line: 0, what: what(sql) }).collect()
}
