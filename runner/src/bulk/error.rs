//! Why a bulk change cannot be made.

use std::fmt;

use super::UniqueKey;

/// Why a bulk change cannot be made. Names of tables are quoted as SQL needs them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BulkError {
    /// A view, a foreign table, a sequence.
    #[error("{table} is {what}: rows can be changed in bulk in tables only")]
    NotATable {
        /// The relation.
        table: String,
        /// What it is, with its article.
        what: &'static str,
    },
    /// No key was named and there is no primary key.
    #[error("{table} has no primary key: name the columns of a unique index as the key ({})", known(.keys))]
    NoPrimaryKey {
        /// The table.
        table: String,
        /// The keys that it has.
        keys: Vec<UniqueKey>,
    },
    /// No unique index has exactly these columns.
    #[error("({}) is not a key of {table}: no unique index has exactly these columns ({})", columns.join(", "), known(.keys))]
    NotAKey {
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<String>,
        /// The keys that it has.
        keys: Vec<UniqueKey>,
    },
    /// The server does not infer a deferrable constraint.
    #[error(
        "the key ({}) of {table} belongs to a constraint that can be deferred, by which rows cannot be inserted or \
         updated: use a key whose constraint is NOT DEFERRABLE",
        columns.join(", ")
    )]
    Deferrable {
        /// The table.
        table: String,
        /// The key's columns.
        columns: Vec<String>,
    },
    /// A column cannot be written.
    #[error("column {column} of {table} cannot be written: {why}")]
    Column {
        /// The table.
        table: String,
        /// The column's plain name.
        column: String,
        /// Why not.
        why: &'static str,
    },
    /// No column is to be written.
    #[error("no column of {table} is named besides its key: there is nothing to write")]
    NoColumns {
        /// The table.
        table: String,
    },
    /// A row has a NULL in its key.
    #[error("row {row} that was written for {table} has a NULL in column {column} of its key")]
    NullInKey {
        /// The table.
        table: String,
        /// Which row of the writer, from 1.
        row: u64,
        /// The column's plain name.
        column: String,
    },
    /// Rows with the same key.
    #[error("two rows that were written for {table} have {found}")]
    Duplicates {
        /// The table.
        table: String,
        /// The keys.
        found: Examples,
    },
    /// Keys that no row of the table has.
    #[error(
        "{found} {} not in {table}{}",
        if found.count == 1 { "is" } else { "are" },
        if *.may_be_hidden { ", or row-level security hides it" } else { "" }
    )]
    Missing {
        /// The table.
        table: String,
        /// The keys.
        found: Examples,
        /// Whether the table has row-level security.
        may_be_hidden: bool,
    },
    /// Keys were missing while rows were deleted, and are there after it was
    /// undone.
    #[error(
        "{count} keys were not in {table} while its rows were deleted, and are now: another session or a trigger \
         moves them; lock writers out, or allow missing keys"
    )]
    CameBack {
        /// The table.
        table: String,
        /// How many keys.
        count: u64,
    },
    /// The server's answer makes no sense.
    #[error("the server's answer about {table} cannot be read: {message}")]
    Answer {
        /// The table.
        table: String,
        /// What is wrong with it.
        message: String,
    },
}

impl BulkError {
    /// The kind of the interface's error `other`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotATable { .. } => "table",
            Self::NoPrimaryKey { .. }
            | Self::NotAKey { .. }
            | Self::Deferrable { .. }
            | Self::NullInKey { .. }
            | Self::Duplicates { .. }
            | Self::Missing { .. }
            | Self::CameBack { .. } => "key",
            Self::Column { .. } | Self::NoColumns { .. } => "column",
            Self::Answer { .. } => "internal",
        }
    }
}

/// Some keys, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examples {
    /// The key's columns.
    pub columns: Vec<String>,
    /// The values of some, as the server writes a row.
    pub values: Vec<String>,
    /// How many there are in all.
    pub count: u64,
}

impl fmt::Display for Examples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns.join(", ");
        write!(f, "the key ({columns}) = {}", self.values.first().map_or("?", String::as_str))?;
        let others: Vec<_> = self.values.iter().skip(1).map(String::as_str).collect();
        match (self.count, others.as_slice()) {
            (0 | 1, _) => Ok(()),
            (count, []) => write!(f, " ({count} keys in all)"),
            (count, others) => write!(f, ", as well as {} ({count} keys in all)", others.join(", ")),
        }
    }
}

fn known(keys: &[UniqueKey]) -> String {
    let named: Vec<_> = keys.iter().map(|key| format!("({})", key.names().join(", "))).collect();
    match named.is_empty() {
        true => "it has none".into(),
        false => format!("its keys: {}", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(values: &[&str], count: u64) -> Examples {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Examples { columns: vec!["a".into(), "b".into()], values, count }
    }

    #[test]
    fn keys_are_named_with_their_number() {
        let missing = |found| BulkError::Missing { table: "public.t".into(), found, may_be_hidden: false };
        insta::assert_snapshot!(missing(examples(&["(1,x)"], 1)), @"the key (a, b) = (1,x) is not in public.t");
        insta::assert_snapshot!(
            missing(examples(&["(1,x)", "(2,x)", "(3,x)"], 70)),
            @"the key (a, b) = (1,x), as well as (2,x), (3,x) (70 keys in all) are not in public.t"
        );
        let found = examples(&["(1,x)", "(2,x)"], 2);
        insta::assert_snapshot!(
            BulkError::Duplicates { table: "public.t".into(), found },
            @"two rows that were written for public.t have the key (a, b) = (1,x), as well as (2,x) (2 keys in all)"
        );
    }
}
