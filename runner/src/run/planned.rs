//! What can be said of a plan without running any of it: whether the plugins that
//! it needs fit.

use std::collections::BTreeSet;

use crate::host::Host;
use crate::plan::Plan;
use crate::revision::PluginName;
use crate::source::{Found, Project};

use super::beside::beside;
use super::prepare::Preparer;
use super::{OnDisk, Override, PrepareError, RunError};

/// Checks those revisions of an upgrade that plugins run, as the upgrade would: the
/// lock, the component, the parameters, the grants. `params` take the place of what
/// the manifests say. Nothing is built: returns the plugins that would have to be.
pub async fn check_plugins(
    project: &Project,
    host: &Host,
    plan: &Plan,
    on_disk: &OnDisk,
    params: &[Override],
) -> Result<BTreeSet<PluginName>, RunError> {
    let of_steps = plan.steps.iter().filter_map(|step| on_disk.revisions.get(&step.revision));
    let plugins: BTreeSet<PluginName> = of_steps.filter_map(Found::plugin).cloned().collect();
    let here = project.clone();
    beside(move |stop| here.pull_plugins(&plugins, stop)).await?;
    let mut preparer = Preparer::new(host, project).with_overrides(params);
    let mut not_built = BTreeSet::new();
    for step in &plan.steps {
        let Some(found) = on_disk.revisions.get(&step.revision) else { continue };
        let Some(plugin) = found.plugin() else { continue };
        match preparer.check(found).await {
            Ok(()) => {}
            Err(PrepareError::NotBuilt) => {
                not_built.insert(plugin.clone());
            }
            Err(source) => {
                return Err(RunError::Prepare { revision: step.revision.clone(), source: Box::new(source) });
            }
        }
    }
    Ok(not_built)
}
