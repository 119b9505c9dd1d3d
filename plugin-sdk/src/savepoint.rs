//! Savepoints.

use std::marker::PhantomData;

use crate::{Result, Transaction, sys};

/// A savepoint. Dropped without [`release`](Self::release), it is rolled back.
///
/// Savepoints nest: the one that was set last ends first.
#[must_use = "a savepoint that is dropped is rolled back at once"]
pub struct Savepoint<'tx> {
    inner: sys::Savepoint,
    transaction: PhantomData<&'tx Transaction>,
}

impl Savepoint<'_> {
    pub(crate) fn new(inner: sys::Savepoint) -> Self {
        Self { inner, transaction: PhantomData }
    }

    /// Keeps what was done since the savepoint.
    ///
    /// # Errors
    ///
    /// Fails when a savepoint that was set later is still there, or when the
    /// transaction is aborted.
    pub fn release(self) -> Result<()> {
        Ok(sys::Savepoint::release(self.inner)?)
    }

    /// Undoes what was done since the savepoint.
    ///
    /// # Errors
    ///
    /// Fails when a savepoint that was set later is still there.
    pub fn rollback(self) -> Result<()> {
        Ok(sys::Savepoint::rollback(self.inner)?)
    }
}
