use runner::run::{Options, Suggestion};
use runner::source::{grants_table, write_grants};
use serde_json::json;

use crate::cli::args::{Global, Resolve};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::printable::printable;
use crate::cli::ui::Ui;
use crate::cli::{context, progress};

/// Find out what a revision needs to be allowed
///
/// Runs the revision, and the pending ones that it needs, both ways in a transaction that is
/// rolled back, and prints the smallest [capabilities] for what it did. It takes the locks that
/// its statements take, and only sees the data that is there: run it on a copy, or with
/// `--database embedded`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A pending revision: its id or the unique beginning of one, `head`, `+1`
    target: String,

    /// Write the table into the revision's migration.toml
    #[arg(long)]
    write: bool,

    /// Do not build crates; fail if a component is not built
    #[arg(long)]
    no_build: bool,

    #[command(flatten)]
    pub resolve: Resolve,
}

impl Args {
    /// Whether it changes a file of the project.
    pub fn writes(&self) -> bool {
        self.write
    }
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let target = context::target(&args.target)?;
    let options = Options { no_build: args.no_build, params: global.params.clone(), ..Options::default() };
    let migrator = context::migrator(global, progress::reporter(ui))?;
    let (suggestion, dir) = context::run_interruptibly(&migrator, migrator.suggest(&target, options))?;
    if args.write {
        write_grants(&dir, &suggestion.used)?;
    }
    if ui.json() {
        ui.answer(&json!(suggestion));
        return Ok(Exit::Done);
    }
    ui.line(format_args!("{}", grants_table(&suggestion.used).trim_end()));
    remarks(&suggestion, args.write, ui);
    Ok(Exit::Done)
}

/// What the table alone does not say.
fn remarks(suggestion: &Suggestion, written: bool, ui: &Ui) {
    if let Some(error) = &suggestion.downgrade_error {
        ui.note(format_args!("The downgrade failed, and is not in the table: {}", printable(error)));
    } else if !suggestion.downgrade {
        ui.note(format_args!("{} cannot be taken back: only the upgrade was tried.", suggestion.revision));
    }
    for refused in &suggestion.refused {
        ui.note(format_args!("No grant allows this: {}.", printable(refused)));
    }
    match (written, suggestion.granted.as_ref() == Some(&suggestion.used)) {
        (_, true) => ui.note(format_args!("This is what its migration.toml says.")),
        (true, false) => ui.note(format_args!("Written into its migration.toml.")),
        (false, false) => ui.note(format_args!("Pass `--write` to put it into its migration.toml.")),
    }
}
