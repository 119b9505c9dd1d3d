//! The ways by which a text can reach the server.

use crate::bindings::runner::migration::sql::Transaction;
use crate::bindings::runner::migration::types::Error;
use crate::show;

/// One of them: gives the statement to the host, and returns what came back.
pub type Way = fn(&Transaction, &str) -> Result<String, Error>;

/// The way that every statement goes first, since it shows rows.
pub const QUERY: &str = "query";

/// All other ways.
pub const OTHERS: [(&str, Way); 4] =
    [("execute", execute), ("script", script), ("open-reader", open_reader), ("open-writer", open_writer)];

/// As a query; returns the rows.
pub fn query(tx: &Transaction, sql: &str) -> Result<String, Error> {
    Ok(show::rows(&tx.query(sql, &[])?.rows))
}

fn execute(tx: &Transaction, sql: &str) -> Result<String, Error> {
    Ok(tx.execute(sql, &[])?.to_string())
}

fn script(tx: &Transaction, sql: &str) -> Result<String, Error> {
    tx.script(sql).map(|()| String::new())
}

fn open_reader(tx: &Transaction, sql: &str) -> Result<String, Error> {
    let reader = tx.open_reader(sql, &[])?;
    Ok(show::tuples(&reader.next_bytes(100, 64 * 1024)?))
}

/// The text in the place of a table's name.
fn open_writer(tx: &Transaction, sql: &str) -> Result<String, Error> {
    let writer = tx.open_writer(sql, &[])?;
    Ok(format!("{} columns", writer.columns().len()))
}
