//! Errors, from PostgreSQL to the interface and from the interface to plain
//! Rust.

use super::super::bindings::types;
use super::super::report::GuestError;
use crate::db::ServerError;

pub(in super::super) fn server_error_pg_to_wit(error: &ServerError) -> types::DbError {
    types::DbError {
        sqlstate: error.sqlstate.clone(),
        severity: error.severity.clone(),
        message: error.message.clone(),
        detail: error.detail.clone(),
        hint: error.hint.clone(),
        position: error.position,
        schema: error.schema.clone(),
        table: error.table.clone(),
        column: error.column.clone(),
        datatype: error.datatype.clone(),
        constraint: error.constraint.clone(),
    }
}

/// The error may be the guest's own invention.
pub(in super::super) fn error_wit_to_plain(error: types::Error) -> GuestError {
    match error {
        types::Error::Database(error) => GuestError::Database(Box::new(server_error_wit_to_plain(error))),
        types::Error::Conversion(message) => GuestError::Conversion(message),
        types::Error::Limit(message) => GuestError::Limit(message),
        types::Error::Denied(message) => GuestError::Denied(message),
        types::Error::Other((kind, message)) => GuestError::Other { kind, message },
    }
}

fn server_error_wit_to_plain(error: types::DbError) -> ServerError {
    ServerError {
        sqlstate: error.sqlstate,
        severity: error.severity,
        message: error.message,
        detail: error.detail,
        hint: error.hint,
        position: error.position,
        internal: None,
        context: None,
        schema: error.schema,
        table: error.table,
        column: error.column,
        datatype: error.datatype,
        constraint: error.constraint,
    }
}
