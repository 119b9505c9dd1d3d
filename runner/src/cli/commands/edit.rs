use runner::revision::RevisionId;

use crate::cli::args::Global;
use crate::cli::author;
use crate::cli::context;
use crate::cli::editor;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;
use crate::cli::view::View;

/// Open a revision in the editor that VISUAL or EDITOR names
///
/// Opens both scripts of a revision of kind `sql`, and src/lib.rs of one of kind
/// `rust`. Of several revisions, one after the other.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An id or the unique beginning of one, `head`, `heads`, `current`, `LABEL@head`, `head-1`
    #[arg(allow_negative_numbers = true)]
    revision: String,

    /// Open its migration.toml instead
    #[arg(long)]
    manifest: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let target = context::target(&args.revision)?;
    let view = View::open(global, target.needs_database())?;
    let revisions = view.graph().ids(&view.locate(&target)?);
    if revisions.is_empty() {
        return Err(CommandError::nothing_to_edit(&args.revision));
    }
    for revision in &revisions {
        if view.applied(revision).is_some() {
            ui.note(format_args!("Revision {revision} is applied: an edit stops the next `runner upgrade`."));
        }
        edit(&view, revision, args.manifest)?;
    }
    Ok(Exit::Done)
}

fn edit(view: &View, revision: &RevisionId, manifest: bool) -> Result<(), CommandError> {
    let found = view.on_disk().revisions.get(revision).ok_or_else(|| CommandError::not_on_disk(revision))?;
    let files = match manifest {
        true => vec![found.dir.join("migration.toml")],
        false => author::to_edit(found.manifest.kind, &found.dir),
    };
    editor::open(&files)
}

impl CommandError {
    fn nothing_to_edit(text: &str) -> Self {
        Self::new(Exit::Error, format!("`{text}` names no revision"))
            .hint("Run `runner history` to see the revisions.")
    }

    fn not_on_disk(revision: &RevisionId) -> Self {
        Self::new(Exit::Error, format!("revision `{revision}` is applied and not on disk"))
    }
}
