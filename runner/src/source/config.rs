//! `runner.toml`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::revision::{ManifestError, PackageName, Place, PluginName};

use super::artifact::{Artifact, load_artifact};
use super::migrations_dir::MigrationsDir;
use super::plugins::{Access, LockFileError, PluginEntry, PluginError, PluginSource, RegistryConfig};
use super::scan::{Found, ScanErrors, scan};
use super::{BackupConfig, Bundle, BundleError, FolderTemplate, Hook, Zone, span};

/// The name of the configuration file.
pub const CONFIG_FILE: &str = "runner.toml";

/// The longest slug in a folder's name, in characters, as in Alembic.
const SLUG_LENGTH: NonZeroUsize = NonZeroUsize::new(40).expect("it is not zero");

/// A project: a folder with a `runner.toml`.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder that holds `runner.toml`.
    pub root: PathBuf,
    /// The file itself.
    pub file: PathBuf,
    /// What it says.
    pub config: Config,
    /// The same as a table.
    pub(super) settings: toml::Table,
    /// Where the revisions are, if they are not in the folders that it names.
    pub(super) bundle: Option<Arc<Bundle>>,
    /// What it may use outside of itself.
    pub(super) access: Access,
    /// The only revisions and their component, of a project that is in no folder.
    pub(super) only: Option<Arc<(Vec<Found>, Artifact)>>,
}

/// What `runner.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the revisions are.
    pub migrations: MigrationsConfig,
    /// Where the database is, if neither the command line nor the environment
    /// says so.
    pub database: DatabaseConfig,
    /// Where the ledger is.
    pub ledger: LedgerConfig,
    /// How the session is set up.
    pub session: SessionConfig,
    /// Who a migration is while it runs.
    pub sandbox: SandboxConfig,
    /// What a component may use.
    pub limits: crate::host::Limits,
    /// How bulk changes are made.
    pub data: crate::host::DataConfig,
    /// The components that run revisions of kind `plugin`, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub plugins: BTreeMap<PluginName, PluginEntry>,
    /// Where plugins are from that name no registry of their own.
    #[serde(skip_serializing_if = "RegistryConfig::is_unset")]
    pub registry: RegistryConfig,
    /// What is done before a run changes anything.
    pub backup: BackupConfig,
    /// What runs after the files of a new revision were written, in order.
    pub hooks: Vec<Hook>,
    /// Named sections: each holds the same tables, and where it is chosen takes
    /// their place, key by key.
    pub named: BTreeMap<String, toml::Table>,
}

/// `[migrations]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MigrationsConfig {
    /// The folder that holds one folder a revision, relative to `runner.toml`;
    /// `migrations` if neither this nor `dirs` is set.
    pub dir: Option<PathBuf>,
    /// Several such folders, each a path or `{ path, package, recursive }`.
    pub dirs: Vec<MigrationsDir>,
    /// Whether revisions may lie deeper than directly in their folder, where the
    /// folder does not say so itself.
    pub recursive: bool,
    /// Where crates are compiled, relative to `runner.toml`. Shared by all of
    /// them.
    pub target_dir: PathBuf,
    /// Where finished components are kept, relative to `runner.toml`.
    pub components_dir: PathBuf,
    /// How the folder of a new revision is named.
    pub file_template: FolderTemplate,
    /// The longest slug in such a name, in characters.
    pub truncate_slug_length: NonZeroUsize,
    /// The clock of new revisions.
    pub timezone: Zone,
    /// The project's own templates, relative to `runner.toml`: a folder with
    /// the folders `sql`, `rust` and `merge`, each of which may be absent.
    pub templates: Option<PathBuf>,
}

impl Default for MigrationsConfig {
    fn default() -> Self {
        Self {
            dir: None,
            dirs: Vec::new(),
            recursive: false,
            target_dir: ".runner/target".into(),
            components_dir: ".runner/components".into(),
            file_template: FolderTemplate::default(),
            truncate_slug_length: SLUG_LENGTH,
            timezone: Zone::default(),
            templates: None,
        }
    }
}

/// `[database]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The URL, or `embedded:PATH`.
    pub url: Option<String>,
}

/// `[ledger]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerConfig {
    /// The schema that holds the ledger's tables.
    pub schema: String,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self { schema: "runner".into() }
    }
}

