//! The scripts of one revision, out of what Alembic sends offline.

use super::Finding;
use super::file::RevisionFile;
use super::offline::{Said, Sent, Trouble};
use super::remark::{Remark, RemarkKind};
use super::script::{Body, Script};
use crate::policy;
use crate::source::Scripts;

/// Why a revision's SQL cannot be had.
pub struct Refusal {
    /// The line of the revision's file, from 1; 0 where that is not known.
    pub line: usize,
    /// The reason.
    pub reason: String,
}

impl Refusal {
    fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

impl From<&Trouble> for Refusal {
    fn from(trouble: &Trouble) -> Self {
        Self::new(trouble.line.unwrap_or(0), trouble.text.clone())
    }
}

/// The two scripts, with what of the revision they do not carry over.
pub fn scripts(
    file: &RevisionFile,
    said: Option<&Said>,
    version: &str,
) -> Result<(Scripts, Vec<Finding>), Refusal> {
    let script = &file.script;
    let header = |note: &str| {
        format!("-- {}\n--\n-- Made by `runner import` from {}{note}\n", script.message, file.file.display())
    };
    if script.upgrade == Body::Nothing && !matches!(script.downgrade, Body::Code) {
        // A merge: nothing of it needs Alembic.
        let downgrade =
            (script.downgrade == Body::Nothing).then(|| header(", which does nothing.") + DOES_NOTHING);
        let upgrade = header(", which does nothing.");
        return Ok((Scripts { upgrade, downgrade }, Vec::new()));
    }
    let said = said.ok_or_else(|| Refusal::new(0, "Alembic was not run, so there is no SQL of it"))?;
    if let Some(remark) = first(script, RemarkKind::Offline) {
        return Err(Refusal::new(remark.line, "it does something else where there is no database"));
    }
    let header = header(&format!(", with\n-- what Alembic {version} sends offline."));
    let upgrade = match script.upgrade {
        Body::Nothing => header.clone(),
        _ => with_header(&header, &sql(script, &said.upgrade)?),
    };
    let mut findings = remarks(file);
    let downgrade = match downgrade(script, &said.downgrade) {
        Ok(sql) => Some(with_header(&header, &sql)),
        Err(Refusal { line, reason }) => {
            findings.push(Finding::at(&file.file, line, format!("no downgrade.sql: {reason}")));
            None
        }
    };
    Ok((Scripts { upgrade, downgrade }, findings))
}

/// A script without a statement would count as none, and the revision could not
/// be taken back; Alembic goes back over it.
const DOES_NOTHING: &str = "\nSELECT 1;\n";

fn with_header(header: &str, sql: &str) -> String {
    format!("{header}\n{sql}")
}

fn downgrade(script: &Script, sent: &Sent) -> Result<String, Refusal> {
    match script.downgrade {
        Body::Missing => Err(Refusal::new(0, "there is no downgrade()")),
        Body::Raises => Err(Refusal::new(0, "downgrade() raises an exception")),
        Body::Nothing => Err(Refusal::new(
            0,
            "downgrade() does nothing, which would leave behind what upgrade() made; write one if that is meant",
        )),
        Body::Code => sql(script, sent),
    }
}

/// The statements as a script. Each is parsed by itself: a comment at the end of
/// one must not swallow the next.
fn sql(script: &Script, sent: &Sent) -> Result<String, Refusal> {
    let chunks = match sent {
        Sent::Error(trouble) => return Err(trouble.into()),
        Sent::Statements(chunks) => chunks,
    };
    let line = first(script, RemarkKind::Autocommit).map_or(0, |remark| remark.line);
    let refused =
        |error: policy::PolicyError| Refusal::new(line, format!("its SQL cannot be run here: {error}"));
    let (mut text, mut count) = (String::new(), 0);
    for chunk in chunks {
        for statement in policy::statements(chunk).map_err(refused)? {
            let ends_in_comment = statement.text.lines().last().is_some_and(|line| line.contains("--"));
            text.push_str(&lines_trimmed(statement.text));
            text.push_str(if ends_in_comment { "\n;\n\n" } else { ";\n\n" });
            count += 1;
        }
    }
    if count == 0 {
        return Err(Refusal::new(0, "it sends nothing where there is no database"));
    }
    text.pop();
    match policy::statements(&text).map_err(refused)?.len() {
        whole if whole == count => Ok(text),
        _ => Err(Refusal::new(0, "its SQL cannot be put together into one script")),
    }
}

/// SQLAlchemy leaves a space before the line break after each column. Nothing is
/// trimmed where a text could go over the line's end.
fn lines_trimmed(text: &str) -> String {
    if text.contains(['\'', '$', '"']) {
        return text.to_owned();
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// What the revision's code does that its SQL does not show.
fn remarks(file: &RevisionFile) -> Vec<Finding> {
    let said = |remark: &Remark| {
        Some(match remark.kind {
            RemarkKind::Connection => {
                "it asks for the connection (`get_bind`); the SQL is what it sends without one"
            }
            RemarkKind::Computed => "it computes a value; the SQL holds what that was at the import",
            RemarkKind::Autocommit | RemarkKind::Offline => return None,
        })
    };
    let remarks = file.script.remarks.iter();
    remarks.filter_map(|remark| Some(Finding::at(&file.file, remark.line, said(remark)?))).collect()
}

fn first(script: &Script, kind: RemarkKind) -> Option<&Remark> {
    script.remarks.iter().find(|remark| remark.kind == kind)
}
