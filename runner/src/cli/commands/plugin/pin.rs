//! Which plugins a project uses: `add`, `remove`, `update`.

use std::io::BufRead as _;
use std::path::PathBuf;

use runner::revision::PluginName;
use runner::run::{PluginChange, PluginInfo, UpdateOptions};
use runner::source::{PluginEntry, PluginSource, RegistryAddress};
use semver::VersionReq;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::cli::args::{Global, Resolve};
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::plugin;
use crate::cli::printable::printable;
use crate::cli::ui::Ui;

use super::{name, seen_from};

/// Add a plugin to runner.toml, and pin it in runner.lock
#[derive(Debug, clap::Args)]
pub struct Add {
    /// Its name, and the versions that may be used, as in `repair-text@1.2` (the default: what is
    /// compatible with the newest)
    #[arg(value_name = "NAME[@VERSION]", value_parser = name_and_version)]
    plugin: NameAndVersion,

    #[command(flatten)]
    source: Source,

    /// The versions that may be used
    #[arg(long, value_name = "VERSION")]
    version: Option<VersionReq>,

    #[command(flatten)]
    pub resolve: Resolve,
}

/// A plugin, with the versions of it that may be used if that was said.
#[derive(Clone, Debug)]
struct NameAndVersion {
    name: PluginName,
    version: Option<VersionReq>,
}

fn name_and_version(text: &str) -> Result<NameAndVersion, String> {
    let (plugin, version) = match text.split_once('@') {
        Some((plugin, version)) => (plugin, Some(version)),
        None => (text, None),
    };
    let version = version.map(|version| {
        let wrong = |error| format!("`{version}` is no range of versions, as `1.2` is one: {error}");
        version.parse().map_err(wrong)
    });
    let plugin = name(plugin).map_err(|error| error.to_string())?;
    Ok(NameAndVersion { name: plugin, version: version.transpose()? })
}

/// Where a plugin is from; without an option, from the default registry.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Source {
    /// The registry and the namespace in it, as in `registry.example.org/team/plugins` (the default:
    /// what runner.toml names as `default` of [registry])
    #[arg(long, value_name = "HOST/NAMESPACE")]
    registry: Option<RegistryAddress>,

    /// The folder of its crate, or its finished component
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,

    /// A folder or a tar file in OCI image layout, or a bundle
    #[arg(long, value_name = "PATH")]
    layout: Option<PathBuf>,
}

/// Take a plugin out of runner.toml and runner.lock
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    plugin: PluginName,

    #[command(flatten)]
    pub resolve: Resolve,
}

/// Pin the newest versions that runner.toml takes
///
/// A version that asks for more than the one before is pinned only if that is wanted.
#[derive(Debug, clap::Args)]
pub struct Update {
    /// The plugins; without one, all of them
    #[arg(value_name = "NAME", value_parser = name)]
    plugins: Vec<PluginName>,

    /// Accept what a plugin asks for beyond what it asked for before
    #[arg(long, visible_alias = "yes")]
    accept_capabilities: bool,

    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn add(args: &Add, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let manager = plugin::manager(global)?;
    let root = &manager.project().root;
    let default = &manager.project().config.registry.default;
    let source = match (&args.source.path, &args.source.layout, &args.source.registry) {
        (Some(path), ..) => PluginSource::Path(seen_from(root, path)),
        (None, Some(layout), _) => PluginSource::Layout(seen_from(root, layout)),
        (None, None, Some(address)) => PluginSource::Registry(address.clone()),
        (None, None, None) => match default {
            Some(address) => PluginSource::Registry(address.clone()),
            None => return Err(CommandError::no_plugin_source()),
        },
    };
    let NameAndVersion { name, version } = &args.plugin;
    let version = match (version, &args.version) {
        (Some(_), Some(_)) => return Err(CommandError::version_twice()),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    let options = UpdateOptions { locked: global.resolve.locked };
    let info = context::block_on(manager.add(name, PluginEntry { source, version }, options))?;
    if ui.json() {
        ui.answer(&json!({ "event": "plugin-added", "plugin": info }));
        return Ok(Exit::Done);
    }
    ui.line(format_args!("added {} {}", info.name, info.version));
    asks(&info, ui);
    ui.note(format_args!("Next: runner revision -m \"…\" --plugin {}", info.name));
    Ok(Exit::Done)
}

/// What a plugin asks for, so that whoever adds it has seen it.
fn asks(info: &PluginInfo, ui: &Ui) {
    for (capability, reason) in &info.capabilities {
        ui.note(format_args!("It asks for {}: {}", printable(capability), printable(reason)));
    }
}

pub fn remove(args: &Remove, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let manager = plugin::manager(global)?;
    manager.remove(&args.plugin, UpdateOptions { locked: global.resolve.locked })?;
    match ui.json() {
        true => ui.answer(&json!({ "event": "plugin-removed", "plugin": args.plugin })),
        false => ui.line(format_args!("removed {}", args.plugin)),
    }
    Ok(Exit::Done)
}

pub fn update(args: &Update, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let manager = plugin::manager(global)?;
    let changes = context::block_on(manager.changes(&args.plugins))?;
    if !args.accept_capabilities && !global.resolve.locked {
        for change in changes.iter().filter(|change| change.needs_consent()) {
            confirm(change, ui)?;
        }
    }
    manager.accept(&changes, UpdateOptions { locked: global.resolve.locked })?;
    if ui.json() {
        ui.answer(&json!({ "event": "plugins-updated", "plugins": changes }));
        return Ok(Exit::Done);
    }
    changes.iter().for_each(|change| ui.line(line(change)));
    Ok(Exit::Done)
}

fn line(change: &PluginChange) -> String {
    let (name, version) = (&change.to.name, &change.to.version);
    match &change.from {
        _ if !change.changes => format!("fresh   {name} {version}"),
        None => format!("pinned  {name} {version}"),
        Some(from) if from == version => format!("updated {name} {version}, with other contents"),
        Some(from) => format!("updated {name} {from} to {version}"),
    }
}

/// Asks at the terminal whether a plugin may ask for more than before, or have other
/// bytes under the same version.
fn confirm(change: &PluginChange, ui: &Ui) -> Result<(), CommandError> {
    let refused = || CommandError::no_consent(change);
    if !ui.can_ask() {
        return Err(refused());
    }
    let PluginInfo { name, version, digest, .. } = &change.to;
    if change.moved {
        ui.note(format_args!("{name} {version} has other bytes than before under this version: {digest}"));
    }
    if !change.more.is_empty() {
        ui.note(format_args!("{name} {version} asks for more than before:"));
    }
    change.more.iter().for_each(|more| ui.note(format_args!("  {}", printable(more))));
    ui.note("Pin it? [y/N]");
    // On a thread of its own, so that Ctrl-C is heard.
    let answer = context::block_on(async {
        let mut answer = String::new();
        let read = spawn_blocking(move || std::io::stdin().lock().read_line(&mut answer).map(|_| answer));
        Ok(read.await.ok().and_then(Result::ok).unwrap_or_default())
    })?;
    match matches!(answer.trim(), "y" | "Y" | "yes") {
        true => Ok(()),
        false => Err(refused()),
    }
}
