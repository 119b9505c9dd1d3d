//! Errors about plans that cannot be run, as the user sees them.

use runner::host::LoadError;
use runner::plan::Drift;
use runner::run::PrepareError;

use super::error::{CommandError, chain};
use super::exit_code::Exit;
use super::{hints, render};

/// Says why a revision cannot be run, and what to do about it.
pub(super) fn explained(revision: &str, error: &PrepareError) -> CommandError {
    let message = format!("revision `{revision}` cannot be run; nothing was changed");
    let found = CommandError::new(Exit::Error, message);
    let found = match error {
        PrepareError::Script { .. } | PrepareError::Resume { .. } => found,
        _ => chain(Some(error)).into_iter().fold(found, CommandError::cause),
    };
    match error {
        PrepareError::Script { file, text, error } => {
            let found = found.cause(render::script_cause(file, text, error));
            match error.grant() {
                Some(line) => found.hint(hints::lines_to_add(&[line])),
                None => found,
            }
        }
        PrepareError::Resume { file, text, error } => {
            found.cause(render::resume_cause(file, text, error)).hint(hints::RESUME)
        }
        PrepareError::WasPartly(partly) => found.hint(hints::finish(partly)),
        PrepareError::NotTriable => found.hint(
            "Leave its [capabilities] out, or write them by hand: a statement that needs more is refused before \
             anything runs, with the line that would allow it.",
        ),
        PrepareError::NotBuilt => found.hint("Run `runner build`."),
        PrepareError::Plugin { source: error, .. } => error.hint().into_iter().fold(found, CommandError::hint),
        PrepareError::Imported { revision, .. } => found
            .hint(format!(
                "Where the database has it already: `runner stamp {revision}`. To run it, write its upgrade.sql and \
                 set `kind = \"sql\"` in its migration.toml."
            )),
        PrepareError::NoComponent => found
            .hint("To say that the database is below it, without running anything: `runner stamp REVISION`."),
        PrepareError::Load { source: LoadError::NotWebAssembly | LoadError::Damaged { .. }, .. } => {
            found.hint("Delete the file and run `runner build`.")
        }
        PrepareError::Load { plugin: Some(name), source: LoadError::Version { .. }, .. } => found.hint(format!(
            "Use a version of the plugin that was made for this interface (`runner plugin update {name}` looks for \
             one), or a runner that has the plugin's."
        )),
        PrepareError::Load { source: LoadError::Version { .. }, .. } => {
            found.hint("Build it against the `plugin-sdk` of this runner's version.")
        }
        PrepareError::Load {
            source:
                LoadError::TooLarge { .. } | LoadError::FunctionTooLarge { .. } | LoadError::CompileTime { .. },
            ..
        } => found.hint("The limits are set in [limits] in runner.toml."),
        PrepareError::Capabilities { lines, .. } => {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            found.hint(hints::lines_to_add(&lines))
        }
        _ => found,
    }
}

/// Says where the folder and the ledger disagree, and what to do about it.
pub(super) fn drifted(drift: &[Drift]) -> CommandError {
    let changed = drift.iter().any(|drift| matches!(drift, Drift::Changed { .. }));
    let missing = drift.iter().any(|drift| matches!(drift, Drift::Missing { .. }));
    let error = CommandError::new(Exit::Drift, "the ledger and the revisions on disk disagree");
    let mut error = drift.iter().map(ToString::to_string).fold(error, CommandError::cause);
    if changed {
        error = error
            .hint(
            "Undo the edit and put the change into a new revision; or, if nobody else has it, take it back with \
             `runner downgrade` (which runs what was recorded, not what is on disk now) and apply it again.",
        );
    }
    if missing {
        error = error.hint("Is this an older checkout than the one that was deployed? `runner downgrade` works without the folder.");
    }
    error
}
