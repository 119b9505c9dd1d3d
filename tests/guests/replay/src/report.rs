//! What the replay hears: one JSON object a line of the log.

use serde::Serialize;

use crate::bindings::runner::migration::host::{self, Level};
use crate::bindings::runner::migration::types::Error;

/// What became of one statement, by one way in.
#[derive(Serialize)]
pub struct Line<'a> {
    /// The statement's number, from 0.
    statement: usize,
    /// The function of the interface that it was given to.
    way: &'a str,
    /// `ok`, or the case of the error.
    outcome: &'a str,
    /// The rows as text, or the error's message.
    text: &'a str,
}

/// The statement was accepted.
pub fn ok(statement: usize, way: &str, rows: &str) {
    log(&Line { statement, way, outcome: "ok", text: rows });
}

/// The statement failed.
pub fn error(statement: usize, way: &str, error: &Error) {
    let (outcome, text) = match error {
        Error::Database(error) => ("database", format!("{} {}", error.sqlstate, error.message)),
        Error::Conversion(text) => ("conversion", text.clone()),
        Error::Limit(text) => ("limit", text.clone()),
        Error::Denied(text) => ("denied", text.clone()),
        Error::Other((kind, text)) => (kind.as_str(), text.clone()),
    };
    log(&Line { statement, way, outcome, text: &text });
}

fn log(line: &Line) {
    match serde_json::to_string(line) {
        Ok(text) => host::log(Level::Info, &text),
        Err(error) => host::log(Level::Error, &error.to_string()),
    }
}
