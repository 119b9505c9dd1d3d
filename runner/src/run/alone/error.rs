//! Why a step without a transaction cannot go on where it stopped.

/// Why a step without a transaction cannot go on where it stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// A statement is another one than when it was run.
    #[error("statement {number} of {total} was edited after it was {state}; it was: {was}")]
    Changed {
        /// Which one, from 1.
        number: u32,
        /// How many there are now.
        total: usize,
        /// `done`, or what is known of it.
        state: &'static str,
        /// The beginning of its text when it was run.
        was: String,
        /// Where the statement is now in the script, in characters from 1.
        position: u32,
    },
    /// A statement that was run is not there any more.
    #[error("statement {number} was {state}, and the script now has {total}; it was: {was}")]
    Gone {
        /// Which one, from 1.
        number: u32,
        /// How many there are now.
        total: usize,
        /// `done`, or what is known of it.
        state: &'static str,
        /// The beginning of its text when it was run.
        was: String,
    },
}

impl ResumeError {
    /// Where in the script, in characters from 1, if the statement is there.
    pub fn position(&self) -> Option<u32> {
        match self {
            Self::Changed { position, .. } => Some(*position),
            Self::Gone { .. } => None,
        }
    }
}
