//! Making plugins: `new`, `test`, `publish`.

use std::path::{Path, PathBuf};

use runner::revision::PluginName;
use runner::run::{CaseOutcome, Cases};
use runner::source::{self, Destination, RegistryAddress, RegistryConfig};
use serde_json::json;

use crate::cli::args::{Global, Network};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::printable::printable_lines;
use crate::cli::render::count;
use crate::cli::ui::Ui;
use crate::cli::{author, context, plugin, progress};

use super::name;

/// Make the crate of a new plugin, with a test and a case that pass as they are
#[derive(Debug, clap::Args)]
pub struct New {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    plugin: PluginName,

    /// The folder to make (the default: its name)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Run the cases of a plugin on scratch databases of the given server
///
/// For each folder in `cases`: what `before.sql` makes and the plugin makes of it is compared with
/// what `after.sql` makes of it, schema and data; and what the downgrade leaves with `before.sql`
/// alone. The login must be allowed to make databases. Exits with 5 if a case fails.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// The plugin's crate
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// Only the cases whose name holds this
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,

    #[command(flatten)]
    pub network: Network,
}

/// Build a plugin and publish it: in a registry, or in a folder in OCI image layout
///
/// Without an option, in the registry that runner.toml names as the default one. A version that is
/// there with other bytes stays as it is. Credentials are those that `docker login`, `podman login`
/// or `oras login` keep.
#[derive(Debug, clap::Args)]
pub struct Publish {
    /// The plugin's crate
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// The layout; it is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    layout: Option<PathBuf>,

    /// The registry and the namespace in it, as in `registry.example.org/team/plugins`
    #[arg(long, value_name = "HOST/NAMESPACE", conflicts_with = "layout")]
    registry: Option<RegistryAddress>,

    #[command(flatten)]
    pub network: Network,
}

pub fn new(args: &New, ui: &Ui) -> Result<Exit, CommandError> {
    let dir = args.dir.clone().unwrap_or_else(|| args.plugin.as_str().into());
    let made = source::new_plugin(&dir, &args.plugin, &author::sdk())?;
    match ui.json() {
        true => ui.answer(&json!({ "event": "plugin-made", "plugin": args.plugin, "files": made })),
        false => made.iter().for_each(|path| ui.line(format_args!("made {}", path.display()))),
    }
    ui.note(format_args!("Next: runner plugin test {} --database URL", dir.display()));
    Ok(Exit::Done)
}

pub fn test(args: &Test, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let name = crate_name(&args.dir)?;
    let manager = plugin::of_crate(&args.dir, global, RegistryConfig::default())?;
    let location = plugin::location(global, &args.dir)?;
    // What a plugin says is of interest where one looks for a mistake.
    let reporter = if ui.is_verbose() { progress::reporter(ui) } else { context::silent() };
    let cases = Cases::new(&manager, location, reporter);
    let dir = absolute(&args.dir);
    let outcomes = context::try_interruptibly(&cases, cases.run(&name, &dir, args.case.as_deref()))?;
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    if ui.json() {
        ui.answer(&json!({ "event": "cases", "plugin": name, "cases": outcomes, "failed": failed }));
    } else {
        outcomes.iter().for_each(|outcome| tell(outcome, ui));
        ui.note(format_args!("{} of {name}, {failed} failed.", count(outcomes.len(), "case")));
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::MigrationFailed })
}

fn tell(outcome: &CaseOutcome, ui: &Ui) {
    let CaseOutcome { case, description, failure } = outcome;
    match failure {
        None => ui.line(format_args!("passed {case}: {description}")),
        Some(failure) => {
            ui.line(format_args!("failed {case}: {description}"));
            ui.line(printable_lines(&failure.to_string()));
        }
    }
}

pub fn publish(args: &Publish, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let name = crate_name(&args.dir)?;
    let registries = match args.layout {
        Some(_) => RegistryConfig::default(),
        None => plugin::registries(global)?,
    };
    let to = match (&args.layout, &args.registry, &registries.default) {
        (Some(layout), _, _) => Destination::Layout(layout.clone()),
        (None, Some(address), _) | (None, None, Some(address)) => Destination::Registry(address.clone()),
        (None, None, None) => return Err(CommandError::no_plugin_destination()),
    };
    let manager = plugin::of_crate(&args.dir, global, registries)?;
    let (info, digest) = context::block_on(manager.publish(&name, &absolute(&args.dir), &to))?;
    if ui.json() {
        let key = if args.layout.is_some() { "layout" } else { "registry" };
        ui.answer(&json!({ "event": "published", "plugin": info, "manifest": digest, key: to.to_string() }));
        return Ok(Exit::Done);
    }
    ui.line(format_args!("published {} {} to {to}", info.name, info.version));
    ui.note(format_args!("component {}, manifest {digest}", info.digest));
    Ok(Exit::Done)
}

/// The crate's folder as a project sees it that begins in it.
fn absolute(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())
}

/// The name of a plugin is that of its crate.
fn crate_name(dir: &Path) -> Result<PluginName, CommandError> {
    let file = dir.join("Cargo.toml");
    let text = std::fs::read_to_string(&file)
        .map_err(|error| CommandError::user(&format!("{} cannot be read", file.display()), error))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        CommandError::user(&format!("{} is no Cargo.toml", file.display()), error)
    })?;
    let name = table.get("package").and_then(|package| package.get("name")?.as_str());
    let name = name.ok_or_else(|| CommandError::no_package(&file))?;
    PluginName::new(name)
        .map_err(|error| CommandError::user(&format!("{} names no plugin", file.display()), error))
}
