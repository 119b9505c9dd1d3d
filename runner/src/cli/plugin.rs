//! What the commands about plugins need, and how their errors are told.

use std::env;
use std::path::{Path, PathBuf};

use runner::db::Location;
use runner::host::LoadError;
use runner::run::{PluginChange, PluginManager, RunError, ScratchUse};
use runner::source::{Access, ConfigError, PluginError, Project, RegistryConfig};

use super::args::Global;
use super::context;
use super::database::Environment;
use super::error::CommandError;
use super::exit_code::Exit;

/// `insufficient_privilege`.
const NOT_PERMITTED: &str = "42501";

/// What a project may use outside of itself: the store is in the user's folder for
/// data. See the XDG Base Directory Specification.
pub fn access(global: &Global) -> Access {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    let store = data.map(|data| data.join("runner/plugins"));
    let offline = global.resolve.network.offline;
    Access { store, offline, auth_files: auth_files(), in_cargo_target: false }
}

/// The files that may hold credentials for registries: the one that
/// REGISTRY_AUTH_FILE names, or else docker's and podman's own.
fn auth_files() -> Vec<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(only) = folder("REGISTRY_AUTH_FILE") {
        return vec![only];
    }
    let home = folder("HOME");
    let in_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let docker = folder("DOCKER_CONFIG").or_else(|| in_home(".docker"));
    let run = folder("XDG_RUNTIME_DIR");
    let config = folder("XDG_CONFIG_HOME").or_else(|| in_home(".config"));
    let podman = [run, config].into_iter().flatten().map(|folder| folder.join("containers/auth.json"));
    docker.map(|docker| docker.join("config.json")).into_iter().chain(podman).collect()
}

/// What the project around the current folder says of registries; nothing, where
/// there is none.
pub fn registries(global: &Global) -> Result<RegistryConfig, CommandError> {
    let here = env::current_dir().map_err(|error| CommandError::user("the current folder is gone", error))?;
    match Project::find(&here) {
        Err(ConfigError::NotFound(_)) if global.config.is_none() => Ok(RegistryConfig::default()),
        _ => Ok(context::project(global)?.config.registry),
    }
}

/// The plugins of the project.
pub fn manager(global: &Global) -> Result<PluginManager, CommandError> {
    let project = context::project(global)?;
    let host = context::host(&project)?;
    Ok(PluginManager::new(project, host, global.name.clone()))
}

/// The same where there may be no project: then it is one without plugins, in the
/// current folder.
pub fn manager_here(global: &Global) -> Result<PluginManager, CommandError> {
    let here = env::current_dir().map_err(|error| CommandError::user("the current folder is gone", error))?;
    match Project::find(&here) {
        Err(ConfigError::NotFound(_)) if global.config.is_none() => {
            of_folder(here, global, RegistryConfig::default())
        }
        _ => {
            let project = context::project(global)?;
            let mut manager = Project::without_revisions(here, access(global));
            manager.config.limits = project.config.limits;
            manager.config.registry = project.config.registry;
            let host = context::host(&manager)?;
            Ok(PluginManager::new(manager, host, None))
        }
    }
}

/// The plugin of a crate, which needs no project: what is built is kept in the
/// crate's own folder.
pub fn of_crate(
    dir: &Path,
    global: &Global,
    registries: RegistryConfig,
) -> Result<PluginManager, CommandError> {
    of_folder(std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()), global, registries)
}

fn of_folder(
    dir: PathBuf,
    global: &Global,
    registries: RegistryConfig,
) -> Result<PluginManager, CommandError> {
    let access = Access { in_cargo_target: true, ..access(global) };
    let mut project = Project::without_revisions(dir, access);
    project.config.registry = registries;
    let host = context::host(&project)?;
    Ok(PluginManager::new(project, host, None))
}

/// Where the database is, as the command line, the environment and a `.env` in a
/// folder say; there need be no project.
pub fn location(global: &Global, dir: &Path) -> Result<Location, CommandError> {
    context::location(global, None, &Environment::of(dir)?)
}

impl CommandError {
    /// A plugin from nowhere.
    pub fn no_plugin_source() -> Self {
        Self::new(Exit::Usage, "where is the plugin from?").hint(
            "Pass `--registry HOST/NAMESPACE`, `--layout DIR` or `--path DIR`; or name a registry once, as \
             `default` of [registry] in runner.toml.",
        )
    }

    /// Two ranges of versions.
    pub fn version_twice() -> Self {
        Self::new(Exit::Usage, "the versions are said twice, by `@` and by `--version`")
    }

    /// A plugin to nowhere.
    pub fn no_plugin_destination() -> Self {
        Self::new(Exit::Usage, "where is the plugin published?").hint(
            "Pass `--registry HOST/NAMESPACE` or `--layout FOLDER`; or name a registry once, as `default` of \
             [registry] in runner.toml.",
        )
    }

    /// Something about a plugin, or about its cases.
    pub(super) fn plugin(error: &RunError) -> Self {
        let found = Self::from_chain(Exit::Error, error);
        match error {
            RunError::PluginLoad { source: LoadError::Version { .. }, .. } => found.hint(
                "Use a version of the plugin that was made for this interface, or a runner that has its interface.",
            ),
            RunError::PluginInUse { .. } => {
                found.hint("A revision keeps its plugin: it is needed wherever the revision is applied anew.")
            }
            RunError::CaseNeedsServer => found.hint("Name a server: `--database postgresql://…`."),
            RunError::CaseDatabase { what: ScratchUse::Make, source, .. }
                if source.sqlstate() == Some(NOT_PERMITTED) =>
            {
                found.hint("The login must be allowed to make databases: ALTER ROLE … CREATEDB.")
            }
            RunError::CaseDatabase { database, what: ScratchUse::Drop, .. } => {
                found.hint(format!("It is still there: DROP DATABASE {database} WITH (FORCE)."))
            }
            _ => found,
        }
    }

    /// A Cargo.toml of no crate.
    pub fn no_package(file: &Path) -> Self {
        Self::new(Exit::Error, format!("{} is that of no crate", file.display()))
            .hint("`runner plugin new NAME` makes one.")
    }

    /// A plugin asks for more, and nobody agreed.
    pub fn no_consent(change: &PluginChange) -> Self {
        let (name, version) = (&change.to.name, &change.to.version);
        let what = match change.moved {
            true => "has other bytes than before under this version",
            false => "asks for more than before",
        };
        let message = format!("plugin `{name}` {version} {what}; nothing was changed");
        let found =
            change.more.iter().fold(Self::new(Exit::Error, message), |error, more| error.cause(more.clone()));
        found.hint(format!("If that is meant, run `runner plugin update {name} --accept-capabilities`."))
    }
}

impl From<PluginError> for CommandError {
    fn from(error: PluginError) -> Self {
        let found = Self::from_chain(Exit::Error, &error);
        error.hint().into_iter().fold(found, Self::hint)
    }
}
