//! The statements that apply what waits in a stage, and those that find out what
//! was wrong with it.

use super::stage::list;
use super::{BulkError, Examples, KeyColumn, Shape, Stage, StagedColumn, Target};
use crate::db::TextRow;

/// What an upsert does with a row that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// It gets the new values.
    Update,
    /// It gets the new values unless it has them.
    UpdateChanged,
    /// It stays.
    Keep,
}

/// How many rows an upsert touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// New rows.
    pub inserted: u64,
    /// Rows that were there.
    pub updated: u64,
}

/// The texts of one writer's statements.
#[derive(Clone, Debug)]
pub struct Change {
    target: Target,
    shape: Shape,
    stage: Stage,
}

/// How many keys an error names.
const EXAMPLES: usize = 3;

/// The alias of the target in all texts.
const T: &str = "t";
/// The alias of the stage.
const S: &str = "s";

impl Change {
    /// A change of `target`.
    pub fn new(target: Target, shape: Shape) -> Self {
        let stage = Stage::new(&shape);
        Self { target, shape, stage }
    }

    /// Where the rows wait.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The table.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The columns of the rows.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Gives the rows that are there their new values; if `skip_unchanged`, only
    /// those that have other ones.
    pub fn update(&self, skip_unchanged: bool) -> String {
        let set = |column: &StagedColumn| format!("{} = {}", column.quoted(), column.value(S));
        let set: Vec<_> = self.shape.values.iter().map(set).collect();
        let changed = match skip_unchanged {
            true => format!(" AND {}", self.differs(|column| column.value(S))),
            false => String::new(),
        };
        format!(
            "UPDATE {} AS {T} SET {} FROM {} AS {S} WHERE {}{changed}",
            self.target.sql_only(),
            set.join(", "),
            self.stage.sql_name(),
            self.same_key()
        )
    }

    /// Deletes the rows of the keys.
    pub fn delete(&self) -> String {
        let (table, stage) = (self.target.sql_only(), self.stage.sql_name());
        format!("DELETE FROM {table} AS {T} USING {stage} AS {S} WHERE {}", self.same_key())
    }

    /// Inserts the rows whose key is not there, and does with the others what
    /// `conflict` says. The answer is for [`Self::applied`].
    pub fn upsert(&self, conflict: Conflict) -> String {
        let columns = self.shape.columns();
        let values: Vec<_> = columns.iter().map(|column| column.value(S)).collect();
        let overriding = match columns.iter().any(|column| column.identity_always) {
            true => " OVERRIDING SYSTEM VALUE",
            false => "",
        };
        let insert = format!(
            "INSERT INTO {} AS {T} ({}){overriding} SELECT {} FROM {} AS {S} ON CONFLICT ({}) DO {}",
            self.target.sql_name(),
            list(&columns),
            values.join(", "),
            self.stage.sql_name(),
            list(self.shape.key.iter().map(|key| &key.column)),
            self.on_conflict(conflict),
        );
        let count = "pg_catalog.count(*)";
        // A row that was there is locked before it is changed, which its new
        // version shows. A partition's row does not come back with its system
        // columns, and where rows are kept all that come back are new.
        match (conflict, self.target.is_partitioned()) {
            (Conflict::Keep, _) => {
                format!("WITH applied AS ({insert} RETURNING 1) SELECT {count}, {count} FROM applied")
            }
            (_, false) => format!(
                "WITH applied AS ({insert} RETURNING {T}.xmax OPERATOR(pg_catalog.=) 0 AS is_new) \
                 SELECT {count} FILTER (WHERE is_new), {count} FROM applied"
            ),
            (_, true) => format!(
                "WITH known AS MATERIALIZED (SELECT {keys} FROM {table} AS {T}, {stage} AS {S} WHERE {same}), \
                 applied AS ({insert} RETURNING {returned}) \
                 SELECT {count} FILTER (WHERE NOT EXISTS (SELECT FROM known AS {S} WHERE {found})), {count} \
                 FROM applied AS {T}",
                keys = self.prefixed(T),
                table = self.target.sql_only(),
                stage = self.stage.sql_name(),
                same = self.same_key(),
                returned = self.prefixed(T),
                found = self.pairs(|key| format!("{S}.{}", key.column.quoted())),
            ),
        }
    }

