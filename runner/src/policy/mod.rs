//! What a statement is, and whether a migration may send it.
//!
//! The only place that names pg_query. Every text of a migration passes through
//! [`statements`] before it is sent: nothing that the parser does not
//! understand reaches the server.

mod marks;
mod refuse;
mod rows;
mod split;

pub use marks::{Mark, marks};
pub use rows::rows_touched;
pub use split::{PolicyError, Statement, statement, statements};
