//! The table's indexes: which can be dropped and made again, and how.

use serde::Deserialize;

use crate::db::{quote_identifier, quote_literal};

/// An index, with all that has to be there again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Index {
    /// Its name; its schema is the table's.
    pub name: String,
    /// The statement that makes it, by `pg_get_indexdef`.
    pub definition: String,
    /// Its tablespace; empty for the database's own.
    pub tablespace: String,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether it has expressions, whose statistics belong to it.
    pub has_expressions: bool,
    /// Statistics targets of its columns.
    pub targets: Vec<Target>,
    /// The constraint that it stands for.
    pub constraint: Option<Constraint>,
    /// Whether nothing is lost, and nothing breaks, when it is dropped and made
    /// again.
    pub is_replaceable: bool,
}

/// A statistics target of one column of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// The column's number.
    pub column: i16,
    /// `pg_attribute.attstattarget`.
    pub target: i32,
}

/// A constraint that an index stands for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Constraint {
    /// Its name.
    pub name: String,
    /// `pg_constraint.contype`.
    pub kind: char,
    /// Its comment.
    pub comment: Option<String>,
}

impl Index {
    /// The statement that drops it from `table`, in the schema `schema`.
    pub(super) fn drop(&self, schema: &str, table: &str) -> String {
        match &self.constraint {
            Some(constraint) => {
                format!("ALTER TABLE ONLY {table} DROP CONSTRAINT {}", quote_identifier(&constraint.name))
            }
            None => format!("DROP INDEX {}", self.full_name(schema)),
        }
    }

    /// The statements that make it again, but for its tablespace.
    pub(super) fn create(&self, schema: &str, table: &str) -> Vec<String> {
        let index = self.full_name(schema);
        let mut statements = vec![self.definition.clone()];
        if let Some(constraint) = &self.constraint {
            let (name, kind) = (quote_identifier(&constraint.name), constraint.words());
            let using = quote_identifier(&self.name);
            statements
                .push(format!("ALTER TABLE ONLY {table} ADD CONSTRAINT {name} {kind} USING INDEX {using}"));
            statements.extend(constraint.comment.iter().map(|comment| {
                format!("COMMENT ON CONSTRAINT {name} ON {table} IS {}", quote_literal(comment))
            }));
        }
        statements.extend(self.targets.iter().map(|Target { column, target }| {
            format!("ALTER INDEX {index} ALTER COLUMN {column} SET STATISTICS {target}")
        }));
        let comment = self.comment.iter();
        statements
            .extend(comment.map(|comment| format!("COMMENT ON INDEX {index} IS {}", quote_literal(comment))));
        statements
    }

    fn full_name(&self, schema: &str) -> String {
        format!("{}.{}", quote_identifier(schema), quote_identifier(&self.name))
    }
}

impl Constraint {
    fn words(&self) -> &'static str {
        match self.kind {
            'p' => "PRIMARY KEY",
            _ => "UNIQUE",
        }
    }
}

/// The indexes of the relation `c` as a JSON array, the primary key's first and
/// the others by name.
///
/// One is replaceable if it is whole and plain: not half built by CREATE INDEX
/// CONCURRENTLY, not the one that the table is clustered on or that identifies
/// its rows to replication, not of an exclusion or deferrable constraint (which
/// CREATE INDEX cannot make again). Nothing may depend on it or on its
/// constraint, as a foreign key does, and a view that groups by the primary key;
/// and it may depend on nothing but what its definition names, as one does that
/// belongs to an extension or to an index of a parent. Its tablespace must be
/// open to the session.
pub(super) fn question() -> String {
    let depends = |class: &str, oid: &str| {
        format!(
            "EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = '{class}'::pg_catalog.regclass \
             AND d.objid = {oid} AND d.deptype = ANY ('{{e,x,P,S}}'::pg_catalog.\"char\"[]))"
        )
    };
    let is_needed = |class: &str, oid: &str, but: &str| {
        format!(
            "EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = '{class}'::pg_catalog.regclass \
             AND d.refobjid = {oid} AND d.refobjsubid = 0 AND NOT (d.objid = {but}))"
        )
    };
    format!(
        "(SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object( \
         'name', x.relname, 'definition', pg_catalog.pg_get_indexdef(i.indexrelid), \
         'tablespace', coalesce(s.spcname, ''::pg_catalog.name), \
         'comment', pg_catalog.obj_description(i.indexrelid, 'pg_class'), \
         'has_expressions', i.indexprs IS NOT NULL, \
         'targets', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object( \
           'column', a.attnum, 'target', a.attstattarget) ORDER BY a.attnum), '[]'::pg_catalog.json) \
           FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0), \
         'constraint', CASE WHEN k.oid IS NOT NULL THEN pg_catalog.json_build_object('name', k.conname, \
           'kind', k.contype, 'comment', pg_catalog.obj_description(k.oid, 'pg_constraint')) END, \
         'is_replaceable', i.indisvalid AND i.indisready AND i.indislive AND NOT i.indisclustered \
           AND NOT i.indisreplident AND NOT i.indisexclusion AND NOT x.relispartition \
           AND (k.oid IS NULL OR (NOT k.condeferrable AND m.amname = 'btree' \
             AND k.contype = ANY ('{{p,u}}'::pg_catalog.\"char\"[]) AND NOT {constraint_depends} \
             AND NOT {constraint_is_needed})) \
           AND NOT {index_depends} AND NOT {index_is_needed} \
           AND (s.oid IS NULL OR pg_catalog.has_tablespace_privilege(s.oid, 'CREATE')) \
         ) ORDER BY i.indisprimary DESC, x.relname), '[]'::pg_catalog.json) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
         JOIN pg_catalog.pg_am m ON m.oid = x.relam \
         LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = x.reltablespace \
         LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid \
           AND k.contype <> 'f' \
         WHERE i.indrelid = c.oid)",
        constraint_depends = depends("pg_catalog.pg_constraint", "k.oid"),
        constraint_is_needed = is_needed("pg_catalog.pg_constraint", "k.oid", "i.indexrelid"),
        index_depends = depends("pg_catalog.pg_class", "i.indexrelid"),
        index_is_needed = is_needed("pg_catalog.pg_class", "i.indexrelid", "i.indexrelid"),
    )
}
