//! From crates to WebAssembly modules: what cargo is told and asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::{ArtifactError, BuildStop, ScanError, Toolchain, ToolchainError};

/// Why a crate was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no compiler for guests.
    #[error("{0}")]
    Toolchain(ToolchainError),
    /// cargo cannot be run or speaks another language.
    #[error("cargo failed: {0}")]
    Cargo(String),
    /// Somebody stopped it.
    #[error("the build was stopped")]
    Stopped,
    /// The compiler found errors; it has shown them already.
    #[error("the crates of {} did not compile", .0.join(", "))]
    Compile(Vec<String>),
    /// The crate makes no WebAssembly module.
    #[error("the crate of {of} ({}) makes no WebAssembly module", manifest.display())]
    NoModule {
        /// Whose crate.
        of: String,
        /// The crate's Cargo.toml.
        manifest: PathBuf,
    },
    /// The component cannot be finished.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The crate's sources cannot be read.
    #[error(transparent)]
    Sources(#[from] ScanError),
}

impl BuildError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Toolchain(error) => Some(error.hint()),
            Self::NoModule { .. } => {
                Some("Its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`.")
            }
            Self::Stopped | Self::Compile(_) | Self::Cargo(_) | Self::Artifact(_) | Self::Sources(_) => None,
        }
    }
}

/// A crate that is to be compiled.
pub(super) struct Crate {
    /// Its folder.
    pub(super) dir: PathBuf,
    /// Whose it is, for messages.
    pub(super) of: String,
}

/// How it is compiled.
#[derive(Clone, Copy)]
pub(super) struct CompileOptions<'a> {
    /// Where cargo puts what it makes; none for a folder in each workspace's own.
    pub(super) target_dir: Option<&'a Path>,
    /// Whether cargo may ask a registry for what is not on this machine.
    pub(super) offline: bool,
    /// Stops it.
    pub(super) stop: &'a BuildStop,
}

/// A crate that was compiled.
pub(super) struct Compiled {
    /// The file of its module.
    pub(super) module: PathBuf,
    /// What its Cargo.toml says.
    pub(super) package: Package,
}

/// What `cargo metadata` tells, as far as we need it.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// A package, as `cargo metadata` tells of it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    manifest_path: PathBuf,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) license: Option<String>,
    #[serde(default)]
    pub(super) repository: Option<String>,
}

/// What `cargo build --message-format=json` tells, as far as we need it.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// A crate of a workspace: its place among those that were asked for, and what
/// cargo calls it.
struct Member<'a> {
    place: usize,
    of: &'a str,
    package: Package,
    /// The target folder of its workspace.
    target_directory: PathBuf,
}

/// Compiles crates, in their order. cargo decides what has to be compiled, and
/// works on several crates at once. The compiler's own messages go to standard
/// error as they come.
pub(super) fn compile(crates: &[Crate], options: CompileOptions<'_>) -> Result<Vec<Compiled>, BuildError> {
    if crates.is_empty() {
        return Ok(Vec::new());
    }
    let toolchain = Toolchain::find().map_err(BuildError::Toolchain)?;
    let mut compiled = BTreeMap::new();
    for (workspace, members) in by_workspace(crates, options.offline)? {
        let modules = compile_workspace(&toolchain, &workspace, &members, options)?;
        for (member, module) in members.into_iter().zip(modules) {
            compiled.insert(member.place, Compiled { module, package: member.package });
        }
    }
    Ok(compiled.into_values().collect())
}

