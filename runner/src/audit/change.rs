//! The catalog difference: what the transaction created, changed and dropped.
//!
//! Nothing is compared as a whole. Of each catalog that rows were written in,
//! the versions that the transaction wrote are read in its own session (`xmin`),
//! and those that it made obsolete (`xmax`) where they are still seen: in a
//! session that sees the committed state, or through a cursor that was opened
//! before. Which of the two an object is in says what happened to it, and what
//! other sessions do at the same time is not ours by the transaction's id. See
//! PostgreSQL's manual, "System Columns" and "Transaction ID and Snapshot
//! Information Functions".

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde_json::Value;

use crate::db::{PostgresSession, TextRow};

use super::AuditError;
use super::catalog::{CATALOGS, Catalog, Side};
use super::name::{Name, Relation, is_passing};
use super::sql::qualified;
use super::standing::{number, text};

/// A version of a row of a catalog.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) catalog: &'static str,
    pub(super) oid: u32,
    sub: i64,
    ctid: String,
    xid: u32,
    pub(super) schema: Option<String>,
    pub(super) label: String,
    /// The catalog and oid of what the object is a part of.
    pub(super) part: Option<(String, u32)>,
    /// That, if it is a relation.
    pub(super) relation: Option<Relation>,
    pub(super) owner: Option<String>,
    /// `grantee=privileges/grantor`; see PostgreSQL's manual, "Privileges".
    pub(super) acl: Vec<String>,
    pub(super) state: Option<String>,
    pub(super) facts: Value,
    pub(super) other: Option<Relation>,
}

/// What happened to one object.
#[derive(Debug)]
pub(super) enum Change {
    Created(Row),
    Changed { old: Box<Row>, new: Box<Row> },
    Dropped(Row),
}

/// An object of which the extension is the owner: its catalog and oid.
pub(super) type Members = HashMap<(String, u32), String>;

/// Which version of which row: a row that is written again moves.
pub(super) type Version = (&'static str, u32, String);

impl Row {
    pub(super) fn name(&self) -> Option<Name> {
        self.schema.as_deref().map(|schema| Name::new(schema, &self.label))
    }

    pub(super) fn version(&self) -> Version {
        (self.catalog, self.oid, self.ctid.clone())
    }

    pub(super) fn fact(&self, name: &str) -> &Value {
        self.facts.get(name).unwrap_or(&Value::Null)
    }

    pub(super) fn text_fact(&self, name: &str) -> &str {
        self.fact(name).as_str().unwrap_or_default()
    }

    /// Whether it belongs to a session's temporary schema.
    fn is_passing(&self) -> bool {
        self.schema.as_deref().is_some_and(is_passing)
            || self.relation.as_ref().is_some_and(|relation| relation.name.is_passing())
    }

    fn key(&self) -> (&'static str, u32, i64, String) {
        let further = match self.catalog {
            "pg_description" => self.text_fact("class").to_owned(),
            "pg_ts_config_map" => self.label.clone(),
            _ => String::new(),
        };
        (self.catalog, self.oid, self.sub, further)
    }

    fn parse(fields: &TextRow) -> Result<Self, AuditError> {
        let bad = |field: &str| AuditError::Answer(field.to_owned());
        let catalog =
            super::catalog::find(text(fields, 1)?).ok_or_else(|| bad(text(fields, 1).unwrap_or("")))?;
        let field = |at: usize| fields.get(at).and_then(Option::as_deref);
        let relation = |at| field(at).map(|json| Relation::parse(json).ok_or_else(|| bad(json))).transpose();
        let part = match field(9) {
            None | Some("0") => None,
            Some(oid) => Some((text(fields, 8)?.to_owned(), number(oid)?)),
        };
        let acl = field(12).map(serde_json::from_str).transpose();
        let facts = field(14).map(serde_json::from_str).transpose();
        Ok(Self {
            catalog: catalog.name,
            oid: number(text(fields, 2)?)?,
            sub: number(text(fields, 3)?)?,
            ctid: text(fields, 4)?.to_owned(),
            xid: number(text(fields, 5)?)?,
            schema: field(6).map(str::to_owned),
            label: field(7).unwrap_or_default().to_owned(),
            part,
            relation: relation(10)?,
            owner: field(11).map(str::to_owned),
            acl: acl.map_err(|error| bad(&error.to_string()))?.unwrap_or_default(),
            state: field(13).map(str::to_owned),
            facts: facts.map_err(|error| bad(&error.to_string()))?.unwrap_or(Value::Null),
            other: relation(15)?,
        })
    }
}

impl Change {
    /// The newest version that there is.
    pub(super) fn row(&self) -> &Row {
        match self {
            Self::Created(row) | Self::Dropped(row) => row,
            Self::Changed { new, .. } => new,
        }
    }
}

/// The rows of an answer, by side, and the extensions' members.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) new: Vec<Row>,
    pub(super) old: Vec<Row>,
    pub(super) members: Members,
}

