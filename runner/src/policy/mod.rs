//! What a statement is, and whether a migration may send it.
//!
//! The only place that names pg_query. Every text of a migration passes through
//! [`Policy::statements`] or [`statements`] before it is sent: nothing that the
//! parser does not understand reaches the server.
//!
//! A statement is parsed with PostgreSQL's own grammar; the walk over its whole
//! tree turns it into what it *needs* (`walk`), the manifest's grants are asked
//! for each need (`need`), and what is sent is written anew from the tree that
//! was walked (`check`). It fails closed: a node that nobody has thought of
//! refuses the statement.

mod alone;
mod check;
mod error;
mod facts;
mod gate;
mod kind;
mod marks;
mod need;
mod own;
mod place;
mod refuse;
mod rows;
mod same;
mod split;
mod walk;

#[cfg(test)]
mod tests;

pub use alone::{Alone, Course, ReindexScope, course};
pub use check::{Checked, Context, Policy, Remembered, TableUse};
pub use error::{PolicyError, Refusal};
pub use facts::ServerFacts;
pub use marks::{Mark, marks};
pub use need::Name;
pub use own::OwnObjects;
pub use rows::rows_touched;
pub use split::{Statement, statement, statements, statements_of};