/// `[session]`: what every step's session is set to. Times as in `5s`, `500ms`
/// or `2m`; zero turns a time-out off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// `search_path`, as SQL spells it.
    pub search_path: String,
    /// How long a statement waits for a lock; after that the step is rolled
    /// back and tried again, so that a queue behind it does not build up.
    #[serde(with = "span")]
    pub lock_timeout: SignedDuration,
    /// How long a statement may run.
    #[serde(with = "span")]
    pub statement_timeout: SignedDuration,
    /// How long the transaction may wait for the migration between statements.
    #[serde(with = "span")]
    pub idle_in_transaction_session_timeout: SignedDuration,
    /// How long to wait for another runner.
    #[serde(with = "span")]
    pub lock_wait: SignedDuration,
    /// How often a step is tried again after a lock time-out, a deadlock or a
    /// serialisation failure.
    pub retries: u32,
    /// How long a step may take altogether.
    #[serde(with = "span")]
    pub step_timeout: SignedDuration,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            search_path: "public".into(),
            lock_timeout: SignedDuration::from_secs(5),
            statement_timeout: SignedDuration::ZERO,
            idle_in_transaction_session_timeout: SignedDuration::from_mins(5),
            lock_wait: SignedDuration::from_mins(5),
            retries: 5,
            step_timeout: SignedDuration::ZERO,
        }
    }
}

/// `[sandbox]`: who a migration is while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxConfig {
    /// What confines a step besides the rules for its statements.
    pub isolation: Isolation,
    /// The role that owns the schemas of the application: what migrations make
    /// is its. Needed for `isolation = "role"`.
    pub owner: Option<String>,
    /// The login that migrations run as. Without it the name is made from the
    /// ledger's schema and the database.
    pub guest: Option<String>,
    /// Whether code may run in the session of a superuser. It gives up what the
    /// server itself would refuse.
    pub allow_superuser: bool,
}

/// What confines a step besides the rules for its statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Nothing: it runs in the runner's own session.
    #[default]
    Policy,
    /// A login of its own, on a connection of its own.
    Role,
}

impl Isolation {
    /// The word of runner.toml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Role => "role",
        }
    }
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Neither this folder nor one above holds a `runner.toml`.
    #[error("no {CONFIG_FILE} in {} or any folder above it", .0.display())]
    NotFound(PathBuf),
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error(transparent)]
    Invalid(#[from] ManifestError),
    /// The bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The lock of the plugins cannot be used, or a file cannot be written.
    #[error(transparent)]
    Lock(#[from] LockFileError),
    /// It has no section of that name.
    #[error("{} has no section `[named.{name}]`", path.display())]
    UnknownName {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// The names that it has.
        known: Vec<String>,
    },
}

/// The text of a `runner.toml`, and the table that it is: understood, with no
/// named section chosen.
pub(super) struct Settings<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    pub(super) table: toml::Table,
}

impl<'a> Settings<'a> {
    /// Parses a text; `file` is for messages only. What only all settings
    /// together tell is looked at when they are chosen.
    pub(super) fn parse(file: &'a Path, text: &'a str) -> Result<Self, ManifestError> {
        let wrong = |error| ManifestError::from_toml(file, text, &error);
        let _: Config = toml::from_str(text).map_err(wrong)?;
        Ok(Self { file, text, table: text.parse().map_err(wrong)? })
    }

    /// Lays the keys over those of other settings.
    pub(super) fn over(self, mut below: toml::Table) -> Self {
        forget_replaced(&mut below, &self.table);
        overlay(&mut below, &self.table);
        Self { table: below, ..self }
    }

    /// Puts the keys of a named section in their place, and says what that is.
    pub(super) fn choose(mut self, name: Option<&str>) -> Result<(Config, toml::Table), ConfigError> {
        if let Some(name) = name {
            let section = self.section(name)?;
            forget_replaced(&mut self.table, &section);
            overlay(&mut self.table, &section);
        }
        let wrong = |error: toml::de::Error| {
            let error = ManifestError::from_toml(self.file, "", &error);
            let Some(name) = name else { return error };
            let place = Place::of_key(self.file, self.text, &format!("[named.{name}"));
            ManifestError { place, message: format!("section `named.{name}`: {}", error.message), ..error }
        };
        let mut config: Config = self.table.clone().try_into().map_err(wrong)?;
        config.fill_registries(self.file, self.text)?;
        config.check(self.file, self.text)?;
        Ok((config, self.table))
    }

    fn section(&self, name: &str) -> Result<toml::Table, ConfigError> {
        let named = self.table.get("named").and_then(toml::Value::as_table);
        let section = named.and_then(|named| named.get(name)?.as_table());
        section.cloned().ok_or_else(|| ConfigError::UnknownName {
            path: self.file.to_owned(),
            name: name.to_owned(),
            known: named.into_iter().flat_map(toml::Table::keys).cloned().collect(),
        })
    }
}

