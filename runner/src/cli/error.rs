//! Errors as the user sees them: a message, its causes, what became of the
//! run, hints, and an exit code.

use std::error::Error;
use std::path::Path;

use runner::db::{ConnectError, DbError, LockError, PoolerError, ServerError};
use runner::ledger::LedgerError;
use runner::plan::PlanError;
use runner::run::{Failed, PrepareError, ReadOnly, RunError};
use runner::sandbox::SandboxError;
use runner::source::{ConfigError, GrantsError, LockFileError};
use serde::Serialize;

use super::bundle_error::{backup_hint, bundle_hint};
use super::exit_code::Exit;
use super::facts::{self, Facts};
use super::hints;
use super::prepare_error;
use super::render;

/// An error at the edge of the program.
#[derive(Debug)]
pub struct CommandError {
    exit: Exit,
    message: String,
    /// What led to it, outermost first; may have several lines each.
    causes: Vec<String>,
    /// What was done and what was not.
    outcome: Vec<String>,
    hints: Vec<String>,
    facts: Box<Facts>,
}

/// The error as JSON.
#[derive(Serialize)]
pub struct ErrorJson<'a> {
    event: &'static str,
    message: &'a str,
    causes: &'a [String],
    outcome: &'a [String],
    hints: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    exit_code: u8,
}

