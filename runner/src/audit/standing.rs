//! Which tables the transaction wrote, and how many rows.
//!
//! Two sources are needed. The counters of `pg_stat_xact_all_tables` have the
//! rows, and go on counting what a savepoint took back; they may also hold rows
//! of transactions before that the session has not yet reported. The locks are
//! exact: whoever writes a table holds ROW EXCLUSIVE or more on it until the end
//! of the transaction, and rolling back to a savepoint gives the lock back. A
//! table was written where both say so. See PostgreSQL's manual, "The Cumulative
//! Statistics System" and "Explicit Locking".

use std::collections::HashMap;

use crate::db::{PostgresSession, TextRow};

use super::AuditError;
use super::name::Relation;
use super::sql::{qualified, relation_name};

/// Inserted, updated, deleted.
pub(super) type Counts = [i64; 3];

/// The counters of some tables, by oid.
pub(super) type Counters = HashMap<u32, Counts>;

/// What the session's transaction has done so far.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// `pg_current_xact_id()`; none if nothing was written.
    pub(super) transaction: Option<u64>,
    /// Whether some role has default privileges, so that new objects come with
    /// privileges that nobody gave them.
    pub(super) default_privileges: bool,
    pub(super) tables: Vec<Touched>,
    pub(super) catalogs: Vec<WrittenCatalog>,
    pub(super) views: Vec<UsedView>,
}

/// A view that a statement of the transaction went through, and what it reads.
#[derive(Debug)]
pub(super) struct UsedView {
    pub(super) oid: u32,
    pub(super) view: Relation,
    pub(super) base: u32,
    pub(super) reads: Relation,
}

/// A relation that the transaction holds a writer's lock on.
#[derive(Debug)]
pub(super) struct Touched {
    pub(super) oid: u32,
    pub(super) relation: Relation,
    pub(super) kind: char,
    /// Of this session, and not only of this transaction.
    pub(super) counts: Counts,
    /// For a sequence: the table that owns it, or those whose columns have it
    /// as their default.
    pub(super) users: Vec<(u32, Relation)>,
}

/// A catalog that rows were written in.
#[derive(Debug)]
pub(super) struct WrittenCatalog {
    pub(super) oid: u32,
    pub(super) name: String,
    pub(super) counts: Counts,
}

const COUNTS: &str = "pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid), \
    pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)";

const COUNTED: &str = "(pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) > 0 \
    OR pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) > 0 \
    OR pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) > 0)";

/// Oids below this are the server's own (`FirstNormalObjectId`).
const FIRST_OWN_OID: u32 = 16384;

/// Asks the session. One round trip.
pub(super) async fn ask(session: &mut PostgresSession) -> Result<Standing, AuditError> {
    let rows = session.batch(&question()).await?;
    let mut standing = Standing::default();
    for row in &rows {
        match text(row, 0)? {
            "session" => {
                if text(row, 1)? != "on" {
                    return Err(AuditError::NotCounting);
                }
                standing.transaction = row[2].as_deref().map(number).transpose()?;
                standing.default_privileges = text(row, 3)? == "t";
            }
            "catalog" => standing.catalogs.push(WrittenCatalog {
                oid: number(text(row, 1)?)?,
                name: text(row, 2)?.to_owned(),
                counts: counts(row, 3)?,
            }),
            "view" => standing.views.push(UsedView {
                oid: number(text(row, 1)?)?,
                view: relation(text(row, 2)?)?,
                base: number(text(row, 3)?)?,
                reads: relation(text(row, 4)?)?,
            }),
            _ => standing.tables.push(touched(row)?),
        }
    }
    Ok(standing)
}

