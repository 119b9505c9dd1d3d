//! Errors as the user sees them: a message, its causes, what became of the
//! run, hints, and an exit code.

use std::error::Error;
use std::path::Path;

use runner::db::{ConnectError, LockError};
use runner::graph::TargetError;
use runner::host::LoadError;
use runner::ledger::LedgerError;
use runner::plan::{Drift, PlanError};
use runner::revision::RevisionId;
use runner::run::{Failed, ImportError, PrepareError, RunError};
use runner::source::alembic::OfflineError;
use runner::source::{BundleError, BundleFault, ConfigError, GrantsError, LockFileError};
use serde::Serialize;

use super::exit_code::Exit;
use super::hints;
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
}

/// The error as JSON.
#[derive(Serialize)]
pub struct ErrorJson<'a> {
    event: &'static str,
    message: &'a str,
    causes: &'a [String],
    outcome: &'a [String],
    hints: &'a [String],
    exit_code: u8,
}

impl CommandError {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), outcome: Vec::new(), hints: Vec::new() }
    }

    pub(super) fn from_chain(exit: Exit, error: &dyn Error) -> Self {
        Self { causes: chain(error.source()), ..Self::new(exit, error.to_string()) }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
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

    /// The program was told to stop; with what became of the run, if that is
    /// known.
    pub fn interrupted(run: Option<Self>) -> Self {
        let found = Self::new(Exit::Interrupted, "interrupted");
        match run {
            Some(run) => Self { outcome: run.outcome, ..found.cause(run.message) },
            None => found.cause("the step that was running is rolled back by the server"),
        }
    }

    /// `-x` where no migration is run.
    pub fn params_not_taken() -> Self {
        Self::new(Exit::Usage, "`-x` gives parameters to migrations, and this command runs none")
            .hint("It is for `upgrade`, `downgrade` and `redo`.")
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

    /// A revision that is not there.
    pub fn target(error: &TargetError) -> Self {
        let hint = target_hint(error);
        let wrong = matches!(error, TargetError::Malformed { .. } | TargetError::WrongWay { .. });
        let exit = if wrong { Exit::Usage } else { Exit::Error };
        Self { hints: hint.into_iter().collect(), ..Self::new(exit, error.to_string()) }
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

    pub fn to_json(&self) -> ErrorJson<'_> {
        ErrorJson {
            event: "error",
            message: &self.message,
            causes: &self.causes,
            outcome: &self.outcome,
            hints: &self.hints,
            exit_code: self.exit as u8,
        }
    }
}

/// The messages of an error and its sources, without repetition.
fn chain(mut error: Option<&dyn Error>) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(cause) = error {
        messages.push(cause.to_string());
        error = cause.source();
    }
    messages.dedup();
    messages
}

fn target_hint(error: &TargetError) -> Option<String> {
    Some(match error {
        TargetError::Unknown(_) | TargetError::NotInScope { .. } | TargetError::NotBefore { .. } => {
            "Run `runner history` to see the revisions.".into()
        }
        TargetError::UnknownBranch(_) => "Run `runner branches` to see the branches and their labels.".into(),
        TargetError::UnknownPackage(_) => "Packages are named in `migrations.dirs` in runner.toml.".into(),
        TargetError::Ambiguous { .. } => "Type more of the id.".into(),
        TargetError::SeveralHeads { heads, .. } => several_heads(heads),
        TargetError::NoRevisions => "Make one with `runner revision -m MESSAGE`.".into(),
        TargetError::Divides { .. } => "Name the revision to go to, or the branch, as in `LABEL@+1`.".into(),
        TargetError::SeveralCurrent { target, heads } => {
            let one = heads.first().map_or("ID", RevisionId::as_str);
            let steps = target.rsplit('@').next().unwrap_or_default();
            format!("Say which branch is meant: `LABEL@{steps}`, or `{one}@{steps}`.")
        }
        TargetError::Several { .. } | TargetError::IsBase(_) => "Name one revision.".into(),
        TargetError::NotAhead { .. } => {
            "Name the revision to go down to, if the branches that share it may go too.".into()
        }
        TargetError::NeedsDatabase(_) => "Name the revision.".into(),
        TargetError::Malformed { .. } | TargetError::TooFar { .. } | TargetError::WrongWay { .. } => {
            return None;
        }
    })
}