impl CommandError {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            causes: Vec::new(),
            outcome: Vec::new(),
            hints: Vec::new(),
            facts: Box::default(),
        }
    }

    pub(super) fn from_chain(exit: Exit, error: &dyn Error) -> Self {
        Self { causes: chain(error.source()), ..Self::new(exit, error.to_string()) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What the server objected to, if it did.
    pub(super) fn with_server(mut self, server: Option<&ServerError>) -> Self {
        self.facts.sqlstate = server.map(|server| server.sqlstate.clone());
        self
    }

    pub(super) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    pub(super) fn outcome_line(mut self, line: impl Into<String>) -> Self {
        self.outcome.push(line.into());
        self
    }

    /// Something that the user can put right.
    pub fn user(message: &str, error: impl Error) -> Self {
        let causes = chain(Some(&error));
        Self { causes, ..Self::new(Exit::Error, message) }
    }

    /// A bug, or a machine that cannot run us.
    pub fn internal(message: &str, error: impl Error) -> Self {
        let causes = chain(Some(&error));
        Self { causes, ..Self::new(Exit::Internal, message) }
    }

    /// `--wait` where no server is asked.
    pub fn nothing_to_wait_for() -> Self {
        Self::new(Exit::Usage, "`--wait` waits for a server, and `--sql` asks none")
    }

    /// `-x` where no migration is run.
    pub fn params_not_taken() -> Self {
        Self::new(Exit::Usage, "`-x` gives parameters to migrations, and this command runs none")
            .hint("It is for `upgrade`, `downgrade`, `redo` and `plan`.")
    }

    /// A command that works on sources, with a bundle.
    pub fn no_sources(command: &str) -> Self {
        Self::new(
            Exit::Usage,
            format!("`{command}` works on the sources of a project, and a bundle has none"),
        )
        .hint("Run it in the project's folder, without `--bundle` and RUNNER_BUNDLE.")
    }

    /// A file whose name does not say what to draw into it.
    pub fn unknown_picture(file: &Path) -> Self {
        Self::new(Exit::Usage, format!("the name {} does not say what to draw", file.display()))
            .hint("Let it end in .svg, .mmd, .dot or .txt, or pass `--format`.")
    }

    /// A range was given to a command that goes to one place.
    pub fn range_without_sql(text: &str) -> Self {
        let name = text.split(':').next().unwrap_or_default();
        let message = match name {
            "" => format!("`{text}` is a range, and only `--sql` takes one"),
            name => format!(
                "`{text}` is a range, and only `--sql` takes one: `{name}` is no package of this project"
            ),
        };
        Self::new(Exit::Usage, message).hint(
            "Where the database is, it knows itself: name the target alone, or add `--sql` for a script.",
        )
    }

    /// An option's value is wrong.
    pub fn usage(option: &str, error: impl Error) -> Self {
        Self::new(Exit::Usage, format!("the value of {option} cannot be used")).cause(error.to_string())
    }

    pub fn exit(&self) -> Exit {
        self.exit
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    pub fn outcome(&self) -> &[String] {
        &self.outcome
    }

    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Writes it to the log, where that has standard error for itself.
    pub fn log(&self) -> Exit {
        let joined = |lines: &[String]| (!lines.is_empty()).then(|| lines.join("\n"));
        tracing::error!(
            target: "runner::cli",
            exit_code = self.exit as u8,
            sqlstate = self.facts.sqlstate,
            file = self.facts.place.as_ref().map(|place| place.file.display().to_string()),
            line = self.facts.place.as_ref().map(|place| place.line),
            causes = joined(&self.causes),
            outcome = joined(&self.outcome),
            hints = joined(&self.hints),
            "{}",
            self.message
        );
        self.exit
    }

    pub fn to_json(&self) -> ErrorJson<'_> {
        ErrorJson {
            event: "error",
            message: &self.message,
            causes: &self.causes,
            outcome: &self.outcome,
            hints: &self.hints,
            sqlstate: self.facts.sqlstate.as_deref(),
            file: self.facts.place.as_ref().map(|place| place.file.as_path()),
            line: self.facts.place.as_ref().map(|place| place.line).filter(|line| *line > 0),
            exit_code: self.exit as u8,
        }
    }
}

/// The messages of an error and its sources, without repetition.
pub(super) fn chain(mut error: Option<&dyn Error>) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(cause) = error {
        messages.push(cause.to_string());
        error = cause.source();
    }
    messages.dedup();
    messages
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        let hint = match &error {
            ConfigError::NotFound(_) => {
                Some("Run `runner init` to make a project here, or pass `--config FILE`.".into())
            }
            ConfigError::Invalid(invalid) => invalid.hint.clone(),
            ConfigError::Bundle(error) => bundle_hint(error).map(str::to_owned),
            ConfigError::Lock(LockFileError::Invalid(error)) => error.hint.clone(),
            ConfigError::Lock(_) => None,
            ConfigError::Unreadable { .. } => None,
            ConfigError::UnknownName { known, .. } if known.is_empty() => {
                Some("A named section begins with a line as `[named.NAME.database]`.".into())
            }
            ConfigError::UnknownName { known, .. } => Some(format!("It has: {}.", known.join(", "))),
        };
        let place = match &error {
            ConfigError::Invalid(invalid) => Some(facts::manifest_place(invalid)),
            _ => None,
        };
        let facts = Box::new(Facts { place, sqlstate: None });
        Self { hints: hint.into_iter().collect(), facts, ..Self::from_chain(Exit::Error, &error) }
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        let (pool, facts) = (pool_hint(&error), Box::new(Facts::of(&error)));
        let found = Self { facts, ..Self::explained(error) };
        match pool {
            Some(hint) => found.hint(hint),
            None => found,
        }
    }
}

/// What to do where a pool between us and the server shows in what it says.
fn pool_hint(error: &RunError) -> Option<&'static str> {
    let refused = |error: &ConnectError| match error {
        ConnectError::Refused { source, .. } => hints::pool(source),
        _ => None,
    };
    let said = match error {
        RunError::Connect(error) => return refused(error),
        RunError::Sandbox(SandboxError::Login { source, .. }) => return refused(source),
        RunError::Ledger(LedgerError::Database(error))
        | RunError::Lock(LockError::Database(error))
        | RunError::Pooler(PoolerError::Database(error))
        | RunError::Sandbox(SandboxError::Database(error)) => error,
        RunError::Prepare { source, .. } => match source.as_ref() {
            PrepareError::Ledger(LedgerError::Database(error)) => error,
            _ => return None,
        },
        _ => return None,
    };
    match said {
        DbError::Server(server) => hints::pool(server),
        _ => None,
    }
}

