//! Changing any number of rows: inserts, updates, upserts, deletes, and whole
//! rewrites.

mod names;
mod place;
mod row_writer;
mod table_read;
mod write;

pub use names::ColumnNames;
pub(crate) use place::row_place;
pub use row_writer::RowWriter;
pub(crate) use table_read::TableRead;
pub use write::{BulkWrite, Delete, Insert, Keyed, Rewrite, Update, Upsert};
pub(crate) use write::{How, named_columns, no_key, open_host};

pub use crate::bindings::sql::Counts;
