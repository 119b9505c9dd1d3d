use runner::run::{RevisionStatus, Standing, Status};
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::printable::printable;
use crate::cli::render::heads;
use crate::cli::ui::Ui;

/// Show where each revision stands: applied, pending, changed or missing
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Exit with 3 if a revision is pending, with 4 if one is changed or missing
    #[arg(long)]
    exit_code: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let migrator = context::migrator(global, context::silent())?;
    let status = context::block_on(migrator.status())?;
    let exit = exit(&status);
    if ui.json() {
        ui.answer(&json!({
            "revisions": status.revisions,
            "heads": status.heads,
            "current": status.current,
            "partly": status.partly,
        }));
    } else {
        show(&status, ui);
    }
    Ok(if args.exit_code { exit } else { Exit::Done })
}

fn exit(status: &Status) -> Exit {
    match (status.count(Standing::Changed) + status.count(Standing::Missing), status.count(Standing::Pending))
    {
        (0, 0) if status.partly.is_empty() => Exit::Done,
        (0, _) => Exit::Pending,
        _ => Exit::Drift,
    }
}

fn show(status: &Status, ui: &Ui) {
    let width = status.revisions.iter().map(|row| row.revision.as_str().len()).max().unwrap_or_default();
    for row in &status.revisions {
        ui.line(line(row, width));
    }
    for partly in &status.partly {
        ui.line(partly);
    }
    let count = |standing, word| match status.count(standing) {
        0 => None,
        number => Some(format!("{number} {word}")),
    };
    let counts = [
        count(Standing::Applied, "applied"),
        count(Standing::Pending, "pending"),
        count(Standing::Changed, "changed since they were applied"),
        count(Standing::Missing, "applied and missing on disk"),
    ];
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    let counts = if counts.is_empty() { "There are no revisions yet".into() } else { counts.join(", ") };
    ui.note(format_args!("{counts}; the database is at {}.", heads(&status.current)));
}

fn line(row: &RevisionStatus, width: usize) -> String {
    let standing = match row.standing {
        Standing::Applied => "applied",
        Standing::Pending => "pending",
        Standing::Changed => "changed",
        Standing::Missing => "missing",
    };
    let when = row.applied_at.as_deref().unwrap_or("-");
    format!("{standing}  {:<width$}  {when:<20}  {}", row.revision.as_str(), printable(&row.message))
}
