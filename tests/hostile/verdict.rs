//! What a replay showed, and whether that is what must be. Pure.

use std::fmt;

use serde::Deserialize;

/// What the policy says of a text that it does not let be sent.
const BEFORE: [&str; 2] = ["is not permitted in a migration", "the text is not parsed"];

/// What the audit says before the first statement, where a granted table leads
/// to one that is not. That contains an attack by effects; an attack that has to
/// be refused is not even tried then, so nothing is known of it.
const JOINED: &str = "what its manifest grants reaches what it does not grant";

/// What the guest says about one statement, by one way in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Line {
    pub statement: usize,
    pub way: String,
    pub outcome: String,
    pub text: String,
}

/// What must become of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An ordinary migration: applied.
    Applied,
    /// Refused by the policy, before it is sent.
    Refused,
    /// By whichever layer, nothing of it is left.
    Stopped,
    /// It may run. Its check is false afterwards, unless the reason is given
    /// why it is not.
    Contained { residual: Option<String> },
}

/// The answer of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// There is no check, or none that can be made here.
    #[default]
    None,
    Yes,
    No,
    /// It does not run.
    Error(String),
}

/// What was seen of a replay.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What the guest reported.
    pub lines: Vec<Line>,
    /// How many statements it was given.
    pub statements: usize,
    /// The program's error, if it failed.
    pub error: Option<String>,
    /// Whether the program had to be killed.
    pub hung: bool,
    /// What the run says about its isolation is not what the replay is for.
    pub wrong_isolation: Option<String>,
    /// Whether the ledger has the revision.
    pub recorded: bool,
    /// What is otherwise wrong with the ledger.
    pub ledger: Option<String>,
    /// What differs in the database and in the cluster right after the run.
    pub changed: Vec<String>,
    /// What the guest was given and should not have been.
    pub leak: Option<String>,
    /// The check, before the run and after all.
    pub check: (Answer, Answer),
}

/// Whether a case is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As wanted: an ordinary migration.
    Applied,
    /// As wanted: refused before it was sent.
    Refused,
    /// As wanted: stopped by a later layer, where that is enough.
    Stopped,
    /// As wanted: it ran, without effect.
    Contained,
    /// It worked, and it is known and documented that it does.
    KnownResidual,
    /// The policy let it pass, and the server did not.
    ServerOnly,
    /// The policy let it pass, and a later layer did not.
    StoppedLate,
    /// It was accepted; its check is not true.
    Accepted,
    /// It worked.
    Escaped,
    /// An ordinary migration was refused.
    BenignRefused,
    /// An ordinary migration failed otherwise.
    BenignFailed,
    /// The replay itself did not work.
    Broken,
}

impl Outcome {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 12] = [
        Self::Applied,
        Self::Refused,
        Self::Stopped,
        Self::Contained,
        Self::KnownResidual,
        Self::ServerOnly,
        Self::StoppedLate,
        Self::Accepted,
        Self::Escaped,
        Self::BenignRefused,
        Self::BenignFailed,
        Self::Broken,
    ];

    /// Whether the case failed.
    pub fn is_failure(self) -> bool {
        self >= Self::ServerOnly
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Contained => "contained",
            Self::KnownResidual => "known residual",
            Self::ServerOnly => "REFUSED BY THE SERVER ONLY",
            Self::StoppedLate => "STOPPED LATE",
            Self::Accepted => "ACCEPTED",
            Self::Escaped => "ESCAPED",
            Self::BenignRefused => "BENIGN REFUSED",
            Self::BenignFailed => "BENIGN FAILED",
            Self::Broken => "BROKEN",
        })
    }
}

/// The outcome of a case, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub outcome: Outcome,
    pub reason: String,
}

fn verdict(outcome: Outcome, reason: impl Into<String>) -> Verdict {
    Verdict { outcome, reason: reason.into() }
}

/// Judges a case by what was seen.
pub fn judge(wanted: &Wanted, seen: &Seen) -> Verdict {
    if let Some(broken) = broken(wanted, seen) {
        return broken;
    }
    if let (Wanted::Refused | Wanted::Stopped, Some(error)) = (wanted, seen.refused_grant()) {
        return verdict(Outcome::Refused, error);
    }
    match wanted {
        Wanted::Contained { .. } if seen.is_joined() => verdict(Outcome::Contained, seen.with_last(JOINED)),
        Wanted::Applied => applied(seen),
        Wanted::Refused => worked(seen).unwrap_or_else(|| refused(seen)),
        Wanted::Stopped => worked(seen).unwrap_or_else(|| stopped(seen)),
        Wanted::Contained { residual } => contained(seen, residual.as_deref()),
    }
}

/// What makes every judgement worthless.
fn broken(wanted: &Wanted, seen: &Seen) -> Option<Verdict> {
    let error = || seen.error.as_deref().unwrap_or("the run ended without an error");
    if let Some(says) = &seen.wrong_isolation {
        return Some(verdict(Outcome::Broken, format!("the run says that its isolation is {says}")));
    }
    if seen.hung {
        return Some(verdict(Outcome::Broken, "the run did not end and was killed"));
    }
    let may_be_joined = matches!(wanted, Wanted::Contained { .. }) && seen.is_joined();
    let has_run = !seen.lines.is_empty() || seen.statements == 0;
    if !has_run && !may_be_joined && seen.refused_grant().is_none() {
        return Some(verdict(Outcome::Broken, format!("the guest never ran: {}", error())));
    }
    None
}

