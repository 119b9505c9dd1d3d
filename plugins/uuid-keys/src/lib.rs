//! Turns the integer primary key of a table into UUIDs of version 7, in the table
//! and in all columns whose foreign keys point at it.
//!
//! Which integer became which UUID stays in a mapping table: the downgrade reads it,
//! and so can whoever has the old numbers in links and letters.

mod foreign_keys;
mod mapping;
mod sequence;
#[cfg(test)]
mod tests;
mod uuid7;

use plugin_kit::{
    DEPENDENT_CATALOGS, DependentKind, TableName, check_indexes, dependents, ident, list, refuse_dependents,
    refuse_hidden_rows,
};
use plugin_sdk::TableDescription;
use plugin_sdk::prelude::*;

use foreign_keys::ForeignKey;
use mapping::{Column, Mapping};
use sequence::Owned;

/// Turns the integer primary key of a table into UUIDs of version 7, in the table
/// and in all foreign keys that point at it.
#[derive(Params)]
pub struct UuidKeys {
    /// The table, as `schema.table`.
    table: String,
    /// The column that is its primary key, of type smallint, integer or bigint.
    #[param(default = "id")]
    column: String,
    /// The tables whose foreign keys point at it, each as `schema.table`: all of
    /// them, but for the table itself.
    #[param(default)]
    referencing: Vec<String>,
    /// The indexes that have these columns, those of keys too, each as
    /// `schema.index`: all of them.
    #[param(default)]
    indexes: Vec<String>,
    /// The table that is made to keep which number became which UUID, as
    /// `schema.table`.
    mapping: String,
    /// The column with the time at which a row was made, which becomes the time of
    /// its UUID; the time of the migration unless set, and where it is NULL.
    created_at: Option<String>,
    /// What new rows get that are inserted without a key.
    #[param(default = NewDefault::None)]
    default: NewDefault,
}

/// The column's default afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Params)]
pub enum NewDefault {
    /// None: the application makes the keys.
    None,
    /// `gen_random_uuid()`, of version 4.
    Random,
    /// `uuidv7()`, which PostgreSQL has from version 18 on.
    Uuidv7,
}

plugin_sdk::export!(UuidKeys);

/// What is read, beside the catalogs of the dependents.
const CATALOGS: [&str; 3] = ["pg_catalog.pg_description", "pg_catalog.pg_sequences", "pg_catalog.pg_type"];

impl Migration for UuidKeys {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let tables = Tables::of(self)?;
        tables.lock(tx)?;
        let key_type = tables.integer_key(tx)?;
        self.check_created_at(&tx.describe_table(&tables.table.sql())?)?;
        let foreign_keys = tables.foreign_keys(tx, &key_type)?;
        tables.check_dependents(tx, &foreign_keys, &self.indexes)?;
        let owned = Owned::find(tx, &tables.table, &self.column)?;
        tables.check_default(tx, owned.as_ref())?;

