//! When a table's contents cannot be replaced, and what to do then.

use super::RefillOptions;
use super::facts::{ForeignKey, RewriteFacts, Trigger};
use crate::bulk::target::label;

/// Why the contents of a table cannot be replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewriteRefusal {
    /// It is no table.
    #[error("{table} is {what}, and only an ordinary table has contents that can be replaced")]
    NotATable {
        /// The relation.
        table: String,
        /// What it is.
        what: &'static str,
    },
    /// It has partitions.
    #[error(
        "{table} is partitioned, and its rows are in its partitions; change them by key with `open-update` \
         on {table}"
    )]
    Partitioned {
        /// The table.
        table: String,
    },
    /// It is a partition, or inherits.
    #[error(
        "{table} is a part of {}, which other sessions read it through; change its rows by key with \
         `open-update`",
        list(parents)
    )]
    Inherits {
        /// The table.
        table: String,
        /// Those that it is a part of.
        parents: Vec<String>,
    },
    /// Others inherit from it.
    #[error(
        "{} inherit from {table}, and their rows are rows of it; change them by key with `open-update`",
        list(children)
    )]
    Inherited {
        /// The table.
        table: String,
        /// The others.
        children: Vec<String>,
    },
    /// It belongs to the session.
    #[error("{table} is temporary; TRUNCATE it and write its rows with `open-writer`")]
    Temporary {
        /// The table.
        table: String,
    },
    /// Rows of other tables point at its rows.
    #[error(
        "rows of other tables point at those of {table} ({}), and a foreign key does not hold while they are \
         gone; change them by key with `open-update`, or drop these constraints before and add them again after",
        references(foreign_keys)
    )]
    Referenced {
        /// The table.
        table: String,
        /// The others' foreign keys.
        foreign_keys: Vec<ForeignKey>,
    },
    /// Subscribers would lose and receive all rows.
    #[error(
        "{table} is published to logical replication ({}), and subscribers would get every row anew, or lose \
         all of them where TRUNCATE alone is published; change the rows by key with `open-update`, or take the \
         table out of the publication and let the subscribers copy it again",
        list(publications)
    )]
    Published {
        /// The table.
        table: String,
        /// The publications.
        publications: Vec<String>,
    },
    /// What is inserted may end elsewhere.
    #[error(
        "{table} has rules ({}), which decide what becomes of an INSERT; change its rows by key with \
         `open-update`, or drop the rules before",
        list(rules)
    )]
    Rules {
        /// The table.
        table: String,
        /// The rules.
        rules: Vec<String>,
    },
    /// The session may not see all rows.
    #[error(
        "row-level security applies to the migration's user on {table}: rows that it cannot read would be \
         lost; run it as the table's owner without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS, or \
         change rows by key with `open-update`"
    )]
    Guarded {
        /// The table.
        table: String,
    },
    /// The session lacks the privilege.
    #[error(
        "the migration's user may not truncate {table}; run it as a member of `{owner}`, which owns the table, \
         or grant TRUNCATE on it"
    )]
    MayNotTruncate {
        /// The table.
        table: String,
        /// Its owner.
        owner: String,
    },
    /// Its triggers cannot be switched off, by the manifest.
    #[error(
        "{table} has triggers ({}), and switching them off meanwhile needs a grant; add `ddl = [\"{}\"]` to \
         [capabilities], or let them fire (`fire-triggers`)", triggers(found), table.replace('"', "\\\"")
    )]
    TriggersNotGranted {
        /// The table.
        table: String,
        /// Those that would fire.
        found: Vec<Trigger>,
    },
    /// Its triggers cannot be switched off, by the server.
    #[error(
        "{table} has triggers ({}), which only its owner can switch off; run it as a member of `{owner}`, or \
         let them fire (`fire-triggers`)",
        triggers(found)
    )]
    TriggersNotOwned {
        /// The table.
        table: String,
        /// Its owner.
        owner: String,
        /// Those that would fire.
        found: Vec<Trigger>,
    },
    /// The session reads what was there before the table was locked.
    #[error(
        "the transaction's isolation level is {level}: rows that others committed since it began would be \
         lost; with `read committed` they are read"
    )]
    OldSnapshot {
        /// The level.
        level: String,
    },
}

/// Why the contents of the table cannot be replaced; none where they can.
pub fn refusal(facts: &RewriteFacts, options: &RefillOptions) -> Option<RewriteRefusal> {
    relation(facts).or_else(|| surroundings(facts)).or_else(|| session(facts, options))
}

/// What the relation itself is.
fn relation(facts: &RewriteFacts) -> Option<RewriteRefusal> {
    let table = facts.label();
    let other = |what| Some(RewriteRefusal::NotATable { table: table.clone(), what });
    match facts.kind {
        'r' if facts.persistence == 't' => Some(RewriteRefusal::Temporary { table }),
        'r' => None,
        'p' => Some(RewriteRefusal::Partitioned { table }),
        'v' => other("a view"),
        'm' => other("a materialized view"),
        'f' => other("a foreign table"),
        'S' => other("a sequence"),
        _ => other("no table"),
    }
}

/// What else knows its rows.
fn surroundings(facts: &RewriteFacts) -> Option<RewriteRefusal> {
    let table = facts.label();
    if facts.is_partition || !facts.parents.is_empty() {
        return Some(RewriteRefusal::Inherits { table, parents: facts.parents.clone() });
    }
    if !facts.children.is_empty() {
        return Some(RewriteRefusal::Inherited { table, children: facts.children.clone() });
    }
    if !facts.references.is_empty() {
        return Some(RewriteRefusal::Referenced { table, foreign_keys: facts.references.clone() });
    }
    if !facts.publications.is_empty() {
        return Some(RewriteRefusal::Published { table, publications: facts.publications.clone() });
    }
    let rules = facts.rules.clone();
    (!rules.is_empty()).then_some(RewriteRefusal::Rules { table, rules })
}

/// What the session sees of it, and may do with it.
fn session(facts: &RewriteFacts, options: &RefillOptions) -> Option<RewriteRefusal> {
    let (table, owner, found) = (facts.label(), facts.owner.clone(), facts.triggers.clone());
    if facts.guarded {
        return Some(RewriteRefusal::Guarded { table });
    }
    if !facts.may_truncate {
        return Some(RewriteRefusal::MayNotTruncate { table, owner });
    }
    if facts.isolation != "read committed" && facts.isolation != "read uncommitted" {
        return Some(RewriteRefusal::OldSnapshot { level: facts.isolation.clone() });
    }
    if options.fire_triggers || found.is_empty() {
        return None;
    }
    match (options.may_alter, facts.is_owned) {
        (false, _) => Some(RewriteRefusal::TriggersNotGranted { table, found }),
        (true, false) => Some(RewriteRefusal::TriggersNotOwned { table, owner, found }),
        (true, true) => None,
    }
}

fn list(names: &[String]) -> String {
    names.join(", ")
}

fn triggers(found: &[Trigger]) -> String {
    let names = found.iter().map(|trigger| format!("`{}`", trigger.name));
    names.collect::<Vec<_>>().join(", ")
}

fn references(foreign_keys: &[ForeignKey]) -> String {
    let one = |key: &ForeignKey| format!("`{}` of {}", key.name, label(&key.schema, &key.table));
    foreign_keys.iter().map(one).collect::<Vec<_>>().join(", ")
}
