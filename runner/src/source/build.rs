//! Building the crates of revisions of kind `rust`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::revision::{Kind, RevisionId};

use super::artifact::{Artifact, ArtifactError, artifact_path, encode, load_artifact};
use super::build_stop::BuildStop;
use super::{Found, Project, Toolchain, ToolchainError};

/// A revision whose component is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The revision.
    pub revision: RevisionId,
    /// Where the component is.
    pub path: PathBuf,
    /// Whether it is another one than before.
    pub changed: bool,
}

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
    #[error("the crates of {} did not compile", list(.0))]
    Compile(Vec<RevisionId>),
    /// The crate makes no WebAssembly module.
    #[error("the crate of revision `{revision}` ({}) makes no WebAssembly module", manifest.display())]
    NoModule {
        /// The revision.
        revision: RevisionId,
        /// The crate's Cargo.toml.
        manifest: PathBuf,
    },
    /// The component cannot be finished.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

fn list(revisions: &[RevisionId]) -> String {
    revisions.iter().map(|revision| format!("`{revision}`")).collect::<Vec<_>>().join(", ")
}

impl BuildError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Toolchain(error) => Some(error.hint()),
            Self::NoModule { .. } => {
                Some("Its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`.")
            }
            Self::Stopped | Self::Compile(_) | Self::Cargo(_) | Self::Artifact(_) => None,
        }
    }
}

/// Builds the crates of all revisions of kind `rust` among `revisions`. cargo
/// decides what has to be compiled, and works on several crates at once; only
/// what came out different is written. The compiler's own messages go to
/// standard error as they come.
pub fn build(project: &Project, revisions: &[Found]) -> Result<Vec<Built>, BuildError> {
    build_until(project, revisions, &BuildStop::default())
}

/// The same, until somebody stops it.
pub fn build_until(
    project: &Project,
    revisions: &[Found],
    stop: &BuildStop,
) -> Result<Vec<Built>, BuildError> {
    let crates: Vec<&Found> = revisions.iter().filter(|found| found.manifest.kind == Kind::Rust).collect();
    if crates.is_empty() {
        return Ok(Vec::new());
    }
    let toolchain = Toolchain::find().map_err(BuildError::Toolchain)?;
    let mut built = Vec::with_capacity(crates.len());
    for (workspace, members) in by_workspace(&crates)? {
        let modules = compile(project, &toolchain, &workspace, &members, stop)?;
        for (found, module) in members.iter().zip(modules) {
            built.push(finish(project, found, &module)?);
        }
    }
    Ok(built)
}

/// What `cargo metadata` tells, as far as we need it.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// What `cargo build --message-format=json` tells, as far as we need it.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// A revision's crate and its name as a cargo package.
type Crate<'a> = (&'a Found, String);

/// Groups the crates by cargo workspace: one cargo builds a whole one.
fn by_workspace<'a>(crates: &[&'a Found]) -> Result<BTreeMap<PathBuf, Vec<Crate<'a>>>, BuildError> {
    let mut groups: BTreeMap<PathBuf, Vec<Crate<'a>>> = BTreeMap::new();
    let mut known: Vec<Metadata> = Vec::new();
    for found in crates {
        let manifest = cargo_toml(found)?;
        let in_known = |metadata: &Metadata| package(metadata, &manifest).is_some();
        if !known.iter().any(in_known) {
            known.push(metadata(&manifest)?);
        }
        let metadata = known.iter().find(|metadata| in_known(metadata));
        let (metadata, name) =
            metadata.and_then(|metadata| Some((metadata, package(metadata, &manifest)?))).ok_or_else(
                || BuildError::Cargo(format!("{} is no package of its workspace", manifest.display())),
            )?;
        groups.entry(metadata.workspace_root.join("Cargo.toml")).or_default().push((found, name));
    }
    Ok(groups)
}

/// A crate's Cargo.toml, as cargo spells its path.
fn cargo_toml(found: &Found) -> Result<PathBuf, BuildError> {
    let path = found.dir.join("Cargo.toml");
    path.canonicalize().map_err(|error| BuildError::Cargo(format!("{}: {error}", path.display())))
}

fn package(metadata: &Metadata, manifest: &Path) -> Option<String> {
    metadata
        .packages
        .iter()
        .find(|package| package.manifest_path == manifest)
        .map(|package| package.name.clone())
}

fn metadata(manifest: &Path) -> Result<Metadata, BuildError> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
        .arg(manifest)
        .output()
        .map_err(|error| BuildError::Cargo(error.to_string()))?;
    if !output.status.success() {
        return Err(BuildError::Cargo(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| BuildError::Cargo(error.to_string()))
}

/// Compiles some crates of a workspace and returns their modules, in order.
fn compile(
    project: &Project,
    toolchain: &Toolchain,
    workspace: &Path,
    members: &[Crate<'_>],
    stop: &BuildStop,
) -> Result<Vec<PathBuf>, BuildError> {
    let cargo = |error: std::io::Error| BuildError::Cargo(error.to_string());
    let target_dir = std::path::absolute(project.target_dir()).map_err(cargo)?;
    let mut command = toolchain.cargo_build(&target_dir);
    command.arg("--message-format=json-render-diagnostics").arg("--manifest-path").arg(workspace);
    for (_, name) in members {
        command.args(["--package", name]);
    }
    let running = stop.spawn(command.stdin(Stdio::null()).stdout(Stdio::piped())).map_err(cargo)?;
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
    if stop.is_stopped() {
        return Err(BuildError::Stopped);
    }
    if !status.success() {
        return Err(BuildError::Compile(
            members.iter().map(|(found, _)| found.manifest.revision.clone()).collect(),
        ));
    }
    let module = |(found, _): &Crate<'_>| {
        let manifest = cargo_toml(found)?;
        let revision = found.manifest.revision.clone();
        modules.remove(&manifest).ok_or(BuildError::NoModule { revision, manifest })
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

/// Encodes a module and writes the component if it differs from the one there.
fn finish(project: &Project, (found, _): &Crate<'_>, module: &Path) -> Result<Built, BuildError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ArtifactError::Io { path, source }
    };
    let bytes = std::fs::read(module).map_err(io(module))?;
    let component = encode(&bytes, &found.manifest, found.source_digest)?;
    let revision = found.manifest.revision.clone();
    let dir = project.components_dir();
    let path = artifact_path(&dir, &revision);
    let before = load_artifact(&dir, &revision, found.source_digest)?;
    let changed = before.is_none_or(|Artifact { bytes, .. }| *bytes != component);
    if changed {
        let folder = path.parent().unwrap_or(&dir);
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        // Written aside and renamed: a reader sees the old one or the new one.
        let aside = path.with_extension(format!("wasm.{:016x}", rand::random::<u64>()));
        std::fs::write(&aside, &component).map_err(io(&aside))?;
        std::fs::rename(&aside, &path).map_err(io(&path))?;
    }
    Ok(Built { revision, path, changed })
}
