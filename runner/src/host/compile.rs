//! Compiling a component, in a process of its own that can be killed.
//!
//! The time that the compiler takes is guest-controlled (it grows with the
//! square of a function's size), and a thread cannot be stopped.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use wasmtime::Engine;

use super::engine;
use super::error::LoadError;
use super::limits::Limits;

/// The largest artifact that is taken from the child.
const MAX_ARTIFACT: u64 = 2 << 30;

/// The most that is shown of what the child wrote to its standard error.
const MAX_MESSAGE: u64 = 8 * 1024;

/// Who compiles components.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// A child process that calls [`compile_child_main`], killed when its time
    /// is over. It inherits no environment.
    Child {
        /// The program: usually the one that is running.
        program: PathBuf,
        /// Its arguments: usually a hidden subcommand.
        args: Vec<OsString>,
    },
    /// This process. Without a time limit worth the name: the call ends in
    /// time, the thread does not. For tests, and for components that are
    /// trusted.
    InProcess,
}

/// Compiles a component to an artifact that an equal engine can load.
pub(super) async fn compile(
    compiler: &Compiler,
    engine: &Engine,
    component: &[u8],
    limits: &Limits,
) -> Result<Vec<u8>, LoadError> {
    let limit = limits.compile_time();
    let compiled = async {
        match compiler {
            Compiler::Child { program, args } => compile_in_child(command(program, args, limits), component)
                .await
                .map_err(|source| LoadError::Compiler { program: program.clone(), source })?,
            Compiler::InProcess => compile_here(engine.clone(), component.to_vec()).await,
        }
    };
    // The child is killed when its future is dropped.
    tokio::time::timeout(limit, compiled).await.unwrap_or(Err(LoadError::CompileTime { limit }))
}

async fn compile_here(engine: Engine, component: Vec<u8>) -> Result<Vec<u8>, LoadError> {
    tokio::task::spawn_blocking(move || engine.precompile_component(&component))
        .await
        .map_err(|panic| LoadError::Compile { message: format!("the compiler failed: {panic}") })?
        .map_err(|error| LoadError::Compile { message: format!("{error:#}") })
}

fn command(program: &PathBuf, args: &[OsString], limits: &Limits) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env(MEMORY_LIMIT, limits.compile_memory_bytes.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// How the limit on the address space gets to the child.
const MEMORY_LIMIT: &str = "RUNNER_COMPILE_MEMORY_BYTES";

async fn compile_in_child(
    mut command: Command,
    component: &[u8],
) -> std::io::Result<Result<Vec<u8>, LoadError>> {
    let mut child = command.spawn()?;
    let (artifact, message) = talk(&mut child, component).await?;
    let status = child.wait().await?;
    Ok(match status.success() {
        true => Ok(artifact),
        false if message.trim().is_empty() => {
            Err(LoadError::Compile { message: format!("the compiler ended with {status}") })
        }
        false => Err(LoadError::Compile { message: message.trim().to_owned() }),
    })
}

/// Writes and reads at the same time: neither side waits for the other.
async fn talk(child: &mut Child, component: &[u8]) -> std::io::Result<(Vec<u8>, String)> {
    let mut stdin = child.stdin.take().expect("the child's standard input is a pipe");
    let stdout = child.stdout.take().expect("the child's standard output is a pipe");
    let stderr = child.stderr.take().expect("the child's standard error is a pipe");
    let (mut artifact, mut message) = (Vec::new(), Vec::new());
    let mut artifact_reader = stdout.take(MAX_ARTIFACT);
    let mut message_reader = stderr.take(MAX_MESSAGE);
    let (_, read, told) = tokio::join!(
        async {
            // A child that has failed early does not read: its status tells.
            let _ = stdin.write_all(component).await;
            drop(stdin);
        },
        artifact_reader.read_to_end(&mut artifact),
        message_reader.read_to_end(&mut message),
    );
    read?;
    told?;
    Ok((artifact, String::from_utf8_lossy(&message).into_owned()))
}

/// The compiling child: reads a component from standard input and writes the
/// artifact to standard output, or a message to standard error.
///
/// What [`Compiler::Child`] starts has to do this and nothing else.
pub fn compile_child_main() -> ExitCode {
    match compile_child() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // The message is the protocol's; there is nobody to tell if the
            // parent is gone.
            let _ = std::io::stderr().write_all(message.as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn compile_child() -> Result<(), String> {
    limit_memory();
    let mut component = Vec::new();
    std::io::stdin().lock().read_to_end(&mut component).map_err(|error| error.to_string())?;
    let engine = engine::new().map_err(|error| format!("{error:#}"))?;
    let artifact = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&artifact).and_then(|()| stdout.flush()).map_err(|error| error.to_string())
}

/// Without the limit a compile bomb could take the whole machine's memory
/// before its time is over.
fn limit_memory() {
    let wanted = std::env::var(MEMORY_LIMIT).ok().and_then(|value| value.parse().ok());
    #[cfg(unix)]
    if let Some(bytes) = wanted {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        if let Err(error) = setrlimit(Resource::As, limit) {
            tracing::debug!(%error, "the compiler's memory is not limited");
        }
    }
    #[cfg(not(unix))]
    let _: Option<u64> = wanted;
}