    /// Reads the answer to [`Self::upsert`].
    ///
    /// # Errors
    ///
    /// [`BulkError::Answer`] if it is not one.
    pub fn applied(&self, rows: &[TextRow]) -> Result<Applied, BulkError> {
        let row = rows.first().map(Vec::as_slice).unwrap_or_default();
        let (inserted, all) = (self.number(row, 0)?, self.number(row, 1)?);
        Ok(Applied { inserted, updated: all.saturating_sub(inserted) })
    }

    /// The keys that wait more than once: some of them, how many there are, and
    /// how many rows have one.
    pub fn duplicates(&self) -> String {
        let keys = self.staged_key();
        format!(
            "SELECT {example}, pg_catalog.count(*) OVER (), pg_catalog.sum(pg_catalog.count(*)) OVER () \
             FROM {stage} AS {S} GROUP BY {keys} HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1 \
             ORDER BY {keys} LIMIT {EXAMPLES}",
            example = self.example(),
            stage = self.stage.sql_name(),
        )
    }

    /// The keys that wait and were applied before.
    pub fn repeated(&self) -> String {
        // What waits has the same type in both, which may be text.
        let same =
            |key: &KeyColumn| format!("{T}.{name} {} {S}.{name}", equals(key), name = key.column.quoted());
        let same: Vec<_> = self.shape.key.iter().map(same).collect();
        self.keys_where(&format!(
            "EXISTS (SELECT FROM {} AS {T} WHERE {})",
            self.stage.earlier(),
            same.join(" AND ")
        ))
    }

    /// The keys that wait and that no row of the table has.
    pub fn missing(&self) -> String {
        self.keys_where(&format!("NOT {}", self.is_there()))
    }

    /// How many keys wait that a row of the table has.
    pub fn count_there(&self) -> String {
        let stage = self.stage.sql_name();
        format!("SELECT pg_catalog.count(*) FROM {stage} AS {S} WHERE {}", self.is_there())
    }

    /// Reads the answer to [`Self::count_there`].
    ///
    /// # Errors
    ///
    /// [`BulkError::Answer`] if it is not one.
    pub fn count(&self, rows: &[TextRow]) -> Result<u64, BulkError> {
        self.number(rows.first().map(Vec::as_slice).unwrap_or_default(), 0)
    }

    /// Reads the answer to [`Self::duplicates`], [`Self::repeated`] or
    /// [`Self::missing`]; none if there are no such keys.
    ///
    /// # Errors
    ///
    /// [`BulkError::Answer`] if it is not one.
    pub fn examples(&self, rows: &[TextRow]) -> Result<Option<Examples>, BulkError> {
        let Some(first) = rows.first() else { return Ok(None) };
        let values = rows.iter().filter_map(|row| row.first()?.clone()).collect();
        Ok(Some(Examples { columns: self.shape.key_names(), values, count: self.number(first, 1)? }))
    }

    fn number(&self, row: &[Option<String>], at: usize) -> Result<u64, BulkError> {
        let text = row.get(at).and_then(Option::as_deref).unwrap_or_default();
        let wrong = |_| BulkError::Answer {
            table: self.target.label(),
            message: format!("`{text}` is not a number of rows"),
        };
        text.parse().map_err(wrong)
    }

    fn on_conflict(&self, conflict: Conflict) -> String {
        if conflict == Conflict::Keep {
            return "NOTHING".into();
        }
        let excluded = |column: &StagedColumn| format!("EXCLUDED.{}", column.quoted());
        let set = |column: &StagedColumn| format!("{} = {}", column.quoted(), excluded(column));
        let set: Vec<_> = self.shape.values.iter().map(set).collect();
        let changed = match conflict {
            Conflict::UpdateChanged => format!(" WHERE {}", self.differs(excluded)),
            Conflict::Update | Conflict::Keep => String::new(),
        };
        format!("UPDATE SET {}{changed}", set.join(", "))
    }

    /// Whether a row of the target has other values. Their bytes are compared:
    /// types without an equality have them too, and what is equal and not the
    /// same, as 1.0 and 1.00, is a change.
    fn differs(&self, new: impl Fn(&StagedColumn) -> String) -> String {
        let old = |column: &StagedColumn| format!("{T}.{}", column.quoted());
        let row = |each: &dyn Fn(&StagedColumn) -> String| {
            let values: Vec<_> = self.shape.values.iter().map(each).collect();
            format!("ROW({})::pg_catalog.record", values.join(", "))
        };
        format!("{} OPERATOR(pg_catalog.*<>) {}", row(&old), row(&new))
    }

    fn same_key(&self) -> String {
        self.pairs(|key| key.column.value(S))
    }

