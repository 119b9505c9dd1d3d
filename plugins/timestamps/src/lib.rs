//! Adds the columns `created_at` and `updated_at` to a list of tables, and the trigger
//! that sets `updated_at` when a row is changed.

#[cfg(test)]
mod tests;

use plugin_kit::{TableName, Target, ident, literal};
use plugin_sdk::prelude::*;

/// Adds created_at and updated_at to tables, and the trigger that keeps updated_at.
#[derive(Params)]
struct Timestamps {
    /// The tables, as in `public.orders`.
    tables: Vec<String>,
    /// The name of the column that says when a row was inserted; empty for none.
    #[param(default = "created_at")]
    created_at: String,
    /// The name of the column that says when a row was changed last; empty for none.
    #[param(default = "updated_at")]
    updated_at: String,
    /// What rows get that are there already.
    #[param(default = ExistingRows::Now)]
    existing_rows: ExistingRows,
    /// The function that the triggers call; the triggers have its name.
    #[param(default = "public.touch_updated_at")]
    function: String,
    /// Whether the function is there already, as of an earlier revision with this
    /// plugin: it is neither made nor dropped then.
    #[param(default)]
    function_is_there: bool,
}

/// What is said of rows whose times nobody knows.
#[derive(Clone, Copy, PartialEq, Params)]
enum ExistingRows {
    /// The time of the migration; the columns are NOT NULL.
    Now,
    /// NULL.
    Unknown,
}

plugin_sdk::export!(Timestamps);

impl Migration for Timestamps {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let columns = self.columns()?;
        let tables = self.tables()?;
        for table in &tables {
            Target::find(tx, &table.to_string())?.check_new(&columns)?;
        }
        let function = self.function()?;
        if let Some(function) = function.as_ref().filter(|_| !self.function_is_there) {
            tx.script(&self.create_function(function)).map_err(|error| self.explain(error))?;
        }
        for table in &tables {
            self.add(tx, table, &columns, function.as_ref())?;
        }
        info!("tables that have {} now: {}", columns.join(" and "), tables.len());
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let columns = self.columns()?;
        let function = self.function()?;
        for table in self.tables()?.iter().rev() {
            if let Some(function) = &function {
                tx.execute(&format!("DROP TRIGGER {} ON {}", ident(function.name()), table.sql()), &[])?;
            }
            let drops = plugin_kit::list(&columns, |column| format!("DROP COLUMN {}", ident(column)));
            tx.execute(&format!("ALTER TABLE {} {drops}", table.sql()), &[])?;
        }
        if let Some(function) = function.as_ref().filter(|_| !self.function_is_there) {
            tx.execute(&format!("DROP FUNCTION {}()", function.sql()), &[])?;
        }
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        vec![
            Capability::new("ddl", ["${tables}", "${function}"], "adds the columns and makes the function"),
            Capability::new(
                "drop",
                ["${tables}", "${function}"],
                "drops the columns, triggers and function again",
            ),
            Capability::new("trigger", ["${function}"], "lets the triggers call the function"),
            Capability::new("code", ["vetted"], "makes the function that sets the time"),
        ]
    }
}

impl Timestamps {
    /// The columns that are to be there.
    fn columns(&self) -> Result<Vec<&str>> {
        let columns: Vec<&str> = [&self.created_at, &self.updated_at]
            .into_iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        ensure!(
            !columns.is_empty(),
            "neither `created_at` nor `updated_at` has a name: there is nothing to add"
        );
        Ok(columns)
    }

    fn tables(&self) -> Result<Vec<TableName>> {
        ensure!(!self.tables.is_empty(), "`tables` is empty");
        for (place, table) in self.tables.iter().enumerate() {
            ensure!(!self.tables[..place].contains(table), "the table {table} is named twice");
        }
        self.tables.iter().map(|table| TableName::parse(table)).collect()
    }

    /// The function that the triggers call, where there is a column that it sets.
    fn function(&self) -> Result<Option<TableName>> {
        if self.updated_at.is_empty() {
            return Ok(None);
        }
        TableName::parse(&self.function).context("the parameter `function`").map(Some)
    }

    /// An UPDATE that sets the column itself keeps its value: imports and downgrades
    /// put old values back. One that changes nothing leaves it alone. Rows are
    /// compared by their bytes, since not every type has `=`.
    fn create_function(&self, function: &TableName) -> String {
        let (name, column) = (function.sql(), ident(&self.updated_at));
        let comment = format!(
            "Sets {} on rows that an UPDATE changes, unless it sets the column itself.",
            self.updated_at
        );
        format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW *<> OLD AND NEW.{column} IS NOT DISTINCT FROM OLD.{column} THEN
        NEW.{column} := now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION {name}() IS {}",
            literal(&comment)
        )
    }

    fn add(
        &self,
        tx: &Transaction,
        table: &TableName,
        columns: &[&str],
        function: Option<&TableName>,
    ) -> Result<()> {
        let sql = table.sql();
        let add = |column: &&str| match self.existing_rows {
            ExistingRows::Now => format!("ADD COLUMN {} timestamptz NOT NULL DEFAULT now()", ident(column)),
            ExistingRows::Unknown => format!("ADD COLUMN {} timestamptz", ident(column)),
        };
        tx.execute(&format!("ALTER TABLE {sql} {}", plugin_kit::list(columns, add)), &[])?;
        if self.existing_rows == ExistingRows::Unknown {
            let set = |column: &&str| format!("ALTER COLUMN {} SET DEFAULT now()", ident(column));
            tx.execute(&format!("ALTER TABLE {sql} {}", plugin_kit::list(columns, set)), &[])?;
        }
        if let Some(function) = function {
            let trigger = ident(function.name());
            tx.execute(
                &format!(
                    "CREATE TRIGGER {trigger} BEFORE UPDATE ON {sql} FOR EACH ROW EXECUTE FUNCTION {}()",
                    function.sql()
                ),
                &[],
            )?;
        }
        Ok(())
    }

    fn explain(&self, error: Error) -> Error {
        match error.sqlstate() {
            Some("42723") => Error::message(format!(
                "there is a function {} already, as of another revision with this plugin: use that one by \
                 `function_is_there = true`, or give this one another name by the parameter `function`",
                self.function
            )),
            _ => error,
        }
    }
}
