//! Brings the text of columns into one form, and keeps what has none.

mod forms;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use plugin_kit::{RejectWriter, Rejects, Saved, Target, ident};
use plugin_sdk::RawRow;
use plugin_sdk::prelude::*;

use forms::{Step, normalize};

/// The error of two rows with the same value in a unique index.
const UNIQUE_VIOLATION: &str = "23505";

/// Brings text into one form: Unicode, case, white space, e-mail addresses, phone numbers.
#[derive(Params)]
struct NormalizeText {
    /// The table, as in `public.customers`. It needs a primary key.
    table: String,
    /// For each column the steps, in order: `nfc`, `nfkc`, `trim`, `squeeze`, `lower`,
    /// `upper`, `email`, `phone`.
    columns: BTreeMap<String, Vec<Step>>,
    /// The country of phone numbers without one, by its two letters, as in `DE`.
    country: Option<String>,
    /// Columns that a trigger sets when a row is updated, such as `updated_at`: the
    /// downgrade puts back what they were, unless the row was changed since.
    #[param(default)]
    touched: Vec<String>,
    /// The old texts are kept in a table with this suffix to the table's name.
    #[param(default = "before_normalization")]
    suffix: String,
    /// The texts that have no form are kept in a table with this suffix to the table's
    /// name, with the reason.
    #[param(default = "normalization_rejects")]
    rejects_suffix: String,
}

plugin_sdk::export!(NormalizeText);

impl Migration for NormalizeText {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        self.check()?;
        let columns = self.names();
        let target = self.target(tx, &columns)?;
        let saved = Saved::new(&target, &self.suffix, &columns, &self.touched)?;
        let rejects = Rejects::new(&target, &self.rejects_suffix)?;
        target.lock(tx)?;
        saved.create(tx)?;
        let mut rejected = rejects.create(tx)?;
        let mut writer = saved.open(tx)?;
        let any = columns
            .iter()
            .map(|name| format!("{} IS NOT NULL", ident(name)))
            .collect::<Vec<_>>()
            .join(" OR ");
        let rows = tx.reader(&saved.select(&any), &[])?;
        let mut read = 0;
        rows.for_each(|row| {
            read += 1;
            let new = self.normalized(&row, saved.first_column(), &mut rejected)?;
            if new.iter().any(Option::is_some) { writer.write(&row, &new) } else { Ok(()) }
        })?;
        writer.finish()?;
        rejected.finish(rejects.table())?;
        let changed = saved.apply(tx).map_err(explain)?;
        info!(
            "rows of {} whose text was changed: {changed} of {read}; {} has what they were",
            target.name,
            saved.table()
        );
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let columns = self.names();
        let target = self.target(tx, &columns)?;
        let restored =
            Saved::new(&target, &self.suffix, &columns, &self.touched)?.restore(tx).map_err(explain)?;
        Rejects::new(&target, &self.rejects_suffix)?.drop(tx)?;
        info!("rows of {} whose text was put back: {restored}", target.name);
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        let (saved, rejects) = ("${table}_${suffix}", "${table}_${rejects_suffix}");
        vec![
            Capability::new("read", ["${table}", saved], "reads the texts, and what they were"),
            Capability::new("write", ["${table}"], "writes the texts in their form"),
            Capability::new(
                "lock",
                ["${table}"],
                "lets nobody change a text between its reading and its writing",
            ),
            Capability::new("ddl", [saved, rejects], "creates the tables that keep old texts and rejects"),
            Capability::new("drop", [saved, rejects], "drops those tables again"),
        ]
    }
}

impl NormalizeText {
    fn check(&self) -> Result<()> {
        for (name, steps) in &self.columns {
            ensure!(!steps.is_empty(), "no step is named for the column `{name}`");
        }
        if let Some(country) = &self.country {
            ensure!(
                phonelib::country_by_code(country).is_some(),
                "`{country}` is no country: the parameter `country` takes the two letters of ISO 3166, as in `DE`"
            );
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        self.columns.keys().cloned().collect()
    }

    fn target(&self, tx: &Transaction, columns: &[String]) -> Result<Target> {
        let target = Target::find_keyed(tx, &self.table)?;
        target.check_texts(columns)?;
        Ok(target)
    }

    /// The new texts of a row: none for a column that has its form, is NULL, or was
    /// rejected.
    fn normalized(
        &self,
        row: &RawRow<'_>,
        first: usize,
        rejected: &mut RejectWriter<'_>,
    ) -> Result<Vec<Option<String>>> {
        let of_column = |(place, (name, steps)): (usize, (&String, &Vec<Step>))| {
            let Some(text) = row.get::<Option<&str>>(first + place)? else { return Ok(None) };
            match normalize(text, steps, self.country.as_deref()) {
                Ok(new) => Ok((new != text).then_some(new)),
                Err(reason) => rejected.write(row, name, text, &reason).map(|()| None),
            }
        };
        self.columns.iter().enumerate().map(of_column).collect()
    }
}

/// Two texts can have the same form.
fn explain(error: Error) -> Error {
    match error.sqlstate() {
        Some(UNIQUE_VIOLATION) => Error::message(format!(
            "two rows would have the same text in the unique index `{}`: merge such rows before this revision ({error})",
            error.constraint().unwrap_or_default()
        )),
        _ => error,
    }
}
