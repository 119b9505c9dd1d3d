//! Values, rows and errors between the interface and PostgreSQL's binary
//! format: free functions, named by their direction.
//!
//! What is of the interface is guest-controlled on the way in, and the server's
//! on the way out; neither is trusted to be well formed.

mod array;
mod error;
mod fault;
mod moment;
mod numeric;
mod pg_to_wit;
#[cfg(test)]
mod tests;
mod tuple;
mod wit_to_pg;
mod wit_to_text;

pub(super) use error::ConvertError;
pub(super) use fault::{error_wit_to_plain, server_error_pg_to_wit};
pub(super) use pg_to_wit::{columns_pg_to_wit, rows_pg_to_wit};
pub(super) use tuple::count_tuples;
pub(super) use wit_to_pg::{parameters_wit_to_pg, rows_wit_to_pg};
pub(super) use wit_to_text::{parameters_wit_to_text, rows_wit_to_text};
