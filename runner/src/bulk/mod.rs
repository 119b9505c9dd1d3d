//! Bulk changes of a table: rows that wait in a temporary table, the stage, and
//! the few statements that apply all of them at once.
//!
//! What is here is what a table is ([`Target`], read from the catalogs), which
//! columns a writer takes ([`Shape`]), and the texts of the statements. Who sends
//! them, and who may, is the component host's affair.
//!
//! Each text is the host's own: every name in it is quoted, and every operator
//! and function has its schema, so that it means the same whatever the session's
//! search path is.

mod catalog;
mod change;
mod error;
mod place;
pub mod rewrite;
mod shape;
mod stage;
mod target;

pub use change::{Applied, Change, Conflict};
pub use error::{BulkError, Examples};
pub use place::{Place, place_of};
pub use shape::{KeyColumn, Shape, StagedColumn, Use};
pub use stage::Stage;
pub use target::{Target, TargetColumn, UniqueKey};
