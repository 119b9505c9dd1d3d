//! Keeping secrets out of what a call reports.

use super::error::CallError;
use super::report::{FailedStatement, GuestError, Report, StatementError};
use crate::revision::Redactor;

impl Report {
    /// Hides the secrets that the migration was given, wherever it, or the
    /// server, repeats them.
    pub(super) fn hide(&mut self, redactor: &Redactor) {
        if redactor.is_empty() {
            return;
        }
        if let Err(error) = &mut self.result {
            error.hide(redactor);
        }
        if let Some(statement) = &mut self.last_error {
            statement.hide(redactor);
        }
    }
}

impl CallError {
    fn hide(&mut self, redactor: &Redactor) {
        match self {
            Self::Sql { error, statement } => {
                error.hide(redactor);
                if let Some(statement) = statement {
                    statement.hide(redactor);
                }
            }
            Self::Irreversible { reason } => {
                if let Some(reason) = reason {
                    redactor.hide_in(reason);
                }
            }
            Self::Trap { message, backtrace } => {
                redactor.hide_in(message);
                backtrace.iter_mut().for_each(|frame| redactor.hide_in(frame));
            }
            Self::Aborted { statement } | Self::Unrecordable { statement } => statement.hide(redactor),
            Self::UnfinishedWriter { table } => redactor.hide_in(table),
            Self::Message(message)
            | Self::Connection { message }
            | Self::Description { message }
            | Self::Internal { message } => redactor.hide_in(message),
            Self::Limit { constraint: _ } | Self::Tampered { what: _ } => {}
        }
    }
}

impl GuestError {
    fn hide(&mut self, redactor: &Redactor) {
        match self {
            Self::Database(error) => {
                // Its position is that in the statement, which is told apart.
                error.hide(redactor);
            }
            Self::Conversion(message) | Self::Limit(message) | Self::Denied(message) => {
                redactor.hide_in(message);
            }
            Self::Other { kind, message } => {
                redactor.hide_in(kind);
                redactor.hide_in(message);
            }
        }
    }
}

impl FailedStatement {
    fn hide(&mut self, redactor: &Redactor) {
        self.position = redactor.hide_with_place(&mut self.text, self.position);
        match &mut self.error {
            StatementError::Database(error) => error.hide(redactor),
            StatementError::Policy(error) => error.rewrite(|text| redactor.hide_in(text)),
            StatementError::Bulk(message) => redactor.hide_in(message),
        }
    }
}
