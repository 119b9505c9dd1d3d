//! Merges columns into a new one by a template.
//!
//! The server does the work, by one UPDATE: nothing is computed that SQL could not.

mod template;
#[cfg(test)]
mod tests;

use plugin_kit::{Rejects, Target, ident, list, literal};
use plugin_sdk::prelude::*;

use template::Part;

/// Merges columns into one by a template.
#[derive(Params)]
struct MergeColumns {
    /// The table, as in `public.customers`. It needs a primary key.
    table: String,
    /// Text with columns in braces: `{street} {number}, {city}`. `{{` stands for a brace.
    template: String,
    /// The new column, of type text.
    into: String,
    /// What becomes of a row where a part of the template is NULL.
    #[param(default = Missing::Omit)]
    missing: Missing,
    /// The rows with a missing part are kept in a table with this suffix to the table's
    /// name, where `missing` is `reject`.
    #[param(default = "merge_rejects")]
    rejects_suffix: String,
}

/// What becomes of a row that lacks a part.
#[derive(Clone, Copy, PartialEq, Params)]
enum Missing {
    /// The part is left out, with the white space that is then too much.
    Omit,
    /// The new column is NULL, and the row is listed as a reject.
    Reject,
}

plugin_sdk::export!(MergeColumns);

impl Migration for MergeColumns {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let parts = self.parts()?;
        let target = Target::find_keyed(tx, &self.table)?;
        target.check_new(&[&self.into])?;
        let columns = columns(&parts);
        for name in &columns {
            target.column(name)?;
        }
        let (table, into) = (target.name.sql(), ident(&self.into));
        target.lock(tx)?;
        tx.execute(&format!("ALTER TABLE {table} ADD COLUMN {into} text"), &[])?;
        let all = columns.iter().map(|name| format!("{} IS NOT NULL", ident(name))).collect::<Vec<_>>();
        let (value, condition) = match self.missing {
            Missing::Reject => (joined(&parts), all.join(" AND ")),
            Missing::Omit => (squeezed(&parts), all.join(" OR ")),
        };
        let merged = tx.execute(&format!("UPDATE {table} SET {into} = {value} WHERE {condition}"), &[])?;
        info!("rows of {} that have `{}` now: {merged}", target.name, self.into);
        if self.missing == Missing::Reject {
            self.reject(tx, &target, &columns)?;
        }
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let target = Target::find_keyed(tx, &self.table)?;
        tx.execute(&format!("ALTER TABLE {} DROP COLUMN {}", target.name.sql(), ident(&self.into)), &[])?;
        match self.missing {
            Missing::Omit => Ok(()),
            Missing::Reject => Rejects::new(&target, &self.rejects_suffix)?.drop(tx),
        }
    }

    fn capabilities() -> Vec<Capability> {
        let rejects = "${table}_${rejects_suffix}";
        vec![
            Capability::new("read", ["${table}"], "reads the columns"),
            Capability::new("write", ["${table}"], "writes what they make together"),
            Capability::new(
                "lock",
                ["${table}"],
                "lets nobody change a row between its reading and its writing",
            ),
            Capability::new(
                "ddl",
                ["${table}", rejects],
                "adds the column, and the table of what lacks a part",
            ),
            Capability::new("drop", ["${table}", rejects], "drops them again"),
        ]
    }
}

impl MergeColumns {
    fn parts(&self) -> Result<Vec<Part>> {
        template::parse(&self.template)
            .map_err(|problem| Error::message(format!("the parameter `template`: {problem}")))
    }

    /// Lists the rows that lack a part, each under the first column that is NULL. A row
    /// that has none of the parts has nothing to merge, and is none of them.
    fn reject(&self, tx: &Transaction, target: &Target, columns: &[&str]) -> Result<()> {
        let rejects = Rejects::new(target, &self.rejects_suffix)?;
        rejects.create(tx)?.finish(rejects.table())?;
        let cases = columns.iter().map(|name| format!("WHEN {} IS NULL THEN {}", ident(name), literal(name)));
        let cases = cases.collect::<Vec<_>>().join(" ");
        let nulls = |word: &str, is: &str| {
            columns.iter().map(|name| format!("{} {is}", ident(name))).collect::<Vec<_>>().join(word)
        };
        let there = list(columns, |name| format!("{}::text", ident(name)));
        let rejected = tx.execute(
            &format!(
                "INSERT INTO {} SELECT {}, CASE {cases} END, concat_ws(' ', {there}), 'is NULL' FROM {} \
                 WHERE ({}) AND ({})",
                rejects.table().sql(),
                list(target.key(), |name| ident(name)),
                target.name.sql(),
                nulls(" OR ", "IS NULL"),
                nulls(" OR ", "IS NOT NULL"),
            ),
            &[],
        )?;
        if rejected > 0 {
            warn!(
                "rows that lack a part, and have no `{}`: {rejected}; {} has them",
                self.into,
                rejects.table()
            );
        }
        Ok(())
    }
}

/// The columns of a template, each once.
fn columns(parts: &[Part]) -> Vec<&str> {
    let mut columns = Vec::new();
    for part in parts {
        if let Part::Column(name) = part
            && !columns.contains(&name.as_str())
        {
            columns.push(name);
        }
    }
    columns
}

/// The template in SQL; NULL where a part is.
fn joined(parts: &[Part]) -> String {
    parts.iter().map(Part::sql).collect::<Vec<_>>().join(" || ")
}

/// The template in SQL; a part that is NULL is left out.
fn squeezed(parts: &[Part]) -> String {
    format!("btrim(regexp_replace(concat({}), '\\s+', ' ', 'g'))", list(parts, Part::sql))
}

impl Part {
    fn sql(&self) -> String {
        match self {
            Self::Text(text) => literal(text),
            Self::Column(name) => format!("{}::text", ident(name)),
        }
    }
}
