//! What joins declared tables with others, before the first statement.
//!
//! Foreign keys with an action, inheritance children, rules, views and triggers can
//! make a granted statement write what is not granted. None of them has to: an
//! INSERT into a table cascades nowhere. So they are told, with the line that
//! would allow what they may do, and the audit after the step decides.

use std::fmt;

use crate::db::{PostgresSession, TextRow};
use crate::revision::Capabilities;

use super::AuditError;
use super::cause::actions;
use super::declared::Declared;
use super::effect::line;
use super::name::Relation;
use super::sql::{INTERPRETED, function_name, qualified, relation_name};
use super::standing::{number, text};

/// Something that joins a declared object with an undeclared one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// What it is, in words.
    pub what: String,
    /// The line to add to the manifest's `[capabilities]`.
    pub add: String,
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; to allow it: {}", self.what, self.add)
    }
}

/// Looks for what joins the declared tables with others. One round trip, and one
/// more if a view might be written through.
pub async fn joins(
    session: &mut PostgresSession,
    capabilities: &Capabilities,
) -> Result<Vec<Join>, AuditError> {
    let declared = Declared::new(capabilities);
    let rows = session.batch(&format!("{INTERPRETED}{}", question())).await?;
    let links: Vec<Link> =
        rows.iter().filter(|row| row.len() > 1).map(Link::parse).collect::<Result<_, _>>()?;
    let of = |kind: &'static str| links.iter().filter(move |link| link.kind == kind);
    let mut found = cascades(&declared, of("key").collect());
    found.extend(of("child").filter_map(|link| child(&declared, link)));
    found.extend(of("trigger").filter_map(|link| trigger(&declared, link)));
    found.extend(of("rule").filter_map(|link| rule(&declared, link)));
    found.extend(of("view").filter_map(|link| read_view(&declared, link)));
    let views: Vec<&Link> = of("view").filter(|link| leads_out(&declared, link)).collect();
    if !views.is_empty() {
        let writable = writable_views(session, &views).await?;
        found.extend(views.iter().filter(|view| writable.contains(&view.oid)).map(|link| written_view(link)));
    }
    let mut once: Vec<Join> = Vec::new();
    for join in found {
        if !once.contains(&join) {
            once.push(join);
        }
    }
    Ok(once)
}

/// From one relation to another, or to a function.
struct Link {
    kind: String,
    /// Of the relation that it begins at.
    oid: u32,
    from: Relation,
    to: Relation,
    detail: String,
}

impl Link {
    fn parse(row: &TextRow) -> Result<Self, AuditError> {
        let relation = |at| {
            let json = text(row, at)?;
            Relation::parse(json).ok_or_else(|| AuditError::Answer(json.to_owned()))
        };
        Ok(Self {
            kind: text(row, 0)?.to_owned(),
            oid: number(text(row, 1)?)?,
            from: relation(2)?,
            to: relation(3)?,
            detail: text(row, 4)?.to_owned(),
        })
    }
}

/// Oids below this are the server's own; what it brings is no join.
const OWN: &str = "16384";

fn question() -> String {
    let keys = format!(
        "SELECT 'key', k.confrelid, {}, {}, pg_catalog.concat(k.confdeltype, k.confupdtype) \
         FROM pg_catalog.pg_constraint k \
         WHERE k.contype = 'f' AND k.conparentid = 0::pg_catalog.oid AND k.conrelid <> k.confrelid \
         AND (k.confdeltype = ANY ('{{c,n,d}}'::pg_catalog.\"char\"[]) \
         OR k.confupdtype = ANY ('{{c,n,d}}'::pg_catalog.\"char\"[]));",
        relation_name("k.confrelid"),
        relation_name("k.conrelid"),
    );
    let children = format!(
        "SELECT 'child', i.inhparent, {}, {}, CASE WHEN c.relispartition THEN 'partition' ELSE 'child' END \
         FROM pg_catalog.pg_inherits i, pg_catalog.pg_class c, pg_catalog.pg_class p \
         WHERE c.oid = i.inhrelid AND p.oid = i.inhparent AND c.relkind <> 'i' AND c.relkind <> 'I' \
         AND (NOT c.relispartition OR c.relnamespace <> p.relnamespace);",
        relation_name("i.inhparent"),
        relation_name("i.inhrelid"),
    );
    // A disabled trigger ('D') does nothing; a partition's copy is its parent's.
    let triggers = format!(
        "SELECT 'trigger', g.tgrelid, {}, {}, g.tgname FROM pg_catalog.pg_trigger g \
         WHERE NOT g.tgisinternal AND g.tgparentid = 0::pg_catalog.oid AND g.tgenabled <> 'D' \
         AND g.tgfoid >= {OWN}::pg_catalog.oid;",
        relation_name("g.tgrelid"),
        function_name("g.tgfoid"),
    );
    let rewrites = format!(
        "SELECT DISTINCT CASE WHEN r.rulename = '_RETURN' THEN 'view' ELSE 'rule' END, r.ev_class, \
         {}::pg_catalog.text, {}::pg_catalog.text, r.rulename \
         FROM pg_catalog.pg_rewrite r, pg_catalog.pg_depend d, pg_catalog.pg_class v \
         WHERE r.oid >= {OWN}::pg_catalog.oid AND r.ev_enabled <> 'D' AND d.objid = r.oid \
         AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass \
         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class \
         AND d.refobjid >= {OWN}::pg_catalog.oid AND v.oid = r.ev_class AND v.relkind <> 'm';",
        relation_name("r.ev_class"),
        relation_name("d.refobjid"),
    );
    qualified(&format!("{keys} {children} {triggers} {rewrites}"))
}

