//! A table that takes another one's place.

use plugin_kit::{TableName, ident, list, literal};
use plugin_sdk::TableDescription;
use plugin_sdk::prelude::*;

use crate::catalog;
use crate::parts::{ForeignKey, Grant, Index, Key, Sequence, Trigger};

/// The kind of the table that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An ordinary table.
    Plain,
    /// A partitioned one.
    Partitioned,
}

/// The table that is there, and all that belongs to it, read before anything changes.
pub struct Rebuild<'tx> {
    tx: &'tx Transaction,
    table: TableName,
    /// The name of the new table until it takes the old one's.
    beside: TableName,
    description: TableDescription,
    keys: Vec<Key>,
    indexes: Vec<Index>,
    foreign_keys: Vec<ForeignKey>,
    triggers: Vec<Trigger>,
    grants: Vec<Grant>,
    /// With where they stand.
    sequences: Vec<(Sequence, (i64, bool))>,
    comment: Option<String>,
}

impl<'tx> Rebuild<'tx> {
    /// Locks the table and reads what belongs to it.
    ///
    /// # Errors
    ///
    /// Names what cannot be carried over.
    pub fn begin(tx: &'tx Transaction, table: TableName, kind: Kind) -> Result<Self> {
        tx.execute(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", table.sql()), &[])?;
        let names = params![table.schema(), table.name()];
        check_kind(tx, &table, kind)?;
        let obstacles: Vec<(String,)> = tx.query_as(catalog::OBSTACLES, names)?;
        ensure!(
            obstacles.is_empty(),
            "{table} cannot become a table of another kind: {}",
            list(obstacles, |(obstacle,)| obstacle)
        );
        let sequences: Vec<Sequence> = tx.query_as(catalog::SEQUENCES, names)?;
        let with_state = |sequence: Sequence| {
            let state: (i64, bool) = tx.query_one(&sequence.state_sql(), &[])?;
            Ok((sequence, state))
        };
        let comment: Option<(String,)> = tx.query_opt(catalog::COMMENT, names)?;
        let rebuild = Self {
            tx,
            description: tx.describe_table(&table.sql())?,
            keys: tx.query_as(catalog::KEYS, names)?,
            indexes: tx.query_as(catalog::INDEXES, names)?,
            foreign_keys: tx.query_as(catalog::FOREIGN_KEYS, names)?,
            triggers: tx.query_as(catalog::TRIGGERS, names)?,
            grants: tx.query_as(catalog::GRANTS, names)?,
            sequences: sequences.into_iter().map(with_state).collect::<Result<_>>()?,
            comment: comment.map(|(comment,)| comment),
            beside: table.beside("rebuilt")?,
            table,
        };
        // What cannot be written anew is found out now, and not after the copying.
        rebuild.belongings()?;
        Ok(rebuild)
    }

    /// Checks the column by whose time the rows are to be divided. Gives its type.
    ///
    /// # Errors
    ///
    /// Says why it cannot be, such as a primary key without it.
    pub fn check_partition_column(&self, name: &str) -> Result<String> {
        let (tx, table) = (self.tx, &self.table);
        let column = self.description.columns.iter().find(|column| column.column.name == name);
        let column = column.with_context(|| format!("{table} has no column `{name}`"))?;
        let type_name = column.column.type_name.as_str();
        ensure!(
            matches!(type_name, "timestamptz" | "timestamp" | "date"),
            "the column `{name}` of {table} is of type {type_name}, and no time"
        );
        ensure!(!column.generated, "the column `{name}` of {table} is generated, and cannot divide the rows");
        ensure!(!column.nullable, "the column `{name}` of {table} may be NULL: make it NOT NULL first");
        let without: Vec<(String,)> =
            tx.query_as(catalog::UNIQUE_WITHOUT, params![table.schema(), table.name(), name])?;
        ensure!(
            without.is_empty(),
            "{} of {table} does not have the column `{name}`: PostgreSQL keeps keys unique within one partition \
             only, so every primary key and unique index of a partitioned table needs the column; change that in \
             a revision before this one",
            list(without, |(name,)| format!("`{name}`"))
        );
        Ok(type_name.to_owned())
    }

    /// The new table as SQL spells it.
    pub fn beside(&self) -> String {
        self.beside.sql()
    }

    /// Makes the new table, with columns, defaults, checks and comments of columns.
    /// `clause` is what makes it partitioned.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn create(&self, tx: &Transaction, clause: &str) -> Result<()> {
        let (beside, table) = (self.beside.sql(), self.table.sql());
        let create = format!(
            "CREATE TABLE {beside} (LIKE {table} INCLUDING COMMENTS INCLUDING COMPRESSION INCLUDING CONSTRAINTS \
             INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE){clause}"
        );
        tx.execute(&create, &[])?;
        Ok(())
    }

    /// Moves the rows, and then name and belongings. Gives the number of rows.
    ///
    /// # Errors
    ///
    /// The server's error, such as a row that fits no partition.
    pub fn finish(self, tx: &Transaction) -> Result<u64> {
        let (beside, table) = (self.beside.sql(), self.table.sql());
        let columns = self.description.columns.iter().filter(|column| !column.generated);
        let columns = list(columns, |column| ident(&column.column.name));
        let rows =
            tx.execute(&format!("INSERT INTO {beside} ({columns}) SELECT {columns} FROM {table}"), &[])?;
        for (sequence, _) in self.sequences.iter().filter(|(sequence, _)| !sequence.is_identity()) {
            tx.execute(&sequence.own_sql(&beside), &[])?;
        }
        tx.execute(&format!("DROP TABLE {table}"), &[])?;
        tx.execute(&format!("ALTER TABLE {beside} RENAME TO {}", ident(self.table.name())), &[])?;
        for statement in self.belongings()? {
            tx.execute(&statement, &[])?;
        }
        for (sequence, state) in self.sequences.iter().filter(|(sequence, _)| sequence.is_identity()) {
            tx.query(&sequence.set_sql(*state), &[])?;
        }
        Ok(rows)
    }

    /// The statements that give the new table what the old one had.
    fn belongings(&self) -> Result<Vec<String>> {
        let table = self.table.sql();
        let mut statements = Vec::new();
        let identities = self.sequences.iter().filter(|(sequence, _)| sequence.is_identity());
        statements.extend(identities.map(|(sequence, _)| sequence.add_identity_sql(&table)));
        for key in &self.keys {
            statements.push(key.add_sql(&table)?);
        }
        for index in &self.indexes {
            statements.push(index.create_sql()?);
        }
        for key in &self.foreign_keys {
            statements.push(key.add_sql(&table)?);
        }
        statements.extend(self.triggers.iter().map(|trigger| trigger.create_sql(&table)));
        for grant in &self.grants {
            statements.push(grant.sql(&table)?);
        }
        if let Some(comment) = &self.comment {
            statements.push(format!("COMMENT ON TABLE {table} IS {}", literal(comment)));
        }
        Ok(statements)
    }
}

/// The letter of the kind in `pg_class`.
pub(crate) const KIND: &str = "\
select owner.relkind::text from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
where space.nspname = $1 and owner.relname = $2";

fn check_kind(tx: &Transaction, table: &TableName, kind: Kind) -> Result<()> {
    let found: Option<(String,)> = tx.query_opt(KIND, params![table.schema(), table.name()])?;
    let is_partitioned = found.is_some_and(|(letter,)| letter == "p");
    match (kind, is_partitioned) {
        (Kind::Plain, true) => bail!("{table} is partitioned already"),
        (Kind::Partitioned, false) => bail!("{table} is not partitioned any more"),
        _ => Ok(()),
    }
}
