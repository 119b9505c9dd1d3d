//! One step as a script: the same statements in the same order as when it runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{Parameter, Recorded, quote_identifier, quote_literal};
use crate::policy::PolicyError;

use super::psql::{Tally, comment, statement};
use super::types::{Uses, check_columns, check_parameters, uses};

/// Writes what a migration did.
#[derive(Default)]
pub(super) struct Work {
    script: String,
    tally: Tally,
    /// For each prepared statement what was checked of its parameters.
    prepared: BTreeMap<usize, Uses>,
}

impl Work {
    /// Writes everything, up to the end of the migration's part.
    pub(super) fn write(recorded: &[Recorded]) -> Result<String, PolicyError> {
        let mut work = Self::default();
        work.script += Tally::begin();
        for recorded in recorded {
            work.one(recorded)?;
        }
        for number in work.prepared.keys() {
            work.script += &format!("DEALLOCATE runner_{number};\n");
        }
        work.script += &work.tally.end();
        Ok(work.script)
    }

    fn one(&mut self, recorded: &Recorded) -> Result<(), PolicyError> {
        match recorded {
            Recorded::Statement { sql, told } => {
                self.script += &statement(sql)?;
                self.script += &self.tally.after(sql, *told);
            }
            Recorded::Execute { number, sql, params, told } => {
                self.prepare(*number, sql, params)?;
                let values: Vec<String> = params.iter().map(value).collect();
                self.script += &format!("EXECUTE runner_{number}({});\n", values.join(", "));
                self.script += &self.tally.add(Some(*told));
            }
            Recorded::Copy { table, columns, rows } => self.copy(table, columns, rows),
        }
        Ok(())
    }

    /// Has the server find out the types of the parameters, as it does when the
    /// migration runs, before the first values; and checks them for values of
    /// other types than before.
    fn prepare(&mut self, number: usize, sql: &str, params: &[Parameter]) -> Result<(), PolicyError> {
        let name = format!("runner_{number}");
        if !self.prepared.contains_key(&number) {
            self.script += &statement(&format!("PREPARE {name} AS {sql}"))?;
        }
        let checked = self.prepared.entry(number).or_default();
        let numbers = (1..).map(|number: usize| number.to_string());
        let new: Uses = uses(numbers, params).difference(checked).cloned().collect();
        self.script += &check_parameters(&name, &new);
        checked.extend(new);
        Ok(())
    }

    fn copy(&mut self, table: &str, columns: &[String], rows: &[Vec<Parameter>]) {
        let used: BTreeSet<_> = rows.iter().flat_map(|row| uses(columns.iter().cloned(), row)).collect();
        self.script += &check_columns(table, &used);
        let names: Vec<String> = columns.iter().map(|column| quote_identifier(column)).collect();
        self.script += &format!("COPY {table} ({}) FROM stdin;\n", names.join(", "));
        for row in rows {
            let fields: Vec<String> = row.iter().map(field).collect();
            self.script += &fields.join("\t");
            self.script.push('\n');
        }
        self.script += "\\.\n";
        self.script += &self.tally.add(Some(rows.len() as u64));
    }
}

/// A comment that stands out.
pub(super) fn heading(text: &str) -> String {
    format!("\n--\n{}--\n", comment(text))
}

/// A value without a type: the server reads it as what it expects.
fn value(parameter: &Parameter) -> String {
    text_of(parameter).map_or_else(|| "NULL".to_owned(), quote_literal)
}

/// A field of COPY's text format; see PostgreSQL's manual, COPY, "Text Format".
fn field(parameter: &Parameter) -> String {
    let Some(text) = text_of(parameter) else { return "\\N".to_owned() };
    let mut field = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => field += "\\\\",
            '\n' => field += "\\n",
            '\r' => field += "\\r",
            '\t' => field += "\\t",
            other => field.push(other),
        }
    }
    field
}

fn text_of(parameter: &Parameter) -> Option<&str> {
    match parameter {
        Parameter::Null => None,
        Parameter::Text(text) => Some(text),
        Parameter::Written(written) => Some(&written.text),
        Parameter::Binary(_) => unreachable!("a recording is given texts only"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Fits, Written};

    fn written(text: &str) -> Parameter {
        let fits = Fits { types: vec!["text".into()], enums: true };
        Parameter::Written(Written { text: text.into(), fits })
    }

    #[test]
    fn a_field_holds_no_character_that_copy_would_take_for_its_own() {
        assert_eq!(field(&written("\\.\n\t\\N\r")), "\\\\.\\n\\t\\\\N\\r");
        assert_eq!(field(&Parameter::Null), "\\N");
    }

    #[test]
    fn a_statement_is_prepared_and_its_types_are_checked_once() {
        let execute = |text: &str| Recorded::Execute {
            number: 1,
            sql: "INSERT INTO t VALUES ($1)".into(),
            params: vec![written(text)],
            told: 1,
        };
        let script = Work::write(&[execute("it's"), execute("\\")]).expect("is written");
        assert_eq!(script.matches("PREPARE runner_1 AS INSERT INTO t VALUES ($1);").count(), 1);
        assert_eq!(script.matches("a parameter has another type").count(), 1);
        assert!(script.contains("EXECUTE runner_1('it''s');\n"), "{script}");
        assert!(script.contains("EXECUTE runner_1(E'\\\\');\n"), "{script}");
        assert_eq!(script.matches("DEALLOCATE runner_1;").count(), 1);
    }
}