/// Groups the crates by cargo workspace: one cargo builds a whole one.
fn by_workspace(crates: &[Crate], offline: bool) -> Result<BTreeMap<PathBuf, Vec<Member<'_>>>, BuildError> {
    let mut groups: BTreeMap<PathBuf, Vec<Member<'_>>> = BTreeMap::new();
    let mut known: Vec<Metadata> = Vec::new();
    for (place, Crate { dir, of }) in crates.iter().enumerate() {
        let manifest = cargo_toml(dir)?;
        let in_known = |metadata: &Metadata| package(metadata, &manifest).is_some();
        if !known.iter().any(in_known) {
            known.push(metadata(&manifest, offline)?);
        }
        let metadata = known.iter().find(|metadata| in_known(metadata));
        let (metadata, package) =
            metadata.and_then(|metadata| Some((metadata, package(metadata, &manifest)?))).ok_or_else(
                || BuildError::Cargo(format!("{} is no package of its workspace", manifest.display())),
            )?;
        let member = Member { place, of, package, target_directory: metadata.target_directory.clone() };
        groups.entry(metadata.workspace_root.join("Cargo.toml")).or_default().push(member);
    }
    Ok(groups)
}

/// A crate's Cargo.toml, as cargo spells its path.
fn cargo_toml(dir: &Path) -> Result<PathBuf, BuildError> {
    let path = dir.join("Cargo.toml");
    path.canonicalize().map_err(|error| BuildError::Cargo(format!("{}: {error}", path.display())))
}

fn package(metadata: &Metadata, manifest: &Path) -> Option<Package> {
    metadata.packages.iter().find(|package| package.manifest_path == manifest).cloned()
}

fn metadata(manifest: &Path, offline: bool) -> Result<Metadata, BuildError> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(manifest);
    if offline {
        command.arg("--offline");
    }
    let output = command.output().map_err(|error| BuildError::Cargo(error.to_string()))?;
    if !output.status.success() {
        return Err(BuildError::Cargo(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| BuildError::Cargo(error.to_string()))
}

/// Compiles some crates of a workspace and returns their modules, in order.
fn compile_workspace(
    toolchain: &Toolchain,
    workspace: &Path,
    members: &[Member<'_>],
    options: CompileOptions<'_>,
) -> Result<Vec<PathBuf>, BuildError> {
    let cargo = |error: std::io::Error| BuildError::Cargo(error.to_string());
    let target_dir = match (options.target_dir, members.first()) {
        (Some(dir), _) => std::path::absolute(dir).map_err(cargo)?,
        // Beside what cargo itself makes there, which it would lock.
        (None, Some(member)) => member.target_directory.join("guests"),
        (None, None) => return Ok(Vec::new()),
    };
    let mut command = toolchain.cargo_build(&target_dir);
    command.arg("--message-format=json-render-diagnostics").arg("--manifest-path").arg(workspace);
    if options.offline {
        command.arg("--offline");
    }
    for member in members {
        command.args(["--package", &member.package.name]);
    }
    let running = options.stop.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped())).map_err(cargo)?;
    let Some((mut running, output)) = running else {
        return Err(BuildError::Stopped);
    };
    let mut modules = BTreeMap::new();
    for line in BufReader::new(output).lines() {
        if let Some((manifest, module)) = module_of(&line.map_err(cargo)?) {
            modules.insert(manifest, module);
        }
    }
    let status = running.wait().map_err(cargo)?;
    if options.stop.is_stopped() {
        return Err(BuildError::Stopped);
    }
    if !status.success() {
        return Err(BuildError::Compile(members.iter().map(|member| member.of.to_owned()).collect()));
    }
    let module = |member: &Member<'_>| {
        let manifest = member.package.manifest_path.clone();
        modules.remove(&manifest).ok_or(BuildError::NoModule { of: member.of.to_owned(), manifest })
    };
    members.iter().map(module).collect()
}

/// The package's Cargo.toml and its module, if the message tells of one.
fn module_of(line: &str) -> Option<(PathBuf, PathBuf)> {
    let message: Message = serde_json::from_str(line).ok()?;
    let is_module = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
    let module =
        message.filenames.into_iter().find(is_module).filter(|_| message.reason == "compiler-artifact")?;
    Some((message.manifest_path?, module))
}
