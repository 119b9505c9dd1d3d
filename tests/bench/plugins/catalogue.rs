//! The plugins, what each is given to do, and what it is compared with.

use super::native;

/// What does the same as a plugin.
#[derive(Clone, Copy)]
pub enum Reference {
    /// A script in one transaction, by psql.
    Sql(&'static str),
    /// A script as a revision of kind `sql` with the same grants: for what takes the
    /// server a few milliseconds, where anything else would compare the starts of two
    /// programs, and the audit of what is granted with none.
    Revision(&'static str),
    /// A function that makes the change over a connection of its own.
    Native(fn(&str)),
}

impl Reference {
    /// What it is called in the table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sql(_) => "SQL",
            Self::Revision(_) => "SQL in a revision",
            Self::Native(_) => "native Rust",
        }
    }
}

/// What tells whether two databases have the same.
#[derive(Clone, Copy)]
pub enum Same {
    /// All of their schema and rows, but for columns of these names.
    Contents(&'static [&'static str]),
    /// The schema, and the answer to a query: where values are random.
    Query(&'static str),
    /// The schema, and the answer to a function.
    Native(fn(&str) -> String),
}

/// A plugin with a table to work on.
pub struct Subject {
    /// The plugin's name.
    pub name: &'static str,
    /// Makes the table; `{rows}` stands for the number of rows.
    pub before: &'static str,
    /// The parameters, as behind `[params]`.
    pub params: &'static str,
    pub up: Reference,
    /// None of a plugin that cannot be taken back.
    pub down: Option<Reference>,
    pub same: Same,
    /// The most that upgrade and downgrade may take, of the reference's time.
    pub limits: (f64, f64),
}

/// What has no work of its own beside its SQL.
const SQL_ALONE: f64 = 1.1;
/// What computes in the sandbox, and moves rows there and back.
const CODE: f64 = 1.5;

macro_rules! text {
    ($plugin:literal, $file:literal) => {
        include_str!(concat!($plugin, "/", $file))
    };
}

macro_rules! subject {
    ($plugin:literal, $up:expr, $down:expr, $same:expr, $limits:expr) => {
        Subject {
            name: $plugin,
            before: text!($plugin, "before.sql"),
            params: text!($plugin, "params.toml"),
            up: $up,
            down: $down,
            same: $same,
            limits: $limits,
        }
    };
}

const ALL: Same = Same::Contents(&[]);

/// All plugins of the catalogue.
pub const SUBJECTS: [Subject; 11] = [
    subject!(
        "timestamps",
        Reference::Revision(text!("timestamps", "upgrade.sql")),
        Some(Reference::Revision(text!("timestamps", "downgrade.sql"))),
        Same::Contents(&["created_at", "updated_at"]),
        (SQL_ALONE, SQL_ALONE)
    ),
    subject!(
        "repair-text",
        Reference::Native(native::repair_text),
        Some(Reference::Sql(text!("repair-text", "downgrade.sql"))),
        ALL,
        (CODE, SQL_ALONE)
    ),
    subject!(
        "normalize-text",
        Reference::Native(native::normalize_text),
        Some(Reference::Sql(text!("normalize-text", "downgrade.sql"))),
        ALL,
        (CODE, SQL_ALONE)
    ),
    subject!(
        "split-column",
        Reference::Revision(text!("split-column", "upgrade.sql")),
        Some(Reference::Revision(text!("split-column", "downgrade.sql"))),
        ALL,
        (CODE, SQL_ALONE)
    ),
    subject!(
        "merge-columns",
        Reference::Revision(text!("merge-columns", "upgrade.sql")),
        Some(Reference::Revision(text!("merge-columns", "downgrade.sql"))),
        ALL,
        (SQL_ALONE, SQL_ALONE)
    ),
    subject!(
        "json-to-columns",
        Reference::Sql(text!("json-to-columns", "upgrade.sql")),
        Some(Reference::Sql(text!("json-to-columns", "downgrade.sql"))),
        ALL,
        (SQL_ALONE, SQL_ALONE)
    ),
    subject!(
        "extract-lookup",
        Reference::Sql(text!("extract-lookup", "upgrade.sql")),
        Some(Reference::Sql(text!("extract-lookup", "downgrade.sql"))),
        ALL,
        (SQL_ALONE, SQL_ALONE)
    ),
    subject!(
        "encrypt-column",
        Reference::Native(native::encrypt_column),
        Some(Reference::Native(native::decrypt_column)),
        Same::Native(native::decrypted),
        (CODE, CODE)
    ),
    subject!("hash-column", Reference::Sql(text!("hash-column", "upgrade.sql")), None, ALL, (CODE, CODE)),
    subject!(
        "uuid-keys",
        Reference::Sql(text!("uuid-keys", "upgrade.sql")),
        Some(Reference::Sql(text!("uuid-keys", "downgrade.sql"))),
        Same::Query(text!("uuid-keys", "same.sql")),
        (SQL_ALONE, SQL_ALONE)
    ),
    subject!(
        "partition-table",
        Reference::Sql(text!("partition-table", "upgrade.sql")),
        Some(Reference::Sql(text!("partition-table", "downgrade.sql"))),
        ALL,
        (SQL_ALONE, SQL_ALONE)
    ),
];
