//! What is known of plugins: `list`, `show`, `why`.

use std::path::PathBuf;

use runner::ledger::PluginApplied;
use runner::revision::PluginName;
use runner::run::{PluginInfo, PluginUseOf};
use runner::source::{self, Locked, Parameter, Pin, PluginEntry, PluginSource, RegistryAddress};
use semver::Version;
use serde_json::json;

use crate::cli::args::{Global, Resolve};
use crate::cli::context;
use crate::cli::database::{self, Environment};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::plugin;
use crate::cli::printable::{printable, printable_lines};
use crate::cli::render::count;
use crate::cli::ui::Ui;

use super::name;

/// List the plugins of runner.toml with what is pinned
#[derive(Debug, clap::Args)]
pub struct List {
    /// Ask the sources too which versions they have, and show the newest
    #[arg(long)]
    latest: bool,

    #[command(flatten)]
    pub resolve: Resolve,
}

/// Show what a plugin is: parameters, capabilities, versions, digest and imports
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    plugin: PluginName,

    /// Look at this crate or component, instead of what is pinned
    #[arg(long, value_name = "PATH", conflicts_with = "layout")]
    path: Option<PathBuf>,

    /// Look at what this layout or bundle has, instead of what is pinned
    #[arg(long, value_name = "PATH", conflicts_with = "registry")]
    layout: Option<PathBuf>,

    /// Look at the newest one that this registry has, instead of what is pinned
    #[arg(long, value_name = "HOST/NAMESPACE", conflicts_with = "path")]
    registry: Option<RegistryAddress>,

    #[command(flatten)]
    pub resolve: Resolve,
}

/// Tell which revisions use a plugin: those on disk and, where a database is configured, those that
/// are applied
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    plugin: PluginName,

    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn list(args: &List, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let manager = plugin::manager(global)?;
    let plugins = manager.list()?;
    let newest = |name: &PluginName, entry: &PluginEntry| match args.latest {
        true => {
            let versions = context::block_on(manager.versions(name, &entry.source))?;
            Ok(source::newest_version(versions.iter()).cloned())
        }
        false => Ok::<_, CommandError>(None),
    };
    let newest: Vec<Option<Version>> =
        plugins.iter().map(|(name, entry, _)| newest(name, entry)).collect::<Result<_, _>>()?;
    let plugins: Vec<_> = plugins.iter().zip(newest).collect();
    if ui.json() {
        let plugins = plugins.iter().map(|((name, entry, locked), newest)| {
            let (wanted, source) = (entry.wanted(), entry.source.to_string());
            json!({ "name": name, "wanted": wanted, "source": source, "locked": locked, "newest": newest })
        });
        ui.answer(&json!({ "plugins": plugins.collect::<Vec<_>>() }));
        return Ok(Exit::Done);
    }
    for ((name, entry, locked), newest) in &plugins {
        let newest = newest.as_ref().map(|newest| format!(", newest {newest}")).unwrap_or_default();
        ui.line(in_list(name, entry, locked.as_ref()) + &newest);
    }
    ui.note(format_args!("{}.", count(plugins.len(), "plugin")));
    Ok(Exit::Done)
}

fn in_list(name: &PluginName, entry: &PluginEntry, locked: Option<&Locked>) -> String {
    let pinned = match locked {
        None => "not pinned".to_owned(),
        Some(locked) => format!("{} {}", locked.version, pin(locked.pin(), true)),
    };
    format!("{name:<20} {:<10} {pinned:<28} {}", entry.wanted(), entry.source)
}

fn pin(pin: Pin, short: bool) -> String {
    match (pin, short) {
        (Pin::Digest(digest), true) => digest.short(),
        (Pin::Digest(digest), false) => digest.to_string(),
        (Pin::Sources(digest), true) => format!("sources {}", digest.short()),
        (Pin::Sources(digest), false) => format!("sources {digest}"),
    }
}

pub fn show(args: &Show, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let source = match (&args.path, &args.layout) {
        (Some(path), _) => Some(PluginSource::Path(path.clone())),
        (None, Some(layout)) => Some(PluginSource::Layout(layout.clone())),
        (None, None) => args.registry.clone().map(PluginSource::Registry),
    };
    let info = match source {
        // Where it is looked at before it is added, there may be no project yet.
        Some(source) => {
            let manager = plugin::manager_here(global)?;
            context::block_on(manager.look(&args.plugin, &PluginEntry { source, version: None }))?
        }
        None => context::block_on(plugin::manager(global)?.pinned(&args.plugin))?,
    };
    match ui.json() {
        true => ui.answer(&info),
        false => tell(&info, ui),
    }
    Ok(Exit::Done)
}

