//! Making a plan runnable: read, verify, compile and check everything, before
//! the first statement of the first step.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::db::{PostgresSession, SharedSession};
use crate::host::{Call, Component, Description, Grants, Host, Limits};
use crate::ledger::Ledger;
use crate::plan::Step;
use crate::policy::{self, Policy, Remembered};
use crate::revision::{
    Capabilities, CapabilityError, Digest, Direction, Kind, Manifest, PluginName, PluginUse, Redactor,
    Request, SecretRef, TransactionMode,
};
use crate::source::{self, Artifact, BuildStop, Found, PluginError, Project, Scripts, sql_component};

use super::alone::Script;
use super::overrides::Overrides;
use super::pinned::Plugins;
use super::rules::Rules;
use super::secrets::{Secrets, resolve};
use super::sink::StepSink;
use super::{Event, OnDisk, Override, PrepareError, Reporter, RunError};

/// A step with everything that it takes to run it.
pub(super) struct Prepared {
    pub(super) step: Step,
    pub(super) manifest: Manifest,
    /// The parameters as the manifest has them: a secret is a reference.
    pub(super) params: Value,
    /// What the component is given: the secrets themselves.
    pub(super) given: Value,
    /// Keeps them out of everything that is shown or written.
    pub(super) redactor: Redactor,
    rules: Rules,
    pub(super) source_digest: Digest,
    pub(super) component: Component,
    pub(super) artifact: Artifact,
    /// Where the script is that the step runs, for kind `sql`.
    pub(super) script: Option<String>,
    /// The statements of a step without a transaction.
    pub(super) statements: Option<Script>,
    /// What was parsed while it was prepared.
    checked: Remembered,
}

impl Prepared {
    /// A call of the component on a session. `transaction_time` is in
    /// microseconds since 2000-01-01 00:00 UTC.
    pub(super) fn call(
        &self,
        session: SharedSession,
        transaction_time: Option<i64>,
        reporter: &Reporter,
    ) -> Call {
        Call {
            direction: self.step.direction,
            params: self.given.clone(),
            policy: self.policy(),
            redactor: self.redactor.clone(),
            grants: self.grants(),
            session,
            transaction_time,
            sink: Arc::new(StepSink {
                revision: self.step.revision.clone(),
                reporter: reporter.clone(),
                redactor: self.redactor.clone(),
            }),
        }
    }

    /// What the manifest grants beside SQL.
    fn grants(&self) -> Grants {
        let random = self.manifest.grants().is_some_and(|granted| granted.random);
        Grants { random: random || self.rules.records() }
    }

    /// What holds for a session while it is lent.
    pub(super) fn limit(&self, session: &PostgresSession, limits: &Limits) {
        session.begin_step();
        session.is_about(self.step.revision.clone());
        session.hide(self.redactor.clone());
        session.set_result_limit(Some(limits.statement_bytes));
    }

    /// The policy of one call.
    fn policy(&self) -> Policy {
        let policy = self.rules.policy(self.manifest.grants().as_ref());
        policy.expect("the grants were read when it was prepared").remembering(&self.checked)
    }
}

/// A component that was loaded and asked what it is. Kept while a plan is
/// prepared: a thousand revisions of kind `sql` share one.
struct Loaded {
    component: Component,
    description: Description,
    schema: jsonschema::Validator,
}

/// Prepares the steps of one plan.
pub(super) struct Preparer<'a> {
    host: &'a Host,
    project: &'a Project,
    overrides: Overrides,
    /// None where nothing is run: what names a secret stays a name.
    secrets: Option<Secrets>,
    rules: Rules,
    plugins: Plugins,
    loaded: HashMap<Digest, Loaded>,
}

/// What a step is made from, before the component is loaded.
struct Material {
    manifest: Manifest,
    params: Value,
    source_digest: Digest,
    artifact: Artifact,
    script: Option<String>,
    /// The folder, if the step is made from it.
    found: Option<Found>,
}

impl<'a> Preparer<'a> {
    pub(super) fn new(host: &'a Host, project: &'a Project) -> Self {
        Self {
            host,
            project,
            overrides: Overrides::default(),
            secrets: None,
            rules: Rules::of(project),
            plugins: Plugins::default(),
            loaded: HashMap::new(),
        }
    }

