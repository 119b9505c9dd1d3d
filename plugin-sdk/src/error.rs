//! Why a migration did not do its work.
//!
//! [`Error`] deliberately does not implement `std::error::Error`: that is what
//! makes `?` work on every type that does, without naming any of them.

use std::fmt;

use crate::bindings::types::{self, DbError, Failure};
use crate::host;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a migration did not do its work.
///
/// Returning one from [`upgrade`](crate::Migration::upgrade) rolls the step
/// back. `?` makes one of every `std::error::Error`; [`bail!`](crate::bail) and
/// [`Error::message`] make one of a sentence.
///
/// An error of the host keeps its parts on the way up, so that the runner can
/// show the SQLSTATE and the place in the statement; what
/// [`context`](Context::context) adds to it is logged beside it.
pub struct Error(Box<Inner>);

struct Inner {
    cause: Cause,
    /// What was being done, innermost first.
    context: Vec<String>,
}

enum Cause {
    Host(types::Error),
    Irreversible(String),
    Message(String),
    /// A column's value that does not fit.
    Column {
        name: String,
        /// What stands between the column's name and the problem.
        link: String,
        problem: String,
    },
}

impl Error {
    /// An error in the migration's own words.
    pub fn message(message: impl fmt::Display) -> Self {
        Self::new(Cause::Message(message.to_string()))
    }

    /// Says that the migration cannot be taken back, and why.
    pub fn irreversible(reason: impl fmt::Display) -> Self {
        Self::new(Cause::Irreversible(reason.to_string()))
    }

    /// Adds what was being done when the error occurred.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.context.push(context.to_string());
        self
    }

    /// Says which column of the row at hand the error is about.
    ///
    /// A [transform](crate::Transaction::transform) adds the row and its key:
    /// `row 7 of public.users (id = 7), column email: has no @`.
    #[must_use]
    pub fn in_column(self, column: impl fmt::Display) -> Self {
        match self.0.cause {
            Cause::Message(_) => Self::of_column(column.to_string(), ": ".to_owned(), self.to_string()),
            _ => self.context(format_args!("the column `{column}`")),
        }
    }

    pub(crate) fn of_column(name: String, link: String, problem: String) -> Self {
        Self::new(Cause::Column { name, link, problem })
    }

    /// Says which row the error is about, and in which of its columns if that is
    /// known.
    pub(crate) fn in_row(mut self, row: impl fmt::Display) -> Self {
        match self.0.cause {
            Cause::Column { name, problem, .. } => {
                self.0.cause = Cause::Message(problem);
                self.context(format_args!("{row}, column {name}"))
            }
            cause => {
                self.0.cause = cause;
                self.context(row)
            }
        }
    }

    /// The host's error, if it was one.
    pub fn host(&self) -> Option<&types::Error> {
        match &self.0.cause {
            Cause::Host(error) => Some(error),
            Cause::Irreversible(_) | Cause::Message(_) | Cause::Column { .. } => None,
        }
    }

    /// The server's error, if it was one.
    pub fn database(&self) -> Option<&DbError> {
        match self.host() {
            Some(types::Error::Database(error)) => Some(error),
            _ => None,
        }
    }

    /// The server's five-character code, such as `23505` for a row that is
    /// there already.
    pub fn sqlstate(&self) -> Option<&str> {
        self.database().map(|error| error.sqlstate.as_str())
    }

    /// The constraint that was violated, if the server named one.
    pub fn constraint(&self) -> Option<&str> {
        self.database()?.constraint.as_deref()
    }

    /// The table that the server's error is about, if it named one.
    pub fn table(&self) -> Option<&str> {
        self.database()?.table.as_deref()
    }

    /// The column that the server's error is about, if it named one.
    pub fn column(&self) -> Option<&str> {
        self.database()?.column.as_deref()
    }

    /// Whether this says that the migration cannot be taken back.
    pub fn is_irreversible(&self) -> bool {
        matches!(self.0.cause, Cause::Irreversible(_))
    }

    /// Turns the error into what the interface carries. The interface has no
    /// place for context beside an error of the host, so that goes to the log.
    pub(crate) fn into_failure(self) -> Failure {
        let with_context = !self.0.context.is_empty();
        let whole = self.to_string();
        match self.0.cause {
            Cause::Host(error) => {
                if with_context {
                    host::log(host::Level::Error, &whole);
                }
                Failure::Sql(error)
            }
            Cause::Irreversible(_) => Failure::Irreversible(Some(whole)),
            Cause::Message(_) | Cause::Column { .. } => Failure::Message(whole),
        }
    }

    fn new(cause: Cause) -> Self {
        Self(Box::new(Inner { cause, context: Vec::new() }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.0.context.iter().rev() {
            write!(f, "{context}: ")?;
        }
        match &self.0.cause {
            Cause::Host(error) => fmt_host_error(error, f),
            Cause::Irreversible(message) | Cause::Message(message) => f.write_str(message),
            Cause::Column { name, link, problem } => write!(f, "the column `{name}`{link}{problem}"),
        }
    }
}

/// The same as `Display`: this is what a test that unwraps a result prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let boxed: Box<dyn std::error::Error> = Box::new(error);
        match boxed.downcast::<types::Error>() {
            Ok(host) => Self::new(Cause::Host(*host)),
            Err(other) => Self::new(Cause::Message(chain(other.as_ref()))),
        }
    }
}

/// Adds what was being done to an error, on the way up.
pub trait Context<T> {
    /// Adds a sentence to the error.
    ///
    /// # Errors
    ///
    /// The same error, with the sentence in front.
    fn context(self, context: impl fmt::Display) -> Result<T>;

    /// Adds a sentence that is only made when there is an error.
    ///
    /// # Errors
    ///
    /// The same error, with the sentence in front.
    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T>;

    /// Says which column of the row at hand the error is about; see
    /// [`Error::in_column`].
    ///
    /// # Errors
    ///
    /// The same error, with the column.
    fn in_column(self, column: &str) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(context))
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| error.into().context(context()))
    }

    fn in_column(self, column: &str) -> Result<T> {
        self.map_err(|error| error.into().in_column(column))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::message(context))
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.ok_or_else(|| Error::message(context()))
    }

    fn in_column(self, column: &str) -> Result<T> {
        self.ok_or_else(|| Error::message("there is no value").in_column(column))
    }
}

fn fmt_host_error(error: &types::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        types::Error::Database(error) => {
            write!(f, "{} ({})", error.message, error.sqlstate)?;
            match &error.detail {
                Some(detail) => write!(f, ": {detail}"),
                None => Ok(()),
            }
        }
        types::Error::Conversion(message) | types::Error::Limit(message) | types::Error::Denied(message) => {
            f.write_str(message)
        }
        types::Error::Other((kind, message)) => write!(f, "{message} ({kind})"),
    }
}

/// An error and everything that caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