fn tell(info: &PluginInfo, ui: &Ui) {
    let field = |name: &str, value: &str| ui.line(format_args!("{name:<14}{}", printable(value)));
    field("Plugin:", &format!("{} {}", info.name, info.version));
    field("What it does:", &info.summary);
    let metadata = &info.metadata;
    for (name, value) in [
        ("Description:", &metadata.description),
        ("Licence:", &metadata.licenses),
        ("Sources at:", &metadata.source),
    ] {
        if let Some(value) = value {
            field(name, value);
        }
    }
    field("From:", &info.source);
    if !info.versions.is_empty() {
        let versions: Vec<_> = info.versions.iter().map(ToString::to_string).collect();
        field("Versions:", &versions.join(", "));
    }
    field("Pinned by:", &pin(info.pin, false));
    field("Digest:", &info.digest.to_string());
    field("Interface:", &info.interface.version);
    field("Imports:", &info.interface.imports.join(", "));
    info.parameters.iter().for_each(|parameter| tell_parameter(parameter, ui));
    for (capability, reason) in &info.capabilities {
        field("Asks for:", &format!("{capability} ({reason})"));
    }
}

fn tell_parameter(parameter: &Parameter, ui: &Ui) {
    let Parameter { name, kind, description, required, default } = parameter;
    let rest = match (default, required) {
        (Some(default), _) => format!(", {default} if it is not set"),
        (None, true) => ", has to be set".into(),
        (None, false) => String::new(),
    };
    ui.line(format_args!("{:<14}{}", "Parameter:", printable(&format!("{name}: {kind}{rest}"))));
    for line in printable_lines(description).to_string().lines() {
        ui.line(format_args!("{:<16}{line}", ""));
    }
}

pub fn why(args: &Why, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let manager = plugin::manager(global)?;
    let on_disk = manager.uses(&args.plugin)?;
    let project = manager.project();
    let configured = project.config.database.url.as_deref();
    let has_database = database::location(global, configured, &Environment::of(&project.root)?)?.is_some();
    let applied = match has_database {
        true => in_ledger(&args.plugin, global, ui)?,
        false => None,
    };
    if on_disk.is_empty() && applied.as_ref().is_none_or(Vec::is_empty) {
        // A name that nobody knows is a slip.
        project.plugin_entry(&args.plugin)?;
    }
    if ui.json() {
        ui.answer(&json!({ "plugin": args.plugin, "on_disk": on_disk, "applied": applied }));
        return Ok(Exit::Done);
    }
    let applied = applied.unwrap_or_default();
    on_disk.iter().for_each(|using| ui.line(line(using, &applied)));
    let gone = applied.iter().filter(|one| !on_disk.iter().any(|using| using.revision == one.revision));
    gone.for_each(|one| ui.line(format_args!("{} {} (not on disk)", one.revision, with_version(one))));
    if on_disk.is_empty() && applied.is_empty() {
        ui.note(format_args!("No revision uses plugin `{}`.", args.plugin));
    }
    Ok(Exit::Done)
}

/// What is applied; none where nobody answers and the database was not named on the
/// command line: what is on disk is an answer too.
fn in_ledger(
    plugin: &PluginName,
    global: &Global,
    ui: &Ui,
) -> Result<Option<Vec<PluginApplied>>, CommandError> {
    let migrator = context::migrator(global, context::silent())?;
    match context::block_on(migrator.plugin_applied(plugin)) {
        Ok(applied) => Ok(Some(applied)),
        Err(error) => {
            if error.exit() != Exit::Unreachable || global.database.is_some() {
                return Err(error);
            }
            ui.note(format_args!("What is applied is not known: {}.", printable(error.message())));
            Ok(None)
        }
    }
}

fn line(using: &PluginUseOf, applied: &[PluginApplied]) -> String {
    let found = applied.iter().find(|one| one.revision == using.revision);
    let standing = found.map(|one| format!(" {}", with_version(one))).unwrap_or_default();
    format!("{}{standing}: {} ({})", using.revision, printable(&using.message), using.path.display())
}

fn with_version(one: &PluginApplied) -> String {
    let version = one.version.as_deref().unwrap_or("of an unknown version");
    let digest = one.component_digest.map(|digest| format!(", {}", digest.short())).unwrap_or_default();
    format!("applied with {}{digest}", printable(version))
}
