//! Asking Alembic.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde::Deserialize;

use crate::support::alembic_command;

use super::question::Question;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/oracle/alembic_oracle.py");

/// What Alembic says of a graph.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OfGraph {
    Refused { error: String },
    Read { cases: Vec<OfCase> },
}

/// What Alembic says of a case.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OfCase {
    Refused { error: String },
    Done { steps: Vec<String>, rows: BTreeSet<String> },
}

/// Asks one process all the questions.
pub fn ask(questions: &[Question]) -> Vec<OfGraph> {
    let mut python = alembic_command("python");
    // The order of Python's sets of texts differs from run to run otherwise, and
    // with it some of Alembic's answers.
    python.arg(SCRIPT).env("PYTHONHASHSEED", "0").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().expect("Python runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let lines: Vec<String> = questions.iter().map(Question::line).collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(stdin, "{line}").expect("the oracle reads");
        }
    });
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let answers: Vec<OfGraph> =
        stdout.lines().map(|line| serde_json::from_str(&line.expect("UTF-8")).expect("an answer")).collect();
    writer.join().expect("every question was read");
    assert!(child.wait().expect("it ends").success(), "the oracle failed");
    assert_eq!(answers.len(), questions.len(), "an answer for each question");
    answers
}
