//! What gives the integer keys: an identity, a sequence behind a default, or nobody.

use plugin_kit::{TableName, ident, literal};
use plugin_sdk::prelude::*;

/// The sequence that belongs to a column: `i` of an identity, `a` of a default.
pub(crate) const OWNED: &str = "\
select link.deptype::text as link, around.nspname::text as schema, made.relname::text as name,
    key.attidentity::text as identity
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_attribute key on key.attrelid = owner.oid
join pg_catalog.pg_depend link on link.classid = 1259 and link.refclassid = 1259
    and link.refobjid = owner.oid and link.refobjsubid = key.attnum and link.deptype in ('a', 'i')
join pg_catalog.pg_class made on made.oid = link.objid and made.relkind = 'S'
join pg_catalog.pg_namespace around on around.oid = made.relnamespace
where space.nspname = $1 and owner.relname = $2 and key.attname = $3";

/// A sequence's settings.
pub(crate) const SETTINGS: &str = "\
select start_value, increment_by, min_value, max_value, cache_size, cycle
from pg_catalog.pg_sequences where schemaname = $1 and sequencename = $2";

/// A sequence that belongs to a column.
#[derive(Debug, Clone, FromRow)]
pub struct Owned {
    link: String,
    schema: String,
    name: String,
    identity: String,
}

#[derive(FromRow)]
struct Settings {
    start_value: i64,
    increment_by: i64,
    min_value: i64,
    max_value: i64,
    cache_size: i64,
    cycle: bool,
}

/// Where a sequence stands.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct State {
    last_value: i64,
    is_called: bool,
}

impl Owned {
    /// Finds the sequence that belongs to a column.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn find(tx: &Transaction, table: &TableName, column: &str) -> Result<Option<Self>> {
        tx.query_opt(OWNED, params![table.schema(), table.name(), column])
    }

    /// Whether it is that of an identity, and goes with it.
    pub fn is_identity(&self) -> bool {
        self.link == "i"
    }

    /// Its name as SQL spells it.
    pub fn sql(&self) -> String {
        format!("{}.{}", ident(&self.schema), ident(&self.name))
    }

    /// `GENERATED … AS IDENTITY (…)`, with all settings.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn identity_sql(&self, tx: &Transaction) -> Result<String> {
        let settings: Settings = tx.query_one(SETTINGS, params![&self.schema, &self.name])?;
        let Settings { start_value, increment_by, min_value, max_value, cache_size, cycle } = settings;
        let when = if self.identity == "a" { "ALWAYS" } else { "BY DEFAULT" };
        let cycle = if cycle { " CYCLE" } else { "" };
        Ok(format!(
            "GENERATED {when} AS IDENTITY (START WITH {start_value} INCREMENT BY {increment_by} \
             MINVALUE {min_value} MAXVALUE {max_value} CACHE {cache_size}{cycle})"
        ))
    }

    /// The default that takes its next value.
    pub fn default_sql(&self) -> String {
        format!("nextval({})", literal(&self.sql()))
    }

    /// Where it stands.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn state(&self, tx: &Transaction) -> Result<State> {
        tx.query_one(&format!("select last_value, is_called from {}", self.sql()), &[])
    }

    /// Sets where it stands.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn set(&self, tx: &Transaction, state: State) -> Result<()> {
        let State { last_value, is_called } = state;
        tx.query(&format!("select setval({}, {last_value}, {is_called})", literal(&self.sql())), &[])?;
        Ok(())
    }
}

impl State {
    /// The same, or behind the last of the keys that were given without it.
    pub fn behind(self, last_key: Option<i64>) -> Self {
        match last_key {
            Some(key) if key >= self.last_value => Self { last_value: key, is_called: true },
            _ => self,
        }
    }

    /// The last number that was given, if there was one.
    pub fn last_given(self) -> Option<i64> {
        self.is_called.then_some(self.last_value)
    }
}