impl Config {
    /// Puts the default registry in its place.
    fn fill_registries(&mut self, file: &Path, text: &str) -> Result<(), ManifestError> {
        let default = self.registry.default.clone().map(PluginSource::Registry);
        let without =
            |(_, entry): &(&PluginName, &mut PluginEntry)| entry.source == PluginSource::DefaultRegistry;
        for (name, entry) in self.plugins.iter_mut().filter(without) {
            entry.source = default.clone().ok_or_else(|| ManifestError {
                place: Place::of_key(file, text, name.as_str()),
                message: format!("plugin `{name}` names no registry, and there is no default one"),
                hint: Some(
                    "Name it once, as in `[registry]` and `default = \"registry.example.org/team\"`; or say \
                     where the plugin is from by `registry`, `layout` or `path`."
                        .into(),
                ),
            })?;
        }
        Ok(())
    }

    /// What the types alone do not say.
    fn check(&self, file: &Path, text: &str) -> Result<(), ManifestError> {
        if self.migrations.dir.is_some() && !self.migrations.dirs.is_empty() {
            return Err(ManifestError {
                place: Place::of_key(file, text, "dirs"),
                message: "`dir` and `dirs` are both set".into(),
                hint: Some("Name all folders in `dirs`, and leave `dir` out.".into()),
            });
        }
        if self.backup.command.is_none() && self.backup != BackupConfig::default() {
            return Err(ManifestError {
                place: Place::of_key(file, text, "[backup]"),
                message: "[backup] has no `command`".into(),
                hint: Some(
                    "As in `command = [\"pg_dump\", \"--format=custom\", \"--file={file}\", \"{url}\"]`."
                        .into(),
                ),
            });
        }
        Ok(())
    }
}

impl Project {
    /// Finds the `runner.toml` of a folder or of the nearest one above it.
    pub fn find(start: &Path) -> Result<PathBuf, ConfigError> {
        let found = start.ancestors().map(|folder| folder.join(CONFIG_FILE)).find(|file| file.is_file());
        found.ok_or_else(|| ConfigError::NotFound(start.to_owned()))
    }