fn written(what: String, target: &Relation) -> Join {
    Join { what, add: line("write", &target.name.to_string()) }
}

fn writes(declared: &Declared<'_>, relation: &Relation) -> bool {
    relation.any(|name| declared.may_write(name))
}

/// The tables that foreign keys with an action lead to, those that are reached
/// over others included.
fn cascades(declared: &Declared<'_>, mut keys: Vec<&Link>) -> Vec<Join> {
    let mut reached: Vec<Relation> = Vec::new();
    let mut found = Vec::new();
    loop {
        let follow = |link: &Link| writes(declared, &link.from) || reached.contains(&link.from);
        let (followed, rest): (Vec<&Link>, Vec<&Link>) = keys.into_iter().partition(|link| follow(link));
        if followed.is_empty() {
            return found;
        }
        for link in followed.into_iter().filter(|link| !writes(declared, &link.to)) {
            let (from, to) = (&link.from.name, &link.to.name);
            let what = format!("{to} has a foreign key with {} from {from}", actions(&link.detail));
            found.push(written(what, &link.to));
            reached.push(link.to.clone());
        }
        keys = rest;
    }
}

fn child(declared: &Declared<'_>, link: &Link) -> Option<Join> {
    let (parent, child) = (&link.from.name, &link.to.name);
    let named = declared.may_write(child);
    if named || !writes(declared, &link.from) {
        return None;
    }
    Some(match link.detail.as_str() {
        "partition" => Join {
            what: format!("{child} is a partition of {parent} in another schema, and counts as declared"),
            add: line("write", &child.to_string()),
        },
        _ => written(
            format!("{child} inherits from {parent}: what is written there is written here"),
            &link.to,
        ),
    })
}

fn trigger(declared: &Declared<'_>, link: &Link) -> Option<Join> {
    let function = &link.to.name;
    let may_run = declared.may_trigger(function) || declared.may_call(function);
    if !writes(declared, &link.from) || may_run {
        return None;
    }
    let what = format!("trigger {} on {} calls {function}()", link.detail, link.from.name);
    Some(Join { what, add: line("call", &function.to_string()) })
}

fn rule(declared: &Declared<'_>, link: &Link) -> Option<Join> {
    let (from, to) = (&link.from.name, &link.to.name);
    let leads_out = writes(declared, &link.from) && !writes(declared, &link.to);
    leads_out.then(|| written(format!("rule {} on {from} leads to {to}", link.detail), &link.to))
}

fn read_view(declared: &Declared<'_>, link: &Link) -> Option<Join> {
    let reads = |relation: &Relation| relation.any(|name| declared.may_read(name));
    if !reads(&link.from) || reads(&link.to) {
        return None;
    }
    let what = format!("view {} reads {}", link.from.name, link.to.name);
    Some(Join { what, add: line("read", &link.to.name.to_string()) })
}

fn leads_out(declared: &Declared<'_>, link: &Link) -> bool {
    writes(declared, &link.from) && !writes(declared, &link.to)
}

fn written_view(link: &Link) -> Join {
    written(format!("view {} can be written, and leads to {}", link.from.name, link.to.name), &link.to)
}

/// Those of the views that take INSERT, UPDATE or DELETE without a trigger. See
/// PostgreSQL's manual, CREATE VIEW, "Updatable Views".
async fn writable_views(session: &mut PostgresSession, views: &[&Link]) -> Result<Vec<u32>, AuditError> {
    let oids: Vec<String> = views.iter().map(|view| view.oid.to_string()).collect();
    // The bits of UPDATE, INSERT and DELETE.
    let sql = qualified(&format!(
        "SELECT o FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) o \
         WHERE (pg_catalog.pg_relation_is_updatable(o::pg_catalog.regclass, false) & 28) <> 0",
        oids.join(",")
    ));
    session.batch(&sql).await?.iter().map(|row| number(text(row, 0)?)).collect()
}
