//! Replacing all rows of a table by those of a filled stage, in the transaction
//! that is under way.
//!
//! [`refusal`] says whether the contents can be replaced without harm;
//! [`refill`] does it: TRUNCATE, INSERT … SELECT from the stage, and the indexes
//! that can be are dropped before and made again after, which takes a fraction
//! of the time that it takes to keep them up to date row by row. docs/rewrite.md
//! is for those who use it.
//!
//! The table itself is never made anew: its oid, and all that hangs on it, stays.
//! Nothing here begins or ends a transaction; after an error only a rollback puts
//! things right, triggers and indexes included.

mod facts;
mod index;
mod plan;
mod refill;
mod refusal;

pub use facts::RewriteFacts;
pub use refill::{RefillError, Refilled, facts, refill};
pub use refusal::{RewriteRefusal, refusal};

/// How a table is refilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefillOptions {
    /// Whether the table's triggers fire, for TRUNCATE and for INSERT.
    pub fire_triggers: bool,
    /// Whether triggers of the table may be switched off meanwhile: the
    /// capability `ddl`.
    pub may_alter: bool,
    /// Whether indexes may be dropped and made again.
    pub may_rebuild_indexes: bool,
    /// The number of rows in the stage.
    pub rows: u64,
}
