//! Why a component was not loaded, or did not do its work.

use std::path::PathBuf;
use std::time::Duration;

use super::inspect::INTERFACE_VERSION;
use super::report::{FailedStatement, GuestError};

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The engine cannot work on this machine.
    #[error("the WebAssembly engine could not be set up: {0}")]
    Engine(String),
    /// The thread that watches the guests did not start.
    #[error("the thread that watches running components could not be started")]
    Ticker(#[source] std::io::Error),
}

/// Why a component was refused before it ran.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not WebAssembly at all.
    #[error("this is not a WebAssembly file")]
    NotWebAssembly,
    /// A core module.
    #[error("this is a core module, not a component: run `runner build`")]
    CoreModule,
    /// Cut off or damaged.
    #[error("the component is damaged: {message}")]
    Damaged {
        /// What is wrong, and where.
        message: String,
    },
    /// More bytes than the limit.
    #[error("the component has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// A function that would take the compiler too long.
    #[error("a function of the component has {size} bytes; the limit is {limit}")]
    FunctionTooLarge {
        /// The size of the function's body in bytes.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Something that the host does not lend.
    #[error("the component imports `{name}`, which no migration may use: {remedy}")]
    Import {
        /// The import, as the component names it.
        name: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Made for another version of the interface.
    #[error(
        "the component was made for version {found} of the interface; this runner offers {INTERFACE_VERSION}"
    )]
    Version {
        /// The version that its imports and exports name.
        found: String,
    },
    /// Some other component.
    #[error(
        "the component does not export `runner:migration/migration@{INTERFACE_VERSION}`: it is not a migration \
         (it exports {found})"
    )]
    NotAMigration {
        /// What it exports.
        found: String,
    },
    /// The right names with the wrong types behind them.
    #[error("the component does not fit the interface {INTERFACE_VERSION}: {message}")]
    Interface {
        /// What does not fit.
        message: String,
    },
    /// The compiler took too long.
    #[error("the component was not compiled within {} seconds", limit.as_secs_f64())]
    CompileTime {
        /// The limit.
        limit: Duration,
    },
    /// The compiler refused it: invalid code, or a feature that is off.
    #[error("the component could not be compiled: {message}")]
    Compile {
        /// What the compiler says.
        message: String,
    },
    /// The compiling process could not be started or talked to.
    #[error("the compiler `{}` could not be run", program.display())]
    Compiler {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A limit that was reached; see [`Limits`](super::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Constraint {
    /// The guest's own processor time.
    #[error("its own code ran for more than {limit_ms} ms")]
    GuestTime {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// All memories together.
    #[error("it asked for more than {limit} bytes of memory")]
    Memory {
        /// The limit in bytes.
        limit: u64,
    },
    /// Core instances.
    #[error("it needs more than {limit} instances")]
    Instances {
        /// The limit.
        limit: u64,
    },
    /// Linear memories.
    #[error("it needs more than {limit} memories")]
    Memories {
        /// The limit.
        limit: u64,
    },
    /// Tables.
    #[error("it needs more than {limit} tables")]
    Tables {
        /// The limit.
        limit: u64,
    },
    /// Elements of all tables together.
    #[error("it asked for more than {limit} table elements")]
    TableElements {
        /// The limit.
        limit: u64,
    },
    /// Open handles.
    #[error("it has more than {limit} savepoints, readers and writers open")]
    Handles {
        /// The limit.
        limit: u64,
    },
    /// Bytes handed over in one call of the host.
    #[error("it handed over more than {limit} bytes in one call")]
    CallBytes {
        /// The limit in bytes.
        limit: u64,
    },
    /// Calls of the host.
    #[error("it called the host more than {limit} times")]
    HostCalls {
        /// The limit.
        limit: u64,
    },
    /// Statements sent to the server.
    #[error("it sent more than {limit} statements")]
    Statements {
        /// The limit.
        limit: u64,
    },
    /// The call stack; not configurable.
    #[error("its functions call each other too deeply")]
    Stack,
}

/// Why a call of a component did not do its work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The migration passed on an error of the host.
    #[error("{error}")]
    Sql {
        /// The error, as the migration returned it.
        error: GuestError,
        /// The statement that it belongs to, if that is known.
        statement: Option<Box<FailedStatement>>,
    },
    /// The migration cannot be taken back.
    #[error("this revision cannot be taken back{}", because(reason.as_deref()))]
    Irreversible {
        /// The migration's reason.
        reason: Option<String>,
    },
    /// The migration's own words.
    #[error("{0}")]
    Message(String),
    /// The component crashed.
    #[error("the component crashed: {message}")]
    Trap {
        /// What happened.
        message: String,
        /// The functions that were active, innermost first.
        backtrace: Vec<String>,
    },
    /// The component reached a limit.
    #[error("the component reached a limit: {constraint}")]
    Limit {
        /// Which.
        constraint: Constraint,
    },
    /// The migration reported success, but a statement of it had failed and it
    /// did not roll back to a savepoint: nothing can be committed.
    #[error("the migration went on after a statement had failed, and reported success")]
    Aborted {
        /// The statement that failed.
        statement: Box<FailedStatement>,
    },
    /// A writer was dropped, or left open, without `finish`.
    #[error("a writer on {table} was not finished: its rows would have been lost")]
    UnfinishedWriter {
        /// The table.
        table: String,
    },
    /// The connection to the server was lost during the call.
    #[error("{message}")]
    Connection {
        /// What is known about it, as a whole sentence.
        message: String,
    },
    /// After a statement the session was not what it has to be.
    #[error("the migration was stopped: {what}")]
    Tampered {
        /// What was not as it has to be.
        what: &'static str,
    },
    /// A script is being written, and what the migration wants cannot be a part
    /// of it.
    #[error("it cannot be written as a script: {}", statement.error)]
    Unrecordable {
        /// The statement, and why.
        statement: Box<FailedStatement>,
    },
    /// What the component says about itself makes no sense.
    #[error("the component's description is wrong: {message}")]
    Description {
        /// What is wrong with it.
        message: String,
    },
    /// The host itself failed: a bug of the runner.
    #[error("the component host failed: {message}")]
    Internal {
        /// What happened.
        message: String,
    },
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}
