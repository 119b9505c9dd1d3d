//! How rows of an undeclared table came to be written.

use std::collections::HashSet;

use crate::db::PostgresSession;

use super::AuditError;
use super::name::Relation;
use super::sql::{function_name, qualified, relation_name};
use super::standing::{number, text};

/// What leads to a table.
#[derive(Debug)]
pub(super) struct Cause {
    /// The table that was written through it.
    target: Option<u32>,
    /// The table that it begins at.
    origin: u32,
    words: String,
}

/// Asks what leads to `targets`, and which triggers the written tables have.
/// One round trip.
pub(super) async fn ask(
    session: &mut PostgresSession,
    targets: &[u32],
    written: &[u32],
) -> Result<Vec<Cause>, AuditError> {
    let rows = session.batch(&question(&list(targets), &list(written))).await?;
    let mut causes = Vec::new();
    for row in &rows {
        let relation = Relation::parse(text(row, 4)?).map(|relation| relation.name.to_string());
        let from = relation.unwrap_or_default();
        let words = match text(row, 0)? {
            "key" => format!("a foreign key with {} from {from}", actions(text(row, 3)?)),
            "rule" => format!("through {} {from}", text(row, 3)?),
            _ => format!(
                "perhaps by trigger {} on {from}, which calls {}",
                text(row, 3)?,
                function(text(row, 5)?)
            ),
        };
        let target = row[1].as_deref().map(number).transpose()?;
        causes.push(Cause { target, origin: number(text(row, 2)?)?, words });
    }
    Ok(causes)
}

/// The likeliest cause for one table: what begins at a table that was written
/// comes first.
pub(super) fn of(causes: &[Cause], table: u32, written: &HashSet<u32>) -> Option<String> {
    let leads = || causes.iter().filter(|cause| cause.target == Some(table));
    let trigger = || causes.iter().find(|cause| cause.target.is_none() && cause.origin != table);
    let found = leads().find(|cause| written.contains(&cause.origin)).or_else(|| leads().next());
    found.or_else(trigger).map(|cause| cause.words.clone())
}

fn question(targets: &str, written: &str) -> String {
    // Letters of `pg_constraint.confdeltype`: a is no action, r is restrict.
    let keys = format!(
        "SELECT 'key', k.conrelid::pg_catalog.text, k.confrelid, \
         pg_catalog.concat(k.confdeltype, k.confupdtype), {}, NULL \
         FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conrelid = ANY ({targets}) \
         AND (k.confdeltype = ANY ('{{c,n,d}}'::pg_catalog.\"char\"[]) \
         OR k.confupdtype = ANY ('{{c,n,d}}'::pg_catalog.\"char\"[]));",
        relation_name("k.confrelid")
    );
    let rules = format!(
        "SELECT 'rule', d.refobjid::pg_catalog.text, r.ev_class, CASE WHEN r.rulename = '_RETURN' \
         THEN 'view' ELSE pg_catalog.concat('rule ', r.rulename, ' on') END, {}, NULL \
         FROM pg_catalog.pg_depend d, pg_catalog.pg_rewrite r \
         WHERE d.refobjid = ANY ({targets}) AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid \
         AND r.ev_class <> d.refobjid;",
        relation_name("r.ev_class")
    );
    let triggers = format!(
        "SELECT 'trigger', NULL, g.tgrelid, g.tgname, {}, {} FROM pg_catalog.pg_trigger g \
         WHERE NOT g.tgisinternal AND g.tgrelid = ANY ({written});",
        relation_name("g.tgrelid"),
        function_name("g.tgfoid"),
    );
    qualified(&format!("{keys} {rules} {triggers}"))
}

fn list(oids: &[u32]) -> String {
    let oids: Vec<String> = oids.iter().map(u32::to_string).collect();
    format!("'{{{}}}'::pg_catalog.oid[]", oids.join(","))
}

fn function(json: &str) -> String {
    Relation::parse(json).map(|function| format!("{}()", function.name)).unwrap_or_default()
}

/// The actions of a foreign key from the letters of `pg_constraint`: on delete,
/// then on update.
pub(super) fn actions(letters: &str) -> String {
    let mut letters = letters.chars();
    let found = ["ON DELETE", "ON UPDATE"].into_iter().filter_map(|event| {
        let action = match letters.next()? {
            'c' => "CASCADE",
            'n' => "SET NULL",
            'd' => "SET DEFAULT",
            _ => return None,
        };
        Some(format!("{event} {action}"))
    });
    found.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_from_their_letters() {
        assert_eq!(actions("ca"), "ON DELETE CASCADE");
        assert_eq!(actions("rn"), "ON UPDATE SET NULL");
        assert_eq!(actions("dc"), "ON DELETE SET DEFAULT ON UPDATE CASCADE");
    }
}
