//! What `runner plugin` does: look, pin, publish.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use serde::Serialize;

use crate::host::{Description, Host, Interface};
use crate::revision::{Digest, PluginName, RevisionId};
use crate::source::{
    self, Artifact, Destination, Fetched, Found, Lock, Locked, Metadata, Parameter, Pin, PluginEntry,
    PluginError, PluginFiles, PluginRange, PluginSource, Project, Publication,
};

use crate::run::beside::beside;
use crate::run::pinned::check_name;
use crate::run::{Migrator, RunError};

/// A project and a host, for what concerns its plugins. No database is needed.
pub struct PluginManager {
    project: Project,
    host: Host,
    /// The named section that is chosen.
    section: Option<String>,
}

/// Everything about a plugin, read from its component.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PluginInfo {
    /// Its name.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// What it does, in one sentence.
    pub summary: String,
    /// Where it is from.
    pub source: String,
    /// What it is pinned by.
    pub pin: Pin,
    /// The digest of its component.
    pub digest: Digest,
    /// What its component says beside the interface.
    pub metadata: Metadata,
    /// What its component imports and exports.
    pub interface: Interface,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// What it asks for, each as in `write ${table}`, with its reason.
    pub capabilities: Vec<(String, String)>,
    /// The versions that its source has, oldest first, where it was asked; none of a
    /// source that has one only.
    pub versions: Vec<Version>,
    /// The whole description, for a manifest that uses it.
    #[serde(skip)]
    pub description: Description,
}

/// A revision on disk that a plugin runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginUseOf {
    /// The revision.
    pub revision: RevisionId,
    /// Its folder.
    pub path: PathBuf,
    /// What it does.
    pub message: String,
}

/// What becomes of a plugin in the lock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PluginChange {
    /// What it will be.
    pub to: PluginInfo,
    /// The version before; none if it was not locked.
    pub from: Option<Version>,
    /// Whether the lock changes.
    pub changes: bool,
    /// The capabilities that it asks for and did not ask for before.
    pub more: Vec<String>,
    /// Whether its source has other bytes now under the version that is locked.
    pub moved: bool,
    #[serde(skip)]
    entry: PluginEntry,
    #[serde(skip)]
    fetched: Fetched,
}

impl PluginChange {
    /// Whether somebody has to agree to it first.
    pub fn needs_consent(&self) -> bool {
        self.moved || !self.more.is_empty()
    }
}

/// How plugins are updated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateOptions {
    /// A change of the lock is an error.
    pub locked: bool,
}

