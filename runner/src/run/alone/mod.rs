//! Steps without a transaction (`transaction = "none"`): statement by statement,
//! each recorded in the ledger, so that a run goes on where the one before it
//! stopped.
//!
//! A statement that can run in a transaction runs in one, together with its
//! record. Of one that PostgreSQL refuses there, the beginning is committed
//! first; whoever finds it begun and not done looks at the catalogs for what it
//! left (`left`). Each statement finds the session as the first one did, with
//! what the SETs before it say: what a later run goes on with must not depend on
//! what an earlier one had in its session.

mod error;
mod left;
mod perform;
mod script;

pub use error::ResumeError;
pub(super) use script::Script;
