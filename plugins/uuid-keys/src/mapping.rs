//! The table that keeps which number became which UUID, and the columns that are
//! changed by it.

use plugin_kit::{TableName, ident};
use plugin_sdk::prelude::*;
use plugin_sdk::{FromField, ToField};

use crate::sequence::{Owned, State};
use crate::uuid7::Maker;

/// The mapping's column of numbers.
pub const OLD: &str = "old_key";

/// The mapping's column of UUIDs.
const NEW: &str = "new_key";

/// The column that holds the new values until they take the old ones' place.
const WAITING: &str = "uuid_keys_waiting";

/// Seconds from 1970 to 2000, where PostgreSQL's times begin.
const EPOCH_2000: i64 = 946_684_800;

/// A column that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The table as SQL spells it.
    pub table: String,
    /// The plain name.
    pub name: String,
}

/// The mapping table.
pub struct Mapping {
    /// As SQL spells it.
    table: String,
    /// The type of the numbers.
    key_type: String,
}

impl Mapping {
    /// Makes the table. Its numbers have the identity that the key had, so that this
    /// is kept as well.
    ///
    /// # Errors
    ///
    /// The server's error, such as a table of that name.
    pub fn create(tx: &Transaction, name: &TableName, key_type: &str, owned: Option<&Owned>) -> Result<Self> {
        let mapping = Self { table: name.sql(), key_type: key_type.to_owned() };
        let identity = owned.filter(|owned| owned.is_identity());
        let generated = identity.map(|identity| identity.identity_sql(tx)).transpose()?.unwrap_or_default();
        tx.execute(
            &format!(
                "CREATE TABLE {} ({OLD} {key_type} {generated} PRIMARY KEY, {NEW} uuid NOT NULL UNIQUE)",
                mapping.table
            ),
            &[],
        )?;
        if let Some(identity) = identity {
            let state = identity.state(tx)?;
            let kept = Owned::find(tx, name, OLD)?;
            kept.context("the mapping table has no sequence")?.set(tx, state)?;
        }
        Ok(mapping)
    }

    /// Opens the table that an upgrade made.
    ///
    /// # Errors
    ///
    /// The server's error where it is gone.
    pub fn open(tx: &Transaction, name: &TableName) -> Result<Self> {
        let description = tx.describe_table(&name.sql()).context("the mapping table of the upgrade")?;
        let old = description.columns.iter().find(|column| column.column.name == OLD);
        let old = old.with_context(|| format!("{name} has no column `{OLD}`: it is no mapping table"))?;
        Ok(Self { table: name.sql(), key_type: old.column.type_name.clone() })
    }

    /// Gives each key a UUID, in the order of the keys. Gives the number of keys.
    ///
    /// # Errors
    ///
    /// The server's error, and a time that fits no UUID.
    pub fn fill(&self, tx: &Transaction, key: &Column, created_at: Option<&str>) -> Result<u64> {
        match self.key_type.as_str() {
            "int2" => self.fill_as::<i16>(tx, key, created_at),
            "int4" => self.fill_as::<i32>(tx, key, created_at),
            _ => self.fill_as::<i64>(tx, key, created_at),
        }
    }

    fn fill_as<T>(&self, tx: &Transaction, key: &Column, created_at: Option<&str>) -> Result<u64>
    where
        T: for<'a> FromField<'a> + ToField,
    {
        let now = host::transaction_time().0.div_euclid(1000) + EPOCH_2000 * 1000;
        let (name, table) = (ident(&key.name), &key.table);
        let millis = created_at.map_or("null".to_owned(), |column| {
            format!("floor(extract(epoch from {}) * 1000)", ident(column))
        });
        let mut maker = Maker::default();
        let mut writer = tx.insert(&self.table).columns([OLD, NEW]).open::<(T, Uuid)>()?;
        let select = format!("select {name}, {millis}::bigint from {table} order by {name}");
        tx.read::<(T, Option<i64>)>(&select, &[])?.for_each(|(key, millis)| {
            let uuid = maker.next(millis.unwrap_or(now))?;
            writer.write(&(key, uuid))
        })?;
        Ok(writer.finish()?.written)
    }

    /// Puts the UUIDs in place of a column's numbers.
    ///
    /// # Errors
    ///
    /// The server's error, and a number that no row of the table has.
    pub fn to_uuids(&self, tx: &Transaction, column: &Column) -> Result<()> {
        self.replace(tx, column, "uuid", (OLD, NEW))
    }

    /// Puts the numbers in place of a column's UUIDs.
    ///
    /// # Errors
    ///
    /// The server's error, and a UUID that no row of the table has.
    pub fn to_numbers(&self, tx: &Transaction, column: &Column) -> Result<()> {
        self.replace(tx, column, &self.key_type, (NEW, OLD))
    }

    /// The column keeps its place, its indexes and its NOT NULL: the new values wait
    /// in a column beside until the type changes.
    fn replace(
        &self,
        tx: &Transaction,
        column: &Column,
        to: &str,
        (from_key, to_key): (&str, &str),
    ) -> Result<()> {
        let (table, name, mapping) = (&column.table, ident(&column.name), &self.table);
        tx.execute(&format!("ALTER TABLE {table} ADD COLUMN {WAITING} {to}"), &[])?;
        tx.execute(
            &format!(
                "UPDATE {table} AS changed SET {WAITING} = known.{to_key} FROM {mapping} AS known \
                 WHERE known.{from_key} = changed.{name}"
            ),
            &[],
        )?;
        let lost = format!("select count(*) from {table} where {WAITING} is null and {name} is not null");
        let (lost,): (i64,) = tx.query_one(&lost, &[])?;
        ensure!(lost == 0, "{lost} rows of {table} have a {name} that refers to no row, and would lose it");
        tx.execute(&format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {to} USING {WAITING}"), &[])?;
        tx.execute(&format!("ALTER TABLE {table} DROP COLUMN {WAITING}"), &[])?;
        Ok(())
    }

    /// Numbers the rows that came after the upgrade, in the order of their UUIDs.
    /// Gives the greatest new number, if there is one.
    ///
    /// # Errors
    ///
    /// The server's error, such as a number that does not fit the type.
    pub fn number_new_rows(
        &self,
        tx: &Transaction,
        key: &Column,
        state: Option<State>,
    ) -> Result<Option<i64>> {
        let (mapping, table, name) = (&self.table, &key.table, ident(&key.name));
        let (greatest,): (Option<i64>,) =
            tx.query_one(&format!("select max({OLD})::bigint from {mapping}"), &[])?;
        let last = greatest.max(state.and_then(State::last_given)).unwrap_or(0);
        let added = tx.execute(
            &format!(
                "INSERT INTO {mapping} ({OLD}, {NEW}) OVERRIDING SYSTEM VALUE \
                 SELECT {last} + row_number() OVER (ORDER BY added.{name}), added.{name} \
                 FROM {table} AS added LEFT JOIN {mapping} AS known ON known.{NEW} = added.{name} \
                 WHERE known.{NEW} IS NULL"
            ),
            &[],
        )?;
        Ok((added > 0).then_some(last.saturating_add_unsigned(added)))
    }
}
