//! What the commands about plugins need, and how their errors are told.

use std::env;
use std::path::{Path, PathBuf};

use runner::db::Location;
use runner::host::LoadError;
use runner::run::{PluginChange, PluginManager, RunError, ScratchUse};
use runner::source::{Access, ConfigError, PluginError, Project};

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
    Access { store, offline: global.resolve.network.offline, in_cargo_target: false }
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
        Err(ConfigError::NotFound(_)) if global.config.is_none() => of_folder(here, global),
        _ => {
            let project = context::project(global)?;
            let limits = project.config.limits.clone();
            let mut manager = Project::without_revisions(here, access(global));
            manager.config.limits = limits;
            let host = context::host(&manager)?;
            Ok(PluginManager::new(manager, host, None))
        }
    }
}

/// The plugin of a crate, which needs no project: what is built is kept in the
/// crate's own folder.
pub fn of_crate(dir: &Path, global: &Global) -> Result<PluginManager, CommandError> {
    of_folder(std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()), global)
}

fn of_folder(dir: PathBuf, global: &Global) -> Result<PluginManager, CommandError> {
    let access = Access { in_cargo_target: true, ..access(global) };
    let project = Project::without_revisions(dir, access);
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
        Self::new(Exit::Usage, "where is the plugin from?").hint("Pass `--path DIR` or `--layout DIR`.")
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
    pub fn more_capabilities(change: &PluginChange) -> Self {
        let (name, version) = (&change.to.name, &change.to.version);
        let message = format!("plugin `{name}` {version} asks for more than before; nothing was changed");
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
