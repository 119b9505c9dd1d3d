//! What a user is told about where the database is.

use std::path::Path;

use runner::db::LocationError;

use super::database::Source;
use super::error::CommandError;
use super::exit_code::Exit;

impl CommandError {
    /// No database is configured. There is no default: a tool that guesses
    /// which database to change is dangerous.
    pub fn no_database() -> Self {
        Self::new(Exit::Error, "no database is configured")
            .hint("Pass `--database URL`, set DATABASE_URL or PGHOST and the like, or set `database.url` in runner.toml.")
            .hint("To try things out without a server, pass `--database embedded:PATH`.")
    }

    /// The database's URL cannot be read.
    pub fn location(source: Source, error: LocationError) -> Self {
        Self::new(Exit::Error, format!("the database that {source} names cannot be understood"))
            .cause(error.to_string())
    }

    /// A variable of the environment has no text.
    pub fn variable_not_text(name: &str) -> Self {
        Self::new(Exit::Error, format!("the variable {name} is not UTF-8"))
    }

    /// The file of variables cannot be read. Any part of it may be a password,
    /// so none of its text is told.
    pub fn env_file(file: &Path, line: usize) -> Self {
        Self::new(Exit::Error, format!("{}:{line}: `NAME=value` is expected", file.display()))
            .hint("Put a value with spaces or backslashes in single quotes.")
    }

    /// A line of a service file is no parameter.
    pub fn service_file(file: &Path, line: usize) -> Self {
        Self::new(Exit::Error, format!("{}:{line}: `parameter=value` is expected", file.display()))
    }

    /// A service has a parameter that would not be heeded.
    pub fn service_parameter(file: &Path, service: &str, parameter: &str) -> Self {
        let file = file.display();
        let message = format!(
            "the service `{service}` of {file} has the parameter `{parameter}`, which runner does not know"
        );
        Self::new(Exit::Error, message)
    }

    /// No service file has the service.
    pub fn no_service(name: &str) -> Self {
        Self::new(Exit::Error, format!("no service file has the service `{name}`")).hint(
            "They are ~/.pg_service.conf, or what PGSERVICEFILE names, and $PGSYSCONFDIR/pg_service.conf.",
        )
    }
}
