//! Why a text is not sent.

use crate::revision::CapabilityError;

/// Why a text is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The parser does not understand it.
    #[error("{message}")]
    Syntax {
        /// What the parser says.
        message: String,
        /// Where in the whole text, in characters from 1, if that is known.
        position: Option<u32>,
    },
    /// Exactly one statement was expected.
    #[error("one statement is expected here, and the text holds {found}; use `script` for several")]
    NotOne {
        /// How many there are.
        found: usize,
    },
    /// The text is not even parsed.
    #[error("the text is not parsed: {why}")]
    Gate {
        /// The limit that it breaks.
        why: String,
    },
    /// A migration may not send such a statement, or this one may not.
    #[error("{what} is not permitted in a migration: {why}{}", hint(grant.as_deref()))]
    Refused {
        /// The statement's kind, as in `COMMIT`.
        what: &'static str,
        /// The node of the syntax tree, as in `RangeVar`.
        node: &'static str,
        /// The rule.
        why: String,
        /// The line under `[capabilities]` that would allow it, if one would.
        grant: Option<String>,
        /// Where the node begins in the whole text, in characters from 1.
        position: u32,
    },
    /// The manifest's grants cannot be read.
    #[error(transparent)]
    Capabilities(#[from] CapabilityError),
}

fn hint(grant: Option<&str>) -> String {
    grant.map_or_else(String::new, |line| format!("; `{line}` under [capabilities] would allow it"))
}

impl PolicyError {
    /// Where in the whole text, in characters from 1, if that is known.
    pub fn position(&self) -> Option<u32> {
        match self {
            Self::Syntax { position, .. } => *position,
            Self::Refused { position, .. } => Some(*position),
            Self::NotOne { .. } | Self::Gate { .. } | Self::Capabilities(_) => None,
        }
    }

    /// Changes the words that may repeat a migration's text.
    pub fn rewrite(&mut self, mut change: impl FnMut(&mut String)) {
        match self {
            Self::Syntax { message, .. } => change(message),
            Self::Gate { why } => change(why),
            Self::Refused { why, grant, .. } => {
                change(why);
                if let Some(grant) = grant {
                    change(grant);
                }
            }
            Self::NotOne { .. } | Self::Capabilities(_) => {}
        }
    }

    /// The line under `[capabilities]` that would allow it, if one would.
    pub fn grant(&self) -> Option<&str> {
        match self {
            Self::Refused { grant, .. } => grant.as_deref(),
            _ => None,
        }
    }
}
