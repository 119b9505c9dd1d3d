//! Making a bundle of a project.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::graph::Target;
use crate::host::Host;
use crate::plan::{PlanError, Step};
use crate::revision::{Digest, Direction, Kind, RevisionId};
use crate::source::{BuildStop, BundleError, Packed, Project};

use super::prepare::{Preparer, named_in};
use super::{Migrator, OnDisk, PrepareError, Reporter, RunError};

/// Makes bundles of a project; no database is needed.
pub struct Bundler {
    project: Project,
    host: Host,
    reporter: Reporter,
}

/// A bundle that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleOutcome {
    /// The file.
    pub file: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// The digest of its manifest, by which a registry knows it.
    pub digest: Digest,
    /// How many revisions it has.
    pub revisions: usize,
    /// How many different components it has.
    pub components: usize,
}

impl Bundler {
    /// Brings a project and a host together. `reporter` hears what is built.
    pub fn new(project: Project, host: Host, reporter: Reporter) -> Self {
        Self { project, host, reporter }
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Writes a bundle of the revisions that `target` needs, itself included.
    /// Crates that are not built are built, and each revision is checked as an
    /// upgrade would check it before anything is written.
    pub async fn write(&self, target: &Target, file: &Path) -> Result<BundleOutcome, RunError> {
        let on_disk = Migrator::on_disk(&self.project)?;
        let numbers = on_disk.graph.locate(target, None).map_err(PlanError::from)?;
        let order = on_disk.graph.order_of(&numbers);
        let mut revisions = on_disk.graph.ids(&order);
        let mut preparer = Preparer::new(&self.host, &self.project);
        let steps: Vec<Step> = revisions.iter().map(step).collect();
        preparer.build_missing(&steps, &on_disk, &self.reporter, &BuildStop::default()).await?;
        self.check(&mut preparer, &revisions, &on_disk).await?;
        revisions.sort();
        let mut with_components = Vec::with_capacity(revisions.len());
        for revision in &revisions {
            let found = &on_disk.revisions[revision];
            let artifact = match found.manifest.kind {
                Kind::Rust | Kind::Plugin => {
                    let artifact = self.project.artifact(found).map_err(named_in(found));
                    artifact.map_err(|error| failed(revision, error))?
                }
                Kind::Sql | Kind::Imported => None,
            };
            with_components.push((found.clone(), artifact));
        }
        let packed = Packed::new(&self.project, &with_components)
            .map_err(|fault| BundleError { path: file.to_owned(), fault })?;
        packed.write(file)?;
        Ok(BundleOutcome {
            file: file.to_owned(),
            bytes: packed.size(),
            digest: packed.digest(),
            revisions: packed.revisions(),
            components: packed.components(),
        })
    }

    /// Checks the revisions as an upgrade would; what is wrong is known where it
    /// can be put right. What was imported to be stamped is not run.
    async fn check(
        &self,
        preparer: &mut Preparer<'_>,
        revisions: &[RevisionId],
        on_disk: &OnDisk,
    ) -> Result<(), RunError> {
        for revision in revisions {
            match preparer.check(&on_disk.revisions[revision]).await {
                Ok(()) | Err(PrepareError::Imported { .. }) => {}
                Err(error) => return Err(failed(revision, error)),
            }
        }
        Ok(())
    }
}

fn step(revision: &RevisionId) -> Step {
    Step { revision: revision.clone(), direction: Direction::Upgrade, heads_after: Vec::new() }
}

fn failed(revision: &RevisionId, source: PrepareError) -> RunError {
    RunError::Prepare { revision: revision.clone(), source: Box::new(source) }
}
