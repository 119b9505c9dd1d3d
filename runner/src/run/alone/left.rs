//! What a statement left that was begun and not finished, as the catalogs say.

use crate::db::{DbError, PostgresSession, TextRow, quote_identifier, quote_literal};
use crate::policy::{Alone, Name, ReindexScope};

/// What there is for a statement to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// All of it, or again.
    Everything,
    /// Nothing: it is done.
    Nothing,
    /// What it would make is there, and whole.
    Taken,
    /// First these indexes have to go, which are in nobody's use: their names as
    /// SQL spells them.
    Indexes(Vec<String>),
    /// The end of the detachment: the statement that does it.
    Finalize(String),
    /// To wait: another session builds the index.
    BeingBuilt {
        /// The index as SQL spells it.
        index: String,
        /// The other session's process.
        process: String,
    },
}

/// Looks at what is there, in a session that finds names as the statement does.
/// `begun` says that an attempt was begun, and nobody knows what became of it.
pub(super) async fn look(
    session: &mut PostgresSession,
    statement: &Alone,
    begun: bool,
) -> Result<Left, DbError> {
    match statement {
        Alone::CreateIndex { table, index } => created(session, table, index, begun).await,
        Alone::DropIndex { index } if begun => {
            let sql = format!("SELECT {} IS NULL", class(index));
            let is_gone = truth(&session.batch(&sql).await?);
            Ok(if is_gone { Left::Nothing } else { Left::Everything })
        }
        Alone::Reindex { scope, concurrently: true } if begun => {
            let rows = session.batch(&leftovers(scope)).await?;
            let names: Vec<String> = rows.into_iter().filter_map(first).collect();
            Ok(if names.is_empty() { Left::Everything } else { Left::Indexes(names) })
        }
        Alone::Detach { table, partition } if begun => detached(session, table, partition).await,
        Alone::DropIndex { .. } | Alone::Reindex { .. } | Alone::Detach { .. } | Alone::Repeatable => {
            Ok(Left::Everything)
        }
    }
}

async fn created(
    session: &mut PostgresSession,
    table: &Name,
    index: &str,
    begun: bool,
) -> Result<Left, DbError> {
    let sql = format!(
        "SELECT i.indisvalid, pg_catalog.format('%I.%I', n.nspname, c.relname), \
            (SELECT pg_catalog.min(p.pid) FROM pg_catalog.pg_stat_progress_create_index p \
             WHERE p.index_relid = c.oid AND p.datname = pg_catalog.current_database()) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE i.indrelid = {} AND c.relname = {} AND c.relkind = 'i'",
        class(table),
        quote_literal(index),
    );
    let row = session.batch(&sql).await?.into_iter().next().unwrap_or_default();
    Ok(match row.as_slice() {
        [Some(valid), ..] if valid == "t" && begun => Left::Nothing,
        [Some(valid), ..] if valid == "t" => Left::Taken,
        [_, Some(index), Some(process)] => {
            Left::BeingBuilt { index: index.clone(), process: process.clone() }
        }
        [_, Some(index), None] => Left::Indexes(vec![index.clone()]),
        _ => Left::Everything,
    })
}

async fn detached(session: &mut PostgresSession, table: &Name, partition: &Name) -> Result<Left, DbError> {
    let sql = format!(
        "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhparent = {} AND inhrelid = {}",
        class(table),
        class(partition),
    );
    Ok(match session.batch(&sql).await?.into_iter().next().and_then(first).as_deref() {
        None => Left::Nothing,
        Some("t") => Left::Finalize(format!(
            "ALTER TABLE {} DETACH PARTITION {} FINALIZE",
            spelled(table),
            spelled(partition)
        )),
        Some(_) => Left::Everything,
    })
}

/// The indexes that a REINDEX CONCURRENTLY makes for a while, by the ends of
/// their names; see PostgreSQL's manual, REINDEX, "Rebuilding Indexes
/// Concurrently". Those of TOAST tables cannot be dropped, and the next REINDEX
/// leaves them out.
fn leftovers(scope: &ReindexScope) -> String {
    let tables = match scope {
        ReindexScope::Index(index) => format!(
            "i.indrelid = (SELECT this.indrelid FROM pg_catalog.pg_index this WHERE this.indexrelid = {})",
            class(index)
        ),
        ReindexScope::Table(table) => {
            let table = class(table);
            format!(
                "(i.indrelid = {table} OR i.indrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree({table})))"
            )
        }
        ReindexScope::Schema(schema) => format!("n.nspname = {}", quote_literal(schema)),
    };
    format!(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname <> 'pg_toast' \
            AND c.relname ~ '_cc(new|old)[0-9]*$' AND {tables} \
            AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_progress_create_index p \
                WHERE p.index_relid = c.oid AND p.datname = pg_catalog.current_database()) \
         ORDER BY 1"
    )
}

/// A relation's number, or NULL, as SQL.
fn class(name: &Name) -> String {
    format!("pg_catalog.to_regclass({})", quote_literal(&spelled(name)))
}

fn spelled(name: &Name) -> String {
    match name.schema.as_str() {
        "" => quote_identifier(&name.name),
        schema => format!("{}.{}", quote_identifier(schema), quote_identifier(&name.name)),
    }
}

fn first(row: TextRow) -> Option<String> {
    row.into_iter().next().flatten()
}

fn truth(rows: &[TextRow]) -> bool {
    matches!(rows, [row] if matches!(row.as_slice(), [Some(value)] if value == "t"))
}
