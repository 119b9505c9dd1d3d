//! Values as lines of text. Prints nothing.

use std::path::Path;

use runner::db::{DbError, ServerError};
use runner::host::{CallError, FailedStatement, StatementError};
use runner::policy::PolicyError;
use runner::revision::{Manifest, RevisionId};
use runner::run::{Backup, Failed, ResumeError, StepError};

/// The longest line of SQL that is shown whole, in characters.
const LONGEST_LINE: usize = 100;

/// `1 revision`, `2 revisions`.
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    match number.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

/// Milliseconds as people read them.
pub fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{:.1} s", milliseconds as f64 / 1_000.0),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1_000),
    }
}

/// Some ids, or `base` where there are none.
pub fn heads(heads: &[RevisionId]) -> String {
    match heads {
        [] => "base".into(),
        some => ids(some),
    }
}

/// Some ids, with commas between them.
pub fn ids(ids: &[RevisionId]) -> String {
    ids.iter().map(RevisionId::as_str).collect::<Vec<_>>().join(", ")
}

/// What a revision may do, one line a grant.
pub fn grants_in_words(manifest: &Manifest) -> Vec<String> {
    match manifest.grants() {
        None => vec!["whatever the login may do: its SQL declares no [capabilities]".to_owned()],
        Some(grants) if grants.in_words().is_empty() => vec!["nothing in the database".to_owned()],
        Some(grants) => grants.in_words(),
    }
}

/// What led to a step's failure, outermost first.
pub fn step_causes(error: &StepError) -> Vec<String> {
    match error {
        StepError::Call { error, statement, script } => {
            call_causes(error, statement.as_deref(), script.as_deref())
        }
        StepError::Statement { statement, script } => statement_causes(statement, script.as_deref()),
        StepError::Effects(effects) => {
            let first = "it did what its manifest does not grant".to_owned();
            [first].into_iter().chain(effects.iter().map(ToString::to_string)).collect()
        }
        other => {
            let mut causes = vec![other.to_string()];
            if let Some(DbError::Server(server)) = other.database() {
                causes.push(server_error(server));
            } else if let Some(source) = std::error::Error::source(other) {
                causes.push(source.to_string());
            }
            causes.dedup();
            causes
        }
    }
}

fn call_causes(error: &CallError, statement: Option<&FailedStatement>, script: Option<&str>) -> Vec<String> {
    let mut causes = Vec::new();
    // What the migration says of an error that it passes on is what the
    // statement says, in fewer words.
    if !matches!(error, CallError::Sql { .. }) || statement.is_none() {
        causes.push(error.to_string());
    }
    if let CallError::Trap { backtrace, .. } = error
        && !backtrace.is_empty()
    {
        causes.push(format!("it happened in {}", backtrace.join("\ncalled by ")));
    }
    if let Some(statement) = statement {
        causes.extend(statement_causes(statement, script));
    }
    causes
}

/// Why a migration's part of a script cannot be written.
pub fn recording_causes(
    error: &CallError,
    statement: Option<&FailedStatement>,
    script: Option<&str>,
) -> Vec<String> {
    let CallError::Unrecordable { statement } = error else {
        return call_causes(error, statement, script);
    };
    let text = statement.text.split_whitespace().collect::<Vec<_>>().join(" ");
    vec![joined([statement.error.to_string(), excerpt(&text, None, None)])]
}

fn statement_causes(statement: &FailedStatement, script: Option<&str>) -> Vec<String> {
    let which = match statement.index {
        Some((number, total)) => format!("statement {number} of {total}"),
        None => "a statement".to_owned(),
    };
    let place = excerpt(&statement.text, statement.position, script);
    match &statement.error {
        StatementError::Database(DbError::Server(error)) => vec![
            format!("{which} was rejected by PostgreSQL ({})", error.sqlstate),
            joined([server_error(error), place]),
        ],
        StatementError::Database(error) => vec![format!("{which} was not answered"), error.to_string()],
        StatementError::Policy(error) => {
            vec![format!("{which} was not sent"), joined([error.to_string(), place])]
        }
        StatementError::Bulk(message) => vec![joined([message.clone(), place])],
    }
}

/// What is wrong with a script, and where.
pub fn script_cause(file: &Path, text: &str, error: &PolicyError) -> String {
    let file = file.display().to_string();
    let place = match error.position() {
        None => file,
        position => excerpt(text, position, Some(&file)),
    };
    joined([error.to_string(), place])
}

/// Which statement of a script stands against going on, and where.
pub fn resume_cause(file: &Path, text: &str, error: &ResumeError) -> String {
    let file = file.display().to_string();
    let place = match error.position() {
        None => file,
        position => excerpt(text, position, Some(&file)),
    };
    joined([error.to_string(), place])
}