    /// With parameters that take the place of what the manifests say.
    pub(super) fn with_overrides(self, overrides: &[Override]) -> Self {
        Self { overrides: Overrides::new(overrides.to_vec()), ..self }
    }

    /// With somebody who knows the secrets that parameters name.
    pub(super) fn with_secrets(self, secrets: &Secrets) -> Self {
        Self { secrets: Some(secrets.clone()), ..self }
    }

    /// With what the policies have in common, if it is not to be what the
    /// project alone says.
    pub(super) fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Fails if a parameter of the command line was meant for none of the
    /// revisions that were prepared.
    pub(super) fn check_overrides(&self) -> Result<(), RunError> {
        let unused = self.overrides.unused();
        if unused.is_empty() { Ok(()) } else { Err(RunError::UnknownParameter(unused)) }
    }

    /// Builds the crates of the steps that are not built from the sources as
    /// they are.
    pub(super) async fn build_missing(
        &self,
        steps: &[Step],
        on_disk: &OnDisk,
        reporter: &Reporter,
        stop: &BuildStop,
    ) -> Result<(), RunError> {
        let of_steps = steps.iter().filter_map(|step| on_disk.revisions.get(&step.revision));
        let plugins: BTreeSet<PluginName> = of_steps.clone().filter_map(Found::plugin).cloned().collect();
        if !plugins.is_empty() {
            let (project, stop) = (self.project.clone(), stop.clone());
            let pull = move || project.pull_plugins(&plugins, &stop);
            tokio::task::spawn_blocking(pull).await.expect("pulling does not panic")?;
        }
        let missing: Vec<Found> = of_steps.filter(|found| !self.is_built(found)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let revisions = missing.iter().map(|found| found.manifest.revision.clone()).collect();
        reporter(Event::Building { revisions });
        let (project, stop) = (self.project.clone(), stop.clone());
        let build = move || {
            source::build_until(&project, &missing, &stop)?;
            source::build_plugins(&project, &missing, &stop)?;
            Ok::<_, RunError>(())
        };
        tokio::task::spawn_blocking(build).await.expect("building does not panic")
    }

    /// Prepares steps from what is on disk, either way.
    pub(super) async fn as_on_disk(
        &mut self,
        steps: &[Step],
        on_disk: &OnDisk,
    ) -> Result<Vec<Prepared>, RunError> {
        let mut prepared = Vec::with_capacity(steps.len());
        for step in steps {
            let found = on_disk.revisions.get(&step.revision).expect("the steps are on disk");
            let result = match self.material_on_disk(found, step.direction) {
                Ok(material) => self.prepare(step, material).await,
                Err(error) => Err(error),
            };
            prepared.push(result.map_err(failed(step))?);
        }
        Ok(prepared)
    }

    /// Prepares steps towards the bases, from the ledger: the bytes that were
    /// recorded beside the upgrade, whether or not the folder is still there.
    pub(super) async fn downgrades(
        &mut self,
        steps: &[Step],
        ledger: &Ledger,
        session: &mut PostgresSession,
        on_disk: &OnDisk,
    ) -> Result<Vec<Prepared>, RunError> {
        let mut prepared = Vec::with_capacity(steps.len());
        let mut artifacts = HashMap::new();
        for step in steps {
            let result = match material_in_ledger(step, ledger, session, on_disk, &mut artifacts).await {
                Ok(material) => self.prepare(step, material).await,
                Err(error) => Err(error),
            };
            prepared.push(result.map_err(failed(step))?);
        }
        Ok(prepared)
    }

    /// Whether a revision's component is built from the sources as they are.
    pub(super) fn is_built(&self, found: &Found) -> bool {
        match found.manifest.kind {
            Kind::Sql | Kind::Imported => true,
            // What else is wrong with a plugin is told when it is prepared.
            Kind::Plugin => !matches!(self.artifact_on_disk(found), Ok(None)),
            Kind::Rust => matches!(self.artifact_on_disk(found), Ok(Some(_))),
        }
    }

    /// Checks a revision on disk as an upgrade would.
    pub(super) async fn check(&mut self, found: &Found) -> Result<(), PrepareError> {
        let step = Step {
            revision: found.manifest.revision.clone(),
            direction: Direction::Upgrade,
            heads_after: Vec::new(),
        };
        let material = self.material_on_disk(found, Direction::Upgrade)?;
        self.prepare(&step, material).await.map(|_| ())
    }

    fn artifact_on_disk(&self, found: &Found) -> Result<Option<Artifact>, PrepareError> {
        Ok(match (found.manifest.kind, found.plugin()) {
            (Kind::Sql, _) => Some(sql_component()),
            (Kind::Imported, _) => None,
            (_, Some(plugin)) => {
                self.plugins.artifact(self.project, found, plugin).map_err(named_in(found))?
            }
            (Kind::Rust | Kind::Plugin, None) => self.project.artifact(found).map_err(named_in(found))?,
        })
    }

    fn material_on_disk(&self, found: &Found, direction: Direction) -> Result<Material, PrepareError> {
        if let Some(imported) = nothing_to_run(&found.manifest) {
            return Err(imported);
        }
        let mut params = found.params();
        if let Some(scripts) = &found.scripts {
            check_scripts(&found.dir, scripts, found.manifest.transaction, &mut params)?;
        }
        let artifact = self.artifact_on_disk(found)?.ok_or(PrepareError::NotBuilt)?;
        Ok(Material {
            manifest: found.manifest.clone(),
            params,
            source_digest: found.source_digest,
            artifact,
            script: script_path(found, direction),
            found: Some(found.clone()),
        })
    }

    async fn prepare(&mut self, step: &Step, material: Material) -> Result<Prepared, PrepareError> {
        let Material { mut manifest, mut params, source_digest, artifact, script, found } = material;
        self.load(&artifact).await.map_err(|error| of_plugin(error, manifest.plugin.as_ref()))?;
        let loaded = &self.loaded[&artifact.digest];
        if let (Some(plugin), Some(found)) = (&mut manifest.plugin, &found) {
            self.plugins.check(&plugin.name, &loaded.description, found).map_err(named_in(found))?;
            // For the ledger: the manifest on disk does not say it.
            plugin.version = Some(loaded.description.version.clone());
        }
        // The parameters of kind `sql` are its scripts.
        if manifest.kind != Kind::Sql {
            self.overrides.apply(&loaded.description.params_schema, &mut params);
        }
        fill_defaults(&loaded.description.params_schema, &mut params);
        let grants = manifest.grants();
        if let Some(grants) = &grants {
            self.rules.check(grants).map_err(|error| grant_error(error, found.as_ref()))?;
        }
        // A script of kind `sql` is no place for secrets, and its text is no
        // reference to one.
        let (given, redactor) = match manifest.kind {
            Kind::Sql => (params.clone(), Redactor::default()),
            Kind::Rust | Kind::Plugin | Kind::Imported => {
                resolve(&params, &grants.clone().unwrap_or_default(), self.secrets.as_ref())?
            }
        };
        check_params(loaded, &given, &redactor, found.as_ref())?;
        if let Some(grants) = grants.as_ref().filter(|_| !self.rules.records()) {
            check_capabilities(&loaded.description, grants, &params)?;
        }
        let (statements, checked) = match manifest.kind {
            Kind::Sql => self.check_statements(step.direction, &params, &manifest, found.as_ref())?,
            Kind::Rust | Kind::Plugin | Kind::Imported => (None, Remembered::default()),
        };
        let component = loaded.component.clone();
        let step = step.clone();
        let rules = self.rules.clone();
        Ok(Prepared {
            step,
            manifest,
            params,
            given,
            redactor,
            rules,
            source_digest,
            component,
            artifact,
            script,
            statements,
            checked,
        })
    }

    /// Holds a script against the grants of its manifest: all of what it does is
    /// known before the first statement of the first step. Returns the statements
    /// of a step without a transaction, and what need not be parsed again.
    fn check_statements(
        &self,
        direction: Direction,
        params: &Value,
        manifest: &Manifest,
        found: Option<&Found>,
    ) -> Result<(Option<Script>, Remembered), PrepareError> {
        let Some(text) = params.get(direction.as_str()).and_then(Value::as_str) else {
            return Ok(Default::default());
        };
        let wrapped = |policy: Policy| policy.wrapped(manifest.transaction);
        let policy = self.rules.policy(manifest.grants().as_ref()).map(wrapped);
        let checked = policy.and_then(|mut policy| Ok((policy.statements(text)?, policy.remembered())));
        let script = checked.and_then(|(checked, remembered)| match manifest.transaction {
            TransactionMode::Revision => Ok((None, remembered)),
            TransactionMode::None => Ok((Some(Script::new(text, checked)?), remembered)),
        });
        let file = || script_file(direction, found);
        script.map_err(|error| PrepareError::Script { file: file(), text: text.to_owned(), error })
    }

    async fn load(&mut self, artifact: &Artifact) -> Result<(), PrepareError> {
        if !self.loaded.contains_key(&artifact.digest) {
            let refused =
                |source| PrepareError::Load { origin: artifact.origin.clone(), plugin: None, source };
            let component = self.host.load(&artifact.bytes).await.map_err(refused)?;
            let description = self.host.describe(&component).await?;
            let schema = jsonschema::validator_for(&description.params_schema)
                .map_err(|error| PrepareError::Schema(error.to_string()))?;
            self.loaded.insert(artifact.digest, Loaded { component, description, schema });
        }
        Ok(())
    }
}

/// Says of a component that was refused whose it is.
fn of_plugin(error: PrepareError, plugin: Option<&PluginUse>) -> PrepareError {
    match error {
        PrepareError::Load { origin, source, .. } => {
            PrepareError::Load { origin, plugin: plugin.map(|plugin| plugin.name.clone()), source }
        }
        error => error,
    }
}

/// Says of a plugin that cannot be used which line of a manifest names it.
pub(super) fn named_in(found: &Found) -> impl FnOnce(PluginError) -> PrepareError {
    let place = found.place_of_key("plugin").to_string();
    move |error| match error {
        // Also a component of a crate of the project's own cannot be read.
        PluginError::Artifact(error) => PrepareError::Artifact(error),
        error => PrepareError::Plugin { place, source: Box::new(error) },
    }
}

fn grant_error(source: CapabilityError, found: Option<&Found>) -> PrepareError {
    let place = found.map_or_else(
        || "the ledger".to_owned(),
        |found| found.place_of_grant(source.capability()).to_string(),
    );
    PrepareError::Grant { place, wrong: source }
}

fn failed(step: &Step) -> impl FnOnce(PrepareError) -> RunError {
    let revision = step.revision.clone();
    move |source| RunError::Prepare { revision, source: Box::new(source) }
}

async fn material_in_ledger(
    step: &Step,
    ledger: &Ledger,
    session: &mut PostgresSession,
    on_disk: &OnDisk,
    artifacts: &mut HashMap<Digest, Artifact>,
) -> Result<Material, PrepareError> {
    let recorded = ledger.recorded(session, &step.revision).await?;
    if let Some(imported) = nothing_to_run(&recorded.manifest) {
        return Err(imported);
    }
    let digest = recorded.component_digest.ok_or(PrepareError::NoComponent)?;
    let artifact = match artifacts.get(&digest) {
        Some(artifact) => artifact.clone(),
        None => {
            let bytes = ledger.component(session, digest).await?;
            let artifact = Artifact::new(bytes, "the ledger");
            artifacts.insert(digest, artifact.clone());
            artifact
        }
    };
    let found = on_disk.revisions.get(&step.revision);
    // The lines of a script that was edited since are other lines.
    let same = found.filter(|found| found.source_digest == recorded.source_digest);
    Ok(Material {
        script: same.and_then(|found| script_path(found, Direction::Downgrade)),
        manifest: recorded.manifest,
        params: recorded.params,
        source_digest: recorded.source_digest,
        artifact,
        found: None,
    })
}

/// Of a revision that another tool ran there is nothing to run.
fn nothing_to_run(manifest: &Manifest) -> Option<PrepareError> {
    let imported = manifest.imported.as_ref().filter(|_| manifest.kind == Kind::Imported)?;
    Some(PrepareError::Imported {
        revision: manifest.revision.clone(),
        file: imported.file.clone(),
        reason: imported.reason.clone(),
    })
}

/// Parses the scripts: what is wrong with the last one of a plan is known before
/// the first one runs. A `downgrade.sql` without a statement, as the template
/// has it, takes nothing back, and counts as none; but where the upgrade has no
/// statement either, as in a merge, there is nothing to take back.
fn check_scripts(
    dir: &Path,
    scripts: &Scripts,
    transactions: TransactionMode,
    params: &mut Value,
) -> Result<(), PrepareError> {
    let parse = |name: &str, text: &str| {
        let wrong = |error| PrepareError::Script { file: dir.join(name), text: text.to_owned(), error };
        policy::statements_of(text, transactions).map(|statements| statements.len()).map_err(wrong)
    };
    let upgrade = parse("upgrade.sql", &scripts.upgrade)?;
    let downgrade = scripts.downgrade.as_deref().map(|text| parse("downgrade.sql", text)).transpose()?;
    match (upgrade, downgrade.unwrap_or(0), params.as_object_mut()) {
        (0, 0, Some(params)) => {
            params.insert("downgrade".into(), "".into());
        }
        (_, 0, Some(params)) => {
            params.remove("downgrade");
        }
        _ => {}
    }
    Ok(())
}

/// The file of a script, or what stands for it where the ledger has it.
fn script_file(direction: Direction, found: Option<&Found>) -> PathBuf {
    let name = format!("{direction}.sql");
    found.map_or_else(|| format!("the ledger's {name}").into(), |found| found.dir.join(&name))
}

fn script_path(found: &Found, direction: Direction) -> Option<String> {
    let path = || found.dir.join(format!("{direction}.sql")).display().to_string();
    found.scripts.is_some().then(path)
}

/// Checks the parameters against the schema. What does not fit is told with its
/// value, unless that is a secret.
fn check_params(
    loaded: &Loaded,
    params: &Value,
    redactor: &Redactor,
    found: Option<&Found>,
) -> Result<(), PrepareError> {
    let reason = |error: jsonschema::ValidationError<'_>| {
        let path = error.instance_path().to_string();
        let name = path.trim_start_matches('/').replace('/', ".");
        let place =
            found.map_or_else(|| "the ledger".to_owned(), |found| found.place_of_param(&name).to_string());
        match name.as_str() {
            "" => format!("{place}: {}", redactor.hide(&error.to_string())),
            name => format!("{place}: `{name}`: {}", redactor.hide(&error.to_string())),
        }
    };
    let is_named = |error: &jsonschema::ValidationError<'_>| SecretRef::of(error.instance()).is_some();
    let errors = loaded.schema.iter_errors(params).filter(|error| !is_named(error));
    let reasons: Vec<_> = errors.map(reason).collect();
    if reasons.is_empty() { Ok(()) } else { Err(PrepareError::Params { reasons }) }
}

