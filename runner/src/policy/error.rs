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
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The manifest's grants cannot be read.
    #[error(transparent)]
    Capabilities(#[from] CapabilityError),
}

/// A statement that may not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not permitted in a migration: {why} ({node}){}", hint(grant.as_deref()))]
pub struct Refusal {
    /// The statement's kind, as in `COMMIT`.
    pub what: &'static str,
    /// The node of the syntax tree, as in `RangeVar`.
    pub node: &'static str,
    /// The rule.
    pub why: String,
    /// The line under `[capabilities]` that would allow it, if one would.
    pub grant: Option<String>,
    /// Where the node begins in the whole text, in characters from 1.
    pub position: u32,
}

fn hint(grant: Option<&str>) -> String {
    grant.map_or_else(String::new, |line| format!("; `{line}` under [capabilities] would allow it"))
}

impl PolicyError {
    /// Where in the whole text, in characters from 1, if that is known.
    pub fn position(&self) -> Option<u32> {
        match self {
            Self::Syntax { position, .. } => *position,
            Self::Refused(refusal) => Some(refusal.position),
            Self::NotOne { .. } | Self::Gate { .. } | Self::Capabilities(_) => None,
        }
    }

    /// Changes the words that may repeat a migration's text.
    pub fn rewrite(&mut self, mut change: impl FnMut(&mut String)) {
        match self {
            Self::Syntax { message, .. } => change(message),
            Self::Gate { why } => change(why),
            Self::Refused(refusal) => {
                change(&mut refusal.why);
                if let Some(grant) = &mut refusal.grant {
                    change(grant);
                }
            }
            Self::NotOne { .. } | Self::Capabilities(_) => {}
        }
    }

    /// The line under `[capabilities]` that would allow it, if one would.
    pub fn grant(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.grant.as_deref(),
            _ => None,
        }
    }
}
