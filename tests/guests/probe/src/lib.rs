//! A guest that does what its parameter `kind` says: for the tests of the host.
//!
//! It answers by messages to the log, one line for each thing it saw. It does
//! without the SDK on purpose, since it has to do what the SDK prevents.

#![expect(clippy::result_large_err, reason = "the generated types are what the interface returns")]

mod bindings {
    wit_bindgen::generate!({ world: "plugin", path: "../../../wit/0.1.0", export_macro_name: "export" });
}

mod honest;
mod hostile;
mod leak;
mod steps;

use bindings::exports::runner::migration::migration::{Capability, Description, Guest};
use bindings::runner::migration::host::{self, Level};
use bindings::runner::migration::sql::Transaction;
use bindings::runner::migration::types::{Error, Failure};

struct Probe;

impl Guest for Probe {
    fn describe() -> Description {
        host::log(Level::Debug, &format!("describing with params {}", host::params()));
        Description {
            name: "probe".into(),
            version: "0.1.0".into(),
            summary: "Does what a test wants.".into(),
            params_schema: r#"{"type": "object", "properties": {"first": {"type": "string"}, "key": {"type": "string", "pattern": "^[^!]*$"}}}"#.into(),
            capabilities: vec![Capability {
                name: "write".into(),
                targets: vec!["${table}".into()],
                reason: "the tests write".into(),
            }],
        }
    }

    fn upgrade(tx: &Transaction) -> Result<(), Failure> {
        // Something to roll back.
        if let Some(first) = host::param("first") {
            tx.script(&first).map_err(sql)?;
        }
        let kind = param("kind");
        if kind == "steps" {
            return steps::run(tx);
        }
        match honest::run(&kind, tx).or_else(|| leak::run(&kind, tx)) {
            Some(result) => result,
            None => hostile::run(&kind, tx),
        }
    }

    fn downgrade(_: &Transaction) -> Result<(), Failure> {
        Err(Failure::Irreversible(Some("the probe never goes back".into())))
    }
}

/// A parameter; empty if it is not set.
fn param(name: &str) -> String {
    host::param(name).unwrap_or_default()
}

fn number(name: &str) -> u32 {
    param(name).parse().unwrap_or(0)
}

fn say(text: impl AsRef<str>) {
    host::log(Level::Info, text.as_ref());
}

fn sql(error: Error) -> Failure {
    Failure::Sql(error)
}

bindings::export!(Probe with_types_in bindings);