    fn pairs(&self, staged: impl Fn(&KeyColumn) -> String) -> String {
        let pair = |key: &KeyColumn| format!("{T}.{} {} {}", key.column.quoted(), key.equals, staged(key));
        self.shape.key.iter().map(pair).collect::<Vec<_>>().join(" AND ")
    }

    fn is_there(&self) -> String {
        format!("EXISTS (SELECT FROM {} AS {T} WHERE {})", self.target.sql_only(), self.same_key())
    }

    fn keys_where(&self, condition: &str) -> String {
        format!(
            "SELECT {example}, pg_catalog.count(*) OVER () FROM {stage} AS {S} WHERE {condition} \
             ORDER BY {keys} LIMIT {EXAMPLES}",
            example = self.example(),
            stage = self.stage.sql_name(),
            keys = self.staged_key(),
        )
    }

    /// A key as the server writes a row, not longer than a message may be.
    fn example(&self) -> String {
        format!("pg_catalog.left(ROW({})::pg_catalog.text, 200)", self.staged_key())
    }

    fn staged_key(&self) -> String {
        let values: Vec<_> = self.shape.key.iter().map(|key| key.column.value(S)).collect();
        values.join(", ")
    }

    fn prefixed(&self, alias: &str) -> String {
        let column = |key: &KeyColumn| format!("{alias}.{}", key.column.quoted());
        self.shape.key.iter().map(column).collect::<Vec<_>>().join(", ")
    }
}

