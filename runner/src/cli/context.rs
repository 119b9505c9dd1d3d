//! What commands need: the project, the database, the host, the runtime.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runner::db::Location;
use runner::graph::{Target, TargetRange};
use runner::host::{Compiler, Host, HostConfig};
use runner::revision::{PackageName, SecretRef};
use runner::run::{Backups, Bundler, Migrator, Reporter, Scripter, Secrets};
use runner::source::{ConfigError, PluginError, Project};

use super::args::Global;
use super::database::{self, Environment};
use super::error::CommandError;
pub use super::interrupt::{block_on, run_interruptibly, try_interruptibly};
use super::plugin;

/// The argument with which the program starts itself to compile a component from
/// standard input to standard output. It is no command, so that neither the help
/// nor completions nor the manual speak of it.
pub const COMPILE: &str = "__compile";

/// Finds the project that the command is about.
pub fn project(global: &Global) -> Result<Project, CommandError> {
    Ok(found_project(global)?)
}

/// Why there is no project.
enum Missing {
    Folder(std::io::Error),
    Project(ConfigError),
    Lock(PluginError),
}

impl From<Missing> for CommandError {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Folder(error) => Self::user("the current folder is gone", error),
            Missing::Project(error) => error.into(),
            Missing::Lock(error) => error.into(),
        }
    }
}

fn found_project(global: &Global) -> Result<Project, Missing> {
    if let Some(bundle) = &global.bundle {
        let (config, name) = (global.config.as_deref(), global.name.as_deref());
        let project = Project::open_bundle(bundle, config, name).map_err(Missing::Project)?;
        return Ok(project.with_access(plugin::access(global)));
    }
    let file = match &global.config {
        Some(file) => file.clone(),
        None => {
            let here = env::current_dir().map_err(Missing::Folder)?;
            // Paths in messages are shorter, and the same on every machine,
            // from where the user stands.
            let file = Project::find(&here).map_err(Missing::Project)?;
            file.strip_prefix(&here).map(PathBuf::from).unwrap_or(file)
        }
    };
    let project = Project::load_named(&file, global.name.as_deref()).map_err(Missing::Project)?;
    if global.resolve.locked {
        project.check_locked().map_err(Missing::Lock)?;
    }
    Ok(project.with_access(plugin::access(global)))
}

/// Parses a target.
pub fn target(text: &str) -> Result<Target, CommandError> {
    text.parse().map_err(|error| CommandError::target(&error))
}

/// Parses a range.
pub fn range(text: &str, project: &Project) -> Result<TargetRange, CommandError> {
    let packages = project.packages();
    let is_package = |name: &str| packages.iter().map(PackageName::as_str).any(|package| package == name);
    TargetRange::parse(text, is_package).map_err(|error| CommandError::target(&error))
}

/// Parses what a script is told: a target, or a range of which both ends count.
pub fn script_range(text: &str, project: &Project) -> Result<(Option<Target>, Target), CommandError> {
    match range(text, project) {
        Ok(range) => Ok((range.from, range.to.unwrap_or_else(Target::heads))),
        // The colon may be that of a package.
        Err(wrong) => match target(text) {
            Ok(target) => Ok((None, target)),
            Err(error) => Err(if text.contains(':') { wrong } else { error }),
        },
    }
}

/// Refuses a range where one target is meant.
pub fn refuse_range(text: &str, project: &Project) -> Result<(), CommandError> {
    match text.contains(':') && range(text, project).is_ok() {
        true => Err(CommandError::range_without_sql(text)),
        false => Ok(()),
    }
}

/// Brings everything together for a command that needs a database.
pub fn migrator(global: &Global, reporter: Reporter) -> Result<Migrator, CommandError> {
    let project = project(global)?;
    let environment = Environment::of(&project.root)?;
    let location = location(global, project.config.database.url.as_deref(), &environment)?;
    let host = host(&project)?;
    let secrets = secrets(&project.root, environment);
    Ok(Migrator::new(project, location, host, actor(), reporter).with_secrets(secrets))
}

