use runner::run::Finding;

use crate::cli::args::{Global, Resolve};
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::printable::printable_lines;
use crate::cli::render::count;
use crate::cli::ui::Ui;

/// Compare the revisions on disk, their components and the ledger
///
/// Changes nothing. Exits with 4 if anything does not fit.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let migrator = context::migrator(global, context::silent())?;
    let verification = context::block_on(migrator.verify())?;
    let sound = verification.findings.is_empty();
    if ui.json() {
        ui.answer(&verification);
    } else {
        verification.findings.iter().for_each(|finding| ui.line(line(finding)));
        ui.note(format_args!(
            "{} on disk, {} applied: {}.",
            count(verification.on_disk, "revision"),
            verification.applied,
            if sound { "all is well".into() } else { count(verification.findings.len(), "finding") }
        ));
    }
    Ok(if sound { Exit::Done } else { Exit::Drift })
}

fn line(finding: &Finding) -> String {
    match finding {
        Finding::Changed { revision } => format!("changed  {revision}: it was edited after it was applied"),
        Finding::Missing { revision } => format!("missing  {revision}: it is applied and not on disk"),
        Finding::LedgerComponent { revision, reason } => {
            format!("damaged  {revision}: {}", printable_lines(reason))
        }
        Finding::Plugin { plugin, reason } => format!("plugin   {plugin}: {}", printable_lines(reason)),
        Finding::NotRunnable { revision, reason } => {
            format!("unfit    {revision}: {}", printable_lines(reason))
        }
    }
}
