//! Which columns the rows of a bulk writer have.

use super::{BulkError, Target, TargetColumn, UniqueKey};
use crate::db::quote_identifier;

/// What a writer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// New values for rows that are there.
    Update,
    /// Rows to be inserted, or new values.
    Upsert {
        /// Whether rows that are there stay as they are.
        keep_existing: bool,
    },
    /// Keys of rows to be deleted.
    Delete,
}

/// The columns of a bulk writer's rows: those of the key, then the new values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The key's.
    pub key: Vec<KeyColumn>,
    /// The others.
    pub values: Vec<StagedColumn>,
}

/// A column of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyColumn {
    /// The column.
    pub column: StagedColumn,
    /// The operator by which the key's index holds two values for equal, as SQL
    /// spells it.
    pub equals: String,
}

/// A column of the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedColumn {
    /// Its plain name.
    pub name: String,
    /// The type to which it is cast when it is applied, where it waits as text.
    pub cast: Option<String>,
    /// Whether its values can be written only with OVERRIDING SYSTEM VALUE.
    pub identity_always: bool,
}

impl Shape {
    /// Looks up the key and the columns. An empty `key` is the primary key.
    ///
    /// # Errors
    ///
    /// [`BulkError`] names the table's keys, or the column.
    pub fn new(target: &Target, key: &[String], values: &[String], usage: Use) -> Result<Self, BulkError> {
        let unique = find_key(target, key, usage)?;
        let names = if key.is_empty() { unique.names() } else { key.to_vec() };
        let key =
            names.iter().map(|name| key_column(target, unique, name, usage)).collect::<Result<_, _>>()?;
        let values = value_columns(target, &names, values)?;
        let needs_values = matches!(usage, Use::Update | Use::Upsert { keep_existing: false });
        match values.is_empty() && needs_values {
            true => Err(BulkError::NoColumns { table: target.label() }),
            false => Ok(Self { key, values }),
        }
    }

    /// The columns of the stage, in order.
    pub fn columns(&self) -> Vec<StagedColumn> {
        self.key.iter().map(|key| &key.column).chain(&self.values).cloned().collect()
    }

    /// The plain names of the key's columns.
    pub fn key_names(&self) -> Vec<String> {
        self.key.iter().map(|key| key.column.name.clone()).collect()
    }
}

impl StagedColumn {
    /// A column of a table, as the stage has it.
    pub fn of(column: &TargetColumn) -> Self {
        let type_ =
            || format!("{}.{}", quote_identifier(&column.type_schema), quote_identifier(&column.type_name));
        Self {
            name: column.name.clone(),
            cast: (!column.binary).then(type_),
            identity_always: column.identity_always,
        }
    }

    /// Its quoted name.
    pub fn quoted(&self) -> String {
        quote_identifier(&self.name)
    }

    /// Its value in the stage, with the target's type. `from` is the stage's
    /// alias.
    pub fn value(&self, from: &str) -> String {
        match &self.cast {
            None => format!("{from}.{}", self.quoted()),
            Some(type_) => format!("{from}.{}::{type_}", self.quoted()),
        }
    }
}

fn find_key<'t>(target: &'t Target, key: &[String], usage: Use) -> Result<&'t UniqueKey, BulkError> {
    let fits = |unique: &&UniqueKey| match key.is_empty() {
        true => unique.primary,
        false => unique.columns.len() == key.len() && key.iter().all(|name| unique.names().contains(name)),
    };
    let (table, keys) = (target.label(), target.keys.clone());
    // Several indexes can have the same columns: one that is immediate will do.
    let found = target.keys.iter().filter(fits).max_by_key(|unique| unique.immediate);
    let Some(found) = found else {
        unknown_column(target, key)?;
        return Err(match key.is_empty() {
            true => BulkError::NoPrimaryKey { table, keys },
            false => BulkError::NotAKey { table, columns: key.to_vec(), keys },
        });
    };
    match usage {
        Use::Upsert { .. } if !found.immediate => {
            Err(BulkError::Deferrable { table, columns: found.names() })
        }
        _ => Ok(found),
    }
}

fn unknown_column(target: &Target, names: &[String]) -> Result<(), BulkError> {
    names.iter().try_for_each(|name| target.known(name).map(drop))
}