/// What a command needs that only asks the database.
pub fn project_and_location(global: &Global) -> Result<(Project, Location), CommandError> {
    let project = project(global)?;
    let environment = Environment::of(&project.root)?;
    let location = location(global, project.config.database.url.as_deref(), &environment)?;
    Ok((project, location))
}

/// Where the database is, also where there is no project: an image that only
/// waits for its server has none.
pub fn location_without_project(global: &Global) -> Result<Location, CommandError> {
    let is_named = global.config.is_some() || global.name.is_some();
    match found_project(global) {
        Ok(project) => {
            let environment = Environment::of(&project.root)?;
            location(global, project.config.database.url.as_deref(), &environment)
        }
        Err(Missing::Project(ConfigError::NotFound(_))) if !is_named => {
            location(global, None, &Environment::of(Path::new(""))?)
        }
        Err(missing) => Err(missing.into()),
    }
}

pub fn location(
    global: &Global,
    configured: Option<&str>,
    environment: &Environment,
) -> Result<Location, CommandError> {
    let found = database::location(global, configured, environment)?;
    let found = found.ok_or_else(CommandError::no_database)?;
    tracing::info!("{} (from {})", found.location, found.source);
    Ok(found.location)
}

/// Brings everything together for a command that writes a script: no database
/// is looked for.
pub fn scripter(global: &Global, reporter: Reporter) -> Result<Scripter, CommandError> {
    let project = project(global)?;
    let host = host(&project)?;
    Ok(Scripter::new(project, host, reporter))
}

/// Whether a run begins with a backup, by its option `--no-backup`.
pub fn backups(none: bool) -> Backups {
    if none { Backups::Skipped } else { Backups::AsConfigured }
}

/// Brings everything together for a command that makes a bundle.
pub fn bundler(global: &Global, reporter: Reporter) -> Result<Bundler, CommandError> {
    let project = project(global)?;
    let host = host(&project)?;
    Ok(Bundler::new(project, host, reporter))
}

/// The secrets that parameters name: variables of the environment, and files
/// relative to `runner.toml`.
fn secrets(root: &Path, environment: Environment) -> Secrets {
    let root = root.to_owned();
    Secrets::new(move |reference| match reference {
        // An empty secret is one too.
        SecretRef::Env(name) => match environment.value(name) {
            Ok(value) => value.ok_or_else(|| "it is not set".to_owned()),
            Err(_) => Err("it is not UTF-8".to_owned()),
        },
        SecretRef::File(path) => {
            let text = std::fs::read_to_string(root.join(path)).map_err(|error| error.to_string())?;
            Ok(text.strip_suffix('\n').map_or(text.as_str(), |line| line.trim_end_matches('\r')).to_owned())
        }
    })
}

/// A program of the search path.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A reporter for commands that run nothing.
pub fn silent() -> Reporter {
    Arc::new(|_| {})
}

/// The host, with the limits of a project.
pub fn host(project: &Project) -> Result<Host, CommandError> {
    let program =
        env::current_exe().map_err(|error| CommandError::user("this program cannot find itself", error))?;
    let config = HostConfig {
        limits: project.config.limits.clone(),
        data: project.config.data,
        cache: cache_dir(),
        compiler: Compiler::Child { program, args: vec![COMPILE.into()] },
    };
    Host::new(config).map_err(|error| CommandError::internal("the component host does not start", error))
}

/// The user's folder for caches. See the XDG Base Directory Specification.
fn cache_dir() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(caches.join("runner"))
}

/// Who runs the program, as `user@host`, for the ledger.
fn actor() -> String {
    let user = env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_else(|_| "unknown".into());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}")
}

/// One thread moves the bytes of the connection and does nearly everything else:
/// a second one would have to be woken up twice for each answer of the server.
/// Components that compute have a thread of their own, so that what is fetched
/// ahead arrives meanwhile.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| CommandError::internal("the runtime does not start", error))
}