/// The operator for two values as the stage has them.
fn equals(key: &KeyColumn) -> &str {
    match key.column.cast {
        None => &key.equals,
        Some(_) => "OPERATOR(pg_catalog.=)",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Use;
    use super::super::shape::tests::{names, target};
    use super::*;

    fn change(values: &[&str]) -> Change {
        let shape = Shape::new(&target(), &[], &names(values), Use::Update).expect("fits");
        Change::new(target(), shape)
    }

    /// With `stage` for the random name.
    fn stable(change: &Change, sql: &str) -> String {
        sql.replace(change.stage.name(), "stage")
    }

    #[test]
    fn rows_are_updated_by_the_operators_of_the_key() {
        let change = change(&["name", "access"]);
        insta::assert_snapshot!(stable(&change, &change.update(false)), @r#"UPDATE ONLY "app"."My ""t""" AS t SET "name" = s."name", "access" = s."access"::"pg_catalog"."aclitem" FROM "pg_temp"."stage" AS s WHERE t."id" OPERATOR("pg_catalog".=) s."id" AND t."Part" OPERATOR("pg_catalog".=) s."Part""#);
        insta::assert_snapshot!(stable(&change, &change.update(true)), @r#"UPDATE ONLY "app"."My ""t""" AS t SET "name" = s."name", "access" = s."access"::"pg_catalog"."aclitem" FROM "pg_temp"."stage" AS s WHERE t."id" OPERATOR("pg_catalog".=) s."id" AND t."Part" OPERATOR("pg_catalog".=) s."Part" AND ROW(t."name", t."access")::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(s."name", s."access"::"pg_catalog"."aclitem")::pg_catalog.record"#);
    }

    #[test]
    fn rows_are_inserted_or_updated() {
        let change = change(&["name"]);
        let cases = [
            (Conflict::Update, 'r'),
            (Conflict::UpdateChanged, 'r'),
            (Conflict::Keep, 'r'),
            (Conflict::Update, 'p'),
        ];
        let texts = cases.map(|(conflict, kind)| {
            let target = Target { kind, ..change.target.clone() };
            let change = Change { target, ..change.clone() };
            stable(&change, &change.upsert(conflict))
        });
        insta::assert_snapshot!(texts.join("\n"), @r#"
WITH applied AS (INSERT INTO "app"."My ""t""" AS t ("id", "Part", "name") SELECT s."id", s."Part", s."name" FROM "pg_temp"."stage" AS s ON CONFLICT ("id", "Part") DO UPDATE SET "name" = EXCLUDED."name" RETURNING t.xmax OPERATOR(pg_catalog.=) 0 AS is_new) SELECT pg_catalog.count(*) FILTER (WHERE is_new), pg_catalog.count(*) FROM applied
WITH applied AS (INSERT INTO "app"."My ""t""" AS t ("id", "Part", "name") SELECT s."id", s."Part", s."name" FROM "pg_temp"."stage" AS s ON CONFLICT ("id", "Part") DO UPDATE SET "name" = EXCLUDED."name" WHERE ROW(t."name")::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(EXCLUDED."name")::pg_catalog.record RETURNING t.xmax OPERATOR(pg_catalog.=) 0 AS is_new) SELECT pg_catalog.count(*) FILTER (WHERE is_new), pg_catalog.count(*) FROM applied
WITH applied AS (INSERT INTO "app"."My ""t""" AS t ("id", "Part", "name") SELECT s."id", s."Part", s."name" FROM "pg_temp"."stage" AS s ON CONFLICT ("id", "Part") DO NOTHING RETURNING 1) SELECT pg_catalog.count(*), pg_catalog.count(*) FROM applied
WITH known AS MATERIALIZED (SELECT t."id", t."Part" FROM "app"."My ""t""" AS t, "pg_temp"."stage" AS s WHERE t."id" OPERATOR("pg_catalog".=) s."id" AND t."Part" OPERATOR("pg_catalog".=) s."Part"), applied AS (INSERT INTO "app"."My ""t""" AS t ("id", "Part", "name") SELECT s."id", s."Part", s."name" FROM "pg_temp"."stage" AS s ON CONFLICT ("id", "Part") DO UPDATE SET "name" = EXCLUDED."name" RETURNING t."id", t."Part") SELECT pg_catalog.count(*) FILTER (WHERE NOT EXISTS (SELECT FROM known AS s WHERE t."id" OPERATOR("pg_catalog".=) s."id" AND t."Part" OPERATOR("pg_catalog".=) s."Part")), pg_catalog.count(*) FROM applied AS t
"#);
    }

    #[test]
    fn rows_are_deleted_and_keys_looked_for() {
        let change = change(&["name"]);
        let texts =
            [change.delete(), change.duplicates(), change.repeated(), change.missing(), change.count_there()];
        insta::assert_snapshot!(stable(&change, &texts.join("\n")), @r#"
DELETE FROM ONLY "app"."My ""t""" AS t USING "pg_temp"."stage" AS s WHERE t."id" OPERATOR("pg_catalog".=) s."id" AND t."Part" OPERATOR("pg_catalog".=) s."Part"
SELECT pg_catalog.left(ROW(s."id", s."Part")::pg_catalog.text, 200), pg_catalog.count(*) OVER (), pg_catalog.sum(pg_catalog.count(*)) OVER () FROM "pg_temp"."stage" AS s GROUP BY s."id", s."Part" HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1 ORDER BY s."id", s."Part" LIMIT 3
SELECT pg_catalog.left(ROW(s."id", s."Part")::pg_catalog.text, 200), pg_catalog.count(*) OVER () FROM "pg_temp"."stage" AS s WHERE EXISTS (SELECT FROM "pg_temp"."stage_k" AS t WHERE t."id" OPERATOR("pg_catalog".=) s."id" AND t."Part" OPERATOR("pg_catalog".=) s."Part") ORDER BY s."id", s."Part" LIMIT 3
SELECT pg_catalog.left(ROW(s."id", s."Part")::pg_catalog.text, 200), pg_catalog.count(*) OVER () FROM "pg_temp"."stage" AS s WHERE NOT EXISTS (SELECT FROM ONLY "app"."My ""t""" AS t WHERE t."id" OPERATOR("pg_catalog".=) s."id" AND t."Part" OPERATOR("pg_catalog".=) s."Part") ORDER BY s."id", s."Part" LIMIT 3
SELECT pg_catalog.count(*) FROM "pg_temp"."stage" AS s WHERE EXISTS (SELECT FROM ONLY "app"."My ""t""" AS t WHERE t."id" OPERATOR("pg_catalog".=) s."id" AND t."Part" OPERATOR("pg_catalog".=) s."Part")
"#);
    }

    #[test]
    fn answers_are_read() {
        let change = change(&["name"]);
        let row = |fields: &[&str]| fields.iter().map(|field| Some((*field).to_owned())).collect::<TextRow>();
        assert_eq!(change.applied(&[row(&["2", "5"])]), Ok(Applied { inserted: 2, updated: 3 }));
        assert_eq!(change.examples(&[]), Ok(None));
        let found = change.examples(&[row(&["(1,a)", "7"]), row(&["(2,a)", "7"])]).expect("reads");
        assert_eq!(found.map(|found| (found.values, found.count)), Some((names(&["(1,a)", "(2,a)"]), 7)));
        assert!(change.applied(&[]).is_err());
    }
}