fn key_column(target: &Target, unique: &UniqueKey, name: &str, usage: Use) -> Result<KeyColumn, BulkError> {
    let column = target.known(name)?;
    if column.generated && matches!(usage, Use::Upsert { .. }) {
        return Err(target.no_column(name, "the server computes it, so no row can be inserted by it"));
    }
    let found = unique.columns.iter().find(|column| column.name == name);
    let found = found.ok_or_else(|| target.no_column(name, "it is not a column of the key"))?;
    let equals = format!("OPERATOR({}.{})", quote_identifier(&found.operator_schema), found.operator);
    Ok(KeyColumn { column: StagedColumn::of(column), equals })
}

fn value_columns(target: &Target, key: &[String], names: &[String]) -> Result<Vec<StagedColumn>, BulkError> {
    let mut found: Vec<StagedColumn> = Vec::new();
    for name in names {
        let column = target.known(name)?;
        if column.generated {
            return Err(target.no_column(name, "the server computes it"));
        }
        if column.identity_always {
            return Err(target.no_column(name, "it is GENERATED ALWAYS AS IDENTITY"));
        }
        if key.contains(name) {
            return Err(target.no_column(name, "it belongs to the key, which a change by key cannot change"));
        }
        if found.iter().any(|other| other.name == *name) {
            return Err(target.no_column(name, "it is named twice"));
        }
        found.push(StagedColumn::of(column));
    }
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::target::UniqueColumn;
    use super::*;

    /// A table with a primary key, a deferrable key and columns of each sort.
    pub(in super::super) fn target() -> Target {
        let column = |name: &str| TargetColumn {
            name: name.to_owned(),
            type_oid: 25,
            type_schema: "pg_catalog".into(),
            type_name: "text".into(),
            type_modifier: -1,
            nullable: false,
            generated: false,
            identity_always: false,
            binary: true,
        };
        let key = |primary, immediate, names: &[&str]| UniqueKey {
            primary,
            immediate,
            columns: names
                .iter()
                .map(|name| UniqueColumn {
                    name: (*name).to_owned(),
                    operator_schema: "pg_catalog".into(),
                    operator: "=".into(),
                })
                .collect(),
        };
        let access = TargetColumn { binary: false, type_name: "aclitem".into(), ..column("access") };
        Target {
            oid: 1,
            schema: "app".into(),
            name: "My \"t\"".into(),
            kind: 'r',
            row_security: false,
            estimated_rows: None,
            columns: vec![
                column("id"),
                column("Part"),
                column("name"),
                access,
                TargetColumn { generated: true, ..column("sum") },
                TargetColumn { identity_always: true, ..column("number") },
            ],
            keys: vec![key(true, true, &["id", "Part"]), key(false, false, &["name"])],
        }
    }

    pub(in super::super) fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn refusal(key: &[&str], values: &[&str], usage: Use) -> String {
        Shape::new(&target(), &names(key), &names(values), usage).expect_err("is refused").to_string()
    }

    #[test]
    fn an_empty_key_is_the_primary_key_and_its_order_is_free() {
        let shape = Shape::new(&target(), &[], &names(&["name"]), Use::Update).expect("fits");
        assert_eq!(shape.key_names(), ["id", "Part"]);
        let shape = Shape::new(&target(), &names(&["Part", "id"]), &[], Use::Delete).expect("fits");
        assert_eq!(shape.key_names(), ["Part", "id"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let keep = Use::Upsert { keep_existing: true };
        insta::assert_snapshot!([
            refusal(&["id"], &["name"], Use::Update),
            refusal(&["nix"], &["name"], Use::Update),
            refusal(&["name"], &["access"], keep),
            refusal(&[], &["nix"], Use::Update),
            refusal(&[], &["ctid"], Use::Update),
            refusal(&[], &["sum"], Use::Update),
            refusal(&[], &["number"], keep),
            refusal(&[], &["name", "name"], Use::Update),
            refusal(&[], &["id"], Use::Update),
            refusal(&[], &[], Use::Update),
        ].join("\n"), @r#"
(id) is not a key of app."My ""t""": no unique index has exactly these columns (its keys: (id, Part), (name))
column nix of app."My ""t""" cannot be written: the table has no such column
the key (name) of app."My ""t""" belongs to a constraint that can be deferred, by which rows cannot be inserted or updated: use a key whose constraint is NOT DEFERRABLE
column nix of app."My ""t""" cannot be written: the table has no such column
column ctid of app."My ""t""" cannot be written: it is a system column
column sum of app."My ""t""" cannot be written: the server computes it
column number of app."My ""t""" cannot be written: it is GENERATED ALWAYS AS IDENTITY
column name of app."My ""t""" cannot be written: it is named twice
column id of app."My ""t""" cannot be written: it belongs to the key, which a change by key cannot change
no column of app."My ""t""" is named besides its key: there is nothing to write
"#);
    }
}
