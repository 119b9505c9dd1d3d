use std::path::{Path, PathBuf};

use clap::Subcommand;
use runner::run::{Import, ImportOptions, ImportOutcome, ImportedRevision, Migrator};

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::count;
use crate::cli::ui::Ui;

/// Make revisions of another tool's
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    Alembic(AlembicArgs),
}

/// Make revisions of an Alembic project's
///
/// Its revision files are read and not run. Where Alembic is installed, the
/// project's env.py is run once, offline, to ask for the SQL of each revision;
/// `--no-run` leaves that out. A revision without SQL is marked as imported: it
/// can be stamped, and not be run. What was imported before is left alone.
#[derive(Debug, clap::Args)]
struct AlembicArgs {
    /// The folder with alembic.ini, that file, or the script directory
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// Alembic's program; it runs the project's env.py
    ///
    /// Without it, `alembic` is used if it is on the path.
    #[arg(long, value_name = "PROGRAM")]
    alembic: Option<PathBuf>,

    /// Run nothing of the Alembic project: the revisions come without SQL
    #[arg(long, conflicts_with = "alembic")]
    no_run: bool,

    /// The section of alembic.ini
    #[arg(long, value_name = "NAME", default_value = "alembic")]
    alembic_name: String,

    /// Show what would be made, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    match &args.tool {
        Tool::Alembic(args) => alembic(args, global, ui),
    }
}

fn alembic(args: &AlembicArgs, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let options = ImportOptions {
        dir: args.dir.clone(),
        section: args.alembic_name.clone(),
        alembic: program(args, ui),
        dry_run: args.dry_run,
    };
    let import = Migrator::import_alembic(&project, &options)?;
    if ui.json() {
        ui.answer(&serde_json::json!({ "dry_run": args.dry_run, "import": import }));
    } else {
        show(&import, args.dry_run, ui);
    }
    Ok(Exit::Done)
}

/// Which program is run, if any is.
fn program(args: &AlembicArgs, ui: &Ui) -> Option<PathBuf> {
    if args.no_run {
        return None;
    }
    let program = args.alembic.clone().or_else(|| context::on_path("alembic"));
    match &program {
        Some(program) => {
            ui.note(format_args!("Running the project's env.py, offline, with {}", program.display()))
        }
        None => ui.note("Alembic is not on the path, so there is no SQL; name it with `--alembic PROGRAM`."),
    }
    program
}

fn show(import: &Import, dry_run: bool, ui: &Ui) {
    let width = import.revisions.iter().map(|revision| revision.revision.as_str().len()).max().unwrap_or(0);
    for revision in &import.revisions {
        let ImportedRevision { revision, outcome, dir, .. } = revision;
        ui.line(format_args!("{:<8}  {revision:<width$}  {}", word(*outcome), shown(dir)));
    }
    if !import.not_carried_over.is_empty() {
        ui.line("");
        ui.line("Not carried over:");
        import.not_carried_over.iter().for_each(|finding| ui.line(format_args!("  {finding}")));
    }
    let number = |outcome| import.revisions.iter().filter(|revision| revision.outcome == outcome).count();
    let (made, marked) = (number(ImportOutcome::Imported), number(ImportOutcome::Marked));
    let begin = if dry_run { "Nothing was written; would be" } else { "Done:" };
    ui.note(format_args!(
        "{begin} {} imported, {marked} marked (to be stamped only), {} skipped (there already)",
        count(made, "revision"),
        number(ImportOutcome::Skipped)
    ));
    if !dry_run && made + marked > 0 {
        let table = import.version_table.as_ref();
        let table = table.map(|table| format!(" --alembic-table {table}")).unwrap_or_default();
        ui.note(format_args!(
            "Next, for each database that Alembic migrated: runner stamp --from-alembic{table}"
        ));
    }
}

fn word(outcome: ImportOutcome) -> &'static str {
    match outcome {
        ImportOutcome::Imported => "imported",
        ImportOutcome::Marked => "marked",
        ImportOutcome::Skipped => "skipped",
    }
}

/// The folder's name says it all.
fn shown(dir: &Path) -> String {
    dir.file_name().map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned())
}
