//! Which changes of the catalogs the manifest covers.

use std::collections::HashSet;

use super::change::{Change, Members, Row};
use super::declared::Declared;
use super::effect::{Effect, EffectKind};
use super::name::{Name, Relation};
use super::words::{object, plain_object};

/// What the rules need to know beyond the one change.
pub(super) struct Judge<'a> {
    pub(super) declared: &'a Declared<'a>,
    /// What the step itself created: catalog and oid.
    created: HashSet<(&'static str, u32)>,
    dropped: HashSet<(&'static str, u32)>,
    /// The names of the relations and functions among them.
    names: HashSet<(&'static str, Name)>,
    /// Relations with a column that was changed or added: their files may have
    /// been written anew for that.
    reshaped: HashSet<u32>,
    /// Relations whose own row changed.
    altered: HashSet<u32>,
    /// What belongs to extensions that are granted, or whose creation is an
    /// effect itself.
    members: Members,
    default_privileges: bool,
}

/// Functions that come with a range type.
const CONSTRUCTORS: [&str; 5] = [
    "multirange_constructor0",
    "multirange_constructor1",
    "multirange_constructor2",
    "range_constructor2",
    "range_constructor3",
];

impl<'a> Judge<'a> {
    pub(super) fn new(
        declared: &'a Declared<'a>,
        changes: &[Change],
        mut members: Members,
        default_privileges: bool,
    ) -> Self {
        // What an extension that is new brings is said by the extension.
        let new: HashSet<&str> = changes
            .iter()
            .filter(|change| matches!(change, Change::Created(row) if row.catalog == "pg_extension"))
            .map(|change| change.row().label.as_str())
            .collect();
        members
            .retain(|_, extension| declared.may_extend_with(extension) || new.contains(extension.as_str()));
        let mut judge = Self {
            declared,
            created: HashSet::new(),
            dropped: HashSet::new(),
            names: HashSet::new(),
            reshaped: HashSet::new(),
            altered: HashSet::new(),
            members,
            default_privileges,
        };
        for change in changes {
            let row = change.row();
            if let (Change::Created(_), "pg_class" | "pg_proc", Some(name)) =
                (change, row.catalog, row.name())
            {
                judge.names.insert((row.catalog, name));
            }
            let part_of_a_row = ["pg_attribute", "pg_inherits", "pg_description"].contains(&row.catalog);
            match change {
                Change::Created(_) if !part_of_a_row => drop(judge.created.insert((row.catalog, row.oid))),
                Change::Dropped(_) if !part_of_a_row => drop(judge.dropped.insert((row.catalog, row.oid))),
                _ => {}
            }
            let itself = ["pg_class", "pg_sequence"].contains(&row.catalog);
            if matches!(change, Change::Changed { old, new } if itself && old.state != new.state) {
                judge.altered.insert(row.oid);
            }
            if row.catalog == "pg_attribute" {
                judge.reshaped.insert(row.oid);
            }
        }
        judge
    }

    /// Whether the step created this relation.
    pub(super) fn is_own(&self, relation: u32) -> bool {
        self.created.contains(&("pg_class", relation))
    }

    pub(super) fn created_relation(&self, name: &Name) -> bool {
        self.names.contains(&("pg_class", name.clone()))
    }

    pub(super) fn created_function(&self, name: &Name) -> bool {
        self.names.contains(&("pg_proc", name.clone()))
    }

    /// What of a change is not granted.
    pub(super) fn effects(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        if self.belongs_to_granted_extension(row) {
            return Vec::new();
        }
        let mut effects = self.transfers(change);
        effects.extend(match row.catalog {
            "pg_class" => self.relation(change),
            "pg_type" | "pg_enum" => self.type_(change),
            "pg_proc" => self.function(change),
            "pg_namespace" => self.schema(change),
            "pg_extension" => self.extension(change),
            "pg_description" => self.comment(change),
            "pg_attribute" => self.column(change),
            "pg_attrdef" | "pg_index" | "pg_sequence" | "pg_statistic_ext" => self.piece(change),
            "pg_constraint" => self.constraint(change),
            "pg_trigger" => self.trigger(change),
            "pg_rewrite" => self.rule(change),
            "pg_policy" => self.policy(change),
            "pg_inherits" => self.inheritance(change),
            // A range type comes with a cast to its multirange.
            "pg_cast" if is_constructor(row) => Vec::new(),
            _ => self.never(change),
        });
        effects
    }

    fn belongs_to_granted_extension(&self, row: &Row) -> bool {
        let member = |catalog: &str, oid| self.members.contains_key(&(catalog.to_owned(), oid));
        match row.catalog {
            "pg_description" => member(row.text_fact("class"), row.oid),
            catalog => {
                member(catalog, row.oid)
                    || row.part.as_ref().is_some_and(|(catalog, oid)| member(catalog, *oid))
            }
        }
    }

    /// Owners and privileges, of whatever it is.
    fn transfers(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        match change {
            Change::Dropped(_) => Vec::new(),
            // Default privileges give what nobody gave by a statement.
            Change::Created(_) if self.default_privileges || row.catalog == "pg_attribute" => Vec::new(),
            Change::Created(_) => {
                let own = |item: &&String| {
                    let grantee = grantee(item);
                    let public = grantee.is_empty() && ["pg_proc", "pg_type"].contains(&row.catalog);
                    public || Some(&grantee) == row.owner.as_ref()
                };
                self.privileges(row, row.acl.iter().filter(|item| !own(item)), "given to")
            }
            // Their owner is that of what they are of.
            Change::Changed { old, new } if old.owner != new.owner && follows(new) => Vec::new(),
            Change::Changed { old, new } if old.owner != new.owner => {
                let to = new.owner.as_deref().unwrap_or_default();
                let from = old.owner.as_deref().unwrap_or_default();
                let what = format!("the owner of {} is `{to}` now and was `{from}`", object(new));
                vec![Effect::new(EffectKind::Owner, plain_object(new), what)]
            }
            Change::Changed { old, new } => {
                let given = new.acl.iter().filter(|item| !old.acl.contains(item));
                let taken = old.acl.iter().filter(|item| {
                    let still = |other: &&String| grantee(other) == grantee(item);
                    !new.acl.iter().any(|other| still(&other))
                });
                let mut effects = self.privileges(new, given, "changed for");
                effects.extend(self.privileges(new, taken, "taken from"));
                effects
            }
        }
    }

    fn privileges<'r>(&self, row: &Row, items: impl Iterator<Item = &'r String>, verb: &str) -> Vec<Effect> {
        let effects = items.filter_map(|item| {
            let role = grantee(item);
            let passed_on = item.rsplit_once('=').is_some_and(|(_, rights)| rights.contains('*'));
            if !role.is_empty() && !passed_on && self.declared.may_grant_to(&role) {
                return None;
            }
            let (whom, grantable) = match role.is_empty() {
                true => ("everybody".to_owned(), false),
                false => (format!("`{role}`"), !passed_on),
            };
            let what = format!("privileges on {} were {verb} {whom}", object(row));
            let effect = Effect::new(EffectKind::Privileges, plain_object(row), what);
            Some(if grantable { effect.allowed_by("grant", &role) } else { effect })
        });
        effects.collect()
    }

    /// Whether the relation that `row` is a part of was created or dropped in
    /// this step, so that it says all there is to say.
    pub(super) fn is_of_own(&self, row: &Row) -> bool {
        row.part.as_ref().is_some_and(|(catalog, oid)| {
            self.created.iter().any(|(own, own_oid)| own == catalog && own_oid == oid)
        })
    }

    pub(super) fn is_of_dropped(&self, row: &Row) -> bool {
        row.part.as_ref().is_some_and(|(catalog, oid)| {
            self.dropped.iter().any(|(gone, gone_oid)| gone == catalog && gone_oid == oid)
        })
    }

    /// Whether the relation's own row changed in this step.
    pub(super) fn is_altered(&self, relation: u32) -> bool {
        self.altered.contains(&relation)
    }

    pub(super) fn is_reshaped(&self, relation: u32) -> bool {
        self.reshaped.contains(&relation)
    }

    /// The effect on a part of a relation, unless `ddl` covers the relation or
    /// the step made it.
    pub(super) fn unless_defined(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        match &row.relation {
            _ if self.is_of_own(row) || self.is_of_dropped(row) => Vec::new(),
            Some(relation) if self.defines(relation) => Vec::new(),
            Some(relation) => vec![ungranted(change, "ddl", &relation.name)],
            None => self.never(change),
        }
    }

    pub(super) fn defines(&self, relation: &Relation) -> bool {
        relation.any(|name| self.declared.may_define(name))
    }

    pub(super) fn drops(&self, relation: &Relation) -> bool {
        relation.any(|name| self.declared.may_drop(name))
    }

    /// What no capability covers.
    pub(super) fn never(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        match self.is_of_own(row) || self.is_of_dropped(row) {
            true => Vec::new(),
            false => vec![effect(change)],
        }
    }

    /// An object with a schema and a name, and with nothing else to it.
    fn object(&self, change: &Change) -> Vec<Effect> {
        let Some(name) = change.row().name() else {
            return self.never(change);
        };
        match change {
            Change::Created(_) if self.declared.may_define(&name) => Vec::new(),
            Change::Created(_) => vec![ungranted(change, "ddl", &name)],
            Change::Dropped(_) if self.declared.may_drop(&name) => Vec::new(),
            Change::Dropped(_) => vec![ungranted(change, "drop", &name)],
            Change::Changed { old, new } if old.state == new.state => Vec::new(),
            // A new name is not granted by the old one, nor the other way round.
            Change::Changed { old, .. } => {
                let names = old.name().into_iter().chain([name]);
                let missing = names.filter(|name| !self.declared.may_define(name)).take(1);
                missing.map(|name| ungranted(change, "ddl", &name)).collect()
            }
        }
    }

    fn type_(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        // A relation's row type, an array's type and a type's labels come and go
        // with what they are of.
        match follows(row) || (row.catalog == "pg_enum" && (self.is_of_own(row) || self.is_of_dropped(row))) {
            true => Vec::new(),
            false if row.catalog == "pg_enum" && matches!(change, Change::Created(_)) => {
                let name = row.name().filter(|name| !self.declared.may_define(name));
                name.map(|name| ungranted(change, "ddl", &name)).into_iter().collect()
            }
            false => self.object(change),
        }
    }

    fn function(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        let same = matches!(change, Change::Changed { old, new } if old.state == new.state);
        if same || matches!(change, Change::Dropped(_)) {
            return self.object(change);
        }
        let language = row.text_fact("language");
        if language == "internal" && is_constructor(row) {
            return Vec::new();
        }
        if row.fact("definer") == true {
            let what = format!("{} runs with the rights of its owner (SECURITY DEFINER)", object(row));
            return vec![Effect::new(EffectKind::SecurityDefiner, plain_object(row), what)];
        }
        if ["c", "internal"].contains(&language) || row.text_fact("kind") == "a" {
            return vec![effect(change)];
        }
        if !self.declared.may_code() {
            return vec![effect(change).allowed_by("code", "vetted")];
        }
        self.object(change)
    }

    fn schema(&self, change: &Change) -> Vec<Effect> {
        let name = &change.row().label;
        let defines = |name: &str| self.declared.may_define_schema(name);
        let (granted, capability) = match change {
            Change::Created(_) => (defines(name), "ddl"),
            Change::Dropped(_) => (self.declared.may_drop_schema(name), "drop"),
            Change::Changed { old, new } if old.state == new.state => (true, "ddl"),
            Change::Changed { old, .. } => (defines(name) && defines(&old.label), "ddl"),
        };
        match granted {
            true => Vec::new(),
            false => vec![effect(change).allowed_by(capability, name)],
        }
    }

    fn extension(&self, change: &Change) -> Vec<Effect> {
        let name = &change.row().label;
        match self.declared.may_extend_with(name) {
            true => Vec::new(),
            false => vec![effect(change).allowed_by("extension", name)],
        }
    }

    fn comment(&self, change: &Change) -> Vec<Effect> {
        let row = change.row();
        let class = row.text_fact("class");
        let touched = |set: &HashSet<(&'static str, u32)>| {
            set.iter().any(|(catalog, oid)| *catalog == class && *oid == row.oid)
        };
        let same = matches!(change, Change::Changed { old, new } if old.state == new.state);
        // Without an identity the object is gone, and its comment with it.
        if same || row.fact("object").is_null() || touched(&self.created) || touched(&self.dropped) {
            return Vec::new();
        }
        match (&row.relation, row.name()) {
            (Some(_), _) => self.unless_defined(change),
            (None, _) if class == "pg_namespace" => match self.declared.may_define_schema(&row.label) {
                true => Vec::new(),
                false => vec![effect(change).allowed_by("ddl", &row.label)],
            },
            (None, Some(name)) if !self.declared.may_define(&name) => {
                vec![ungranted(change, "ddl", &name)]
            }
            (None, Some(_)) => Vec::new(),
            (None, None) => vec![effect(change)],
        }
    }
}

/// Whether it is the index or sequence of a table, its row type, or an array's
/// type.
fn follows(row: &Row) -> bool {
    (["pg_class", "pg_type"].contains(&row.catalog) && row.part.is_some()) || row.fact("array") == true
}

fn is_constructor(row: &Row) -> bool {
    CONSTRUCTORS.contains(&row.text_fact("constructor"))
}

/// The role of an item of an access control list; empty for PUBLIC. See
/// PostgreSQL's manual, "Privileges".
fn grantee(item: &str) -> String {
    match item.strip_prefix('"') {
        None => item.split('=').next().unwrap_or_default().to_owned(),
        Some(rest) => {
            let end = rest.find("\"=").unwrap_or(rest.len());
            rest[..end].replace("\"\"", "\"")
        }
    }
}

/// The effect of a change in words.
pub(super) fn effect(change: &Change) -> Effect {
    let row = change.row();
    let (kind, verb) = match change {
        Change::Created(_) => (EffectKind::Created, "created"),
        Change::Changed { .. } => (EffectKind::Changed, "changed"),
        Change::Dropped(_) => (EffectKind::Dropped, "dropped"),
    };
    Effect::new(kind, plain_object(row), format!("{} was {verb}", object(row)))
}

/// The same with the line that would allow it.
pub(super) fn ungranted(change: &Change, capability: &str, name: &Name) -> Effect {
    effect(change).allowed_by(capability, &name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grantees_are_read_as_the_server_writes_them() {
        for (item, role) in [
            ("=r/a", ""),
            ("app=arwd/a", "app"),
            ("\"a=b\"=r/x", "a=b"),
            ("\"say \"\"hi\"\"\"=U/x", "say \"hi\""),
        ] {
            assert_eq!(grantee(item), role, "{item}");
        }
    }
}