impl Answer {
    pub(super) fn parse(rows: &[TextRow]) -> Result<Self, AuditError> {
        let mut answer = Self::default();
        for row in rows {
            match text(row, 0)? {
                "new" => answer.new.push(Row::parse(row)?),
                "old" => answer.old.push(Row::parse(row)?),
                "off" => {}
                _ => {
                    let member = (text(row, 1)?.to_owned(), number(text(row, 2)?)?);
                    answer.members.insert(member, text(row, 3)?.to_owned());
                }
            }
        }
        Ok(answer)
    }
}

/// The statements that ask for one side of some catalogs.
pub(super) fn question(catalogs: &[&'static Catalog], side: Side<'_>) -> String {
    catalogs.iter().map(|catalog| catalog.select(side) + "; ").collect()
}

/// The statement that opens a cursor on the state before the step.
pub(super) fn declare(cursor: &str) -> String {
    let selects: Vec<String> = CATALOGS.iter().map(|catalog| catalog.select(Side::Before)).collect();
    format!("DECLARE {cursor} NO SCROLL CURSOR FOR {}", selects.join(" UNION ALL "))
}

/// The statement that asks which objects belong to which extension.
pub(super) fn members() -> String {
    qualified(
        "SELECT 'member', c.relname, d.objid, e.extname \
         FROM pg_catalog.pg_extension e, pg_catalog.pg_depend d, pg_catalog.pg_class c \
         WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid \
         AND d.deptype = 'e' AND c.oid = d.classid; ",
    )
}

/// Takes away what other transactions made obsolete: a transaction that is as
/// young as ours may be another session's.
pub(super) async fn keep_ours(
    session: &mut PostgresSession,
    transaction: u64,
    answer: &mut Answer,
) -> Result<(), AuditError> {
    let mut ours: HashSet<u32> = answer.new.iter().map(|row| row.xid).collect();
    ours.insert(low(transaction));
    let mut samples: HashMap<u32, &Row> = HashMap::new();
    for row in answer.old.iter().filter(|row| !ours.contains(&row.xid)) {
        samples.insert(row.xid, row);
    }
    if !samples.is_empty() {
        let question: Vec<String> = samples.values().map(|row| whose(transaction, row)).collect();
        for row in session.batch(&question.join(" ")).await? {
            if text(&row, 1)? == "t" {
                ours.insert(number(text(&row, 0)?)?);
            }
        }
    }
    answer.old.retain(|row| ours.contains(&row.xid));
    Ok(())
}

/// Asks whether a version was made obsolete by this session: its author has not
/// ended, and still the version is not seen here.
fn whose(transaction: u64, row: &Row) -> String {
    let full = transaction + u64::from(row.xid.wrapping_sub(low(transaction)));
    qualified(&format!(
        "SELECT '{}', pg_catalog.pg_xact_status('{full}'::pg_catalog.xid8) = 'in progress' \
         AND NOT EXISTS (SELECT FROM pg_catalog.{} t WHERE t.ctid = '{}'::pg_catalog.tid);",
        row.xid, row.catalog, row.ctid,
    ))
}

/// The lower 32 bits of a transaction's id, which is what rows hold.
fn low(transaction: u64) -> u32 {
    u32::try_from(transaction & u64::from(u32::MAX)).expect("it has 32 bits")
}

/// Puts the two sides together. `standing` is what earlier steps of the same
/// transaction wrote.
pub(super) fn changes(answer: Answer, standing: &HashSet<Version>) -> Vec<Change> {
    let mut old: HashMap<_, Row> = answer.old.into_iter().map(|row| (row.key(), row)).collect();
    let mut found = Vec::new();
    for new in answer.new {
        let before = old.remove(&new.key());
        if standing.contains(&new.version()) {
            continue;
        }
        found.push(match before {
            Some(old) => Change::Changed { old: Box::new(old), new: Box::new(new) },
            None => Change::Created(new),
        });
    }
    found.extend(old.into_values().map(Change::Dropped));
    let mut changes = same_again(found);
    changes.retain(|change| !change.row().is_passing());
    changes.sort_by(|a, b| a.row().key().cmp(&b.row().key()));
    changes
}

/// What is dropped and created again under the same name has changed, if at all:
/// ALTER TABLE with another column type rebuilds the constraints and indexes that
/// depend on it, those of other tables included, and a bulk rewrite rebuilds the
/// indexes of its table. So have their parts.
fn same_again(changes: Vec<Change>) -> Vec<Change> {
    let rebuilt = |row: &Row| {
        let part = row.catalog == "pg_class" && row.part.is_some();
        part || ["pg_constraint", "pg_attrdef", "pg_statistic_ext"].contains(&row.catalog)
    };
    let place = |row: &Row| rebuilt(row).then(|| (row.catalog, row.part.clone(), row.label.clone()));
    let changes = paired(changes, place, place);
    let moved: HashMap<(String, u32), u32> = changes.iter().filter_map(moved).collect();
    let part = |row: &Row| whole(row).map(|whole| (row.catalog, whole, row.sub));
    let part_before = |row: &Row| {
        let (catalog, (class, oid), sub) = part(row)?;
        let now = *moved.get(&(class.clone(), oid))?;
        Some((catalog, (class, now), sub))
    };
    paired(changes, part_before, part)
}

/// Makes one change of what was dropped and what was created with the same key;
/// what has none stays as it is.
fn paired<K: Eq + Hash>(
    changes: Vec<Change>,
    dropped_key: impl Fn(&Row) -> Option<K>,
    created_key: impl Fn(&Row) -> Option<K>,
) -> Vec<Change> {
    let mut dropped: HashMap<K, Row> = HashMap::new();
    let mut rest = Vec::new();
    for change in changes {
        let key = if let Change::Dropped(row) = &change { dropped_key(row) } else { None };
        match (key, change) {
            (Some(key), Change::Dropped(row)) => {
                rest.extend(dropped.insert(key, row).map(Change::Dropped));
            }
            (_, change) => rest.push(change),
        }
    }
    let pair = |change| match change {
        Change::Created(new) => match created_key(&new).and_then(|key| dropped.remove(&key)) {
            Some(old) => Change::Changed { old: Box::new(old), new: Box::new(new) },
            None => Change::Created(new),
        },
        change => change,
    };
    let mut pairs: Vec<Change> = rest.into_iter().map(pair).collect();
    pairs.extend(dropped.into_values().map(Change::Dropped));
    pairs
}

/// The catalog and old oid of an object that has another oid now, and that.
fn moved(change: &Change) -> Option<((String, u32), u32)> {
    match change {
        Change::Changed { old, new } if old.oid != new.oid => {
            Some(((old.catalog.to_owned(), old.oid), new.oid))
        }
        _ => None,
    }
}

/// The catalog and oid of what a column or a comment is of.
fn whole(row: &Row) -> Option<(String, u32)> {
    match row.catalog {
        "pg_attribute" => Some(("pg_class".to_owned(), row.oid)),
        "pg_description" => Some((row.text_fact("class").to_owned(), row.oid)),
        _ => None,
    }
}
