//! Adds a column of text to a table.

#[cfg(test)]
mod tests;

use plugin_sdk::prelude::*;

/// Adds a column of text to a table.
#[derive(Debug, Params)]
pub struct ${type} {
    /// The table, as `schema.table`.
    table: String,
    /// The name of the column.
    #[param(default = "note")]
    column: String,
}

impl Migration for ${type} {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let rows = tx.execute(&format!("ALTER TABLE {} ADD COLUMN {} text", self.table, self.column), &[])?;
        debug!("{rows} rows touched");
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        tx.execute(&format!("ALTER TABLE {} DROP COLUMN {}", self.table, self.column), &[])?;
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        vec![
            Capability::new("ddl", ["${dollar}{table}"], "adds the column"),
            Capability::new("drop", ["${dollar}{table}"], "drops the column again"),
        ]
    }
}

plugin_sdk::export!(${type});