fn joined(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The server's message with what it adds to it.
pub fn server_error(error: &ServerError) -> String {
    let added = [
        error.detail.as_ref().map(|detail| format!("Detail: {detail}")),
        error.hint.as_ref().map(|hint| format!("PostgreSQL's hint: {hint}")),
        error.context.as_ref().map(|context| format!("In: {context}")),
    ];
    joined(std::iter::once(error.message.clone()).chain(added.into_iter().flatten()))
}

/// The line of SQL at a position, with a caret under it; without a position the
/// statement's beginning. `script` is the file that the text is from.
fn excerpt(text: &str, position: Option<u32>, script: Option<&str>) -> String {
    let offset = position.map_or(0, |position| byte_offset(text, position));
    let line_start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let number = text[..line_start].matches('\n').count() + 1;
    let column = text[line_start..offset].chars().count();
    let mut lines = Vec::new();
    if let (Some(script), Some(_)) = (script, position) {
        lines.push(format!("{script}:{number}:{}", column + 1));
    }
    let (shown, column) = window(line, column);
    let label = format!("LINE {number}: ");
    if position.is_some() {
        lines.push(format!("{label}{shown}"));
        lines.push(format!("{}^", " ".repeat(label.len() + column)));
    } else if !text.trim().is_empty() && script.is_none() {
        lines.push(format!("in: {}", window(text.trim().lines().next().unwrap_or_default(), 0).0));
    }
    lines.join("\n")
}

/// A part of a long line around a column, and the column in that part.
fn window(line: &str, column: usize) -> (String, usize) {
    let characters: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if characters.len() <= LONGEST_LINE {
        return (characters.into_iter().collect(), column);
    }
    let start = column.saturating_sub(LONGEST_LINE / 2).min(characters.len() - LONGEST_LINE);
    let part: String = characters[start..start + LONGEST_LINE].iter().collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if start + LONGEST_LINE < characters.len() { "…" } else { "" };
    (format!("{before}{part}{after}"), column - start + before.chars().count())
}

/// Where the character at a position, counted from 1, begins.
pub fn byte_offset(text: &str, position: u32) -> usize {
    let characters = usize::try_from(position).unwrap_or(usize::MAX).saturating_sub(1);
    text.char_indices().nth(characters).map_or(text.len(), |(offset, _)| offset)
}

/// Which backup there is from before a run, and how it is restored.
pub fn backup(backup: Option<&Backup>) -> Option<String> {
    let Backup { file, restore, .. } = backup?;
    let how = restore.as_ref().map_or_else(
        || "restore it with the counterpart of `backup.command`".into(),
        |command| format!("restore it into an empty database with: {command}"),
    );
    Some(format!("The backup from before this run is {}; {how}", file.display()))
}

/// What was done, what was not, and what became of the step.
pub fn outcome(failed: &Failed) -> String {
    let verb = match failed.direction {
        runner::revision::Direction::Upgrade => "Applied",
        runner::revision::Direction::Downgrade => "Taken back",
    };
    let step = match &failed.error {
        _ if failed.partly.is_some() => partly_outcome(failed.partly.unwrap_or_default()),
        StepError::LeftTransaction => "What this step did may be committed.".to_owned(),
        StepError::CommitUnknown(_) => "Whether this step was committed is not known.".to_owned(),
        _ if !failed.undone.is_empty() => {
            format!("This step was rolled back, and {} before it.", count(failed.undone.len(), "step"))
        }
        _ => "This step was rolled back.".to_owned(),
    };
    format!(
        "{verb}: {}. Not tried: {}. {step}",
        count(failed.done.len(), "revision"),
        count(failed.not_tried.len(), "revision")
    )
}

/// What became of a step without a transaction.
fn partly_outcome((done, total): (usize, usize)) -> String {
    match done {
        0 => format!("Of this step, none of {} is done.", count(total, "statement")),
        done => format!("Of this step, {done} of {} are done and stay.", count(total, "statement")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_points_at_the_character() {
        insta::assert_snapshot!(excerpt("CREATE TABLE t (\n  größe bigin\n)", Some(26), Some("m/upgrade.sql")), @r"
        m/upgrade.sql:2:9
        LINE 2:   größe bigin
                        ^
        ");
        insta::assert_snapshot!(excerpt("select 1", None, None), @"in: select 1");
    }

    #[test]
    fn long_lines_are_shown_in_part() {
        let line = format!("{}x{}", "a".repeat(300), "b".repeat(300));
        let shown = excerpt(&line, Some(301), None);
        let (text, caret) = shown.split_once('\n').expect("two lines");
        let column = caret.chars().count() - 1;
        assert_eq!(text.chars().nth(column), Some('x'));
        assert!(text.chars().count() < 120);
    }

    #[test]
    fn numbers_are_read_by_people() {
        assert_eq!(count(1_usize, "revision"), "1 revision");
        assert_eq!(count(0_usize, "revision"), "0 revisions");
        assert_eq!(duration(12), "12 ms");
        assert_eq!(duration(1_234), "1.2 s");
        assert_eq!(duration(61_000), "1 min 1 s");
    }
}
