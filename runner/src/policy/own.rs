//! What the step itself has made, and may do with as it likes.

use std::collections::HashMap;

use super::need::Name;

/// A kind of object. Names of different kinds do not collide, so what is one's
/// own is one's own as a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Tables, views, sequences, indexes, composite types.
    Relation,
    /// Enums, domains, ranges.
    Type,
    /// Functions and procedures.
    Routine,
    /// Extended statistics.
    Statistics,
    /// Schemas; the name is empty.
    Schema,
    /// Extensions, by the schema that holds what they brought.
    Extension,
}

/// How many arguments a routine takes, so that an older one of the same name is
/// not called as one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arity {
    pub(super) least: usize,
    pub(super) most: usize,
}

impl Arity {
    pub(super) const ANY: Self = Self { least: 0, most: usize::MAX };
}

/// A change of what is one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Made(Kind, Name, Arity),
    Gone(Kind, Name),
    /// One's own has another name now.
    Moved(Kind, Name, Name),
}

/// What the step has made so far.
///
/// A rolled-back savepoint takes back what was made after it: [`super::Policy`]
/// gives copies of this and takes them again.
#[derive(Clone, Debug, Default)]
pub struct OwnObjects {
    made: HashMap<(Kind, Name), Arity>,
}

impl OwnObjects {
    pub(super) fn has(&self, kind: Kind, name: &Name) -> bool {
        self.has_schema(&name.schema) || self.made.contains_key(&(kind, name.clone()))
    }

    pub(super) fn has_schema(&self, schema: &str) -> bool {
        self.made.contains_key(&(Kind::Schema, Name::new(schema, "")))
    }

    /// Whether an extension's objects may be there that the step has brought.
    pub(super) fn has_extension_in(&self, schema: &str) -> bool {
        self.has_schema(schema) || self.made.contains_key(&(Kind::Extension, Name::new(schema, "")))
    }

    pub(super) fn has_routine(&self, name: &Name, arguments: usize) -> bool {
        let arity = self.made.get(&(Kind::Routine, name.clone()));
        self.has_schema(&name.schema)
            || arity.is_some_and(|arity| (arity.least..=arity.most).contains(&arguments))
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Made(kind, name, arity) => {
                self.made.insert((*kind, name.clone()), *arity);
            }
            Change::Gone(kind, name) => {
                self.made.remove(&(*kind, name.clone()));
            }
            Change::Moved(kind, from, to) => {
                if let Some(arity) = self.made.remove(&(*kind, from.clone())) {
                    self.made.insert((*kind, to.clone()), arity);
                }
            }
        }
    }
}
