use std::time::Duration;

use runner::db::TableName;
use runner::plan::Stamp;
use runner::run::{ScriptOptions, StampOptions};
use serde_json::json;

use crate::cli::args::{Global, Resolve};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::{count, heads};
use crate::cli::span::span;
use crate::cli::ui::Ui;
use crate::cli::{context, progress};

/// Tell the ledger where the database is, without running anything
///
/// For each revision in turn: what comes after it is no longer applied, and it
/// is, with everything that it needs. Other branches stay as they are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `head`, `heads`, `base`, an id or the unique beginning of one, `LABEL@head`, `PACKAGE:head`
    #[arg(required_unless_present = "from_alembic", allow_negative_numbers = true)]
    revisions: Vec<String>,

    /// Take over what Alembic's table of versions says
    ///
    /// The table is read and left alone.
    #[arg(long, conflicts_with_all = ["revisions", "purge", "sql"])]
    from_alembic: bool,

    /// Alembic's table of versions, if it is not `alembic_version`
    #[arg(long, value_name = "SCHEMA.TABLE", requires = "from_alembic")]
    alembic_table: Option<String>,

    /// Remove every row of the ledger first, also of revisions that are not on disk
    #[arg(long)]
    purge: bool,

    /// Print a script for psql instead of writing anything; no database is needed
    ///
    /// A single revision can be a range FROM:TO then; without FROM the script begins at the base.
    #[arg(long)]
    sql: bool,

    /// Do not build crates; fail if a component is not built
    #[arg(long)]
    no_build: bool,

    /// Wait for another runner for at most so long; `0s` not at all (default: `session.lock_wait`, 5m)
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "sql")]
    lock_wait: Option<Duration>,

    /// Write this into the journal, beside each row
    #[arg(long)]
    tag: Option<String>,

    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    if args.sql {
        return write(args, global, ui);
    }
    if args.from_alembic {
        return from_alembic(args, global, ui);
    }
    let targets = args.revisions.iter().map(|text| context::target(text)).collect::<Result<Vec<_>, _>>()?;
    let options = StampOptions { purge: args.purge, no_build: args.no_build, params: global.params.clone() };
    let migrator = context::migrator(global, progress::reporter(ui))?
        .tagged(args.tag.clone())
        .waiting_for_lock(args.lock_wait);
    for text in &args.revisions {
        context::refuse_range(text, migrator.project())?;
    }
    let stamp = context::run_interruptibly(&migrator, migrator.stamp(&targets, options))?;
    show(&stamp, ui);
    Ok(Exit::Done)
}

fn write(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let scripter = context::scripter(global, progress::reporter(ui))?.tagged(args.tag.clone());
    let (from, targets) = match args.revisions.as_slice() {
        [one] => {
            let (from, to) = context::script_range(one, scripter.project())?;
            (from, vec![to])
        }
        several => {
            several.iter().try_for_each(|text| context::refuse_range(text, scripter.project()))?;
            (None, several.iter().map(|text| context::target(text)).collect::<Result<Vec<_>, _>>()?)
        }
    };
    let options = ScriptOptions { no_build: args.no_build, params: global.params.clone() };
    let script = context::block_on(scripter.stamp(from.as_ref(), &targets, args.purge, &options))?;
    ui.script(&script);
    Ok(Exit::Done)
}

fn from_alembic(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let name = args.alembic_table.as_deref().unwrap_or("alembic_version");
    let table = TableName::parse(name).map_err(|error| CommandError::usage("--alembic-table", error))?;
    let options = StampOptions { purge: false, no_build: args.no_build, params: global.params.clone() };
    let migrator = context::migrator(global, progress::reporter(ui))?
        .tagged(args.tag.clone())
        .waiting_for_lock(args.lock_wait);
    let taken = context::run_interruptibly(&migrator, migrator.stamp_from_alembic(&table, &options))?;
    if taken.versions.is_empty() {
        ui.note(format_args!("{table} is empty: for Alembic nothing is applied."));
    } else {
        ui.note(format_args!("{table} says {}", taken.versions.join(", ")));
    }
    show(&taken.stamp, ui);
    ui.note(format_args!(
        "{table} is as it was. Once nothing runs Alembic on this database any more: DROP TABLE {table};"
    ));
    Ok(Exit::Done)
}

fn show(stamp: &Stamp, ui: &Ui) {
    if ui.json() {
        let Stamp { added, removed, forgotten, heads } = stamp;
        let mut answer = json!({ "event": "stamped", "added": added, "removed": removed, "heads": heads });
        if !forgotten.is_empty() {
            answer["forgotten"] = json!(forgotten);
        }
        ui.event(&answer);
        return;
    }
    for revision in &stamp.forgotten {
        ui.note(format_args!("  forgot   which statements of {revision} are done"));
    }
    for revision in &stamp.removed {
        ui.note(format_args!("  removed  {revision}"));
    }
    for revision in &stamp.added {
        ui.note(format_args!("  stamped  {revision}"));
    }
    if stamp.is_empty() {
        ui.note(format_args!("Nothing to do: the ledger says {}", heads(&stamp.heads)));
    } else {
        ui.note(format_args!(
            "Done: {} added and {} removed, nothing was run; the ledger says {}",
            count(stamp.added.len(), "row"),
            count(stamp.removed.len(), "row"),
            heads(&stamp.heads)
        ));
    }
}
