//! The rules for tables and what belongs to them.

use super::change::{Change, Row};
use super::effect::{Effect, EffectKind};
use super::judge::{Judge, effect, ungranted};
use super::name::Relation;
use super::words::{object, plain_object};

impl Judge<'_> {
    pub(super) fn relation(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        let Some(relation) = &row.other else {
            return self.never(change);
        };
        match change {
            Change::Created(_) => {
                match self.defines(relation) || self.follows_its_table(row, Self::defines) {
                    true => Vec::new(),
                    false => vec![ungranted(change, "ddl", &named(row, relation).name)],
                }
            }
            Change::Dropped(_) => {
                let granted = self.is_of_dropped(row)
                    || self.drops(relation)
                    || self.follows_its_table(row, Self::drops);
                match granted {
                    true => Vec::new(),
                    false => vec![ungranted(change, "drop", &named(row, relation).name)],
                }
            }
            Change::Changed { old, new } => self.altered_relation(change, old, new, relation),
        }
    }

    /// An index, and a sequence that a column owns, are their table's.
    fn follows_its_table(&self, row: &Row, covers: impl Fn(&Self, &Relation) -> bool) -> bool {
        self.is_of_own(row) || row.relation.as_ref().is_some_and(|table| covers(self, table))
    }

    fn altered_relation(&self, change: &Change, old: &Row, new: &Row, relation: &Relation) -> Vec<Effect> {
        let guard = |row: &Row| (row.fact("rls").clone(), row.fact("force").clone());
        let mut effects = Vec::new();
        if guard(old) != guard(new) && !relation.any(|name| self.declared.may_guard(name)) {
            let what = format!("the row-level security of {} was switched", object(new));
            let effect = Effect::new(EffectKind::Changed, plain_object(new), what);
            effects.push(effect.allowed_by("rls", &relation.name.to_string()));
        }
        let index = ["i", "I", "S"].contains(&new.text_fact("kind"));
        let truncated = self.is_truncated(old, new);
        if truncated && !relation.any(|name| self.declared.may_truncate(name)) {
            let what = format!("all rows of {} were taken out (TRUNCATE)", object(new));
            let effect = Effect::new(EffectKind::Truncated, plain_object(new), what);
            effects.push(effect.allowed_by("truncate", &relation.name.to_string()));
        }
        // Rows may be there again after a TRUNCATE: who may take all of them out
        // may leave a new file.
        let refilled = relation.any(|name| self.declared.may_truncate(name));
        let rewritten = !index && !truncated && !refilled && old.fact("file") != new.fact("file");
        if old.state == new.state && !rewritten {
            return effects;
        }
        let before = old.other.as_ref().filter(|before| before.name != relation.name);
        let covered = |one: &Relation| self.defines(one);
        // What moves with its table is said by the table.
        let moved = new.part.as_ref().is_some_and(|(_, table)| self.is_altered(*table));
        let follows = index && (moved || self.follows_its_table(new, Self::defines));
        let granted = follows || (covered(relation) && before.is_none_or(covered));
        if !granted {
            let missing = before.filter(|before| !covered(before)).unwrap_or(relation);
            effects.push(ungranted(change, "ddl", &missing.name));
        }
        effects
    }

    /// Whether the rows of a table went with its file. ALTER TABLE writes a new
    /// file too, but then a column or the storage has changed, and the new file
    /// is empty only if the table was.
    fn is_truncated(&self, old: &Row, new: &Row) -> bool {
        let emptied = new.text_fact("kind") == "r"
            && old.fact("file") != new.fact("file")
            && new.fact("size").as_i64() == Some(0);
        let other_reason = self.is_reshaped(new.oid) || old.fact("storage") != new.fact("storage");
        emptied && (!other_reason || old.fact("rows").as_i64().is_some_and(|rows| rows > 0))
    }

    pub(super) fn column(&self, change: &Change) -> Vec<Effect> {
        match change {
            Change::Changed { old, new } if old.state == new.state => Vec::new(),
            Change::Changed { old, new } if old.fact("dropped") != new.fact("dropped") => {
                self.unless_dropped(change, old)
            }
            _ => self.unless_defined(change),
        }
    }

    /// A part of a table that is gone, unless `drop` covers the table.
    fn unless_dropped(&self, change: &Change, old: &Row) -> Vec<Effect> {
        match &old.relation {
            _ if self.is_of_own(old) || self.is_of_dropped(old) => Vec::new(),
            Some(relation) if self.drops(relation) => Vec::new(),
            Some(relation) => {
                let what = format!("{} was dropped", object(old));
                let effect = Effect::new(EffectKind::Dropped, plain_object(old), what);
                vec![effect.allowed_by("drop", &relation.name.to_string())]
            }
            None => self.never(change),
        }
    }

    /// What is a column's or a table's own affair.
    pub(super) fn piece(&self, change: &Change) -> Vec<Effect> {
        match change {
            Change::Changed { old, new } if old.state == new.state => Vec::new(),
            // Indexes are in `pg_class` too, where they have a file.
            Change::Created(row) | Change::Dropped(row) if row.catalog == "pg_index" => Vec::new(),
            // DROP COLUMN takes its default with it.
            Change::Dropped(row) if row.relation.as_ref().is_some_and(|table| self.drops(table)) => {
                Vec::new()
            }
            _ => self.unless_defined(change),
        }
    }

    pub(super) fn constraint(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        let mut effects = match change {
            Change::Changed { old, new } if old.state == new.state => return Vec::new(),
            _ if row.relation.is_none() => self.domain_constraint(change),
            Change::Dropped(_) => self.unless_dropped(change, row),
            _ => self.unless_defined(change),
        };
        // From now on rows of the referenced table cannot go without this one,
        // or go together with it.
        if let (Change::Created(_), Some(referenced)) = (change, &row.other) {
            let known = referenced.any(|name| {
                let declared = self.declared;
                declared.may_read(name) || declared.may_write(name) || declared.may_define(name)
            });
            let own = self.created_relation(&referenced.name);
            if !known && !own {
                let what = format!("{} references {}", object(row), referenced.name);
                let effect = Effect::new(EffectKind::Created, plain_object(row), what);
                effects.push(effect.allowed_by("read", &referenced.name.to_string()));
            }
        }
        effects
    }

    fn domain_constraint(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        let Some(schema) = &row.schema else {
            return self.never(change);
        };
        let domain = super::name::Name::new(schema, row.text_fact("domain"));
        match self.declared.may_define(&domain) || self.declared.may_drop(&domain) {
            true => Vec::new(),
            false => vec![ungranted(change, "ddl", &domain)],
        }
    }

    pub(super) fn trigger(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        // A partition's copy is reported with the partitioned table's own.
        if row.text_fact("parent") != "0" {
            return Vec::new();
        }
        match change {
            Change::Changed { old, new } if old.state == new.state => Vec::new(),
            Change::Changed { old, new } if old.fact("enabled") != new.fact("enabled") => {
                let what = format!("{} was switched on or off", object(row));
                vec![Effect::new(EffectKind::Changed, plain_object(row), what)]
            }
            // The triggers of a foreign key are its constraint's.
            _ if row.fact("internal") == true => Vec::new(),
            Change::Dropped(_) => self.unless_dropped(change, row),
            _ if row.text_fact("constraint") != "0" => vec![effect(change)],
            _ => {
                let mut effects = self.unless_defined(change);
                effects.extend(self.unless_triggered(change, row));
                effects
            }
        }
    }

    fn unless_triggered(&self, change: &Change, row: &Row) -> Option<Effect> {
        let function = &row.other.as_ref()?.name;
        let own = self.declared.may_code() && self.created_function(function);
        (!own && !self.declared.may_trigger(function)).then(|| ungranted(change, "trigger", function))
    }

    pub(super) fn rule(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        match change {
            Change::Changed { old, new } if old.state == new.state => Vec::new(),
            // A view's own query.
            _ if row.label == "_RETURN" => self.unless_defined(change),
            Change::Dropped(_) => self.never(change),
            _ => vec![effect(change)],
        }
    }

    pub(super) fn policy(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        let Some(relation) = &row.relation else {
            return self.never(change);
        };
        let granted = self.is_of_own(row)
            || self.is_of_dropped(row)
            || relation.any(|name| self.declared.may_guard(name));
        match granted {
            true => Vec::new(),
            false => vec![ungranted(change, "rls", &relation.name)],
        }
    }

    pub(super) fn inheritance(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        let mut effects = self.unless_defined(change);
        let parent = row.other.as_ref().filter(|_| effects.is_empty() && !self.is_of_dropped(row));
        let unknown = parent.filter(|parent| !self.defines(parent) && !self.created_relation(&parent.name));
        effects.extend(unknown.map(|parent| ungranted(change, "ddl", &parent.name)));
        effects
    }
}

/// What the line of the manifest should name: an index's table, not the index.
fn named<'a>(row: &'a Row, relation: &'a Relation) -> &'a Relation {
    match row.text_fact("kind") {
        "i" | "I" => row.relation.as_ref().unwrap_or(relation),
        _ => relation,
    }
}
