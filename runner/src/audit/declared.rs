//! What a manifest grants, asked the way the audit asks.

use crate::revision::{Capabilities, Pattern};

use super::name::Name;

/// The grants of one step.
///
/// All matching of the audit is here, after the candidates were fetched: a
/// pattern never becomes part of a statement.
pub(super) struct Declared<'a>(&'a Capabilities);

impl<'a> Declared<'a> {
    pub(super) fn new(capabilities: &'a Capabilities) -> Self {
        Self(capabilities)
    }

    pub(super) fn may_read(&self, name: &Name) -> bool {
        covers(&self.0.read, name)
    }

    pub(super) fn may_write(&self, name: &Name) -> bool {
        covers(&self.0.write, name)
    }

    pub(super) fn may_truncate(&self, name: &Name) -> bool {
        covers(&self.0.truncate, name)
    }

    /// Whether the object may be created and altered.
    pub(super) fn may_define(&self, name: &Name) -> bool {
        covers(&self.0.ddl, name)
    }

    /// Whether the schema itself may be created and altered: it takes a grant of
    /// the schema, not of objects in it.
    pub(super) fn may_define_schema(&self, schema: &str) -> bool {
        listed(&self.0.ddl, schema)
    }

    pub(super) fn may_drop(&self, name: &Name) -> bool {
        covers(&self.0.drop, name)
    }

    pub(super) fn may_drop_schema(&self, schema: &str) -> bool {
        listed(&self.0.drop, schema)
    }

    /// Whether the table's row-level security may be changed.
    pub(super) fn may_guard(&self, name: &Name) -> bool {
        covers(&self.0.rls, name)
    }

    pub(super) fn may_grant_to(&self, role: &str) -> bool {
        listed(&self.0.grant, role)
    }

    pub(super) fn may_extend_with(&self, extension: &str) -> bool {
        listed(&self.0.extension, extension)
    }

    /// Whether triggers may call the function. A built-in function may be named
    /// without its schema.
    pub(super) fn may_trigger(&self, function: &Name) -> bool {
        covers(&self.0.trigger, function)
            || (function.schema == "pg_catalog" && listed(&self.0.trigger, &function.name))
    }

    /// Whether the function may be called.
    pub(super) fn may_call(&self, function: &Name) -> bool {
        covers(&self.0.call, function)
    }

    pub(super) fn may_code(&self) -> bool {
        self.0.code.is_some()
    }

    /// The patterns that name relations, each with its capability.
    pub(super) fn relation_patterns(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let lists = [
            ("read", &self.0.read),
            ("write", &self.0.write),
            ("truncate", &self.0.truncate),
            ("lock", &self.0.lock),
            ("rls", &self.0.rls),
        ];
        lists.into_iter().flat_map(|(name, list)| list.iter().map(move |pattern| (name, pattern.as_str())))
    }
}

/// Whether a list of patterns covers an object.
fn covers(patterns: &[String], name: &Name) -> bool {
    last_fitting(patterns, |pattern| pattern.fits_object(&name.schema, &name.name))
}

/// The same for names without a schema.
fn listed(patterns: &[String], name: &str) -> bool {
    last_fitting(patterns, |pattern| pattern.fits_name(name))
}

/// The last pattern that fits decides, and `!` takes away. One that cannot be
/// read grants nothing; the manifest's check refuses it before.
fn last_fitting(patterns: &[String], fits: impl Fn(&Pattern) -> bool) -> bool {
    let parsed = patterns.iter().rev().filter_map(|pattern| Pattern::parse(pattern).ok());
    parsed.filter(fits).map(|pattern| !pattern.takes_away()).next().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(patterns: &[&str]) -> Capabilities {
        let write = patterns.iter().map(|pattern| (*pattern).into()).collect();
        Capabilities { write, ..Capabilities::default() }
    }

    #[test]
    fn the_last_pattern_that_fits_decides() {
        let granted = write(&["app", "!app.secret*", "app.secret_list", "x.t"]);
        let declared = Declared::new(&granted);
        for (schema, name, expected) in [
            ("app", "users", true),
            ("app", "secret_keys", false),
            ("app", "secret_list", true),
            ("x", "t", true),
            ("x", "u", false),
            ("apps", "users", false),
            ("app.users", "t", false),
        ] {
            assert_eq!(declared.may_write(&Name::new(schema, name)), expected, "{schema}.{name}");
        }
    }

    #[test]
    fn names_in_quotes_are_names() {
        let granted = write(&["app.*", "!app.\"orders\"", "x.\"Cust omer\"", "x.\"b*\""]);
        let declared = Declared::new(&granted);
        for (schema, name, expected) in [
            ("app", "orders", false),
            ("app.x", "child", false),
            ("x", "Cust omer", true),
            ("x", "b*", true),
            ("x", "bsecret", false),
        ] {
            assert_eq!(declared.may_write(&Name::new(schema, name)), expected, "{schema}.{name}");
        }
    }

    #[test]
    fn a_grant_of_objects_is_no_grant_of_their_schema() {
        let granted = Capabilities { ddl: vec!["app.*".into(), "own".into()], ..Capabilities::default() };
        let declared = Declared::new(&granted);
        assert!(declared.may_define(&Name::new("app", "users")));
        assert!(!declared.may_define_schema("app"));
        assert!(declared.may_define_schema("own"));
    }
}
