//! What a user is told where another tool's project cannot be imported.

use runner::run::ImportError;
use runner::source::alembic::OfflineError;

use super::error::{CommandError, chain, several};
use super::exit_code::Exit;

impl From<ImportError> for CommandError {
    fn from(error: ImportError) -> Self {
        const EDIT: &str =
            "Nothing was written. Write it as a literal, or put it right, and run the command again.";
        let message = error.to_string();
        match error {
            ImportError::OnDisk(error) => (*error).into(),
            ImportError::Write(error) => error.into(),
            ImportError::Unread(findings) => {
                several(&message, findings.iter().map(ToString::to_string), [EDIT.to_owned()])
            }
            ImportError::Conflicts(findings) => {
                let hint = "Nothing was written. To import a revision anew, delete its folder.".to_owned();
                several(&message, findings.iter().map(ToString::to_string), [hint])
            }
            ImportError::Graph(errors) => several(&message, errors.iter().map(ToString::to_string), []),
            ImportError::Made(errors) => {
                several(&message, errors.0.iter().map(|error| chain(Some(error)).join(": ")), [])
            }
            ImportError::Layout(error) => Self::new(Exit::Error, message).hint(error.hint()),
            ImportError::Offline(error) => {
                let found = Self::from_chain(Exit::Error, &error);
                match error {
                    OfflineError::Io { .. } => found,
                    _ => found.hint(
                        "Nothing was written. Set what env.py needs and name the right program with \
                         `--alembic`, or pass `--no-run` to import without SQL.",
                    ),
                }
            }
            ImportError::Io { .. } => Self::from_chain(Exit::Error, &error),
        }
    }
}
