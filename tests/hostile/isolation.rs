//! The two isolations, as this replay sets them up.

use super::cluster::{OWNER, RUNNER};
use super::grants::Code;

/// Which wall is between a guest's statements and the runner's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// One login. For attacks it is the one that owns what they are after, so
    /// that nothing but the policy and the audit is in their way; for ordinary
    /// migrations the one that owns the application's schema.
    Policy,
    /// A login of its own for the guest.
    Role,
}

impl Isolation {
    /// The word for it, on the command line and in runner.toml.
    pub fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Role => "role",
        }
    }

    /// What the cases call it: `O` where the owner runs everything, `L` where
    /// the guest has a login.
    pub fn mode(self) -> &'static str {
        match self {
            Self::Policy => "O",
            Self::Role => "L",
        }
    }

    /// The login that runs the runner.
    pub fn login(self, is_attack: bool) -> &'static str {
        match self {
            Self::Policy if !is_attack => OWNER,
            Self::Policy | Self::Role => RUNNER,
        }
    }

    /// All logins that run it.
    pub fn logins(self) -> Vec<&'static str> {
        let mut logins = vec![self.login(true), self.login(false)];
        logins.dedup();
        logins
    }

    /// The most code that can be granted.
    pub fn code(self) -> Code {
        match self {
            Self::Policy => Code::Vetted,
            Self::Role => Code::Unchecked,
        }
    }
}

impl std::str::FromStr for Isolation {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "policy" => Ok(Self::Policy),
            "role" => Ok(Self::Role),
            _ => Err(format!("no isolation is called `{word}`; there are: policy, role")),
        }
    }
}
