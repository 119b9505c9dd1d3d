//! Keeping secrets out of what the server says.

use crate::revision::Redactor;

use super::{DbError, ServerError};

impl ServerError {
    /// Hides secrets: a server repeats values, and the statement around them.
    pub fn hide(&mut self, redactor: &Redactor) {
        redactor.hide_in(&mut self.message);
        let texts = [
            &mut self.detail,
            &mut self.hint,
            &mut self.context,
            &mut self.schema,
            &mut self.table,
            &mut self.column,
            &mut self.datatype,
            &mut self.constraint,
        ];
        for text in texts.into_iter().flatten() {
            redactor.hide_in(text);
        }
        if let Some((query, position)) = &mut self.internal {
            *position = redactor.hide_with_place(query, Some(*position)).unwrap_or(*position);
        }
    }
}

impl DbError {
    /// Hides secrets.
    pub fn hide(&mut self, redactor: &Redactor) {
        match self {
            Self::Server(error) => error.hide(redactor),
            // Lengths and numbers only.
            Self::Wire(_) => {}
            Self::Connection(text) | Self::Value(text) | Self::Unrecordable(text) => redactor.hide_in(text),
        }
    }
}
