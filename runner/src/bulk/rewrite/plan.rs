//! The statements that refill a table, in order: decided before the first is
//! sent.

use super::RefillOptions;
use super::facts::{Deferrable, RewriteFacts, Trigger};
use super::index::Index;
use crate::bulk::Stage;
use crate::bulk::stage::list;
use crate::db::{quote_identifier, quote_literal};

/// From how many rows on an index is faster made anew than kept up to date; with
/// fewer, neither takes long, and the index stays the same object.
const REBUILD_FROM: u64 = 10_000;

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Before the rows are counted that go.
    pub(super) before: Vec<String>,
    /// Its one value is the number of rows that go.
    pub(super) count: String,
    pub(super) truncate: String,
    /// The rows that it inserts are counted.
    pub(super) insert: String,
    /// What puts everything back.
    pub(super) after: Vec<String>,
}

/// The table's full name in SQL.
pub(super) fn table(facts: &RewriteFacts) -> String {
    format!("{}.{}", quote_identifier(&facts.schema), quote_identifier(&facts.name))
}

/// Plans the refill of a table from a stage.
pub(super) fn plan(facts: &RewriteFacts, stage: &Stage, options: &RefillOptions) -> Plan {
    let table = table(facts);
    let indexes = rebuilt(facts, options);
    let triggers: &[Trigger] = if options.fire_triggers { &[] } else { &facts.triggers };
    let mut before: Vec<String> = set_constraints(facts.deferrable.iter(), "IMMEDIATE").into_iter().collect();
    before.extend(triggers.iter().map(|trigger| switch(&table, trigger, "DISABLE")));
    before.extend(indexes.iter().map(|index| index.drop(&facts.schema, &table)));
    let mut after = vec![stage.empty()];
    after.extend(created_again(facts, &table, &indexes));
    after.extend(triggers.iter().map(|trigger| switch(&table, trigger, enable(trigger))));
    after.extend(set_constraints(facts.deferrable.iter().filter(|one| one.is_deferred_again), "DEFERRED"));
    Plan {
        before,
        count: format!("SELECT pg_catalog.count(*)::pg_catalog.text FROM ONLY {table}"),
        truncate: format!("TRUNCATE ONLY {table} CONTINUE IDENTITY RESTRICT"),
        insert: insert(&table, stage),
        after,
    }
}

/// In the order in which the rows were written.
fn insert(table: &str, stage: &Stage) -> String {
    let values: Vec<_> = stage.columns().iter().map(|column| column.value("s")).collect();
    let overriding = match stage.columns().iter().any(|column| column.identity_always) {
        true => " OVERRIDING SYSTEM VALUE",
        false => "",
    };
    format!(
        "INSERT INTO {table} ({}){overriding} SELECT {} FROM {} AS s",
        list(stage.columns()),
        values.join(", "),
        stage.sql_name()
    )
}

/// The indexes that are dropped and made again.
fn rebuilt<'a>(facts: &'a RewriteFacts, options: &RefillOptions) -> Vec<&'a Index> {
    // What a trigger asks has to be found by index while it fires.
    let used_by_triggers = options.fire_triggers && !facts.triggers.is_empty();
    let may = options.may_rebuild_indexes && facts.is_owned && facts.may_create && !facts.event_triggers;
    if !may || used_by_triggers || options.rows < REBUILD_FROM {
        return Vec::new();
    }
    facts.indexes.iter().filter(|index| index.is_replaceable).collect()
}

fn created_again(facts: &RewriteFacts, table: &str, indexes: &[&Index]) -> Vec<String> {
    let mut statements = Vec::new();
    let mut tablespace = facts.default_tablespace.as_str();
    for index in indexes {
        if index.tablespace != tablespace {
            tablespace = &index.tablespace;
            statements.push(set_tablespace(tablespace));
        }
        statements.extend(index.create(&facts.schema, table));
    }
    if tablespace != facts.default_tablespace {
        statements.push(set_tablespace(&facts.default_tablespace));
    }
    // The statistics of an expression went with its index; those of the columns
    // are there, if about the rows of before.
    if indexes.iter().any(|index| index.has_expressions) {
        statements.push(format!("ANALYZE {table}"));
    }
    statements
}

fn set_tablespace(name: &str) -> String {
    format!("SET LOCAL default_tablespace = {}", quote_literal(name))
}

fn switch(table: &str, trigger: &Trigger, how: &str) -> String {
    format!("ALTER TABLE ONLY {table} {how} TRIGGER {}", quote_identifier(&trigger.name))
}

fn enable(trigger: &Trigger) -> &'static str {
    match trigger.enabled {
        'A' => "ENABLE ALWAYS",
        'R' => "ENABLE REPLICA",
        _ => "ENABLE",
    }
}

/// A table of which checks are pending cannot be truncated nor altered.
fn set_constraints<'a>(constraints: impl Iterator<Item = &'a Deferrable>, when: &str) -> Option<String> {
    let name =
        |one: &Deferrable| format!("{}.{}", quote_identifier(&one.schema), quote_identifier(&one.name));
    let names: Vec<_> = constraints.map(name).collect();
    (!names.is_empty()).then(|| format!("SET CONSTRAINTS {} {when}", names.join(", ")))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
