//! Splits a column of text into new columns by a pattern, and keeps what does not fit.

mod pattern;
#[cfg(test)]
mod tests;

use plugin_kit::{Rejects, Target, ident, list};
use plugin_sdk::prelude::*;

use pattern::Pattern;

/// Splits a column of text into several by a pattern.
#[derive(Params)]
struct SplitColumn {
    /// The table, as in `public.people`. It needs a primary key.
    table: String,
    /// The column of text that is split. It stays as it is.
    column: String,
    /// A regular expression that has to fit the whole text. Each named group becomes a
    /// column of text: `(?<first_name>\S+) (?<last_name>.+)`.
    pattern: String,
    /// The texts that do not fit are kept in a table with this suffix to the table's
    /// name.
    #[param(default = "split_rejects")]
    rejects_suffix: String,
    /// How many texts may not fit; with more the revision fails. Any number unless set.
    most_rejects: Option<u64>,
}

plugin_sdk::export!(SplitColumn);

impl Migration for SplitColumn {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let pattern = self.pattern()?;
        let target = Target::find_keyed(tx, &self.table)?;
        target.check_texts(std::slice::from_ref(&self.column))?;
        target.check_new(&pattern.columns().iter().map(String::as_str).collect::<Vec<_>>())?;
        let rejects = Rejects::new(&target, &self.rejects_suffix)?;
        let table = target.name.sql();
        target.lock(tx)?;
        let adds = list(pattern.columns(), |name| format!("ADD COLUMN {} text", ident(name)));
        tx.execute(&format!("ALTER TABLE {table} {adds}"), &[])?;
        let mut rejected = rejects.create(tx)?;
        let mut parts = tx.update(&table).key(target.key()).columns(pattern.columns()).writer()?;
        let (column, keys) = (ident(&self.column), target.key().len());
        let reads = list(target.key(), |name| ident(name));
        let rows =
            tx.reader(&format!("SELECT {reads}, {column} FROM {table} WHERE {column} IS NOT NULL"), &[])?;
        rows.for_each(|row| {
            let text: &str = row.get(keys)?;
            match pattern.split(text) {
                None => rejected.write(&row, &self.column, text, "does not fit the pattern"),
                Some(split) => parts.write_fields(|fields| {
                    (0..keys).try_for_each(|index| fields.copy(&row, index))?;
                    split.iter().try_for_each(|part| fields.put(part))
                }),
            }
        })?;
        let split = parts.finish_counted()?.updated;
        let rejected = rejected.finish(rejects.table())?;
        if let Some(most) = self.most_rejects {
            ensure!(
                rejected <= most,
                "{rejected} texts of the column `{}` of {} do not fit the pattern, and `most_rejects` is {most}",
                self.column,
                target.name
            );
        }
        info!("texts of {} that were split: {split}", target.name);
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let pattern = self.pattern()?;
        let target = Target::find_keyed(tx, &self.table)?;
        let drops = list(pattern.columns(), |name| format!("DROP COLUMN {}", ident(name)));
        tx.execute(&format!("ALTER TABLE {} {drops}", target.name.sql()), &[])?;
        Rejects::new(&target, &self.rejects_suffix)?.drop(tx)
    }

    fn capabilities() -> Vec<Capability> {
        let rejects = "${table}_${rejects_suffix}";
        vec![
            Capability::new("read", ["${table}"], "reads the texts"),
            Capability::new("write", ["${table}"], "writes their parts"),
            Capability::new(
                "lock",
                ["${table}"],
                "lets nobody change a text between its reading and its splitting",
            ),
            Capability::new(
                "ddl",
                ["${table}", rejects],
                "adds the columns, and the table of what does not fit",
            ),
            Capability::new("drop", ["${table}", rejects], "drops them again"),
        ]
    }
}

impl SplitColumn {
    fn pattern(&self) -> Result<Pattern> {
        Pattern::new(&self.pattern)
            .map_err(|problem| Error::message(format!("the parameter `pattern`: {problem}")))
    }
}
