//! The statements that move fields and put them back.

use plugin_kit::{Rejects, TableName, Target, create_beside, ident, list, literal, prefixed};
use plugin_sdk::prelude::*;

use crate::kind::Kind;

/// The fields that are moved, and the tables that are needed for it.
pub struct Moved<'a> {
    pub target: &'a Target,
    /// The column of documents as SQL spells it.
    pub document: String,
    pub fields: Vec<MovedField<'a>>,
    /// Columns that a trigger sets when a row is updated; they are put back too.
    pub touched: &'a [String],
    /// Has for each document its key (`key_…`), and for each column the JSON that the
    /// field was (`old_…`; NULL where it was not moved) and its value (`new_…`); and
    /// what the touched columns were and became.
    pub table: TableName,
    pub rejects: Rejects<'a>,
}

/// One of them.
pub struct MovedField<'a> {
    pub column: &'a str,
    /// Its name in the document.
    pub name: &'a str,
    pub kind: Kind,
}

impl MovedField<'_> {
    fn old_column(&self) -> String {
        prefixed("old", self.column)
    }

    fn new_column(&self) -> String {
        prefixed("new", self.column)
    }

    /// Says in SQL that the column has what it was given.
    fn is_unedited(&self) -> String {
        format!("target.{} IS NOT DISTINCT FROM moved.{}", ident(self.column), self.new_column())
    }

    /// An object with the field as the column has it; an empty one for NULL.
    fn current(&self) -> String {
        let (name, column) = (literal(self.name), ident(self.column));
        object_unless_null(&name, &format!("to_jsonb(target.{column})"), &format!("target.{column}"))
    }

    /// An object with the field as it was, unless the column was changed since.
    fn back(&self) -> String {
        let old = format!("moved.{}", self.old_column());
        let was = object_unless_null(&literal(self.name), &old, &old);
        format!("CASE WHEN {} THEN {was} ELSE {} END", self.is_unedited(), self.current())
    }

    /// The field's JSON in a document.
    fn of(&self, document: &str) -> String {
        format!("({document} -> {})", literal(self.name))
    }
}

