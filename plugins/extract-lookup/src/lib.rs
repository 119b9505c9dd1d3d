//! Moves the values of a text or enum column into a table of their own, with a
//! foreign key in the column's place.
//!
//! The column is changed where it stands, by one `ALTER COLUMN … TYPE` that looks the
//! values up in a constant: it keeps its place, its NOT NULL and its indexes, the
//! table is written once, and no trigger fires.

mod column;
mod default;
#[cfg(test)]
mod tests;

use plugin_kit::{DEPENDENT_CATALOGS, TableName, ident, literal, refuse_hidden_rows};
use plugin_sdk::prelude::*;
use plugin_sdk::serde_json::{Map, Value as Json};

use column::{CATALOGS, Origin};

/// Moves the values of a text or enum column into a lookup table, with a foreign
/// key in the column's place.
#[derive(Params)]
pub struct ExtractLookup {
    /// The table, as `schema.table`.
    table: String,
    /// The column, of type text, varchar or an enum.
    column: String,
    /// The lookup table that is made, as `schema.table`.
    lookup: String,
    /// What the column is called afterwards; its name and `_id` unless set.
    key_column: Option<String>,
    /// What the column of the lookup table with the values is called.
    #[param(default = "name")]
    name_column: String,
    /// For an enum: its type, as `schema.type`, which the downgrade brings back.
    enum_type: Option<String>,
    /// The indexes that have the column, those of keys too, each as `schema.index`:
    /// all of them.
    #[param(default)]
    indexes: Vec<String>,
    /// The most different values. More than this is no lookup, but a mistake.
    #[param(default = 1000)]
    max_values: u32,
}

plugin_sdk::export!(ExtractLookup);

impl Migration for ExtractLookup {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        self.names()?.extract(tx, self)
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        self.names()?.put_back(tx, self)
    }

    fn capabilities() -> Vec<Capability> {
        let both = ["${table}", "${lookup}"];
        vec![
            Capability::new("read", both, "reads the values"),
            Capability::new("lock", ["${table}"], "keeps others out while the column changes"),
            Capability::new("ddl", both, "makes the lookup table, and changes the column's type and name"),
            Capability::new("ddl", ["${indexes}"], "changes the column in its indexes"),
            Capability::new("drop", both, "on the way down drops the foreign key and the lookup table"),
            Capability::new("read", CATALOGS, "looks at the enum and the default"),
            Capability::new("read", DEPENDENT_CATALOGS, "looks for what depends on the column"),
        ]
    }
}

/// All names that statements are made of.
struct Names {
    table: TableName,
    lookup: TableName,
    /// The column of the values, before.
    column: String,
    /// The column of the keys, after.
    key_column: String,
    foreign_key: String,
}

impl ExtractLookup {
    fn names(&self) -> Result<Names> {
        let table = TableName::parse(&self.table).context("the parameter `table`")?;
        let key_column = self.key_column.clone().unwrap_or_else(|| format!("{}_id", self.column));
        Ok(Names {
            lookup: TableName::parse(&self.lookup).context("the parameter `lookup`")?,
            column: self.column.clone(),
            foreign_key: format!("{}_{key_column}_fkey", table.name()),
            key_column,
            table,
        })
    }
}

impl Names {
    fn extract(&self, tx: &Transaction, plugin: &ExtractLookup) -> Result<()> {
        self.lock(tx)?;
        let origin = Origin::find(tx, self, plugin)?;
        column::check_dependents(tx, &self.table, &self.column, &plugin.indexes)?;
        let default = column::default_of(tx, &self.table, &self.column)?;
        let default = default.map(|sql| default::text_of(&sql)).transpose()?;
        let values = self.values(tx, plugin, &origin, default.as_deref())?;
        self.create_lookup(tx, plugin, &origin, &values)?;

        let numbers = (1..).map(Json::from);
        let constant: Map<String, Json> = values.iter().cloned().zip(numbers).collect();
        self.change_type(tx, &self.column, ("integer", ""), &constant)?;
        self.rename(tx, &self.column, &self.key_column)?;
        if let Some(place) = default.and_then(|default| values.iter().position(|value| *value == default)) {
            self.set_default(tx, &self.key_column, &(place + 1).to_string())?;
        }
        let (table, lookup) = (self.table.sql(), self.lookup.sql());
        let (key, foreign_key) = (ident(&self.key_column), ident(&self.foreign_key));
        tx.execute(
            &format!("ALTER TABLE {table} ADD CONSTRAINT {foreign_key} FOREIGN KEY ({key}) REFERENCES {lookup} (id)"),
            &[],
        )?;
        info!("{}: {} values of {}.{}", self.lookup, values.len(), self.table, self.column);
        Ok(())
    }

