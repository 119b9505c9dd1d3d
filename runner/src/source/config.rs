//! `runner.toml`.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::revision::ManifestError;

/// The name of the configuration file.
pub const CONFIG_FILE: &str = "runner.toml";

/// A project: a folder with a `runner.toml`.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder that holds `runner.toml`.
    pub root: PathBuf,
    /// The file itself.
    pub file: PathBuf,
    /// What it says.
    pub config: Config,
}

/// What `runner.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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
    /// What a component may use.
    pub limits: crate::host::Limits,
}

/// `[migrations]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MigrationsConfig {
    /// The folder that holds one folder a revision, relative to `runner.toml`.
    pub dir: PathBuf,
    /// Where crates are compiled, relative to `runner.toml`. Shared by all of
    /// them.
    pub target_dir: PathBuf,
    /// Where finished components are kept, relative to `runner.toml`.
    pub components_dir: PathBuf,
}

impl Default for MigrationsConfig {
    fn default() -> Self {
        Self {
            dir: "migrations".into(),
            target_dir: ".runner/target".into(),
            components_dir: ".runner/components".into(),
        }
    }
}

/// `[database]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The URL, or `embedded:PATH`.
    pub url: Option<String>,
}

/// `[ledger]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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
    pub lock_timeout: SignedDuration,
    /// How long a statement may run.
    pub statement_timeout: SignedDuration,
    /// How long the transaction may wait for the migration between statements.
    pub idle_in_transaction_session_timeout: SignedDuration,
    /// How long to wait for another runner.
    pub lock_wait: SignedDuration,
    /// How often a step is tried again after a lock time-out, a deadlock or a
    /// serialisation failure.
    pub retries: u32,
    /// How long a step may take altogether.
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
}

impl Project {
    /// Finds the `runner.toml` of a folder or of the nearest one above it.
    pub fn find(start: &Path) -> Result<PathBuf, ConfigError> {
        let found = start.ancestors().map(|folder| folder.join(CONFIG_FILE)).find(|file| file.is_file());
        found.ok_or_else(|| ConfigError::NotFound(start.to_owned()))
    }

    /// Reads a `runner.toml`.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| ConfigError::Unreadable { path: file.to_owned(), source })?;
        let config = toml::from_str(&text).map_err(|error| ManifestError::from_toml(file, &text, &error))?;
        let root = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { root, file: file.to_owned(), config })
    }

    /// The folder that holds the revisions.
    pub fn migrations_dir(&self) -> PathBuf {
        self.root.join(&self.config.migrations.dir)
    }

    /// Where crates are compiled.
    pub fn target_dir(&self) -> PathBuf {
        self.root.join(&self.config.migrations.target_dir)
    }

    /// Where finished components are kept.
    pub fn components_dir(&self) -> PathBuf {
        self.root.join(&self.config.migrations.components_dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn an_unknown_key_is_named() {
        let text = "[session]\nlock_timout = \"5s\"\n";
        let error = toml::from_str::<Config>(text).expect_err("unknown");
        let error = ManifestError::from_toml(Path::new("runner.toml"), text, &error);
        assert_eq!(error.to_string(), "runner.toml:2:1: unknown key `lock_timout`");
        assert_eq!(error.hint.as_deref(), Some("Did you mean `lock_timeout`?"));
    }
}