fn question() -> String {
    let (name, base) = (relation_name("c.oid"), relation_name("d.refobjid"));
    // A sequence is used by the column that owns it, or by a default.
    let users = format!(
        "(SELECT pg_catalog.json_agg(pg_catalog.json_build_array(u.oid::pg_catalog.int8, u.relation)) FROM \
         (SELECT DISTINCT k.oid, {}::pg_catalog.text AS relation FROM \
         (SELECT d.refobjid AS oid FROM pg_catalog.pg_depend d WHERE d.objid = c.oid \
         AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         AND d.deptype = ANY ('{{a,i}}'::pg_catalog.\"char\"[]) \
         UNION ALL SELECT f.adrelid FROM pg_catalog.pg_depend d, pg_catalog.pg_attrdef f \
         WHERE d.refobjid = c.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         AND d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND f.oid = d.objid) k) u)",
        relation_name("k.oid"),
    );
    qualified(&format!(
        "SELECT 'session', pg_catalog.current_setting('track_counts'), \
         pg_catalog.pg_current_xact_id_if_assigned(), EXISTS (SELECT FROM pg_catalog.pg_default_acl); \
         SELECT 'catalog', c.oid, c.relname, {COUNTS} FROM pg_catalog.pg_class c \
         WHERE c.oid < {FIRST_OWN_OID}::pg_catalog.oid AND c.relkind = 'r' \
         AND c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND {COUNTED}; \
         SELECT 'table', c.oid, {name}, c.relkind, {COUNTS}, CASE WHEN c.relkind = 'S' THEN {users} END \
         FROM {} l, pg_catalog.pg_class c WHERE c.oid = l.relation AND c.oid >= {FIRST_OWN_OID}::pg_catalog.oid \
         AND c.relkind = ANY ('{{r,m,f,S}}'::pg_catalog.\"char\"[]); \
         SELECT DISTINCT 'view', c.oid, {name}::pg_catalog.text, d.refobjid, {base}::pg_catalog.text \
         FROM {} l, pg_catalog.pg_class c, pg_catalog.pg_rewrite r, pg_catalog.pg_depend d \
         WHERE c.oid = l.relation AND c.relkind = 'v' AND r.ev_class = c.oid AND r.rulename = '_RETURN' \
         AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid \
         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> c.oid \
         AND d.refobjid >= {FIRST_OWN_OID}::pg_catalog.oid AND c.oid >= {FIRST_OWN_OID}::pg_catalog.oid",
        locked("RowExclusiveLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock"),
        locked("AccessShareLock,RowShareLock,RowExclusiveLock"),
    ))
}

/// The relations of this database that the session holds one of these locks on.
fn locked(modes: &str) -> String {
    format!(
        "(SELECT DISTINCT k.relation FROM pg_catalog.pg_locks k, pg_catalog.pg_database b \
         WHERE k.pid = pg_catalog.pg_backend_pid() AND k.granted AND k.locktype = 'relation' \
         AND b.oid = k.database AND b.datname = pg_catalog.current_database() \
         AND k.mode = ANY ('{{{modes}}}'::pg_catalog.text[]))"
    )
}

fn relation(json: &str) -> Result<Relation, AuditError> {
    Relation::parse(json).ok_or_else(|| AuditError::Answer(json.to_owned()))
}

fn touched(row: &TextRow) -> Result<Touched, AuditError> {
    let users: Vec<(u32, String)> = match row[7].as_deref() {
        None => Vec::new(),
        Some(json) => serde_json::from_str(json).map_err(|error| AuditError::Answer(error.to_string()))?,
    };
    let users = users.into_iter().map(|(oid, name)| Ok((oid, relation(&name)?)));
    Ok(Touched {
        oid: number(text(row, 1)?)?,
        relation: relation(text(row, 2)?)?,
        kind: text(row, 3)?.chars().next().unwrap_or('r'),
        counts: counts(row, 4)?,
        users: users.collect::<Result<_, AuditError>>()?,
    })
}

/// The counters that are not zero: what transactions before this one, or steps
/// before this one in the same transaction, have left. One round trip.
pub(super) async fn counters(session: &mut PostgresSession) -> Result<Counters, AuditError> {
    let sql = qualified(&format!(
        "SELECT c.oid, {COUNTS} FROM pg_catalog.pg_class c \
         WHERE c.relkind = ANY ('{{r,m}}'::pg_catalog.\"char\"[]) AND {COUNTED}"
    ));
    let rows = session.batch(&sql).await?;
    rows.iter().map(|row| Ok((number(text(row, 0)?)?, counts(row, 1)?))).collect()
}

/// What was counted since `before`.
pub(super) fn since(before: &Counters, oid: u32, now: Counts) -> Counts {
    let before = before.get(&oid).copied().unwrap_or_default();
    let mut grown = [0; 3];
    for at in 0..grown.len() {
        // The session reports its counters now and then, and begins at zero.
        grown[at] = if now[at] >= before[at] { now[at] - before[at] } else { now[at] };
    }
    grown
}

fn counts(row: &TextRow, at: usize) -> Result<Counts, AuditError> {
    Ok([number(text(row, at)?)?, number(text(row, at + 1)?)?, number(text(row, at + 2)?)?])
}

pub(super) fn text(row: &TextRow, at: usize) -> Result<&str, AuditError> {
    let field = row.get(at).and_then(Option::as_deref);
    field.ok_or_else(|| AuditError::Answer(format!("field {at} is missing in {row:?}")))
}

pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, AuditError> {
    text.parse().map_err(|_| AuditError::Answer(format!("{text:?} is no number")))
}
