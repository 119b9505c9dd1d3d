//! What commands need: the project, the database, the host, the runtime.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use runner::graph::{Target, TargetRange};
use runner::host::{Compiler, Host, HostConfig};
use runner::revision::{PackageName, SecretRef};
use runner::run::{Bundler, Migrator, Reporter, RunError, Scripter, Secrets};
use runner::source::Project;

use super::args::Global;
use super::database::{self, Environment};
use super::error::CommandError;
use super::plugin;

/// The argument with which the program starts itself to compile a component from
/// standard input to standard output. It is no command, so that neither the help
/// nor completions nor the manual speak of it.
pub const COMPILE: &str = "__compile";

/// Finds the project that the command is about.
pub fn project(global: &Global) -> Result<Project, CommandError> {
    if let Some(bundle) = &global.bundle {
        let project = Project::open_bundle(bundle, global.config.as_deref(), global.name.as_deref())?;
        return Ok(project.with_access(plugin::access(false)));
    }
    let file = match &global.config {
        Some(file) => file.clone(),
        None => {
            let here = env::current_dir()
                .map_err(|error| CommandError::user("the current folder is gone", error))?;
            // Paths in messages are shorter, and the same on every machine,
            // from where the user stands.
            let file = Project::find(&here)?;
            file.strip_prefix(&here).map(PathBuf::from).unwrap_or(file)
        }
    };
    Ok(Project::load_named(&file, global.name.as_deref())?.with_access(plugin::access(false)))
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
    let found = database::location(global, &project, &environment)?;
    let (location, source) = found.ok_or_else(CommandError::no_database)?;
    tracing::info!("{location} (from {source})");
    let host = host(&project)?;
    let secrets = secrets(&project.root, environment);
    Ok(Migrator::new(project, location, host, actor(), reporter).with_secrets(secrets))
}

/// Brings everything together for a command that writes a script: no database
/// is looked for.
pub fn scripter(global: &Global, reporter: Reporter) -> Result<Scripter, CommandError> {
    let project = project(global)?;
    let host = host(&project)?;
    Ok(Scripter::new(project, host, reporter))
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

/// How long a run that was interrupted may take to roll back.
const GRACE: Duration = Duration::from_secs(4);

/// Runs a migrator's work until it is done or the program is told to stop
/// (Ctrl-C, SIGTERM); then the running statement is cancelled, so that the
/// server does not go on alone, and the step is rolled back.
pub fn run_interruptibly<T>(
    migrator: &Migrator,
    work: impl Future<Output = Result<T, RunError>>,
) -> Result<T, CommandError> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            result = &mut work => return Ok(result?),
            () = told_to_stop() => {}
        }
        migrator.interrupt().await;
        match tokio::time::timeout(GRACE, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(CommandError::interrupted(Some(error.into()))),
            // What is dropped here closes the connection, and the server rolls
            // back by itself.
            Err(_) => Err(CommandError::interrupted(None)),
        }
    })
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without a handler the signals end the program as they always do.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Runs a command's asynchronous part.
pub fn block_on<T>(work: impl Future<Output = Result<T, RunError>>) -> Result<T, CommandError> {
    Ok(runtime()?.block_on(work)?)
}

/// Two threads: this one runs the component, and the other moves the bytes of the
/// connection meanwhile, so that what is fetched ahead arrives while the
/// component computes.
fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|error| CommandError::internal("the runtime does not start", error))
}
