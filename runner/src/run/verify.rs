//! Comparing the folder, the components and the ledger, without changing any.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::Drift;
use crate::revision::{PluginName, RevisionId};
use crate::source::BuildStop;

use super::beside::beside;
use super::error::with_causes;
use super::prepare::Preparer;
use super::{Migrator, PrepareError, RunError, State};

/// One thing that `verify` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// Applied, and edited since.
    Changed {
        /// The revision.
        revision: RevisionId,
    },
    /// Applied, and not on disk.
    Missing {
        /// The revision.
        revision: RevisionId,
    },
    /// The ledger's copy of its component is damaged or gone.
    LedgerComponent {
        /// The revision.
        revision: RevisionId,
        /// What is wrong.
        reason: String,
    },
    /// A plugin of runner.toml that is not pinned, or is not the one that is.
    Plugin {
        /// The plugin.
        plugin: PluginName,
        /// What is wrong.
        reason: String,
    },
    /// It could not be run as it is on disk.
    NotRunnable {
        /// The revision.
        revision: RevisionId,
        /// Why.
        reason: String,
    },
}

/// What `verify` looked at, and what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Revisions on disk.
    pub on_disk: usize,
    /// Revisions that are applied.
    pub applied: usize,
    /// What is wrong; empty if all is well.
    pub findings: Vec<Finding>,
}

impl Migrator {
    /// Compares the folder, the components and the ledger. Takes no lock and
    /// writes nothing but finished components' caches.
    pub async fn verify(&self) -> Result<Verification, RunError> {
        let (state, unsound) = self.unsound_components().await?;
        let mut findings: Vec<Finding> = state.drift().into_iter().map(finding).collect();
        findings.extend(
            unsound.into_iter().map(|(revision, reason)| Finding::LedgerComponent { revision, reason }),
        );
        let unfit = self.unfit_plugins().await;
        let of_plugin = |(plugin, reason): (&PluginName, &String)| Finding::Plugin {
            plugin: plugin.clone(),
            reason: reason.clone(),
        };
        findings.extend(unfit.iter().map(of_plugin));
        findings.extend(self.not_runnable(&state, &unfit).await);
        Ok(Verification { on_disk: state.on_disk.revisions.len(), applied: state.applied.len(), findings })
    }

    /// Compares runner.toml, runner.lock and the plugins. That a crate is not built
    /// yet is no finding.
    async fn unfit_plugins(&self) -> BTreeMap<PluginName, String> {
        let project = self.project().clone();
        let find = move |stop: &BuildStop| {
            let unfit = |plugin: &PluginName| {
                let error = project.plugin_artifact_until(plugin, stop).err()?;
                Some((plugin.clone(), with_causes(&error)))
            };
            project.config.plugins.keys().filter_map(unfit).collect()
        };
        beside(find).await
    }

    /// Checks each revision on disk as an upgrade would. A registry that did not give
    /// a plugin is not asked again for each of its revisions.
    async fn not_runnable(&self, state: &State, unfit: &BTreeMap<PluginName, String>) -> Vec<Finding> {
        let mut preparer = Preparer::new(self.host(), self.project());
        let mut findings = Vec::new();
        for found in state.on_disk.revisions.values() {
            let not_had = found.plugin().filter(|plugin| self.project().is_of_registry(plugin));
            if let Some(reason) = not_had.and_then(|plugin| unfit.get(plugin)) {
                let (revision, reason) = (found.manifest.revision.clone(), reason.clone());
                findings.push(Finding::NotRunnable { revision, reason });
                continue;
            }
            // What is not built yet is no finding, since a fresh clone is sound;
            // nor is what was imported to be stamped.
            if let Err(error) = preparer.check(found).await
                && !matches!(error, PrepareError::NotBuilt | PrepareError::Imported { .. })
            {
                let revision = found.manifest.revision.clone();
                findings.push(Finding::NotRunnable { revision, reason: with_causes(&error) });
            }
        }
        findings
    }
}

fn finding(drift: Drift) -> Finding {
    match drift {
        Drift::Changed { revision, .. } => Finding::Changed { revision },
        Drift::Missing { revision } => Finding::Missing { revision },
    }
}