/// Fills in the `default` of each top-level property that is not set.
fn fill_defaults(schema: &Value, params: &mut Value) {
    let (Some(properties), Some(params)) = (schema["properties"].as_object(), params.as_object_mut()) else {
        return;
    };
    for (name, property) in properties {
        if let Some(default) = property.get("default").filter(|_| !params.contains_key(name)) {
            params.insert(name.clone(), default.clone());
        }
    }
}

fn check_capabilities(
    description: &Description,
    granted: &Capabilities,
    params: &Value,
) -> Result<(), PrepareError> {
    let (mut missing, mut lines) = (Vec::new(), Vec::new());
    for asked in &description.capabilities {
        let (name, targets, reason) = (asked.name.clone(), asked.targets.clone(), asked.reason.clone());
        let request = Request { name, targets, reason };
        let targets = granted.missing(&request, params);
        if targets.is_empty() {
            continue;
        }
        missing.push(format!("`{}` on {} ({})", request.name, targets.join(", "), request.reason));
        lines.push(match request.name.as_str() {
            "random" | "set_local" => format!("{} = true", request.name),
            "code" => "code = \"vetted\"".to_owned(),
            name => format!("{name} = {targets:?}"),
        });
    }
    if missing.is_empty() { Ok(()) } else { Err(PrepareError::Capabilities { missing, lines }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_are_filled_in_where_nothing_is_set() {
        let schema =
            json!({ "properties": { "batch": { "default": 5 }, "table": {}, "mode": { "default": "a" } } });
        let mut params = json!({ "mode": "b" });
        fill_defaults(&schema, &mut params);
        assert_eq!(params, json!({ "batch": 5, "mode": "b" }));
    }
}
