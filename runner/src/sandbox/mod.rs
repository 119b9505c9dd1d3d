//! A login of its own for each migration: the roles, and the SQL about them.
//!
//! Three roles. The *control* login is the operator's: it holds the lock, owns
//! the ledger and never runs a migration's text. The *owner* role owns the
//! application's schemas; nobody logs in as it here. The *guest* is a login that
//! can do nothing by itself: for the moment of its connection it has a password
//! and is a member of the owner, and its session begins with the owner's rights
//! and everything else pinned. What a migration could get back to is the guest.
//!
//! Writes the ledger by tickets only (`ledger/ticket.rs`). Knows nothing of
//! components and of steps.

mod door;
mod error;
mod facts;
mod install;
mod names;
mod status;

pub use door::{Door, GuestSession};
pub use error::SandboxError;
pub use facts::Facts;
pub use install::{InstallOptions, Installation, install, remove};
pub use names::Names;
pub use status::{Line, Verdict, findings};

use crate::ledger::Ledger;
use crate::source::{Isolation, SandboxConfig};

/// What runner.toml says of the sandbox, with the ledger that it belongs to.
#[derive(Clone, Debug)]
pub struct Sandbox {
    ledger: Ledger,
    owner: String,
    guest: Option<String>,
    isolation: Isolation,
}

impl Sandbox {
    /// Takes it from the configuration; an error if that names no owner.
    pub fn new(config: &SandboxConfig, ledger: &Ledger) -> Result<Self, SandboxError> {
        let owner = config.owner.clone().filter(|owner| !owner.is_empty()).ok_or(SandboxError::NoOwner)?;
        Ok(Self { ledger: ledger.clone(), owner, guest: config.guest.clone(), isolation: config.isolation })
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
