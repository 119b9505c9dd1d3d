//! The ledger's part of scripts that psql runs: the same tables and the same
//! rows as by [`Ledger::ensure`] and the functions that record, from the same
//! SQL.

use serde_json::Value;

use crate::db::quote_literal;
use crate::revision::{Digest, RevisionId};

use super::schema::VERSIONS;
use super::write::{compressed, revision_texts};
use super::{CURRENT_VERSION, Confinement, Ledger, LedgerError, Outcome};

/// Hexadecimal digits of a component in one line of a script.
const DIGITS: usize = 120;

/// What a script knows only when it runs, as SQL or as variables of psql.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRunTime<'a> {
    /// The run's number, as an expression.
    pub run: &'a str,
    /// The number of the transaction, as an expression.
    pub transaction: &'a str,
    /// How many milliseconds the step took, as an expression.
    pub duration_ms: &'a str,
    /// How many rows it touched, as an expression.
    pub rows: &'a str,
}

impl Ledger {
    /// Makes the tables, or brings them to the current version; nothing where
    /// they are at it already. Sets variables of psql that begin with
    /// `runner_`.
    pub fn tables_script(&self) -> String {
        let mut script = format!(
            "\\set runner_version 0\n\
             SELECT pg_catalog.to_regclass({table}) IS NOT NULL AS runner_is_there,\n\
             \x20   pg_catalog.to_regnamespace({schema}) IS NULL AS runner_needs_schema \\gset\n\
             \\if :runner_is_there\n\
             SELECT version AS runner_version FROM {0}.ledger \\gset\n\
             \\endif\n\
             SELECT :runner_version < {CURRENT_VERSION} AS runner_is_old \\gset\n\
             \\if :runner_is_old\n\
             BEGIN;\n\
             \\if :runner_needs_schema\n\
             CREATE SCHEMA {0};\n\
             \\endif\n",
            self.schema,
            table = quote_literal(&format!("{}.ledger", self.schema)),
            schema = quote_literal(&self.schema),
        );
        for (version, sql) in (1..).zip(VERSIONS) {
            let sql = sql.replace("{schema}", &self.schema);
            script += &format!(
                "SELECT :runner_version < {version} AS runner_is_older \\gset\n\
                 \\if :runner_is_older\n{}\n\\endif\n",
                sql.trim_end()
            );
        }
        script += &format!("{}COMMIT;\n\\endif\n", self.version_sql());
        script
    }

    /// An expression that is true if the ledger has the version that scripts
    /// are written for.
    pub fn version_expression(&self) -> String {
        format!("(SELECT version FROM {}.ledger) = {CURRENT_VERSION}", self.schema)
    }

    /// An expression that is true if the revision was applied from these
    /// sources, with these parameters.
    pub fn source_expression(&self, revision: &RevisionId, source: Digest, params: &Value) -> String {
        format!(
            "EXISTS (SELECT 1 FROM {}.revision WHERE revision = {} AND source_digest = {} \
             AND params::jsonb = {}::jsonb)",
            self.schema,
            quote_literal(revision.as_str()),
            bytes(source),
            quote_literal(&params.to_string()),
        )
    }

    /// An expression that is true if all of the revisions are applied, or none
    /// of them.
    pub fn applied_expression(&self, revisions: &[RevisionId], all: bool) -> String {
        let list: Vec<_> = revisions.iter().map(|id| quote_literal(id.as_str())).collect();
        format!(
            "(SELECT count(*) FROM {}.revision WHERE revision = ANY (ARRAY[{}]::text[])) = {}",
            self.schema,
            list.join(", "),
            if all { revisions.len() } else { 0 },
        )
    }

    /// An expression that is true if nothing is applied.
    pub fn empty_expression(&self) -> String {
        format!("NOT EXISTS (SELECT 1 FROM {}.revision)", self.schema)
    }

    /// An expression that is true if no other applied revision needs one of
    /// these.
    pub fn not_needed_expression(&self, revisions: &[RevisionId]) -> String {
        let list: Vec<_> = revisions.iter().map(|id| quote_literal(id.as_str())).collect();
        let list = format!("ARRAY[{}]::text[]", list.join(", "));
        format!(
            "NOT EXISTS (SELECT 1 FROM {}.revision WHERE (parents || depends_on) && {list} \
             AND revision <> ALL ({list}))",
            self.schema
        )
    }

