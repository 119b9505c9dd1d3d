//! Repairs text columns of a table whose text was read in the wrong character set.
//!
//! What is text and what is damage, the module [`repair`] knows. Here are the rows:
//! which are read, how they are changed, and how they come back.

mod example;
mod repair;
#[cfg(test)]
mod tests;

use plugin_kit::{Saved, Target, ident};
use plugin_sdk::RawRow;
use plugin_sdk::prelude::*;

use example::example;
use repair::{Charset, LATIN_1, MAC_ROMAN, Repair, WINDOWS_1252};

/// How many repaired texts of a column are shown, so that the operator sees what
/// happens.
const EXAMPLES: u64 = 3;

/// Repairs text that was read in the wrong character set, such as `Ã©` for é.
#[derive(Params)]
struct RepairText {
    /// The table, as in `public.listings`. It needs a primary key.
    table: String,
    /// The columns whose text is repaired.
    columns: Vec<String>,
    /// The character sets that the text may have been read in. Where two explain a
    /// text equally well, the first one counts.
    #[param(default = vec![Encoding::Windows1252, Encoding::Latin1, Encoding::MacRoman])]
    encodings: Vec<Encoding>,
    /// How often a text may have been damaged, from 1 to 8.
    #[param(default = 4)]
    layers: u8,
    /// Columns that a trigger sets when a row is updated, such as `updated_at`: the
    /// downgrade puts back what they were, unless the row was changed since.
    #[param(default)]
    touched: Vec<String>,
    /// The old texts are kept in a table with this suffix to the table's name.
    #[param(default = "before_repair")]
    suffix: String,
    /// Counts what would be repaired and then fails, so that nothing is changed and
    /// the revision is not recorded.
    #[param(default)]
    dry_run: bool,
}

/// A character set that UTF-8 is mistaken for.
#[derive(Clone, Copy, PartialEq, Params)]
enum Encoding {
    #[param(rename = "windows-1252")]
    Windows1252,
    #[param(rename = "latin-1")]
    Latin1,
    #[param(rename = "mac-roman")]
    MacRoman,
}

plugin_sdk::export!(RepairText);

impl Encoding {
    fn charset(self) -> &'static Charset {
        match self {
            Self::Windows1252 => &WINDOWS_1252,
            Self::Latin1 => &LATIN_1,
            Self::MacRoman => &MAC_ROMAN,
        }
    }
}

impl Migration for RepairText {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let repair = self.repair()?;
        let target = self.target(tx)?;
        let saved = self.saved(&target)?;
        target.lock(tx)?;
        let mut found = Found::new(&self.columns);
        if self.dry_run {
            let rows = tx.reader(&saved.select(&self.beyond_ascii()), &[])?;
            rows.for_each(|row| found.look_at(&repair, &row, saved.first_column()).map(drop))?;
            bail!("dry run: {found} of {} would be repaired; nothing was changed", target.name);
        }
        saved.create(tx)?;
        let mut writer = saved.open(tx)?;
        let rows = tx.reader(&saved.select(&self.beyond_ascii()), &[])?;
        rows.for_each(|row| match found.look_at(&repair, &row, saved.first_column())? {
            Some(new) => writer.write(&row, &new),
            None => Ok(()),
        })?;
        writer.finish()?;
        saved.apply(tx)?;
        info!("repaired {found} of {}; {} has what they were", target.name, saved.table());
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let target = self.target(tx)?;
        let restored = self.saved(&target)?.restore(tx)?;
        info!("rows of {} whose text was put back: {restored}", target.name);
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        let saved = "${table}_${suffix}";
        vec![
            Capability::new("read", ["${table}", saved], "reads the texts, and what they were"),
            Capability::new("write", ["${table}"], "writes the repaired texts"),
            Capability::new(
                "lock",
                ["${table}"],
                "lets nobody change a text between its reading and its repair",
            ),
            Capability::new("ddl", [saved], "creates the table that keeps the old texts"),
            Capability::new("drop", [saved], "drops that table again"),
        ]
    }
}

impl RepairText {
    fn repair(&self) -> Result<Repair> {
        ensure!((1..=8).contains(&self.layers), "`layers` is {}: it goes from 1 to 8", self.layers);
        ensure!(!self.encodings.is_empty(), "`encodings` is empty: there would be nothing to repair");
        let sets = self.encodings.iter().map(|encoding| encoding.charset()).collect();
        Ok(Repair { sets, layers: self.layers.into() })
    }

    fn target(&self, tx: &Transaction) -> Result<Target> {
        let target = Target::find_keyed(tx, &self.table)?;
        target.check_texts(&self.columns)?;
        Ok(target)
    }

    fn saved<'t>(&'t self, target: &'t Target) -> Result<Saved<'t>> {
        Saved::new(target, &self.suffix, &self.columns, &self.touched)
    }

    /// Text in ASCII cannot be damaged, and need not leave the server.
    fn beyond_ascii(&self) -> String {
        let beyond = |name: &String| format!("octet_length({0}::text) > char_length({0}::text)", ident(name));
        self.columns.iter().map(beyond).collect::<Vec<_>>().join(" OR ")
    }
}

/// What was found.
struct Found<'a> {
    columns: &'a [String],
    read: u64,
    rows: u64,
    /// For each column the texts to be repaired.
    texts: Vec<u64>,
}

impl<'a> Found<'a> {
    fn new(columns: &'a [String]) -> Self {
        Self { columns, read: 0, rows: 0, texts: vec![0; columns.len()] }
    }

    /// Repairs the texts of a row, which are its columns from `first` on; none where
    /// all of them are sound.
    fn look_at(
        &mut self,
        repair: &Repair,
        row: &RawRow<'_>,
        first: usize,
    ) -> Result<Option<Vec<Option<String>>>> {
        self.read += 1;
        let mut new = Vec::with_capacity(self.columns.len());
        for (place, count) in self.texts.iter_mut().enumerate() {
            let text: Option<&str> = row.get(first + place)?;
            let repaired = text.and_then(|text| repair.repair(text));
            if let (Some(text), Some(repaired), true) = (text, &repaired, *count < EXAMPLES)
                && let Some([before, after]) = example(text, repaired)
            {
                info!("for example {}\nbefore: {before}\nafter:  {after}", self.columns[place]);
            }
            *count += u64::from(repaired.is_some());
            new.push(repaired);
        }
        let is_damaged = new.iter().any(Option::is_some);
        self.rows += u64::from(is_damaged);
        Ok(is_damaged.then_some(new))
    }
}

impl std::fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<_> = self
            .columns
            .iter()
            .zip(&self.texts)
            .map(|(column, count)| format!("{column}: {count}"))
            .collect();
        write!(f, "{} of {} rows with text beyond ASCII ({})", self.rows, self.read, texts.join(", "))
    }
}