    fn put_back(&self, tx: &Transaction, plugin: &ExtractLookup) -> Result<()> {
        self.lock(tx)?;
        let type_sql = column::former_type(tx, self, plugin)?;
        let collation = column::collation_of(tx, &self.lookup, &plugin.name_column)?;
        let (table, lookup) = (self.table.sql(), self.lookup.sql());
        tx.execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {}", ident(&self.foreign_key)), &[])
            .with_context(|| format!("the foreign key `{}` that the upgrade made", self.foreign_key))?;
        column::check_dependents(tx, &self.table, &self.key_column, &plugin.indexes)?;
        let default = column::default_of(tx, &self.table, &self.key_column)?;

        let select = format!("select id::text, {}::text from {lookup}", ident(&plugin.name_column));
        let pairs: Vec<(String, String)> = tx.query_as(&select, &[])?;
        let default = default.map(|sql| default::value_of(&sql, &pairs)).transpose()?;
        let constant = pairs.into_iter().map(|(id, name)| (id, Json::from(name))).collect();
        self.change_type(tx, &self.key_column, (&type_sql, &collation), &constant)?;
        self.rename(tx, &self.key_column, &self.column)?;
        if let Some(text) = default {
            // As PostgreSQL keeps it: the length of a varchar is the column's alone.
            let (bare_type, _) = type_sql.split_once('(').unwrap_or((&type_sql, ""));
            self.set_default(tx, &self.column, &format!("{}::{bare_type}", literal(&text)))?;
        }
        tx.execute(&format!("DROP TABLE {lookup}"), &[])?;
        info!("{}.{} has its values again", self.table, self.column);
        Ok(())
    }

    /// No row may change between its reading and the change of the column, which
    /// takes this lock anyway; and every row has to be seen.
    fn lock(&self, tx: &Transaction) -> Result<()> {
        tx.execute(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", self.table.sql()), &[])?;
        refuse_hidden_rows(tx, &self.table)
    }

    /// The values in the order of their numbers: an enum's in its order, and those of
    /// a text in the order of their characters, so that every database gets the same.
    fn values(
        &self,
        tx: &Transaction,
        plugin: &ExtractLookup,
        origin: &Origin,
        default: Option<&str>,
    ) -> Result<Vec<String>> {
        if let Origin::Enum { labels, .. } = origin {
            return Ok(labels.clone());
        }
        let (column, table) = (ident(&self.column), self.table.sql());
        let limit = u64::from(plugin.max_values) + 1;
        let select = format!(
            "select distinct {column}::text collate \"C\" from {table} where {column} is not null order by 1 limit {limit}"
        );
        let rows: Vec<(String,)> = tx.query_as(&select, &[])?;
        let mut values: Vec<String> = rows.into_iter().map(|(value,)| value).collect();
        ensure!(
            values.len() <= plugin.max_values as usize,
            "{}.{} has more than {} different values: that is no lookup; raise `max_values` if it is one",
            self.table,
            self.column,
            plugin.max_values
        );
        if let Some(default) = default
            && let Err(place) = values.binary_search_by(|value| value.as_str().cmp(default))
        {
            values.insert(place, default.to_owned());
        }
        Ok(values)
    }

    fn create_lookup(
        &self,
        tx: &Transaction,
        plugin: &ExtractLookup,
        origin: &Origin,
        values: &[String],
    ) -> Result<()> {
        let (lookup, name) = (self.lookup.sql(), ident(&plugin.name_column));
        let name_type = origin.lookup_type();
        let collation = column::collation_of(tx, &self.table, &self.column)?;
        tx.execute(
            &format!(
                "CREATE TABLE {lookup} (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, \
                 {name} {name_type}{collation} NOT NULL UNIQUE)"
            ),
            &[],
        )?;
        let rows = values.iter().zip(1_i32..).map(|(value, id)| (id, value.as_str()));
        tx.insert(&lookup).columns(["id", &plugin.name_column]).rows(rows)?;
        let next = values.len() + 1;
        tx.execute(&format!("ALTER TABLE {lookup} ALTER COLUMN id RESTART WITH {next}"), &[])?;
        Ok(())
    }

    /// Changes a column's type and collation, and each value to what a JSON object has
    /// for it.
    fn change_type(
        &self,
        tx: &Transaction,
        column: &str,
        (to, collation): (&str, &str),
        constant: &Map<String, Json>,
    ) -> Result<()> {
        let (table, column) = (self.table.sql(), ident(column));
        let constant = literal(&Json::Object(constant.clone()).to_string());
        tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT"), &[])?;
        tx.execute(
            &format!(
                "ALTER TABLE {table} ALTER COLUMN {column} TYPE {to} USING ({constant}::jsonb ->> {column}::text)::{to}"
            ),
            &[],
        )?;
        if !collation.is_empty() {
            tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {to}{collation}"), &[])?;
        }
        Ok(())
    }

    fn rename(&self, tx: &Transaction, from: &str, to: &str) -> Result<()> {
        if from != to {
            let (table, from, to) = (self.table.sql(), ident(from), ident(to));
            tx.execute(&format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}"), &[])?;
        }
        Ok(())
    }

    fn set_default(&self, tx: &Transaction, column: &str, sql: &str) -> Result<()> {
        let (table, column) = (self.table.sql(), ident(column));
        tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {sql}"), &[])?;
        Ok(())
    }
}