    /// Keeps a component's bytes.
    pub fn component_script(&self, digest: Digest, component: &[u8]) -> Result<String, LedgerError> {
        let digits = hex::encode(compressed(digest, component)?);
        let lines: Vec<&str> =
            (0..digits.len()).step_by(DIGITS).map(|at| &digits[at..digits.len().min(at + DIGITS)]).collect();
        Ok(format!(
            "INSERT INTO {}.component (digest, size, zstd) VALUES ({}, {}, pg_catalog.decode('\n{}\n', 'hex'))\n\
             ON CONFLICT (digest) DO NOTHING;\n",
            self.schema,
            bytes(digest),
            component.len(),
            lines.join("\n"),
        ))
    }

    /// Records a step, or a stamp of one revision.
    pub fn record_script(
        &self,
        actor: &str,
        tag: Option<&str>,
        outcome: &Outcome<'_>,
        at: &AtRunTime<'_>,
    ) -> String {
        let manifest = outcome.manifest;
        let mut params = vec![
            at.run.to_owned(),
            quote_literal(actor),
            quote_literal(outcome.direction.as_str()),
            quote_literal(manifest.revision.as_str()),
            bytes(outcome.source_digest),
            outcome.component_digest.map_or_else(null, bytes),
            at.duration_ms.to_owned(),
            outcome.statements.to_string(),
            at.rows.to_owned(),
            quote_literal(env!("CARGO_PKG_VERSION")),
            at.transaction.to_owned(),
            quote_literal(outcome.how.as_str()),
            tag.map_or_else(null, quote_literal),
            outcome.confinement.map(Confinement::as_str).map_or_else(null, quote_literal),
        ];
        // As in the rows that we write ourselves: no text holds the character 0.
        let literal = |text: &String| quote_literal(&text.replace('\0', "\u{fffd}"));
        params.extend(revision_texts(outcome).iter().map(literal));
        with_values(&self.record_sql(outcome.direction), &params) + ";\n"
    }

    /// Removes the rows of revisions that were not taken back; with none, the
    /// rows of all revisions that there are.
    pub fn unstamp_script(
        &self,
        actor: &str,
        tag: Option<&str>,
        revisions: Option<&[RevisionId]>,
        at: &AtRunTime<'_>,
    ) -> String {
        let which = match revisions {
            Some(revisions) => {
                let list: Vec<_> = revisions.iter().map(|id| quote_literal(id.as_str())).collect();
                format!("(ARRAY[{}]::text[])", list.join(", "))
            }
            None => {
                format!("(ARRAY(SELECT revision FROM {}.revision ORDER BY revision DESC))", self.schema)
            }
        };
        let params = [
            at.run.to_owned(),
            quote_literal(actor),
            which,
            quote_literal(env!("CARGO_PKG_VERSION")),
            tag.map_or_else(null, quote_literal),
        ];
        with_values(&self.unstamp_sql(), &params) + ";\n"
    }
}

fn null() -> String {
    "NULL".to_owned()
}

fn bytes(digest: Digest) -> String {
    format!("pg_catalog.decode('{}', 'hex')", hex::encode(digest.as_bytes()))
}

/// One of our own statements with the values in the places of `$1` … `$n`. Names
/// in quotes, as the schema's, may hold a dollar sign; the values are not looked
/// at.
fn with_values(sql: &str, values: &[String]) -> String {
    let outside_and_inside = sql.split('"').map(str::to_owned).enumerate();
    let parts: Vec<String> = outside_and_inside
        .map(|(number, part)| if number % 2 == 0 { with_values_outside(&part, values) } else { part })
        .collect();
    parts.join("\"")
}

fn with_values_outside(sql: &str, values: &[String]) -> String {
    let mut parts = sql.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|character: char| !character.is_ascii_digit()).unwrap_or(part.len());
        let number: usize = part[..end].parse().expect("a parameter has a number");
        whole += &values[number - 1];
        whole += &part[end..];
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_the_places_of_parameters_and_are_not_looked_at() {
        let values: Vec<String> = (1..=11).map(|number| format!("<{number} $1>")).collect();
        assert_eq!(with_values("a $1::text, $11, $2", &values), "a <1 $1>::text, <11 $1>, <2 $1>");
        assert_eq!(with_values("\"a$1\".t $1 \"b\"\"$2\"", &values), "\"a$1\".t <1 $1> \"b\"\"$2\"");
    }

    #[test]
    fn every_version_of_the_tables_is_in_the_script() {
        let script = Ledger::in_schema("Led'ger").tables_script();
        assert_eq!(script.matches("\\if :runner_is_older").count() as i64, CURRENT_VERSION);
        assert!(script.contains("to_regclass('\"Led''ger\".ledger')"), "{script}");
    }
}