impl Moved<'_> {
    /// Keeps what the fields are and will be, of documents that have one that fits.
    pub fn create(&self, tx: &Transaction) -> Result<()> {
        let table = self.table.sql();
        let keys = list(self.target.key(), |key| prefixed("key", key));
        let values = list(self.numbered(), |(number, field)| {
            format!(
                "CASE WHEN fits_{number} THEN value_{number} END AS {}, CASE WHEN fits_{number} THEN {} END AS {}",
                field.old_column(),
                field.kind.convert(&format!("value_{number}"), &format!("text_{number}")),
                field.new_column()
            )
        });
        let touched = self.touched.iter().map(|name| {
            let [old, new] = ["old", "new"].map(|prefix| prefixed(prefix, name));
            format!(", {old}, {old} AS {new}")
        });
        let (touched, tested) = (touched.collect::<String>(), self.tested());
        let create =
            format!("CREATE TABLE {table} AS SELECT {keys}, {values}{touched} FROM ({tested}) AS tested");
        create_beside(tx, &create, &self.table)?;
        let keys = list(self.target.key(), |key| prefixed("key", key));
        tx.execute(&format!("ALTER TABLE {table} ADD PRIMARY KEY ({keys})"), &[])?;
        Ok(())
    }

    /// The query for what the fields are in each document that has one of them, and
    /// whether they fit. Without OFFSET the server would put the queries together, and
    /// look into the documents and test the values once for each place that names them.
    fn tested(&self) -> String {
        let keys = |row: &str| {
            list(self.target.key(), |key| format!("{row}.{} AS {}", ident(key), prefixed("key", key)))
        };
        let found = list(self.numbered(), |(number, field)| {
            let (document, name) = (&self.document, literal(field.name));
            format!(
                "target.{document} -> {name} AS value_{number}, target.{document} ->> {name} AS text_{number}"
            )
        });
        let fits = list(self.numbered(), |(number, field)| {
            format!(
                "{} AS fits_{number}",
                field.kind.fits(&format!("value_{number}"), &format!("text_{number}"))
            )
        });
        let touched =
            self.touched.iter().map(|name| format!(", target.{} AS {}", ident(name), prefixed("old", name)));
        let touched: String = touched.collect();
        let any = self.numbered().map(|(number, _)| format!("value_{number} IS NOT NULL"));
        format!(
            "SELECT found.*, {fits} FROM (SELECT {}, {found}{touched} FROM {} AS target WHERE {} OFFSET 0) AS found \
             WHERE {} OFFSET 0",
            keys("target"),
            self.target.name.sql(),
            self.is_object("target"),
            any.collect::<Vec<_>>().join(" OR "),
        )
    }

    /// The fields with their numbers.
    fn numbered(&self) -> impl Iterator<Item = (usize, &MovedField<'_>)> {
        self.fields.iter().enumerate()
    }

    /// Lists the fields that do not fit their type.
    pub fn reject(&self, tx: &Transaction) -> Result<()> {
        self.rejects.create(tx)?.finish(self.rejects.table())?;
        let mut rejected = 0;
        for field in &self.fields {
            let value = field.of(&format!("target.{}", self.document));
            rejected += tx.execute(
                &format!(
                    "INSERT INTO {} SELECT {}, {}, {value}::text, {} FROM {} AS target JOIN {} AS moved ON {} \
                     WHERE {value} IS NOT NULL AND moved.{} IS NULL",
                    self.rejects.table().sql(),
                    list(self.target.key(), |key| format!("target.{}", ident(key))),
                    literal(field.column),
                    literal(field.kind.reason()),
                    self.target.name.sql(),
                    self.table.sql(),
                    self.joins(),
                    field.old_column(),
                ),
                &[],
            )?;
        }
        if rejected > 0 {
            warn!(
                "fields that do not fit, and stay in their documents: {rejected}; {} has them",
                self.rejects.table()
            );
        }
        Ok(())
    }

    /// Moves the fields.
    pub fn apply(&self, tx: &Transaction) -> Result<u64> {
        let document = &self.document;
        let sets =
            list(&self.fields, |field| format!("{} = moved.{}", ident(field.column), field.new_column()));
        let gone = list(&self.fields, |field| {
            format!("CASE WHEN moved.{} IS NOT NULL THEN {} END", field.old_column(), literal(field.name))
        });
        let moved = tx.execute(
            &format!(
                "UPDATE {} AS target SET {sets}, {document} = target.{document} - array_remove(ARRAY[{gone}]::text[], NULL) \
                 FROM {} AS moved WHERE {} AND ({})",
                self.target.name.sql(),
                self.table.sql(),
                self.joins(),
                any(&self.fields, |field| format!("moved.{} IS NOT NULL", field.old_column())),
            ),
            &[],
        )?;
        self.note_touched(tx)?;
        Ok(moved)
    }

    /// Keeps what a trigger made of the touched columns.
    fn note_touched(&self, tx: &Transaction) -> Result<()> {
        if self.touched.is_empty() {
            return Ok(());
        }
        let sets = list(self.touched, |name| format!("{} = target.{}", prefixed("new", name), ident(name)));
        let (moved, target) = (self.table.sql(), self.target.name.sql());
        let sql =
            format!("UPDATE {moved} AS moved SET {sets} FROM {target} AS target WHERE {}", self.joins());
        tx.execute(&sql, &[]).map(drop)
    }

    /// Puts the fields back: as they were where the column is unchanged, and as the
    /// column has it where it was changed since, or the row is new.
    pub fn restore(&self, tx: &Transaction) -> Result<u64> {
        self.check_places(tx)?;
        let (target, moved, document) = (self.target.name.sql(), self.table.sql(), &self.document);
        let there = format!("coalesce(target.{document}, '{{}}'::jsonb)");
        let joins = self.joins();
        let touched = self.touched.iter().map(|name| format!(", {}", touched_back(name)));
        let touched: String = touched.collect();
        let old = tx.execute(
            &format!(
                "UPDATE {target} AS target SET {document} = {there} || {}{touched} FROM {moved} AS moved \
                 WHERE {joins} AND ({}) AND {}",
                merged(&self.fields, MovedField::back),
                any(&self.fields, |field| {
                    format!("moved.{} IS NOT NULL OR NOT ({})", field.old_column(), field.is_unedited())
                }),
                self.is_place(),
            ),
            &[],
        )?;
        let new = tx.execute(
            &format!(
                "UPDATE {target} AS target SET {document} = {there} || {} \
                 WHERE ({}) AND NOT EXISTS (SELECT FROM {moved} AS moved WHERE {joins})",
                merged(&self.fields, MovedField::current),
                self.has_values(),
            ),
            &[],
        )?;
        Ok(old + new)
    }

    /// Refuses to drop values, and fields that were `null`, for which there is no object to put them into.
    fn check_places(&self, tx: &Transaction) -> Result<()> {
        let (lost,): (i64,) = tx.query_one(
            &format!(
                "SELECT count(*) FROM {} AS target LEFT JOIN {} AS moved ON {} WHERE NOT {} AND ({} OR {})",
                self.target.name.sql(),
                self.table.sql(),
                self.joins(),
                self.is_place(),
                self.has_values(),
                any(&self.fields, |field| {
                    format!("moved.{} IS NOT NULL AND {}", field.old_column(), field.is_unedited())
                }),
            ),
            &[],
        )?;
        ensure!(
            lost == 0,
            "{lost} rows of {} have fields to put back, and a document that is no object: there is no place to \
             put them back to",
            self.target.name
        );
        Ok(())
    }

    /// Says in SQL that a row has something to put back.
    fn has_values(&self) -> String {
        any(&self.fields, |field| format!("target.{} IS NOT NULL", ident(field.column)))
    }

    /// Says in SQL that fields can be put into a row's document: an object, or none.
    fn is_place(&self) -> String {
        format!("coalesce(jsonb_typeof(target.{}) = 'object', true)", self.document)
    }

    fn is_object(&self, row: &str) -> String {
        format!("jsonb_typeof({row}.{}) = 'object'", self.document)
    }

    /// Says in SQL that a row and what is kept of it belong together.
    fn joins(&self) -> String {
        self.target.joins("target", "moved")
    }
}

/// Sets a touched column to what it was, unless it was set since.
fn touched_back(name: &str) -> String {
    let (column, [old, new]) = (ident(name), ["old", "new"].map(|prefix| prefixed(prefix, name)));
    format!(
        "{column} = CASE WHEN target.{column}::text IS NOT DISTINCT FROM moved.{new}::text \
         THEN moved.{old} ELSE target.{column} END"
    )
}

fn any<'a>(fields: &[MovedField<'a>], condition: impl FnMut(&MovedField<'a>) -> String) -> String {
    fields.iter().map(condition).collect::<Vec<_>>().join(" OR ")
}

/// The objects of all fields in one.
fn merged<'a>(fields: &[MovedField<'a>], object: impl FnMut(&MovedField<'a>) -> String) -> String {
    fields.iter().map(object).collect::<Vec<_>>().join(" || ")
}

fn object_unless_null(name: &str, value: &str, tested: &str) -> String {
    format!(
        "CASE WHEN {tested} IS NULL THEN '{{}}'::jsonb ELSE jsonb_build_object({name}::text, {value}) END"
    )
}