impl CommandError {
    fn explained(error: RunError) -> Self {
        match error {
            RunError::Scan(errors) => several(
                "the revisions cannot be read",
                errors.0.iter().map(|error| chain(Some(error)).join(": ")),
                errors.0.iter().filter_map(scan_hint),
            ),
            RunError::Graph(errors) => {
                let hints = ["Put it right in the manifests (`migration.toml`) that are named above.".to_owned()];
                let hints = hints.into_iter().chain(errors.iter().filter_map(hints::graph));
                several("the revisions do not fit together", errors.iter().map(ToString::to_string), hints)
            }
            RunError::Connect(error) => error.into(),
            RunError::Ledger(error) => ledger(&error),
            RunError::Plan(PlanError::Target(error)) => Self::target(&error),
            RunError::Plan(error @ PlanError::NotApplied(_)) => Self::new(Exit::Error, error.to_string())
                .hint("Run `runner current` to see where the database is."),
            RunError::Drift(drift) => prepare_error::drifted(&drift),
            RunError::UnknownParameter(_) => Self::new(Exit::Error, error.to_string())
                .hint("Parameters are what the components of kind `rust` say they take; see [params] in their manifests."),
            RunError::NotCurrent(not_current) => {
                let hint = match (not_current.drift.is_empty(), not_current.partly.first()) {
                    (true, None) => "Run `runner upgrade heads`.".to_owned(),
                    (true, Some(partly)) => hints::finish(partly),
                    (false, _) => "Run `runner status` to see each revision.".to_owned(),
                };
                let exit = if not_current.drift.is_empty() { Exit::Pending } else { Exit::Drift };
                Self::new(exit, not_current.to_string()).hint(hint)
            }
            RunError::NotImported { .. } => Self::from_chain(Exit::Error, &error)
                .hint("Import them first, from the checkout that has them: `runner import alembic DIR`."),
            RunError::AheadOfAlembic { .. } => Self::from_chain(Exit::Error, &error)
                .hint("This database was taken over already. If not, name the revisions: `runner stamp REVISION…`."),
            RunError::Build(error) => {
                let hint = error.hint().map(str::to_owned);
                Self { hints: hint.into_iter().collect(), ..Self::from_chain(Exit::Error, &error) }
            }
            RunError::Prepare { revision, source } => prepare_error::explained(revision.as_str(), &source),
            RunError::Script { revision, direction, error, statement, script } => Self {
                causes: render::recording_causes(&error, statement.as_deref(), script.as_deref()),
                ..Self::new(
                    Exit::Error,
                    format!("{direction} of `{revision}` cannot be written as a script"),
                )
            }
            .hint(format!(
                "Run `runner {direction}` against a database, which can answer; or end the script before this revision."
            )),
            RunError::NothingPending(_) => Self::new(Exit::Error, error.to_string())
                .hint("Take the revision back first, or try it out on another database, as with `--database embedded`."),
            RunError::NoStart => Self::new(Exit::Usage, error.to_string())
                .hint("Name the place with a range, as in `runner downgrade FROM:TO --sql`."),
            RunError::OutsideTransaction(_) => Self::from_chain(Exit::Error, &error)
                .hint("Run it without `--single-transaction`, or up to the revision before them with it."),
            RunError::Partly { ref partly, .. } => {
                Self::new(Exit::Error, error.to_string()).hint(hints::finish(partly))
            }
            RunError::Backup(ref source) => {
                let hint = backup_hint(source);
                Self::from_chain(Exit::Error, &error).hint(hint)
            }
            RunError::Bundle(error) => {
                let hint = bundle_hint(&error).map(str::to_owned);
                Self { hints: hint.into_iter().collect(), ..Self::from_chain(Exit::Error, &error) }
            }
            RunError::Plugin(error) => (*error).into(),
            RunError::Config(error) => error.into(),
            RunError::PastVersion(ref bound) => Self::from_chain(Exit::Error, &error).hint(format!(
                "If the revision is right with version {} too, let its range in `depends_on` take it.",
                bound.version
            )),
            error @ (RunError::PluginLoad { .. }
            | RunError::PluginDescribe { .. }
            | RunError::PluginInUse { .. }
            | RunError::Case { .. }
            | RunError::CaseNeedsServer
            | RunError::CaseDatabase { .. }) => Self::plugin(&error),
            RunError::ReadOnly(ReadOnly::Standby) => Self::from_chain(Exit::Error, &error).hint(
                "Connect to the primary. Where the URL names all hosts of the cluster, \
                 `target_session_attrs=read-write` finds it.",
            ),
            RunError::ReadOnly(ReadOnly::Setting) => Self::from_chain(Exit::Error, &error).hint(
                "Look at default_transaction_read_only of the server, the database and the role \
                 (`ALTER DATABASE name RESET default_transaction_read_only`), or of the URL's `options`; somebody \
                 may have had a reason to set it.",
            ),
            RunError::Lock(error @ LockError::Database(_)) => Self::from_chain(Exit::Error, &error),
            RunError::Lock(error) => {
                let hint = hints::locked(&error);
                Self::from_chain(Exit::Locked, &error).hint(hint)
            }
            RunError::Pooler(error @ PoolerError::Database(_)) => Self::from_chain(Exit::Error, &error),
            RunError::Pooler(error) => Self::from_chain(Exit::Error, &error)
                .outcome_line("Nothing was changed.")
                .hint(hints::POOLED),
            RunError::Interrupted => Self::new(Exit::Interrupted, error.to_string()),
            RunError::Sandbox(error) => error.into(),
            RunError::Step(failed) => step(&failed),
        }
    }
}

