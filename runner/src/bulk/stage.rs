//! The temporary table in which rows wait.

use super::{Shape, StagedColumn, Target};
use crate::db::{TableName, quote_identifier};

/// A stage: a temporary table whose name nobody can guess, which is gone with
/// the transaction at the latest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    name: String,
    columns: Vec<StagedColumn>,
    /// How many of them, from the first, are the key and cannot be NULL.
    key: usize,
}

impl Stage {
    /// A stage for rows of this shape.
    pub fn new(shape: &Shape) -> Self {
        Self::named(random_name(), shape.columns(), shape.key.len())
    }

    /// A stage for whole rows, without a key.
    pub fn of_columns(columns: Vec<StagedColumn>) -> Self {
        Self::named(random_name(), columns, 0)
    }

    fn named(name: String, columns: Vec<StagedColumn>, key: usize) -> Self {
        Self { name, columns, key }
    }

    /// The table's plain name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table's name as SQL spells it.
    pub fn sql_name(&self) -> TableName {
        TableName { schema: Some("pg_temp".into()), table: self.name.clone() }
    }

    /// The columns in order.
    pub fn columns(&self) -> &[StagedColumn] {
        &self.columns
    }

    /// Makes the table. The columns have the types, modifiers and collations of
    /// the target's.
    pub fn create(&self, target: &Target) -> String {
        let column = |column: &StagedColumn| match column.cast {
            None => format!("t.{}", column.quoted()),
            Some(_) => format!("t.{name}::pg_catalog.text AS {name}", name = column.quoted()),
        };
        let columns: Vec<_> = self.columns.iter().map(column).collect();
        let stage = self.sql_name();
        let mut sql = format!(
            "CREATE TEMPORARY TABLE {stage} ON COMMIT DROP AS SELECT {} FROM {} AS t WITH NO DATA",
            columns.join(", "),
            target.sql_only()
        );
        let full = |column: &StagedColumn| format!("ALTER COLUMN {} SET NOT NULL", column.quoted());
        let full: Vec<_> = self.columns.iter().take(self.key).map(full).collect();
        if !full.is_empty() {
            sql.push_str(&format!("; ALTER TABLE {stage} {}", full.join(", ")));
        }
        sql
    }

    /// Empties the table.
    pub fn empty(&self) -> String {
        format!("TRUNCATE TABLE {}", self.sql_name())
    }

    /// Takes the table away, and the one with the keys that were kept.
    pub fn drop(&self, has_kept_keys: bool) -> String {
        match has_kept_keys {
            true => format!("DROP TABLE {}, {}", self.sql_name(), self.earlier()),
            false => format!("DROP TABLE {}", self.sql_name()),
        }
    }

    /// Keeps the keys that wait, in a table of their own.
    pub fn keep_keys(&self, is_first: bool) -> String {
        let keys: Vec<_> = self.columns.iter().take(self.key).map(StagedColumn::quoted).collect();
        let (earlier, keys, stage) = (self.earlier(), keys.join(", "), self.sql_name());
        match is_first {
            true => format!("CREATE TEMPORARY TABLE {earlier} ON COMMIT DROP AS SELECT {keys} FROM {stage}"),
            false => format!("INSERT INTO {earlier} ({keys}) SELECT {keys} FROM {stage}"),
        }
    }

    /// The table of the keys that were applied before.
    pub(super) fn earlier(&self) -> TableName {
        TableName { schema: Some("pg_temp".into()), table: format!("{}_k", self.name) }
    }
}

fn random_name() -> String {
    format!("runner_stage_{:032x}", rand::random::<u128>())
}

/// Column names, quoted, with commas.
pub(super) fn list<'c>(columns: impl IntoIterator<Item = &'c StagedColumn>) -> String {
    let quoted: Vec<_> = columns.into_iter().map(|column| quote_identifier(&column.name)).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::Use;
    use super::super::shape::tests::{names, target};
    use super::*;

    fn stage() -> Stage {
        let shape = Shape::new(&target(), &[], &names(&["name", "access"]), Use::Update).expect("fits");
        Stage { name: "s".into(), ..Stage::new(&shape) }
    }

    #[test]
    fn the_stage_has_the_types_of_the_table() {
        insta::assert_snapshot!(stage().create(&target()), @r#"CREATE TEMPORARY TABLE "pg_temp"."s" ON COMMIT DROP AS SELECT t."id", t."Part", t."name", t."access"::pg_catalog.text AS "access" FROM ONLY "app"."My ""t""" AS t WITH NO DATA; ALTER TABLE "pg_temp"."s" ALTER COLUMN "id" SET NOT NULL, ALTER COLUMN "Part" SET NOT NULL"#);
    }

    #[test]
    fn the_names_of_two_stages_differ() {
        let shape = Shape::new(&target(), &[], &names(&["name"]), Use::Update).expect("fits");
        assert_ne!(Stage::new(&shape).name(), Stage::new(&shape).name());
    }

    #[test]
    fn keys_are_kept_apart() {
        insta::assert_snapshot!(
            [stage().keep_keys(true), stage().keep_keys(false), stage().empty(), stage().drop(true), stage().drop(false)].join("\n"),
            @r#"
CREATE TEMPORARY TABLE "pg_temp"."s_k" ON COMMIT DROP AS SELECT "id", "Part" FROM "pg_temp"."s"
INSERT INTO "pg_temp"."s_k" ("id", "Part") SELECT "id", "Part" FROM "pg_temp"."s"
TRUNCATE TABLE "pg_temp"."s"
DROP TABLE "pg_temp"."s", "pg_temp"."s_k"
DROP TABLE "pg_temp"."s"
"#
        );
    }
}