fn several_heads(heads: &[RevisionId]) -> String {
    let last = heads.last().map_or("ID", RevisionId::as_str);
    format!(
        "Go to all of them with `heads`, to one with `LABEL@head` or its id, as in `{last}`; \
         or join them: `runner merge heads -m MESSAGE`."
    )
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
        Self { hints: hint.into_iter().collect(), ..Self::from_chain(Exit::Error, &error) }
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Scan(errors) => several(
                "the revisions cannot be read",
                errors.0.iter().map(|error| chain(Some(error)).join(": ")),
                errors.0.iter().filter_map(scan_hint),
            ),
            RunError::Graph(errors) => {
                let hints =
                    ["Put it right in the manifests (`migration.toml`) that are named above.".to_owned()];
                several("the revisions do not fit together", errors.iter().map(ToString::to_string), hints)
            }
            RunError::Connect(error) => connect(&error),
            RunError::Ledger(error) => ledger(&error),
            RunError::Plan(PlanError::Target(error)) => Self::target(&error),
            RunError::Plan(error @ PlanError::NotApplied(_)) => Self::new(Exit::Error, error.to_string())
                .hint("Run `runner current` to see where the database is."),
            RunError::Drift(drift) => drifted(&drift),
            RunError::UnknownParameter(_) => Self::new(Exit::Error, error.to_string())
                .hint("Parameters are what the components of kind `rust` say they take; see [params] in their manifests."),
            RunError::NotCurrent(not_current) => {
                let (exit, hint) = match not_current.drift.is_empty() {
                    true => (Exit::Pending, "Run `runner upgrade heads`."),
                    false => (Exit::Drift, "Run `runner status` to see each revision."),
                };
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
            RunError::Prepare { revision, source } => prepare(revision.as_str(), &source),
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
            RunError::Bundle(error) => {
                let hint = bundle_hint(&error).map(str::to_owned);
                Self { hints: hint.into_iter().collect(), ..Self::from_chain(Exit::Error, &error) }
            }
            RunError::Plugin(error) => error.into(),
            RunError::Config(error) => error.into(),
            error @ (RunError::PluginLoad { .. }
            | RunError::PluginDescribe { .. }
            | RunError::PluginInUse { .. }
            | RunError::Case { .. }
            | RunError::CaseNeedsServer
            | RunError::CaseDatabase { .. }) => Self::plugin(&error),
            RunError::Lock(error @ LockError::Database(_)) => Self::from_chain(Exit::Error, &error),
            RunError::Lock(error) => Self::from_chain(Exit::Locked, &error)
                .hint("Wait for the other runner, or raise `session.lock_wait` in runner.toml."),
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

impl From<ImportError> for CommandError {
    fn from(error: ImportError) -> Self {
        const EDIT: &str =
            "Nothing was written. Write it as a literal, or put it right, and run the command again.";
        let message = error.to_string();
        match error {
            ImportError::OnDisk(error) => (*error).into(),
            ImportError::Write(error) => error.into(),
            ImportError::Unread(findings) => {
                several(&message, findings.iter().map(ToString::to_string), [EDIT.to_owned()])
            }
            ImportError::Conflicts(findings) => {
                let hint = "Nothing was written. To import a revision anew, delete its folder.".to_owned();
                several(&message, findings.iter().map(ToString::to_string), [hint])
            }
            ImportError::Graph(errors) => several(&message, errors.iter().map(ToString::to_string), []),
            ImportError::Made(errors) => {
                several(&message, errors.0.iter().map(|error| chain(Some(error)).join(": ")), [])
            }
            ImportError::Layout(error) => Self::new(Exit::Error, message).hint(error.hint()),
            ImportError::Offline(error) => {
                let found = Self::from_chain(Exit::Error, &error);
                match error {
                    OfflineError::Io { .. } => found,
                    _ => found.hint(
                        "Nothing was written. Set what env.py needs and name the right program with \
                         `--alembic`, or pass `--no-run` to import without SQL.",
                    ),
                }
            }
            ImportError::Io { .. } => Self::from_chain(Exit::Error, &error),
        }
    }
}

fn bundle_hint(error: &BundleError) -> Option<&'static str> {
    Some(match &error.fault {
        BundleFault::Folders { .. } => {
            "A bundle has one set of migrations: make one with `runner -n NAME bundle`."
        }
        BundleFault::Kind { .. } | BundleFault::LayoutVersion(_) | BundleFault::Settings { .. } => {
            "Use a runner that is as new as the one that made it, or make it anew with `runner bundle`."
        }
        BundleFault::NotAnArchive | BundleFault::NotABundle(_) => "Make one with `runner bundle`.",
        BundleFault::Unreadable(_)
        | BundleFault::Unwritable(_)
        | BundleFault::Name(_)
        | BundleFault::NotBuilt(_) => {
            return None;
        }
        _ => {
            "Nothing was done with it. Copy it again from where it was made, or make it anew with `runner bundle`."
        }
    })
}

fn several(
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

fn connect(error: &ConnectError) -> CommandError {
    let hint = match error {
        ConnectError::Unreachable { .. } => "Is the server running, and is the address right?",
        ConnectError::NoEmbedded => "Build with `--features embedded`, or name a server.",
        ConnectError::Refused { source, .. } => match source.sqlstate.as_str() {
            "28P01" | "28000" => "Check the user, the password, and the server's pg_hba.conf.",
            "3D000" => "Create the database first: `createdb NAME`.",
            "53300" => "The server has no free connections; try again, or raise max_connections.",
            _ => return CommandError::from_chain(Exit::Error, error),
        },
        ConnectError::TooOld { .. } => {
            "Upgrade the server; PostgreSQL itself no longer maintains this version."
        }
        ConnectError::Encoding { .. } => {
            "Make a database with `createdb --encoding=UTF8 --template=template0 NAME`, and move the data there."
        }
        ConnectError::Tls(_)
        | ConnectError::Login(_)
        | ConnectError::Failed { .. }
        | ConnectError::Embedded(_) => {
            return CommandError::from_chain(Exit::Error, error);
        }
    };
    CommandError::from_chain(Exit::Error, error).hint(hint)
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

fn drifted(drift: &[Drift]) -> CommandError {
    let changed = drift.iter().any(|drift| matches!(drift, Drift::Changed { .. }));
    let missing = drift.iter().any(|drift| matches!(drift, Drift::Missing { .. }));
    let mut error = CommandError::new(Exit::Drift, "the ledger and the revisions on disk disagree");
    error.causes = drift.iter().map(ToString::to_string).collect();
    if changed {
        error = error
            .hint(
            "Undo the edit and put the change into a new revision; or, if nobody else has it, take it back with \
             `runner downgrade` (which runs what was recorded, not what is on disk now) and apply it again.",
        );
    }
    if missing {
        error = error.hint("Is this an older checkout than the one that was deployed? `runner downgrade` works without the folder.");
    }
    error
}

fn prepare(revision: &str, error: &PrepareError) -> CommandError {
    let message = format!("revision `{revision}` cannot be run; nothing was changed");
    let found = CommandError { causes: chain(Some(error)), ..CommandError::new(Exit::Error, message) };
    match error {
        PrepareError::Script { file, text, error } => {
            let found = CommandError { causes: vec![render::script_cause(file, text, error)], ..found };
            match error.grant() {
                Some(line) => found.hint(hints::lines_to_add(&[line])),
                None => found,
            }
        }
        PrepareError::NotBuilt => found.hint("Run `runner build`."),
        PrepareError::Plugin(error) => error.hint().into_iter().fold(found, CommandError::hint),
        PrepareError::Imported { revision, .. } => found
            .hint(format!(
                "Where the database has it already: `runner stamp {revision}`. To run it, write its upgrade.sql and \
                 set `kind = \"sql\"` in its migration.toml."
            )),
        PrepareError::NoComponent => found
            .hint("To say that the database is below it, without running anything: `runner stamp REVISION`."),
        PrepareError::Load { source: LoadError::NotWebAssembly | LoadError::Damaged { .. }, .. } => {
            found.hint("Delete the file and run `runner build`.")
        }
        PrepareError::Load { source: LoadError::Version { .. }, .. } => {
            found.hint("Build it against the `plugin-sdk` of this runner's version.")
        }
        PrepareError::Load {
            source:
                LoadError::TooLarge { .. } | LoadError::FunctionTooLarge { .. } | LoadError::CompileTime { .. },
            ..
        } => found.hint("The limits are set in [limits] in runner.toml."),
        PrepareError::Capabilities { lines, .. } => {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            found.hint(hints::lines_to_add(&lines))
        }
        _ => found,
    }
}

fn step(failed: &Failed) -> CommandError {
    CommandError {
        exit: Exit::MigrationFailed,
        message: format!("{} of `{}` failed", failed.direction, failed.revision),
        causes: render::step_causes(&failed.error),
        outcome: vec![render::outcome(failed)],
        hints: hints::step(failed),
    }
}
