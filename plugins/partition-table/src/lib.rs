//! Turns a table into one that is partitioned by ranges of time, and back.
//!
//! Both ways are the same: a table of the other kind is made beside, the rows go
//! there, the old table goes away, and the new one takes its name and all that it had:
//! keys, indexes, foreign keys, triggers, grants. What cannot be carried over is
//! refused before anything is changed.

mod bounds;
mod catalog;
mod parts;
mod rebuild;
#[cfg(test)]
mod tests;

use plugin_kit::{TableName, ident};
use plugin_sdk::prelude::*;

use bounds::Period;
use rebuild::{Kind, Rebuild};

/// Turns a table into range partitions by time.
#[derive(Params)]
pub struct PartitionTable {
    /// The table, as `schema.table`.
    table: String,
    /// The column with the time: timestamptz, timestamp or date, and NOT NULL.
    column: String,
    /// The time that one partition holds. For timestamptz it begins in UTC.
    #[param(default = Period::Month)]
    period: Period,
    /// How many empty partitions are made after the one of the newest row.
    #[param(default = 3)]
    ahead: u32,
    /// Whether there is a partition for rows that fit no other one.
    #[param(default = true)]
    default_partition: bool,
    /// The roles to which privileges on the table are granted: all of them.
    #[param(default)]
    grantees: Vec<String>,
    /// The tables to which the table has foreign keys, each as `schema.table`: all of
    /// them.
    #[param(default)]
    references: Vec<String>,
    /// The functions of the table's triggers, as `schema.function`: all of them.
    #[param(default)]
    trigger_functions: Vec<String>,
}

plugin_sdk::export!(PartitionTable);

impl Migration for PartitionTable {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let rebuild = Rebuild::begin(tx, self.table_name()?, Kind::Plain)?;
        let time_type = rebuild.check_partition_column(&self.column)?;
        let ranges = bounds::ranges(tx, self, &time_type)?;
        let table = self.table_name()?;
        let column = ident(&self.column);
        rebuild.create(tx, &format!(" PARTITION BY RANGE ({column})"))?;
        let beside = rebuild.beside();
        for range in &ranges {
            let name = table.beside(&range.name)?;
            let (from, to) = (&range.from, &range.to);
            tx.execute(
                &format!(
                    "CREATE TABLE {} PARTITION OF {beside} FOR VALUES FROM ('{from}') TO ('{to}')",
                    name.sql()
                ),
                &[],
            )?;
        }
        if self.default_partition {
            let name = table.beside("default")?.sql();
            tx.execute(&format!("CREATE TABLE {name} PARTITION OF {beside} DEFAULT"), &[])?;
        }
        let rows = rebuild.finish(tx)?;
        info!("{table}: {rows} rows in {} partitions", ranges.len() + usize::from(self.default_partition));
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let rebuild = Rebuild::begin(tx, self.table_name()?, Kind::Partitioned)?;
        rebuild.create(tx, "")?;
        let rows = rebuild.finish(tx)?;
        info!("{}: {rows} rows in one table again", self.table);
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        let all = ["${table}", "${table}_*"];
        vec![
            Capability::new("read", all, "reads the rows, and where their numbers stand"),
            Capability::new("read", ["${references}"], "carries foreign keys over"),
            Capability::new("write", all, "lets an identity go on where it stood"),
            Capability::new("lock", ["${table}"], "keeps others out meanwhile"),
            Capability::new("ddl", all, "makes the table of the other kind, and its partitions"),
            Capability::new("drop", all, "drops the table whose rows have moved"),
            Capability::new("grant", ["${grantees}"], "carries privileges over"),
            Capability::new("trigger", ["${trigger_functions}"], "carries triggers over"),
            Capability::new("read", catalog::CATALOGS, "looks at all that belongs to the table"),
        ]
    }
}

impl PartitionTable {
    fn table_name(&self) -> Result<TableName> {
        TableName::parse(&self.table).context("the parameter `table`")
    }
}