    /// Reads a `runner.toml`.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        Self::load_named(file, None)
    }

    /// Reads a `runner.toml`, with one of its named sections in the place of the
    /// keys that it sets.
    pub fn load_named(file: &Path, name: Option<&str>) -> Result<Self, ConfigError> {
        let text = read(file)?;
        let (config, settings) = Settings::parse(file, &text)?.choose(name)?;
        let root = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self {
            root,
            file: file.to_owned(),
            config,
            settings,
            bundle: None,
            access: Access::default(),
            only: None,
        })
    }

    /// A project whose `runner.toml` has this text.
    #[cfg(test)]
    pub(super) fn of_text(root: PathBuf, text: &str) -> Self {
        let config = toml::from_str(text).expect("parses");
        let settings = text.parse().expect("parses");
        Self {
            file: root.join(CONFIG_FILE),
            root,
            config,
            settings,
            bundle: None,
            access: Access::default(),
            only: None,
        }
    }

    /// The revisions, in the order of the folders and of the names in each; or
    /// everything that is wrong with them.
    pub fn revisions(&self) -> Result<Vec<Found>, ScanErrors> {
        match (&self.bundle, &self.only) {
            (_, Some(only)) => Ok(only.0.clone()),
            (Some(bundle), _) => Ok(bundle.revisions()),
            (None, None) => scan(&self.migrations_dirs()),
        }
    }

    /// The component of a revision of kind `rust` or `plugin`; none if it was not
    /// built from the sources as they are.
    pub fn artifact(&self, found: &Found) -> Result<Option<Artifact>, PluginError> {
        if let Some(only) = &self.only {
            return Ok(Some(only.1.clone()));
        }
        match (&self.bundle, found.plugin()) {
            (Some(bundle), _) => Ok(bundle.artifact(&found.manifest.revision)),
            (None, Some(plugin)) => self.plugin_artifact(plugin),
            (None, None) => {
                let dir = self.components_dir();
                Ok(load_artifact(&dir, &found.manifest.revision, found.source_digest)?)
            }
        }
    }

    /// Whether there are no sources: the revisions are in a bundle, or in no file
    /// at all.
    pub fn is_bundle(&self) -> bool {
        self.bundle.is_some() || self.only.is_some()
    }

    /// A project of revisions that one component runs, and the default settings.
    pub fn of_plugin(root: PathBuf, found: Vec<Found>, component: Artifact) -> Self {
        Self {
            file: root.join(CONFIG_FILE),
            root,
            config: Config::default(),
            settings: toml::Table::new(),
            bundle: None,
            access: Access::default(),
            only: Some(Arc::new((found, component))),
        }
    }

    /// A project of a bundle.
    pub(super) fn of_bundle(
        file: PathBuf,
        root: PathBuf,
        (config, settings): (Config, toml::Table),
        bundle: Arc<Bundle>,
    ) -> Self {
        Self { root, file, config, settings, bundle: Some(bundle), access: Access::default(), only: None }
    }

    /// A project without a folder, for what needs no revisions; `access` is what
    /// it may use.
    pub fn without_revisions(root: PathBuf, access: Access) -> Self {
        Self {
            file: root.join(CONFIG_FILE),
            root,
            config: Config::default(),
            settings: toml::Table::new(),
            bundle: None,
            access,
            only: None,
        }
    }

    /// The folders that hold the revisions; at least one. Their paths are
    /// complete.
    pub fn migrations_dirs(&self) -> Vec<MigrationsDir> {
        let config = &self.config.migrations;
        let only = MigrationsDir::new(config.dir.clone().unwrap_or_else(|| "migrations".into()));
        let dirs = if config.dirs.is_empty() { std::slice::from_ref(&only) } else { &config.dirs };
        let complete = |dir: &MigrationsDir| MigrationsDir {
            path: self.root.join(&dir.path),
            package: dir.package.clone(),
            recursive: Some(dir.recursive.unwrap_or(config.recursive)),
        };
        dirs.iter().map(complete).collect()
    }

    /// The packages that the folders name.
    pub fn packages(&self) -> Vec<PackageName> {
        self.config.migrations.dirs.iter().filter_map(|dir| dir.package.clone()).collect()
    }

    /// The folder for new revisions: the first one.
    pub fn migrations_dir(&self) -> PathBuf {
        self.migrations_dirs().swap_remove(0).path
    }

    /// Where crates are compiled.
    pub fn target_dir(&self) -> PathBuf {
        self.root.join(&self.config.migrations.target_dir)
    }

    /// The folder of the project's own templates.
    pub fn templates_dir(&self) -> Option<PathBuf> {
        self.config.migrations.templates.as_ref().map(|dir| self.root.join(dir))
    }

    /// Where finished components are kept.
    pub fn components_dir(&self) -> PathBuf {
        self.root.join(&self.config.migrations.components_dir)
    }
}

/// The text of a `runner.toml`.
pub(super) fn read(file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { path: file.to_owned(), source })
}

/// Takes out what is replaced as a whole, though it is not one value. `dir` and `dirs`
/// say the same thing: a section that sets one of them replaces both. The entry of a
/// plugin says where it is from by which key it has.
fn forget_replaced(table: &mut toml::Table, with: &toml::Table) {
    let entries = with.get("plugins").and_then(toml::Value::as_table);
    if let Some(plugins) = table.get_mut("plugins").and_then(toml::Value::as_table_mut) {
        entries.into_iter().flat_map(toml::Table::keys).for_each(|name| drop(plugins.remove(name)));
    }
    let sets = |key: &str| with.get("migrations").is_some_and(|migrations| migrations.get(key).is_some());
    if (sets("dir") || sets("dirs"))
        && let Some(migrations) = table.get_mut("migrations").and_then(toml::Value::as_table_mut)
    {
        migrations.remove("dir");
        migrations.remove("dirs");
    }
}

