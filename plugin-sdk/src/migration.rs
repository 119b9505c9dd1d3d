//! The trait that a migration implements, and what `export!` calls.

use crate::bindings::migration::{Capability, Description};
use crate::bindings::types::Failure;
use crate::{Error, Params, Result, Transaction};

/// A migration. The value is its parameters; a migration without parameters is
/// a unit struct.
///
/// [`export!`](crate::export) makes a component of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a migration",
    label = "needs `impl Migration for {Self}`",
    note = "`export!` takes the struct that derives `Params` and implements `Migration`"
)]
pub trait Migration: Params {
    /// Applies the revision inside the lent transaction.
    ///
    /// # Errors
    ///
    /// An error rolls back everything that the migration did.
    fn upgrade(&self, tx: &Transaction) -> Result<()>;

    /// Takes the revision back. Says that it is irreversible unless implemented.
    ///
    /// # Errors
    ///
    /// An error rolls back everything that the migration did.
    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let _ = tx;
        Err(Error::irreversible("the migration has no downgrade"))
    }

    /// What the migration needs to be allowed to do. The revision's manifest has
    /// to grant all of it.
    fn capabilities() -> Vec<Capability> {
        Vec::new()
    }
}

impl Capability {
    /// One thing that a migration needs to be allowed to do.
    ///
    /// `name` is one of `read`, `write`, `truncate`, `lock`, `ddl`, `drop`,
    /// `rls`, `grant`, `extension`, `trigger`, `code`, `set_local` and `random`.
    /// A target `${param}` stands for the value of that parameter, or for each
    /// of its items. The reason is for the person who reviews the revision.
    pub fn new<T: Into<String>>(name: &str, targets: impl IntoIterator<Item = T>, reason: &str) -> Self {
        Self {
            name: name.to_owned(),
            targets: targets.into_iter().map(Into::into).collect(),
            reason: reason.to_owned(),
        }
    }
}

/// What [`export!`](crate::export) answers to `describe`.
#[doc(hidden)]
pub fn describe<M: Migration>(package: &Package) -> Description {
    let summary = match M::summary() {
        "" => package.description,
        summary => summary,
    };
    Description {
        name: package.name.to_owned(),
        version: package.version.to_owned(),
        summary: summary.to_owned(),
        params_schema: M::schema(),
        capabilities: M::capabilities(),
    }
}

/// What Cargo says about the crate that calls [`export!`](crate::export).
#[doc(hidden)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    pub description: &'static str,
}

#[doc(hidden)]
pub fn upgrade<M: Migration>(tx: &Transaction) -> std::result::Result<(), Failure> {
    let outcome = M::load().and_then(|migration| migration.upgrade(tx));
    outcome.map_err(Error::into_failure)
}

#[doc(hidden)]
pub fn downgrade<M: Migration>(tx: &Transaction) -> std::result::Result<(), Failure> {
    let outcome = M::load().and_then(|migration| migration.downgrade(tx));
    outcome.map_err(Error::into_failure)
}

/// Sends a panic's message to the log before the trap, which by itself would say
/// nothing but `unreachable`.
#[doc(hidden)]
#[cfg(target_family = "wasm")]
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a value that is not text");
        match panic.location() {
            Some(place) => crate::error!("panicked at {place}: {message}"),
            None => crate::error!("panicked: {message}"),
        }
    }));
}