impl PluginManager {
    /// Brings a project and a host together. `section` is the named section of
    /// runner.toml that is chosen.
    pub fn new(project: Project, host: Host, section: Option<String>) -> Self {
        Self { project, host, section }
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// A plugin as it is pinned; its crate is built where it has to be.
    pub async fn pinned(&self, name: &PluginName) -> Result<PluginInfo, RunError> {
        let (entry, locked) = self.project.pinned_plugin(name)?;
        let artifact = match self.artifact(name).await? {
            Some(artifact) => artifact,
            None => self.fetched(name, entry).await?.artifact,
        };
        let fetched = Fetched { artifact, pin: locked.pin(), version: Some(locked.version) };
        Ok(self.with_versions(self.info(name, entry, &fetched).await?, entry).await)
    }

    /// A plugin as its source has it now.
    pub async fn look(&self, name: &PluginName, entry: &PluginEntry) -> Result<PluginInfo, RunError> {
        let fetched = self.fetched(name, entry).await?;
        Ok(self.with_versions(self.info(name, entry, &fetched).await?, entry).await)
    }

    /// Gets a plugin, beside the runtime: Ctrl-C ends it.
    async fn fetched(&self, name: &PluginName, entry: &PluginEntry) -> Result<Fetched, PluginError> {
        let (project, name, entry) = (self.project.clone(), name.clone(), entry.clone());
        beside(move |stop| project.fetch_plugin_until(&name, &entry, stop)).await
    }

    /// With the versions that the source has; what is pinned is shown also where the
    /// source is gone.
    async fn with_versions(&self, info: PluginInfo, entry: &PluginEntry) -> PluginInfo {
        let versions = self.versions(&info.name, &entry.source).await;
        PluginInfo { versions: versions.unwrap_or_default(), ..info }
    }

    /// The versions of a plugin that a source has, oldest first; none of one that has
    /// one only.
    pub async fn versions(&self, name: &PluginName, source: &PluginSource) -> Result<Vec<Version>, RunError> {
        let (project, name, source) = (self.project.clone(), name.clone(), source.clone());
        Ok(beside(move |stop| project.plugin_versions(&name, &source, stop)).await?)
    }

    /// Adds a plugin to runner.toml and to the lock. What the store has of its
    /// source, and a version that was asked for takes, is not looked for there.
    pub async fn add(
        &self,
        name: &PluginName,
        mut entry: PluginEntry,
        options: UpdateOptions,
    ) -> Result<PluginInfo, RunError> {
        if self.project.config.plugins.contains_key(name) {
            return Err(PluginError::Declared(name.clone()).into());
        }
        // A lock that cannot be read is told before anything is asked.
        Lock::load(&self.project.root).map_err(PluginError::from)?;
        let required = self.required(name)?;
        let may_be_old = entry.version.is_some() || self.project.is_offline();
        let within = entry.within(&required);
        let in_store = may_be_old.then(|| self.project.plugin_in_store(name, &within)).flatten();
        let (fetched, info) = match in_store {
            Some(fetched) => {
                let info = self.info(name, &within, &fetched).await?;
                (fetched, info)
            }
            None => self.newest(name, &entry, required).await?,
        };
        if entry.source.has_versions() && entry.version.is_none() {
            entry.version = VersionReq::parse(&info.version.to_string()).ok();
        }
        let _alone = self.project.alone_with_plugins()?;
        if self.declares(name)? {
            return Err(PluginError::Declared(name.clone()).into());
        }
        let mut lock = Lock::load(&self.project.root).map_err(PluginError::from)?;
        let path = &self.project.file;
        let edit = |reason| PluginError::Edit { path: path.clone(), reason };
        let before = std::fs::read_to_string(path).map_err(|error| edit(error.to_string()))?;
        let default = self.project.config.registry.default.as_ref();
        let settings =
            source::with_plugin(&before, self.section.as_deref(), name, &entry, default).map_err(edit)?;
        lock.insert(locked(&info, &fetched));
        refuse_if(options.locked, || format!("it gets {name} {}", info.version))?;
        self.project.keep_plugin(name, &entry, &fetched)?;
        self.project.write_plugin_files(PluginFiles { settings: Some(settings), lock })?;
        Ok(info)
    }

    /// Whether runner.toml has a plugin, as it is by now.
    fn declares(&self, name: &PluginName) -> Result<bool, RunError> {
        let now = Project::load_named(&self.project.file, self.section.as_deref())?;
        Ok(now.config.plugins.contains_key(name))
    }

    /// Takes a plugin out of runner.toml and the lock, unless revisions on disk
    /// need it.
    pub fn remove(&self, name: &PluginName, options: UpdateOptions) -> Result<(), RunError> {
        self.project.plugin_entry(name)?;
        let uses = self.uses(name)?;
        if !uses.is_empty() {
            let revisions = uses.into_iter().map(|using| using.revision).collect();
            return Err(RunError::PluginInUse { name: name.clone(), revisions });
        }
        refuse_if(options.locked, || format!("it loses {name}"))?;
        let _alone = self.project.alone_with_plugins()?;
        let path = &self.project.file;
        let edit = |reason| PluginError::Edit { path: path.clone(), reason };
        let before = std::fs::read_to_string(path).map_err(|error| edit(error.to_string()))?;
        let settings = source::without_plugin(&before, self.section.as_deref(), name).map_err(edit)?;
        let lock = Lock::load(&self.project.root).map_err(PluginError::from)?;
        Ok(self.project.write_plugin_files(PluginFiles { settings: Some(settings), lock })?)
    }

    /// What an update of some plugins would do; of all of them, if none is named.
    pub async fn changes(&self, names: &[PluginName]) -> Result<Vec<PluginChange>, RunError> {
        let mut changes = Vec::new();
        for name in self.named(names) {
            changes.push(self.change(&name).await?);
        }
        Ok(changes)
    }

    /// The plugins of runner.toml that the lock does not have.
    pub fn not_locked(&self) -> Result<Vec<PluginName>, RunError> {
        let lock = Lock::load(&self.project.root).map_err(PluginError::from)?;
        let entries = self.project.config.plugins.iter();
        let is_missing =
            |(name, entry): &(&PluginName, &PluginEntry)| lock.get(name, &entry.source.to_string()).is_none();
        Ok(entries.filter(is_missing).map(|(name, _)| name.clone()).collect())
    }

    /// Gets the components of all plugins as they are pinned, so that nothing has to
    /// be got or built later.
    pub async fn fetch(&self) -> Result<Vec<PluginName>, RunError> {
        let names: Vec<PluginName> = self.project.config.plugins.keys().cloned().collect();
        for name in &names {
            if self.artifact(name).await?.is_none() {
                let (entry, _) = self.project.pinned_plugin(name)?;
                self.fetched(name, entry).await?;
            }
        }
        Ok(names)
    }

    /// The component that the lock means, got beside the runtime; none if it has to be
    /// built.
    async fn artifact(&self, name: &PluginName) -> Result<Option<Artifact>, PluginError> {
        let (project, name) = (self.project.clone(), name.clone());
        beside(move |stop| project.plugin_artifact_until(&name, stop)).await
    }

    /// Writes changes into the lock. Whoever calls it has asked about those that
    /// ask for more.
    pub fn accept(&self, changes: &[PluginChange], options: UpdateOptions) -> Result<(), RunError> {
        let changed: Vec<&PluginChange> = changes.iter().filter(|change| change.changes).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let told = || {
            let one = |change: &&PluginChange| format!("{} {}", change.to.name, change.to.version);
            format!("it gets {}", changed.iter().map(one).collect::<Vec<_>>().join(", "))
        };
        refuse_if(options.locked, told)?;
        let _alone = self.project.alone_with_plugins()?;
        let mut lock = Lock::load(&self.project.root).map_err(PluginError::from)?;
        for change in changed {
            self.project.keep_plugin(&change.to.name, &change.entry, &change.fetched)?;
            lock.insert(locked(&change.to, &change.fetched));
        }
        Ok(self.project.write_plugin_files(PluginFiles { settings: None, lock })?)
    }

    /// The plugins of runner.toml, each with its block in the lock, if it has one.
    pub fn list(&self) -> Result<Vec<(PluginName, PluginEntry, Option<Locked>)>, RunError> {
        let lock = Lock::load(&self.project.root).map_err(PluginError::from)?;
        let entries = self.project.config.plugins.iter();
        let locked = |(name, entry): (&PluginName, &PluginEntry)| {
            let locked = lock.get(name, &entry.source.to_string()).cloned();
            (name.clone(), entry.clone(), locked)
        };
        Ok(entries.map(locked).collect())
    }

    /// The revisions on disk that a plugin runs.
    pub fn uses(&self, name: &PluginName) -> Result<Vec<PluginUseOf>, RunError> {
        let on_disk = Migrator::on_disk(&self.project)?;
        let order = on_disk.graph.ids(&on_disk.graph.order());
        let used = order.iter().map(|id| &on_disk.revisions[id]).filter(|found| found.plugin() == Some(name));
        let using = |found: &Found| PluginUseOf {
            revision: found.manifest.revision.clone(),
            path: found.dir.clone(),
            message: found.manifest.message.clone(),
        };
        Ok(used.map(using).collect())
    }

    /// Builds the plugin of a crate and looks at it.
    pub async fn of_crate(&self, name: &PluginName, dir: &Path) -> Result<(PluginInfo, Artifact), RunError> {
        let entry = PluginEntry { source: PluginSource::Path(dir.to_owned()), version: None };
        let fetched = self.fetched(name, &entry).await?;
        Ok((self.info(name, &entry, &fetched).await?, fetched.artifact))
    }

    /// Publishes the plugin of a crate, and returns the digest of its manifest.
    pub async fn publish(
        &self,
        name: &PluginName,
        dir: &Path,
        to: &Destination,
    ) -> Result<(PluginInfo, Digest), RunError> {
        let (info, artifact) = self.of_crate(name, dir).await?;
        let (project, to) = (self.project.clone(), to.clone());
        let published = beside(move |stop| {
            let publication = Publication {
                name: &info.name,
                version: &info.version,
                artifact: &artifact,
                interface: &info.interface,
                metadata: &info.metadata,
            };
            let digest = project.publish_plugin(&to, &publication, stop);
            digest.map(|digest| (info, digest))
        });
        Ok(published.await?)
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    fn named(&self, names: &[PluginName]) -> BTreeSet<PluginName> {
        match names {
            [] => self.project.config.plugins.keys().cloned().collect(),
            names => names.iter().cloned().collect(),
        }
    }

    async fn change(&self, name: &PluginName) -> Result<PluginChange, RunError> {
        let entry = self.project.plugin_entry(name)?.clone();
        let lock = Lock::load(&self.project.root).map_err(PluginError::from)?;
        // The one from another source was agreed to as it is, and no further.
        let same_source = lock.get(name, &entry.source.to_string());
        let agreed: Vec<&Locked> = match same_source {
            Some(before) => vec![before],
            None => lock.plugins().filter(|locked| locked.name == *name).collect(),
        };
        let (fetched, to) = self.newest(name, &entry, self.required(name)?).await?;
        let after = locked(&to, &fetched);
        let is_new = |asked: &&String| agreed.iter().any(|before| !before.capabilities.contains(asked));
        let more = after.capabilities.iter().filter(is_new).cloned().collect();
        let from = agreed.first().map(|before| before.version.clone());
        let changes = same_source != Some(&after);
        let moved = changes
            && entry.source.has_versions()
            && same_source
                .is_some_and(|before| before.version == after.version && before.pin() != after.pin());
        Ok(PluginChange { from, to, changes, more, moved, entry, fetched })
    }

    /// What the revisions on disk ask of a plugin.
    fn required(&self, name: &PluginName) -> Result<Vec<PluginRange>, RunError> {
        let revisions = self.project.revisions().map_err(RunError::Scan)?;
        Ok(self.project.plugin_ranges(name, &revisions))
    }

    /// The newest version of a plugin that its entry and all revisions take.
    async fn newest(
        &self,
        name: &PluginName,
        entry: &PluginEntry,
        required: Vec<PluginRange>,
    ) -> Result<(Fetched, PluginInfo), RunError> {
        let narrowed = entry.within(&required);
        let found = match self.fetched(name, &narrowed).await {
            Ok(fetched) => self.info(name, &narrowed, &fetched).await.map(|info| (fetched, info)),
            Err(error) => Err(error.into()),
        };
        found.map_err(|error| match error {
            RunError::Plugin(error) => explained(*error, entry, required).into(),
            error => error,
        })
    }

    async fn info(
        &self,
        name: &PluginName,
        entry: &PluginEntry,
        fetched: &Fetched,
    ) -> Result<PluginInfo, RunError> {
        let artifact = &fetched.artifact;
        let refused =
            |source| RunError::PluginLoad { name: name.clone(), origin: artifact.origin.clone(), source };
        let interface = Interface::of(&artifact.bytes, self.host.limits()).map_err(refused)?;
        let component = self.host.load(&artifact.bytes).await.map_err(refused)?;
        let described = self.host.describe(&component).await;
        let description = described
            .map_err(|source| RunError::PluginDescribe { name: name.clone(), source: Box::new(source) })?;
        check_name(name, &description)?;
        let version = self.version(name, entry, fetched, &description)?;
        let asked = description.capabilities.iter().flat_map(|asked| {
            let of = |target: &String| (format!("{} {target}", asked.name), asked.reason.clone());
            match asked.targets.as_slice() {
                [] => vec![(asked.name.clone(), asked.reason.clone())],
                targets => targets.iter().map(of).collect(),
            }
        });
        let mut capabilities: Vec<_> = asked.collect();
        capabilities.sort();
        capabilities.dedup_by(|a, b| a.0 == b.0);
        Ok(PluginInfo {
            name: name.clone(),
            version,
            summary: description.summary.clone(),
            source: entry.source.to_string(),
            pin: fetched.pin,
            digest: artifact.digest,
            metadata: Metadata::of_component(&artifact.bytes),
            interface,
            parameters: Parameter::all(&description.params_schema),
            capabilities,
            versions: Vec::new(),
            description,
        })
    }

    /// The version that a component says it is: that of its source, and one that
    /// runner.toml takes.
    fn version(
        &self,
        name: &PluginName,
        entry: &PluginEntry,
        fetched: &Fetched,
        description: &Description,
    ) -> Result<Version, PluginError> {
        let found = &description.version;
        let version = Version::parse(found).map_err(|error| PluginError::Version {
            name: name.clone(),
            found: found.clone(),
            reason: error.to_string(),
        })?;
        match &fetched.version {
            Some(announced) if *announced != version => Err(PluginError::OtherVersion {
                name: name.clone(),
                origin: fetched.artifact.origin.clone(),
                announced: Box::new(announced.clone()),
                found: Box::new(version),
            }),
            _ if !entry.takes(&version) => Err(PluginError::NoVersion {
                name: name.clone(),
                from: entry.source.place(&self.project.root),
                wanted: entry.wanted(),
                known: vec![version],
            }),
            _ => Ok(version),
        }
    }
}

/// Where no version fits, and revisions ask for some: who asks for which.
fn explained(error: PluginError, entry: &PluginEntry, required: Vec<PluginRange>) -> PluginError {
    match error {
        PluginError::NoVersion { name, known, .. } if !required.is_empty() => PluginError::Exclusive {
            name,
            wanted: entry.wanted(),
            required,
            from: entry.source.to_string(),
            known,
        },
        error => error,
    }
}

/// A plugin's block in the lock.
fn locked(info: &PluginInfo, fetched: &Fetched) -> Locked {
    let mut locked = Locked::new(info.name.clone(), info.version.clone(), info.source.clone(), fetched.pin);
    locked.interface.clone_from(&info.interface.version);
    locked.capabilities = info.capabilities.iter().map(|(asked, _)| asked.clone()).collect();
    locked
}

fn refuse_if(locked: bool, told: impl FnOnce() -> String) -> Result<(), PluginError> {
    if locked { Err(PluginError::WouldChange(told())) } else { Ok(()) }
}