/// Puts the keys of one table in the place of the other's; tables key by key,
/// everything else as a whole.
fn overlay(table: &mut toml::Table, with: &toml::Table) {
    for (key, value) in with {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => overlay(old, new),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: &str = "[migrations]\ndir = \"m\"\n[session]\nretries = 1\nlock_wait = \"1m\"\n\n[named.billing.session]\nretries = 2\n\
        [named.billing.migrations]\ndirs = [\"billing\"]\n[named.wrong.session]\nretires = 3\n";

    fn named(name: &str) -> Result<Config, ConfigError> {
        let settings = Settings::parse(Path::new("runner.toml"), NAMED).expect("parses");
        settings.choose(Some(name)).map(|(config, _)| config)
    }

    #[test]
    fn a_named_section_takes_the_place_of_the_keys_that_it_sets() {
        let billing = named("billing").expect("a section");
        assert_eq!(billing.session.retries, 2);
        assert_eq!(billing.session.lock_wait, SignedDuration::from_mins(1));
        assert_eq!(billing.migrations.dirs, [MigrationsDir::new("billing")]);
        assert_eq!(billing.migrations.dir, None, "one of the two replaces the other");
        insta::assert_snapshot!(named("biling").expect_err("unknown"), @"runner.toml has no section `[named.biling]`");
        insta::assert_snapshot!(named("wrong").expect_err("unknown key"), @"runner.toml:11:1: section `named.wrong`: unknown key `retires`");
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        assert_eq!(toml::from_str::<Config>("").expect("parses"), Config::default());
    }

    #[test]
    fn times_are_written_as_people_write_them() {
        let config: Config =
            toml::from_str("[session]\nlock_timeout = \"500ms\"\nlock_wait = \"2m\"").expect("parses");
        assert_eq!(config.session.lock_timeout, SignedDuration::from_millis(500));
        assert_eq!(config.session.lock_wait, SignedDuration::from_mins(2));
    }

    #[test]
    fn a_time_that_is_none_says_how_times_are_written() {
        let wrong = |value: &str| {
            let text = format!("[session]\nlock_timeout = {value}\n");
            let error = toml::from_str::<Config>(&text).expect_err("is refused");
            ManifestError::from_toml(Path::new("runner.toml"), &text, &error).to_string()
        };
        insta::assert_snapshot!(wrong("\"-5s\""), @r#"runner.toml:2:16: `-5s` is negative; "0s" turns a time-out off"#);
        insta::assert_snapshot!(wrong("\"soon\""), @r#"runner.toml:2:16: `soon` is no length of time; write it as in "5s", "500ms" or "2m""#);
        insta::assert_snapshot!(wrong("5"), @r#"runner.toml:2:16: invalid type: integer `5`, expected a length of time in quotes, as in "5s", "500ms" or "2m""#);
    }

    fn dirs(text: &str) -> Vec<MigrationsDir> {
        Project::of_text("p".into(), text).migrations_dirs()
    }

    #[test]
    fn migrations_can_be_in_several_folders() {
        assert_eq!(dirs("")[0].path, Path::new("p/migrations"));
        let several = dirs(
            "[migrations]\nrecursive = true\ndirs = [\"a\", { path = \"../b\", package = \"b\", recursive = false }]",
        );
        assert_eq!((several[0].path.as_path(), several[0].is_recursive()), (Path::new("p/a"), true));
        assert_eq!((several[1].path.as_path(), several[1].is_recursive()), (Path::new("p/../b"), false));
        assert_eq!(several[1].package.as_ref().map(AsRef::as_ref), Some("b"));
    }

    fn error(text: &str) -> String {
        let file = Path::new("runner.toml");
        let error = match toml::from_str::<Config>(text) {
            Ok(config) => config.check(file, text).expect_err("wrong"),
            Err(error) => ManifestError::from_toml(file, text, &error),
        };
        format!("{error}\n{}", error.hint.as_deref().unwrap_or_default())
    }

    #[test]
    fn folders_that_cannot_be_understood_are_refused_with_their_place() {
        insta::assert_snapshot!(error("[migrations]\ndir = \"a\"\ndirs = [\"b\"]"), @r"
        runner.toml:3:1: `dir` and `dirs` are both set
        Name all folders in `dirs`, and leave `dir` out.
        ");
        insta::assert_snapshot!(error("[migrations]\ndirs = [{ path = \"b\", packge = \"x\" }]"), @r"
        runner.toml:2:23: unknown key `packge`
        Did you mean `package`?
        ");
        insta::assert_snapshot!(error("[migrations]\ndirs = [{ package = \"x\" }]"), @"runner.toml:2:9: missing field `path`");
        insta::assert_snapshot!(error("[migrations]\ndirs = [{ path = \"b\", package = \"a-b\" }]"), @"runner.toml:2:33: `a-b` holds '-'; letters, digits, `_` and `.` are allowed");
        insta::assert_snapshot!(error("[migrations]\ndirs = [7]"), @"runner.toml:2:9: invalid type: integer `7`, expected a path, or a table with `path`, `package` and `recursive`");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let text = "[session]\nlock_timout = \"5s\"\n";
        let error = toml::from_str::<Config>(text).expect_err("unknown");
        let error = ManifestError::from_toml(Path::new("runner.toml"), text, &error);
        assert_eq!(error.to_string(), "runner.toml:2:1: unknown key `lock_timout`");
        assert_eq!(error.hint.as_deref(), Some("Did you mean `lock_timeout`?"));
    }
}