impl From<GrantsError> for CommandError {
    fn from(error: GrantsError) -> Self {
        Self::from_chain(Exit::Error, &error)
    }
}

pub(super) fn several(
    message: &str,
    causes: impl IntoIterator<Item = String>,
    hints: impl IntoIterator<Item = String>,
) -> CommandError {
    let mut hints: Vec<String> = hints.into_iter().collect();
    hints.dedup();
    CommandError { causes: causes.into_iter().collect(), hints, ..CommandError::new(Exit::Error, message) }
}

fn scan_hint(error: &runner::source::ScanError) -> Option<String> {
    use runner::source::ScanError;
    match error {
        ScanError::Manifest(error) => error.hint.clone(),
        ScanError::NotUtf8 { .. } => Some("Save the file as UTF-8.".into()),
        ScanError::NoManifest { .. } => Some(
            "Make revisions with `runner revision`, which writes a migration.toml; or move the folder elsewhere."
                .into(),
        ),
        ScanError::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Some("Make the folder (git keeps no empty one), or name another in [migrations] in runner.toml.".into())
        }
        ScanError::MissingFile { .. } | ScanError::Unreadable { .. } => None,
    }
}

pub(super) fn ledger(error: &LedgerError) -> CommandError {
    let found = CommandError::from_chain(Exit::Error, error);
    match error {
        LedgerError::Newer { .. } => found.hint("Use the runner that made it, or a newer one."),
        LedgerError::NotPermitted { schema, .. } => found.hint(format!(
            "Have an administrator run: CREATE SCHEMA {} AUTHORIZATION your_role;",
            runner::db::quote_identifier(schema)
        )),
        LedgerError::Database(error) if error.sqlstate() == Some("42501") => found.hint(
            "To read the ledger a role needs: GRANT USAGE ON SCHEMA runner TO role; \
             GRANT SELECT ON ALL TABLES IN SCHEMA runner TO role;",
        ),
        LedgerError::NotALedger { .. } => {
            found.hint("Choose another name with `ledger.schema` in runner.toml.")
        }
        _ => found,
    }
}

fn step(failed: &Failed) -> CommandError {
    let blocked = failed.blocked_by.iter().map(|session| format!("it waited for {session}"));
    CommandError {
        causes: render::step_causes(&failed.error).into_iter().chain(blocked).collect(),
        outcome: [render::outcome(failed)]
            .into_iter()
            .chain(render::backup(failed.backup.as_ref()))
            .collect(),
        hints: hints::step(failed),
        ..CommandError::new(
            Exit::MigrationFailed,
            format!("{} of `{}` failed", failed.direction, failed.revision),
        )
    }
}
