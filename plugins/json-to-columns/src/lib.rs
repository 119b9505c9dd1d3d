//! Moves fields of JSON documents into typed columns, and keeps the rest.
//!
//! The server does the work: a table beside keeps for each document what its fields were
//! and became, one UPDATE moves them, and the downgrade puts them back from there.

mod kind;
mod moved;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use plugin_kit::{Rejects, Target, ident, list};
use plugin_sdk::prelude::*;

use kind::Kind;
use moved::{Moved, MovedField};

/// PostgreSQL's number for the type `jsonb`.
const JSONB: u32 = 3802;

/// Moves fields of JSON documents into typed columns.
#[derive(Params)]
struct JsonToColumns {
    /// The table, as in `public.products`. It needs a primary key.
    table: String,
    /// The column of type jsonb whose objects have the fields.
    column: String,
    /// For each new column the field that it is filled from, and its type.
    fields: BTreeMap<String, Field>,
    /// Columns that a trigger sets when a row is updated, such as `updated_at`: the
    /// downgrade puts back what they were, unless the row was changed since.
    #[param(default)]
    touched: Vec<String>,
    /// What the fields were is kept in a table with this suffix to the table's name.
    #[param(default = "moved_fields")]
    suffix: String,
    /// The values that do not fit their type are kept in a table with this suffix to the
    /// table's name, too.
    #[param(default = "json_rejects")]
    rejects_suffix: String,
}

/// Where a column comes from.
#[derive(Clone, Params)]
struct Field {
    /// The field's name in the object; the column's name unless set.
    field: Option<String>,
    /// The column's type.
    r#type: Kind,
}

plugin_sdk::export!(JsonToColumns);

impl Migration for JsonToColumns {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let names: Vec<&str> = self.fields.keys().map(String::as_str).collect();
        ensure!(!names.is_empty(), "`fields` is empty: there would be nothing to move");
        let target = self.target(tx)?;
        target.check_new(&names)?;
        let moved = self.moved(&target)?;
        target.lock(tx)?;
        moved.create(tx)?;
        moved.reject(tx)?;
        let adds =
            list(&moved.fields, |field| format!("ADD COLUMN {} {}", ident(field.column), field.kind.sql()));
        tx.execute(&format!("ALTER TABLE {} {adds}", target.name.sql()), &[])?;
        let rows = moved.apply(tx)?;
        info!(
            "documents of {} whose fields were moved: {rows}; {} has what they were",
            target.name, moved.table
        );
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let target = self.target(tx)?;
        let moved = self.moved(&target)?;
        target.lock(tx)?;
        let rows = moved.restore(tx)?;
        let drops = list(&moved.fields, |field| format!("DROP COLUMN {}", ident(field.column)));
        tx.execute(&format!("ALTER TABLE {} {drops}", target.name.sql()), &[])?;
        tx.execute(&format!("DROP TABLE {}", moved.table.sql()), &[])?;
        moved.rejects.drop(tx)?;
        info!("documents of {} whose fields were put back: {rows}", target.name);
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        let (moved, rejects) = ("${table}_${suffix}", "${table}_${rejects_suffix}");
        vec![
            Capability::new("read", ["${table}", moved], "reads the documents, and what their fields were"),
            Capability::new("write", ["${table}"], "moves the fields"),
            Capability::new("lock", ["${table}"], "lets nobody change a document meanwhile"),
            Capability::new(
                "ddl",
                ["${table}", moved, rejects],
                "adds the columns, and tables for old values and rejects",
            ),
            Capability::new("drop", ["${table}", moved, rejects], "drops them again"),
        ]
    }
}

impl JsonToColumns {
    fn target(&self, tx: &Transaction) -> Result<Target> {
        let target = Target::find_keyed(tx, &self.table)?;
        let column = target.writable(&self.column)?;
        let ty = column.column.pg_type();
        ensure!(
            ty.oid == JSONB,
            "the column `{}` of {} is of type {ty}, not jsonb",
            self.column,
            target.name
        );
        Ok(target)
    }

    fn moved<'a>(&'a self, target: &'a Target) -> Result<Moved<'a>> {
        let of = |(column, field): (&'a String, &'a Field)| MovedField {
            column,
            name: field.field.as_ref().unwrap_or(column),
            kind: field.r#type,
        };
        let fields: Vec<_> = self.fields.iter().map(of).collect();
        for (place, field) in fields.iter().enumerate() {
            let is_twice = fields[..place].iter().any(|other| other.name == field.name);
            ensure!(!is_twice, "the field `{}` is moved to two columns", field.name);
        }
        for name in &self.touched {
            target.writable(name)?;
            ensure!(*name != self.column, "the column `{name}` is both to be changed and `touched`");
        }
        let table = target.name.beside(&self.suffix)?;
        let rejects = Rejects::new(target, &self.rejects_suffix)?;
        let (document, touched) = (ident(&self.column), &self.touched[..]);
        Ok(Moved { target, document, fields, touched, table, rejects })
    }
}
