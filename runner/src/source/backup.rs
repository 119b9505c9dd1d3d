//! `[backup]`: what is done before a run changes anything.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::span;

/// The names in a command that stand for what is known when it is run.
const TOKENS: [&str; 9] = ["file", "url", "host", "port", "user", "dbname", "time", "revision", "direction"];

/// `[backup]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupConfig {
    /// The program and its arguments; no shell is involved. Without one there
    /// are no backups.
    pub command: Option<BackupCommand>,
    /// The folder that they are written to, relative to `runner.toml`.
    pub dir: PathBuf,
    /// How many of a database are kept; all of them if it says nothing.
    pub keep: Option<NonZeroUsize>,
    /// How long the program may take; zero for as long as it wants.
    #[serde(with = "span")]
    pub timeout: SignedDuration,
    /// Whether there is one before a downgrade too: it drops what upgrades made.
    pub downgrade: bool,
}

impl Default for BackupConfig {
    fn default() -> Self {
        Self {
            command: None,
            dir: "backups".into(),
            keep: None,
            timeout: SignedDuration::from_hours(1),
            downgrade: true,
        }
    }
}

/// A program and its arguments, in which names in braces stand for what is known
/// when it is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct BackupCommand {
    program: String,
    args: Vec<Vec<Piece>>,
}

/// A piece of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Token(&'static str),
}

/// Why a command cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum BackupConfigError {
    /// There is no program.
    #[error(
        "a backup's `command` begins with a program, as in [\"pg_dump\", \"--format=custom\", \
         \"--file={{file}}\", \"{{url}}\"]"
    )]
    NoProgram,
    /// A name that stands for nothing.
    #[error("`{{{0}}}` stands for nothing in a backup's command; there are {known}", known = known())]
    UnknownToken(String),
    /// Where the backup is to go is not said.
    #[error("a backup's command has to write to `{{file}}`, and does not name it")]
    NoFile,
}

fn known() -> String {
    TOKENS.map(|name| format!("`{{{name}}}`")).join(", ")
}

impl TryFrom<Vec<String>> for BackupCommand {
    type Error = BackupConfigError;

    fn try_from(words: Vec<String>) -> Result<Self, BackupConfigError> {
        let mut words = words.into_iter();
        let program =
            words.next().filter(|program| !program.is_empty()).ok_or(BackupConfigError::NoProgram)?;
        let args = words.map(|word| pieces(&word)).collect::<Result<Vec<_>, _>>()?;
        match args.iter().flatten().any(|piece| *piece == Piece::Token("file")) {
            true => Ok(Self { program, args }),
            false => Err(BackupConfigError::NoFile),
        }
    }
}

impl From<BackupCommand> for Vec<String> {
    fn from(command: BackupCommand) -> Self {
        let args = command.args(|name| format!("{{{name}}}"));
        std::iter::once(command.program).chain(args).collect()
    }
}

impl BackupCommand {
    /// The program.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The arguments, with what each name stands for. What is put in is not
    /// looked at again.
    pub fn args(&self, value: impl Fn(&str) -> String) -> Vec<String> {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Token(name) => value(name),
        };
        self.args.iter().map(|arg| arg.iter().map(text).collect()).collect()
    }
}

/// Takes an argument apart. Braces around anything but a lower-case word belong
/// to the text.
fn pieces(arg: &str) -> Result<Vec<Piece>, BackupConfigError> {
    let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), arg);
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let name = after.split_once('}').filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        });
        match name {
            Some((name, after)) => {
                let known = TOKENS.into_iter().find(|known| *known == name);
                let token = known.ok_or_else(|| BackupConfigError::UnknownToken(name.to_owned()))?;
                pieces.extend([Piece::Text(std::mem::take(&mut text)), Piece::Token(token)]);
                rest = after;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Result<BackupCommand, BackupConfigError> {
        words.iter().map(ToString::to_string).collect::<Vec<_>>().try_into()
    }

    #[test]
    fn names_stand_for_what_is_known_later() {
        let command =
            command(&["pg_dump", "--file={file}", "{url}", "{}", "{A}{dbname}}{"]).expect("a command");
        let args = command.args(|name| format!("<{name} {{file}}>"));
        assert_eq!(args, ["--file=<file {file}>", "<url {file}>", "{}", "{A}<dbname {file}>}{"]);
        let shown = Vec::from(command);
        assert_eq!(shown, ["pg_dump", "--file={file}", "{url}", "{}", "{A}{dbname}}{"]);
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let wrong = |words: &[&str]| command(words).expect_err("no command").to_string();
        insta::assert_snapshot!(wrong(&[]), @r#"a backup's `command` begins with a program, as in ["pg_dump", "--format=custom", "--file={file}", "{url}"]"#);
        insta::assert_snapshot!(wrong(&["pg_dump", "{url}"]), @"a backup's command has to write to `{file}`, and does not name it");
        insta::assert_snapshot!(wrong(&["pg_dump", "{file}", "{password}"]), @"`{password}` stands for nothing in a backup's command; there are `{file}`, `{url}`, `{host}`, `{port}`, `{user}`, `{dbname}`, `{time}`, `{revision}`, `{direction}`");
    }
}
