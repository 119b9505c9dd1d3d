//! A second login on the server of a location.

use std::fmt;

use postgres_protocol::password;

use super::location::ServerLocation;
use super::{ConnectError, Connection, Location, connect};

/// Who to connect as, and with which parameters the session begins.
#[derive(Clone)]
pub struct Login {
    /// The role.
    pub user: String,
    /// Its password.
    pub password: String,
    /// Parameters of the session and their values, set before its first
    /// statement; they are what `RESET` goes back to. See PostgreSQL's manual,
    /// "Parameter Interaction via the Shell", `options`.
    pub parameters: Vec<(String, String)>,
}

/// Never shows the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

/// Connects to the database of a location as somebody else: the same server, the
/// same database, the same TLS.
pub async fn connect_as(
    location: &Location,
    login: &Login,
    application_name: &str,
) -> Result<Connection, ConnectError> {
    let Location::Server(server) = location else {
        return Err(ConnectError::Embedded("it has one login only".into()));
    };
    let mut config = server.config.clone();
    // Without a name the database is the one that is called as the user is.
    if config.get_dbname().is_none()
        && let Some(user) = server.config.get_user()
    {
        config.dbname(user);
    }
    config.user(&login.user).password(&login.password).application_name(application_name);
    config.options(options(server.config.get_options(), &login.parameters));
    let tls = server.tls.clone();
    connect(&Location::Server(Box::new(ServerLocation { config, tls })), application_name).await
}

/// What the server stores of a password, so that the password itself is in no
/// statement and in no log of statements. See PostgreSQL's manual, "pg_authid".
pub fn scram_verifier(password: &str) -> String {
    password::scram_sha_256(password.as_bytes())
}

/// The parameter `options` of the start: the server splits it at spaces, and a
/// backslash takes its meaning from the character behind it. Where a parameter is
/// set twice, the last one counts.
fn options(given: Option<&str>, parameters: &[(String, String)]) -> String {
    let escaped = |value: &str| {
        let mut text = String::with_capacity(value.len());
        for character in value.chars() {
            if character == '\\' || character.is_ascii_whitespace() {
                text.push('\\');
            }
            text.push(character);
        }
        text
    };
    let set = |(name, value): &(String, String)| format!("-c {name}={}", escaped(value));
    given.map(str::to_owned).into_iter().chain(parameters.iter().map(set)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_written_as_the_server_splits_them() {
        let parameters = [("role", "it's me"), ("search_path", r#""a\b", c"#)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        insta::assert_snapshot!(
            options(Some("-c geqo=off"), &parameters),
            @r#"-c geqo=off -c role=it's\ me -c search_path="a\\b",\ c"#
        );
    }

    #[test]
    fn a_password_is_in_no_debug_output_and_not_in_its_verifier() {
        let login = Login { user: "guest".into(), password: "hunter2".into(), parameters: Vec::new() };
        assert!(!format!("{login:?}").contains("hunter2"));
        let verifier = scram_verifier("hunter2");
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:") && !verifier.contains("hunter2"));
    }
}
