//! Which way a step goes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of a component's two functions a step calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards the heads: `upgrade`.
    Upgrade,
    /// Towards the bases: `downgrade`.
    Downgrade,
}

impl Direction {
    /// The name as the interface and the command line spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
