//! What decides whether, and how, a table's contents are replaced.

use serde::Deserialize;

use super::index::Index;
use crate::bulk::target::label;
use crate::db::{qualified, quote_literal};

/// What the catalogs say of a table; see PostgreSQL's manual, "System Catalogs".
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RewriteFacts {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `pg_class.relkind`.
    pub kind: char,
    /// `pg_class.relpersistence`.
    pub persistence: char,
    /// Its owner.
    pub owner: String,
    /// Whether the session has the owner's rights, be it by membership.
    pub is_owned: bool,
    /// Whether the session may truncate it.
    pub may_truncate: bool,
    /// Whether the session may create objects in its schema.
    pub may_create: bool,
    /// Whether row-level security applies to the session's user.
    pub guarded: bool,
    /// Whether it is a partition.
    pub is_partition: bool,
    /// The tables that it inherits from, or is a partition of.
    pub parents: Vec<String>,
    /// The tables that inherit from it.
    pub children: Vec<String>,
    /// Foreign keys of other tables that point at it.
    pub references: Vec<ForeignKey>,
    /// The publications that it is in, those of all tables and of its schema
    /// included.
    pub publications: Vec<String>,
    /// Its rules.
    pub rules: Vec<String>,
    /// The triggers that would fire for an INSERT or a TRUNCATE, but for those
    /// of constraints.
    pub triggers: Vec<Trigger>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// Its constraints that can be deferred.
    pub deferrable: Vec<Deferrable>,
    /// Whether triggers of the database itself would see an index dropped or
    /// created.
    pub event_triggers: bool,
    /// The transaction's isolation level.
    pub isolation: String,
    /// The setting `default_tablespace`.
    pub default_tablespace: String,
}

impl RewriteFacts {
    /// The table's name for messages.
    pub(super) fn label(&self) -> String {
        label(&self.schema, &self.name)
    }
}

/// A foreign key of another table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ForeignKey {
    /// The constraint.
    pub name: String,
    /// The schema of the table that has it.
    pub schema: String,
    /// That table.
    pub table: String,
}

/// A trigger that somebody made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// `pg_trigger.tgenabled`: `O`, `R` or `A`.
    pub enabled: char,
}

/// A constraint that may be checked at the transaction's end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Deferrable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Whether it is deferred from the beginning, and no other constraint of the
    /// schema has its name: SET CONSTRAINTS reaches all of one name.
    pub is_deferred_again: bool,
}

/// Where the table's name goes in the question.
const TABLE: &str = "$table$";

/// The question whose one value is the facts as JSON. `table` is a name as SQL
/// spells it.
pub(super) fn question(table: &str) -> String {
    let array =
        |values: &str| format!("(SELECT coalesce(pg_catalog.json_agg({values}), '[]'::pg_catalog.json)");
    let full_name = "pg_catalog.format('%I.%I', o.nspname, r.relname)";
    let text = qualified(&format!(
        "SELECT pg_catalog.json_build_object( \
         'schema', n.nspname, 'name', c.relname, 'kind', c.relkind, 'persistence', c.relpersistence, \
         'owner', pg_catalog.pg_get_userbyid(c.relowner), \
         'is_owned', pg_catalog.pg_has_role(c.relowner, 'USAGE'), \
         'may_truncate', pg_catalog.has_table_privilege(c.oid, 'TRUNCATE'), \
         'may_create', pg_catalog.has_schema_privilege(n.oid, 'CREATE'), \
         'guarded', pg_catalog.row_security_active(c.oid), 'is_partition', c.relispartition, \
         'parents', {array_names} FROM pg_catalog.pg_inherits h, pg_catalog.pg_class r, pg_catalog.pg_namespace o \
           WHERE h.inhrelid = c.oid AND r.oid = h.inhparent AND o.oid = r.relnamespace), \
         'children', {array_names} FROM pg_catalog.pg_inherits h, pg_catalog.pg_class r, pg_catalog.pg_namespace o \
           WHERE h.inhparent = c.oid AND r.oid = h.inhrelid AND o.oid = r.relnamespace), \
         'references', {foreign_keys} FROM pg_catalog.pg_constraint k, pg_catalog.pg_class r, pg_catalog.pg_namespace o \
           WHERE k.contype = 'f' AND k.confrelid = c.oid AND k.conrelid <> c.oid AND r.oid = k.conrelid \
           AND o.oid = r.relnamespace), \
         'publications', {publications} FROM pg_catalog.pg_publication_tables p \
           WHERE p.schemaname = n.nspname AND p.tablename = c.relname), \
         'rules', {rules} FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid), \
         'triggers', {triggers} FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal \
           AND (t.tgtype::pg_catalog.int4 & {INSERT_OR_TRUNCATE}) <> 0 AND CASE \
             WHEN pg_catalog.current_setting('session_replication_role') = 'replica' \
             THEN t.tgenabled = ANY ('{{R,A}}'::pg_catalog.\"char\"[]) \
             ELSE t.tgenabled = ANY ('{{O,A}}'::pg_catalog.\"char\"[]) END), \
         'indexes', {indexes}, \
         'deferrable', {deferrable} FROM pg_catalog.pg_constraint k, pg_catalog.pg_namespace o \
           WHERE k.conrelid = c.oid AND k.condeferrable AND o.oid = k.connamespace), \
         'event_triggers', EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled <> 'D' \
           AND e.evtevent = ANY ('{{ddl_command_start,ddl_command_end,sql_drop}}'::pg_catalog.name[])), \
         'isolation', pg_catalog.current_setting('transaction_isolation'), \
         'default_tablespace', pg_catalog.current_setting('default_tablespace') \
         )::pg_catalog.text \
         FROM pg_catalog.pg_class c, pg_catalog.pg_namespace n \
         WHERE c.oid = {TABLE}::pg_catalog.regclass AND n.oid = c.relnamespace",
        array_names = array(&format!("{full_name} ORDER BY {full_name}")),
        foreign_keys = array(
            "pg_catalog.json_build_object('name', k.conname, 'schema', o.nspname, 'table', r.relname) \
             ORDER BY o.nspname, r.relname, k.conname"
        ),
        publications = array("DISTINCT p.pubname::pg_catalog.text"),
        rules = array("w.rulename ORDER BY w.rulename"),
        triggers =
            array("pg_catalog.json_build_object('name', t.tgname, 'enabled', t.tgenabled) ORDER BY t.tgname"),
        indexes = super::index::question(),
        deferrable = array(
            "pg_catalog.json_build_object('schema', o.nspname, 'name', k.conname, 'is_deferred_again', \
             k.condeferred AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint s \
             WHERE s.connamespace = k.connamespace AND s.conname = k.conname AND s.oid <> k.oid)) \
             ORDER BY k.conname"
        ),
    ));
    // Only now: what is written with schemas are operators, not parts of a name.
    text.replace(TABLE, &quote_literal(table))
}

/// The bits of `pg_trigger.tgtype` for INSERT and for TRUNCATE.
const INSERT_OR_TRUNCATE: u32 = 4 + 32;
