//! The cases of a file: one JSON object a line.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One attack, or one ordinary migration, as the file has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    pub id: String,
    pub statements: Vec<String>,
    /// What must become of it; absent for an ordinary migration.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// What the manifest grants, in the words of `grants.rs`.
    #[serde(default)]
    pub grant: Vec<String>,
    /// What an administrator did before.
    #[serde(default)]
    setup: Vec<Act>,
    #[serde(default)]
    admin_setup: Vec<Act>,
    /// What others do afterwards.
    #[serde(default)]
    pub after: Vec<Act>,
    /// SQL for a superuser; true means that the attack worked.
    #[serde(default)]
    pub check: Option<String>,
    #[serde(default)]
    pub check_scope: Scope,
    /// A regular expression that nothing the guest saw may fit.
    #[serde(default)]
    pub result_must_not_match: Option<String>,
    /// What the host does after the last statement.
    #[serde(default)]
    pub host_end: HostEnd,
    /// How the host has set up its session.
    #[serde(default)]
    pub host_session: Vec<String>,
    #[serde(default)]
    pub copy_data: Option<String>,
    /// Why the attack is known to work.
    #[serde(default)]
    pub known_residual: Option<String>,
    /// The same attack where code is granted.
    #[serde(default)]
    pub with_code_capability: Option<WithCode>,
    /// Whether it disturbs the whole server.
    #[serde(default)]
    pub dangerous: Option<Value>,
    /// Notes for people; and what this replay does not know.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// What must become of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// Refused before it is sent.
    Reject,
    /// It may run, without effect.
    Contained,
}

/// Where an attack shows that it worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// In the database.
    #[default]
    Db,
    /// In the guest's session, which is over when the check is made.
    Session,
    /// In the rows that the guest is given.
    Result,
    /// In that the statement is accepted.
    Accept,
}

/// How the host ends the transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostEnd {
    #[default]
    Commit,
    Rollback,
    RollbackToSavepoint,
}

/// A statement of somebody else.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Act {
    /// Of the superuser.
    Sql(String),
    /// Of a login.
    As { role: String, sql: String },
}

/// What becomes of an attack where code is granted.
#[derive(Clone, Debug, Deserialize)]
pub struct WithCode {
    pub grant: Vec<String>,
    #[serde(default)]
    pub unchecked_bodies: Option<Fate>,
    #[serde(default)]
    pub vetted_bodies: Option<Fate>,
}

/// How an attack with code ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// By any of the layers; nothing is left of it.
    Stopped,
    /// It runs, without effect.
    Contained,
    /// It works later, when somebody else touches what it left: what
    /// `code = "unchecked"` gives up.
    Residual,
}

/// The fields that are for people, or for another harness.
const NOTES: [&str; 8] = [
    "category",
    "why",
    "check_true_means",
    "policy_reason",
    "host_note",
    "host_begin",
    "verified_pg15_18",
    "verified",
];

/// Reads a file. Empty lines are allowed; a line that is no case is told as
/// such, so that the others are run all the same.
pub fn read(file: &Path) -> Result<Vec<Result<Case, String>>, String> {
    let broken = |what: String| format!("{}: {what}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let case = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| broken(format!("line {}: {error}", number + 1)))
    };
    Ok(lines.map(case).collect())
}

impl Case {
    /// What is done before the attack, in order.
    pub fn before(&self) -> impl Iterator<Item = &Act> {
        self.setup.iter().chain(&self.admin_setup)
    }

    /// The fields that this replay does not know, and so does not honour.
    pub fn unknown(&self) -> Vec<&str> {
        self.rest.keys().map(String::as_str).filter(|name| !NOTES.contains(name)).collect()
    }

    /// Whether the server may be of no use afterwards.
    pub fn is_dangerous(&self) -> bool {
        !matches!(&self.dangerous, None | Some(Value::Null | Value::Bool(false)))
    }

    /// What the host's session is set to: names and values of settings.
    pub fn session(&self) -> Result<Vec<(&str, &str)>, String> {
        let wrong = |statement| format!("no setting of a session is like `{statement}`");
        self.host_session.iter().map(|statement| setting(statement).ok_or_else(|| wrong(statement))).collect()
    }
}

/// The name and the value of `SET name = value`.
fn setting(statement: &str) -> Option<(&str, &str)> {
    let setting = statement.strip_prefix("SET ")?;
    let (name, value) = setting.split_once(" = ").or_else(|| setting.split_once(" TO "))?;
    (!name.contains(' ')).then_some((name, value))
}

/// The names of this replay, which the cases have as `${NAME}`.
pub struct Names(Vec<(&'static str, String)>);

impl Names {
    /// With the value of each.
    pub fn new(names: &[(&'static str, &str)]) -> Self {
        Self(names.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }

    /// The text with the names filled in.
    pub fn fill(&self, text: &str) -> String {
        let fill =
            |text: String, (name, value): &(&str, String)| text.replace(&format!("${{{name}}}"), value);
        self.0.iter().fold(text.to_owned(), fill)
    }
}