        let mapping = Mapping::create(tx, &tables.mapping, &key_type, owned.as_ref())?;
        let rows = mapping.fill(tx, &tables.key(), self.created_at.as_deref())?;
        run_each(tx, foreign_keys.iter().map(ForeignKey::drop_sql))?;
        let (table, column) = (tables.table.sql(), ident(&self.column));
        let gives_keys = match owned.as_ref().is_some_and(Owned::is_identity) {
            true => "IDENTITY",
            false => "DEFAULT",
        };
        tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} DROP {gives_keys}"), &[])?;
        for column in tables.columns(&foreign_keys) {
            mapping.to_uuids(tx, &column)?;
        }
        if let Some(default) = self.default.sql() {
            tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default}"), &[])?;
        }
        tables.add_foreign_keys(tx, &foreign_keys)?;
        info!(
            "{}.{}: {rows} keys are UUIDs now; the numbers are in {}",
            tables.table, self.column, tables.mapping
        );
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let tables = Tables::of(self)?;
        tables.lock(tx)?;
        let foreign_keys = tables.foreign_keys(tx, "uuid")?;
        tables.check_dependents(tx, &foreign_keys, &self.indexes)?;
        let mapping = Mapping::open(tx, &tables.mapping)?;
        let identity = Owned::find(tx, &tables.mapping, mapping::OLD)?.filter(Owned::is_identity);
        let behind_default = Owned::find(tx, &tables.table, &self.column)?;
        let owned = identity.as_ref().or(behind_default.as_ref());
        let state = owned.map(|owned| owned.state(tx)).transpose()?;
        let last_key = mapping.number_new_rows(tx, &tables.key(), state)?;

        run_each(tx, foreign_keys.iter().map(ForeignKey::drop_sql))?;
        let (table, column) = (tables.table.sql(), ident(&self.column));
        tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT"), &[])?;
        for column in tables.columns(&foreign_keys) {
            mapping.to_numbers(tx, &column)?;
        }
        if let Some(identity) = &identity {
            let identity = identity.identity_sql(tx)?;
            tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} ADD {identity}"), &[])?;
        } else if let Some(owned) = &behind_default {
            let default = owned.default_sql();
            tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default}"), &[])?;
        }
        if let (Some(state), Some(owned)) = (state, Owned::find(tx, &tables.table, &self.column)?) {
            owned.set(tx, state.behind(last_key))?;
        }
        tables.add_foreign_keys(tx, &foreign_keys)?;
        tx.execute(&format!("DROP TABLE {}", tables.mapping.sql()), &[])?;
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        let all = ["${table}", "${referencing}", "${mapping}"];
        let sequences = ["${table}_${column}_seq", "${mapping}_old_key_seq"];
        vec![
            Capability::new("read", all, "reads the keys"),
            Capability::new("write", all, "puts the new keys in place of the old ones"),
            Capability::new("lock", ["${table}", "${referencing}"], "keeps others out meanwhile"),
            Capability::new("ddl", all, "changes the columns' types and makes the mapping table"),
            Capability::new("ddl", ["${indexes}"], "changes the columns in their indexes"),
            Capability::new("drop", all, "drops foreign keys, columns it made, and the mapping table again"),
            Capability::new("read", sequences, "notes where the numbers stand"),
            Capability::new("write", sequences, "lets the numbers go on where they stood"),
            Capability::new("read", CATALOGS, "looks at the types and the sequence"),
            Capability::new("read", DEPENDENT_CATALOGS, "looks for foreign keys and what else depends"),
            Capability::new("random", [""; 0], "the random part of a UUID"),
        ]
    }
}

impl NewDefault {
    fn sql(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Random => Some("gen_random_uuid()"),
            Self::Uuidv7 => Some("uuidv7()"),
        }
    }
}

impl UuidKeys {
    fn check_created_at(&self, description: &TableDescription) -> Result<()> {
        let Some(name) = &self.created_at else { return Ok(()) };
        let found = description.columns.iter().find(|column| column.column.name == *name);
        let found = found.with_context(|| format!("{} has no column `{name}`", self.table))?;
        let type_name = found.column.type_name.as_str();
        ensure!(
            matches!(type_name, "timestamptz" | "timestamp" | "date"),
            "the column `{name}` of {} is of type {type_name}, and no time",
            self.table
        );
        Ok(())
    }
}

/// The tables of one revision.
struct Tables {
    table: TableName,
    column: String,
    referencing: Vec<TableName>,
    mapping: TableName,
}

impl Tables {
    fn of(plugin: &UuidKeys) -> Result<Self> {
        let parse = |name: &String| TableName::parse(name).context("the parameter `referencing`");
        Ok(Self {
            table: TableName::parse(&plugin.table).context("the parameter `table`")?,
            column: plugin.column.clone(),
            referencing: plugin.referencing.iter().map(parse).collect::<Result<_>>()?,
            mapping: TableName::parse(&plugin.mapping).context("the parameter `mapping`")?,
        })
    }

    /// The key itself, as a column to change.
    fn key(&self) -> Column {
        Column { table: self.table.sql(), name: self.column.clone() }
    }

