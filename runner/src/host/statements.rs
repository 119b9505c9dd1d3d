//! The statements with parameters that a guest runs again and again.

use std::collections::HashMap;

use crate::db::Prepared;
use crate::policy::Checked;

/// The most statements that are kept; a guest that has more begins anew.
const MAX_STATEMENTS: usize = 32;

/// The longest text that is kept.
const MAX_TEXT: usize = 16 * 1024;

/// What was checked and prepared in this call.
///
/// Only statements without a result are kept: the server refuses to run one
/// whose columns have changed since it was prepared, and that aborts the
/// transaction. For the same reason nothing outlives a statement without
/// parameters, which is what all changes of tables are.
#[derive(Default)]
pub(super) struct Statements {
    known: HashMap<String, Known>,
}

/// A statement as it is sent, and what the server made of it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) prepared: Prepared,
    pub(super) checked: Checked,
}

impl Statements {
    pub(super) fn find(&self, text: &str) -> Option<Known> {
        self.known.get(text).cloned()
    }

    pub(super) fn keep(&mut self, text: &str, checked: &Checked, prepared: &Prepared) {
        if !prepared.columns.is_empty() || text.len() > MAX_TEXT {
            return;
        }
        if self.known.len() >= MAX_STATEMENTS {
            self.known.clear();
        }
        let known = Known { prepared: prepared.clone(), checked: checked.clone() };
        self.known.insert(text.to_owned(), known);
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}