fn applied(seen: &Seen) -> Verdict {
    match (seen.last(), &seen.error) {
        (Some(line), _) if line.is_refusal() => verdict(Outcome::BenignRefused, &line.text),
        (Some(line), _) if line.outcome != "ok" => verdict(Outcome::BenignFailed, line.to_string()),
        (_, Some(error)) => verdict(Outcome::BenignFailed, error),
        _ if !seen.recorded => verdict(Outcome::BenignFailed, "the ledger does not have it"),
        _ => match &seen.ledger {
            Some(wrong) => verdict(Outcome::BenignFailed, wrong),
            None => verdict(Outcome::Applied, format!("{} statements", seen.statements)),
        },
    }
}

/// An attack that worked.
fn worked(seen: &Seen) -> Option<Verdict> {
    if let Some(leak) = &seen.leak {
        return Some(verdict(Outcome::Escaped, format!("the guest was given {leak}")));
    }
    if let Some(wrong) = &seen.ledger {
        return Some(verdict(Outcome::Escaped, wrong));
    }
    if let Some(line) = seen.lines.iter().find(|line| line.way != "query" && line.was_sent()) {
        let outcome = if line.outcome == "ok" { Outcome::Escaped } else { Outcome::ServerOnly };
        return Some(verdict(outcome, format!("refused by `query`, but {line}")));
    }
    match &seen.check {
        (Answer::Yes, Answer::Yes) => None,
        (_, Answer::Yes) => Some(verdict(Outcome::Escaped, seen.with_last("its check is true"))),
        (Answer::Yes | Answer::No, Answer::Error(error)) => {
            Some(verdict(Outcome::Escaped, format!("its check cannot be made any more: {error}")))
        }
        _ => None,
    }
}

fn refused(seen: &Seen) -> Verdict {
    let left = || format!("refused, but something is left: {}", seen.changed.join(", "));
    match seen.last() {
        _ if seen.recorded => verdict(Outcome::Accepted, "the revision is applied"),
        Some(line) if line.is_refusal() && seen.changed.is_empty() => verdict(Outcome::Refused, &line.text),
        Some(line) if line.is_refusal() => verdict(Outcome::Escaped, left()),
        Some(line) if line.outcome == "database" => verdict(Outcome::ServerOnly, &line.text),
        Some(line) if line.outcome != "ok" => verdict(Outcome::StoppedLate, line.to_string()),
        _ => {
            let error = seen.error.as_deref().unwrap_or("rolled back, as the case wants it");
            verdict(Outcome::StoppedLate, format!("every statement was accepted; then: {error}"))
        }
    }
}

fn stopped(seen: &Seen) -> Verdict {
    if seen.recorded {
        return verdict(Outcome::Accepted, "the revision is applied");
    }
    match refused(seen) {
        Verdict { outcome: Outcome::ServerOnly | Outcome::StoppedLate, reason }
            if seen.changed.is_empty() =>
        {
            verdict(Outcome::Stopped, reason)
        }
        other => other,
    }
}

fn contained(seen: &Seen, residual: Option<&str>) -> Verdict {
    match (worked(seen), residual) {
        (Some(_), Some(reason)) => verdict(Outcome::KnownResidual, reason),
        (Some(worked), None) => worked,
        (None, _) if seen.recorded => verdict(Outcome::Contained, "applied, without effect"),
        (None, _) => {
            let reason = seen.error.as_deref().unwrap_or("rolled back");
            verdict(Outcome::Contained, format!("not applied: {}", seen.with_last(reason)))
        }
    }
}

impl Seen {
    /// The error where nothing ran since no manifest may grant what this one
    /// does.
    fn refused_grant(&self) -> Option<&str> {
        self.error.as_deref().filter(|error| self.lines.is_empty() && error.contains("[capabilities]"))
    }

    /// Whether the step was stopped before its first statement, for what the
    /// granted tables lead to.
    fn is_joined(&self) -> bool {
        self.lines.is_empty()
            && !self.recorded
            && self.changed.is_empty()
            && self.error.as_deref().is_some_and(|error| error.contains(JOINED))
    }

    /// What became of the last statement that was tried.
    fn last(&self) -> Option<&Line> {
        self.lines.iter().rfind(|line| line.way == "query")
    }

    /// The reason, with what the last statement met.
    fn with_last(&self, reason: &str) -> String {
        match self.last() {
            Some(line) => format!("{reason} ({line})"),
            None => reason.to_owned(),
        }
    }
}

impl Line {
    /// Whether the host refused it: nothing was sent. `denied` is also what a
    /// guest is told after a statement that was sent and did what it may not.
    fn is_refusal(&self) -> bool {
        match self.outcome.as_str() {
            "syntax" | "conversion" => true,
            "denied" => BEFORE.iter().any(|words| self.text.contains(words)),
            _ => false,
        }
    }

    /// Whether the server has seen it.
    fn was_sent(&self) -> bool {
        matches!(self.outcome.as_str(), "ok" | "database")
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome.as_str() {
            "ok" => write!(f, "statement {} passed by `{}`", self.statement + 1, self.way),
            outcome => {
                let (number, way, text) = (self.statement + 1, &self.way, &self.text);
                write!(f, "statement {number} by `{way}` ended in `{outcome}`: {text}")
            }
        }
    }
}