    /// All columns that change: the key, and those that refer to it. One that has
    /// two foreign keys changes once.
    fn columns(&self, foreign_keys: &[ForeignKey]) -> Vec<Column> {
        let mut columns = vec![self.key()];
        for key in foreign_keys {
            let column = Column { table: key.table_sql(), name: key.column_name.clone() };
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    /// No row may change between the reading of the keys and the change of the
    /// columns, which takes these locks anyway; and every row has to be seen.
    fn lock(&self, tx: &Transaction) -> Result<()> {
        let tables = || [&self.table].into_iter().chain(&self.referencing);
        let names = list(tables(), TableName::sql);
        tx.execute(&format!("LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"), &[])?;
        tables().try_for_each(|table| refuse_hidden_rows(tx, table))
    }

    /// The type of the key, which has to be the primary key and a whole number.
    fn integer_key(&self, tx: &Transaction) -> Result<String> {
        let description = tx.describe_table(&self.table.sql())?;
        ensure!(
            description.key == [self.column.as_str()],
            "the primary key of {} is ({}), and not ({})",
            self.table,
            description.key.join(", "),
            self.column
        );
        let key = description.columns.iter().find(|column| column.column.name == self.column);
        let type_name = key.map(|key| key.column.type_name.clone()).unwrap_or_default();
        ensure!(
            matches!(type_name.as_str(), "int2" | "int4" | "int8"),
            "the column `{}` of {} is of type {type_name}, and no whole number",
            self.column,
            self.table
        );
        Ok(type_name)
    }

    /// The foreign keys that point at the table, which have to be of the tables that
    /// the parameters name.
    fn foreign_keys(&self, tx: &Transaction, key_type: &str) -> Result<Vec<ForeignKey>> {
        let found = ForeignKey::pointing_at(tx, &self.table, &self.column, key_type)?;
        let own = self.table.to_string();
        let named: Vec<String> = self.referencing.iter().map(TableName::to_string).collect();
        let missing =
            found.iter().map(ForeignKey::table).find(|table| *table != own && !named.contains(table));
        if let Some(table) = missing {
            bail!("{table} has a foreign key to {own}: name it under `referencing`, and grant what it needs");
        }
        let idle = named.iter().find(|table| !found.iter().any(|key| key.table() == **table));
        match idle {
            None => Ok(found),
            Some(table) => bail!("{table} is named under `referencing`, and has no foreign key to {own}"),
        }
    }

    /// Refuses columns on which something depends that cannot follow, such as a
    /// foreign key to yet another table.
    fn check_dependents(
        &self,
        tx: &Transaction,
        foreign_keys: &[ForeignKey],
        indexes: &[String],
    ) -> Result<()> {
        use DependentKind::{Default, ForeignKey, Index, Unique};
        let follow = [Default, ForeignKey, Index, Unique];
        let key = (self.table.schema(), self.table.name(), self.column.as_str());
        let others = foreign_keys.iter().map(|key| key.place());
        for place in [key].into_iter().chain(others) {
            refuse_dependents(tx, place, &follow)?;
            check_indexes(tx, place, indexes)?;
            let (schema, table, column) = place;
            let other = dependents(tx, schema, table, column)?.into_iter().find(|dependent| {
                dependent.kind == ForeignKey && !foreign_keys.iter().any(|key| key.is(&dependent.name))
            });
            if let Some(other) = other {
                bail!(
                    "the column `{column}` of {schema}.{table} is part of {other} too, which does not fit UUIDs"
                );
            }
        }
        Ok(())
    }

    /// Refuses a default that the downgrade could not bring back: it knows a sequence
    /// by its column alone.
    fn check_default(&self, tx: &Transaction, owned: Option<&Owned>) -> Result<()> {
        let (schema, table) = (self.table.schema(), self.table.name());
        let found = dependents(tx, schema, table, &self.column)?;
        let has_default = found.iter().any(|dependent| dependent.kind == DependentKind::Default);
        ensure!(
            owned.is_some() || !has_default,
            "the default of `{column}` of {name} would be lost: no sequence belongs to the column. If it takes \
             its numbers from a sequence, run `ALTER SEQUENCE … OWNED BY {name}.{column}` in a revision before \
             this one; otherwise drop the default there",
            column = self.column,
            name = self.table
        );
        Ok(())
    }

    fn add_foreign_keys(&self, tx: &Transaction, foreign_keys: &[ForeignKey]) -> Result<()> {
        for key in foreign_keys {
            tx.execute(&key.add_sql(&self.table, &self.column)?, &[])?;
        }
        run_each(tx, foreign_keys.iter().filter_map(ForeignKey::comment_sql))
    }
}

fn run_each(tx: &Transaction, statements: impl Iterator<Item = String>) -> Result<()> {
    for statement in statements {
        tx.execute(&statement, &[])?;
    }
    Ok(())
}
