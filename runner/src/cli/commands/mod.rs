//! One command a file: its arguments, whose doc comments are its help, and one
//! function.

pub mod branches;
pub mod build;
pub mod bundle;
pub mod check;
pub mod completions;
pub mod config;
pub mod current;
pub mod downgrade;
pub mod edit;
pub mod ensure_version;
pub mod graph;
pub mod heads;
pub mod history;
pub mod import;
pub mod init;
pub mod list_templates;
pub mod man;
pub mod merge;
pub mod plan;
pub mod plugin;
pub mod redo;
pub mod revision;
pub mod sandbox;
pub mod show;
pub mod stamp;
pub mod status;
pub mod suggest;
pub mod upgrade;
pub mod verify;
pub mod wait;

use super::args::{Args, Command, Global};
use super::error::CommandError;
use super::exit_code::Exit;
use super::ui::Ui;

/// Runs the command.
pub fn run(args: Args, ui: &Ui) -> Result<Exit, CommandError> {
    let resolve = args.command.resolve().unwrap_or_default();
    let global = &Global { resolve, ..args.global };
    if !global.params.is_empty() && !args.command.takes_params() {
        return Err(CommandError::params_not_taken());
    }
    if let (Some(_), Some(command)) = (&global.bundle, args.command.needs_sources()) {
        return Err(CommandError::no_sources(command));
    }
    match args.command {
        Command::Init(args) => init::run(&args, ui),
        Command::ListTemplates(args) => list_templates::run(&args, global, ui),
        Command::Revision(args) => revision::run(args, global, ui),
        Command::Merge(args) => merge::run(args, global, ui),
        Command::Edit(args) => edit::run(&args, global, ui),
        Command::Import(args) => import::run(&args, global, ui),
        Command::Build(args) => build::run(&args, global, ui),
        Command::Bundle(args) => bundle::run(&args, global, ui),
        Command::Plugin(args) => plugin::run(&args, global, ui),
        Command::Upgrade(args) => upgrade::run(&args, global, ui),
        Command::Downgrade(args) => downgrade::run(&args, global, ui),
        Command::EnsureVersion(args) => ensure_version::run(&args, global, ui),
        Command::Stamp(args) => stamp::run(&args, global, ui),
        Command::Redo(args) => redo::run(&args, global, ui),
        Command::Plan(args) => plan::run(&args, global, ui),
        Command::Status(args) => status::run(&args, global, ui),
        Command::Suggest(args) => suggest::run(&args, global, ui),
        Command::Branches(args) => branches::run(&args, global, ui),
        Command::Config(args) => config::run(&args, global, ui),
        Command::Check(args) => check::run(&args, global, ui),
        Command::Wait(args) => wait::run(&args, global, ui),
        Command::Current(args) => current::run(&args, global, ui),
        Command::History(args) => history::run(&args, global, ui),
        Command::Heads(args) => heads::run(&args, global, ui),
        Command::Show(args) => show::run(&args, global, ui),
        Command::Graph(args) => graph::run(&args, global, ui),
        Command::Verify(args) => verify::run(&args, global, ui),
        Command::Sandbox(args) => sandbox::run(&args, global, ui),
        Command::Completions(args) => completions::run(&args, ui),
        Command::Man(args) => man::run(&args, ui),
    }
}
