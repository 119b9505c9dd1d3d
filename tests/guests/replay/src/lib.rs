//! A guest that executes the statements that it is given: for the replay of
//! hostile SQL (`tests/hostile`).
//!
//! It asks for no capability, so that the manifest alone says what it may do. It
//! answers by messages to the log: one JSON object a statement, see
//! [`report::Line`]. A statement that the host refuses is tried again by every
//! other way in: what one of them lets pass is a hole, whatever the others say.
//! It does without the SDK on purpose, since it has to do what the SDK prevents.

#![expect(clippy::result_large_err, reason = "the generated types are what the interface returns")]

mod bindings {
    wit_bindgen::generate!({ world: "plugin", path: "../../../wit/0.1.0", export_macro_name: "export" });
}

mod copy;
mod params;
mod report;
mod show;
mod ways;

use bindings::exports::runner::migration::migration::{Description, Guest};
use bindings::runner::migration::sql::{Savepoint, Transaction};
use bindings::runner::migration::types::{Error, Failure};
use params::{Ending, Params};

struct Replay;

impl Guest for Replay {
    fn describe() -> Description {
        Description {
            name: "replay".into(),
            version: "0.1.0".into(),
            summary: "Executes the statements that it is given.".into(),
            params_schema: include_str!("params.schema.json").trim_end().into(),
            capabilities: Vec::new(),
        }
    }

    fn upgrade(tx: &Transaction) -> Result<(), Failure> {
        let params = Params::load().map_err(Failure::Message)?;
        match params.ending {
            Ending::Commit => statements(tx, &params),
            Ending::Rollback => {
                statements(tx, &params)?;
                Err(Failure::Message("rolled back, as the case wants it".into()))
            }
            Ending::Savepoint => {
                let savepoint = tx.savepoint().map_err(Failure::Sql)?;
                statements(tx, &params)?;
                Savepoint::rollback(savepoint).map_err(Failure::Sql)
            }
        }
    }

    fn downgrade(_: &Transaction) -> Result<(), Failure> {
        Err(Failure::Irreversible(Some("an attack is not taken back".into())))
    }
}

/// Runs all statements, and stops at the first error, which is the guest's own.
fn statements(tx: &Transaction, params: &Params) -> Result<(), Failure> {
    for (number, sql) in params.statements.iter().enumerate() {
        let outcome = match &params.copy_data {
            Some(data) if copy::is_copy(sql) => copy::copy(tx, sql, data),
            _ => ways::query(tx, sql),
        };
        match outcome {
            Ok(done) => report::ok(number, ways::QUERY, &done),
            Err(error) => {
                report::error(number, ways::QUERY, &error);
                try_other_ways(tx, number, sql, &error);
                return Err(Failure::Sql(error));
            }
        }
    }
    Ok(())
}

/// After a refusal nothing was sent, and the transaction is as it was: each
/// other way in must refuse the same text.
fn try_other_ways(tx: &Transaction, number: usize, sql: &str, error: &Error) {
    if !matches!(error, Error::Denied(_)) {
        return;
    }
    for (name, way) in ways::OTHERS {
        match way(tx, sql) {
            Ok(done) => report::ok(number, name, &done),
            Err(error) => report::error(number, name, &error),
        }
    }
}

bindings::export!(Replay with_types_in bindings);
