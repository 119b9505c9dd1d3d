use runner::run::SandboxStatus;
use runner::sandbox::{InstallOptions, Verdict};
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::printable::printable;
use crate::cli::render::count;
use crate::cli::ui::Ui;
use crate::cli::{context, progress};

/// Give migrations a login of their own, look at it, or take it away
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Install(Install),
    Status,
    Remove(Remove),
}

/// Make the guest, and what it needs to have the ledger written
///
/// Needs CREATEROLE, not a superuser. Can be run again: what is there already is left alone.
#[derive(Debug, clap::Args)]
struct Install {
    /// Print the SQL instead of running it; the database is only read
    #[arg(long)]
    sql: bool,

    /// Also take TEMPORARY on the database and CREATE on the schema `public` from PUBLIC
    #[arg(long)]
    revoke_public: bool,
}

/// Take away what `install` made; the ledger stays
#[derive(Debug, clap::Args)]
struct Remove {
    /// Print the SQL instead of running it; the database is only read
    #[arg(long)]
    sql: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    match &args.command {
        Command::Install(args) => install(args, global, ui),
        Command::Status => status(global, ui),
        Command::Remove(args) => remove(args, global, ui),
    }
}

fn install(args: &Install, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let options = InstallOptions { revoke_public: args.revoke_public };
    let migrator = context::migrator(global, progress::reporter(ui))?;
    if args.sql {
        let statements = context::run_interruptibly(&migrator, migrator.sandbox_script(options))?;
        let first = if statements.is_empty() { "" } else { FIRST };
        ui.script(&format!("{first}{}", script(&statements)));
        return Ok(Exit::Done);
    }
    let statements = context::run_interruptibly(&migrator, migrator.install_sandbox(options))?;
    told(&statements, "The guest can log in, and the sandbox is ready.", ui);
    Ok(Exit::Done)
}

fn remove(args: &Remove, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let migrator = context::migrator(global, progress::reporter(ui))?;
    if args.sql {
        let statements = context::run_interruptibly(&migrator, migrator.sandbox_removal())?;
        ui.script(&script(&statements));
        return Ok(Exit::Done);
    }
    let statements = context::run_interruptibly(&migrator, migrator.remove_sandbox())?;
    told(&statements, "There is no sandbox any more.", ui);
    Ok(Exit::Done)
}

fn told(statements: &[String], outcome: &str, ui: &Ui) {
    if ui.json() {
        ui.answer(&json!({ "event": "sandbox", "statements": statements }));
    } else if statements.is_empty() {
        ui.note(format_args!("Nothing to do. {outcome}"));
    } else {
        ui.note(format_args!("Done: {}. {outcome}", count(statements.len(), "statement")));
    }
}

fn status(global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let migrator = context::migrator(global, context::silent())?;
    let status = context::block_on(migrator.sandbox_status())?;
    if ui.json() {
        ui.answer(&status);
    } else {
        show(&status, ui);
    }
    Ok(if status.ready { Exit::Done } else { Exit::Error })
}

fn show(status: &SandboxStatus, ui: &Ui) {
    for line in &status.lines {
        let word = match line.verdict {
            Verdict::Holds => "holds",
            Verdict::Missing => "missing",
            Verdict::Broken => "broken",
            Verdict::Weak => "weak",
        };
        ui.line(format_args!("{word:<9}{}", printable(&line.text)));
        if let Some(remedy) = &line.remedy {
            ui.line(format_args!("{:<9}{}", "", printable(remedy)));
        }
    }
    match status.ready {
        true => ui.note("The sandbox is ready."),
        false => ui.note("The sandbox is not ready: run `runner sandbox install`, or do what is said above."),
    }
}

/// What has to be there before the script of an installation.
const FIRST: &str =
    "-- The ledger's tables come first, if they are not there: `runner ensure-version --sql`.\n";

/// Statements as a script that psql runs as a whole or not at all.
fn script(statements: &[String]) -> String {
    if statements.is_empty() {
        return "-- Nothing to do.\n".into();
    }
    format!("BEGIN;\n{};\nCOMMIT;\n", statements.join(";\n"))
}
