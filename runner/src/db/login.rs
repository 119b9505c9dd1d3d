//! A login of its own: another user at the same place, with its settings
//! pinned from the first byte.

use std::fmt;

use postgres_protocol::password;
use tokio_postgres::Config;

/// Who connects to a location instead of the user that it names, and with what
/// settings.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The role that logs in.
    pub user: String,
    /// Its password; never shown.
    pub password: String,
    /// Settings that hold from the start of the session, in the order in which
    /// they are made. RESET goes back to them; see PostgreSQL's manual,
    /// "Shell Interaction" under "Setting Parameters". They come after those
    /// that the location itself has, and so win over them.
    pub parameters: Vec<(String, String)>,
}

/// Why a session cannot be pinned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The embedded server has one login and one connection.
    #[error("the embedded server has no other login")]
    Embedded,
    /// A name that no setting has.
    #[error("`{0}` is no setting's name")]
    Name(String),
    /// A value that cannot be sent.
    #[error("the value of `{0}` holds a zero byte")]
    Value(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

impl Login {
    /// Puts the login in the place of the one that a location has.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), LoginError> {
        let mut options = config.get_options().unwrap_or_default().to_owned();
        // A backslash at the end would quote the space before ours.
        if options.len() % 2 != options.trim_end_matches('\\').len() % 2 {
            options.push('\\');
        }
        for (name, value) in &self.parameters {
            if !options.is_empty() {
                options.push(' ');
            }
            options.push_str(&option(name, value)?);
        }
        if config.get_dbname().is_none() {
            // Where none is named, it is the one with the user's name: that of
            // the location.
            let database = config.get_user().map(str::to_owned);
            database.map(|database| config.dbname(database));
        }
        config.user(&self.user).password(&self.password).options(options);
        Ok(())
    }
}

/// A setting as one word of the `options` of the startup packet: the server
/// splits them at spaces, and a backslash takes the next byte as it is.
fn option(name: &str, value: &str) -> Result<String, LoginError> {
    let begins = |character: char| character.is_ascii_alphabetic() || character == '_';
    let continues = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.');
    if !name.starts_with(begins) || !name.chars().all(continues) {
        return Err(LoginError::Name(name.to_owned()));
    }
    if value.contains('\0') {
        return Err(LoginError::Value(name.to_owned()));
    }
    let mut word = format!("-c{name}=");
    for character in value.chars() {
        if character.is_ascii_whitespace() || matches!(character, '\\' | '\u{b}') {
            word.push('\\');
        }
        word.push(character);
    }
    Ok(word)
}

/// What the server stores of a password, so that the password itself is in no
/// statement and in no log of statements. See PostgreSQL's manual, "pg_authid".
pub fn scram_verifier(password: &str) -> String {
    password::scram_sha_256(password.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(before: &str, parameters: &[(&str, &str)]) -> Result<String, LoginError> {
        let mut config = Config::new();
        config.user("operator").options(before);
        let parameters = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Login { user: "guest".into(), password: "hunter2".into(), parameters }.apply(&mut config)?;
        assert_eq!((config.get_user(), config.get_dbname()), (Some("guest"), Some("operator")));
        Ok(config.get_options().unwrap_or_default().to_owned())
    }

    #[test]
    fn values_are_one_word_each() {
        let pinned = [("search_path", "app, \"My Schema\""), ("app.x", "a\\b\tc\n")];
        assert_eq!(
            options("", &pinned).as_deref(),
            Ok("-csearch_path=app,\\ \"My\\ Schema\" -capp.x=a\\\\b\\\tc\\\n")
        );
        assert_eq!(options("-crole=x", &pinned[..0]).as_deref(), Ok("-crole=x"));
        let role = [("role", "owner")];
        assert_eq!(options("-crole=x", &role).as_deref(), Ok("-crole=x -crole=owner"));
        assert_eq!(options("-crole=x\\", &role).as_deref(), Ok("-crole=x\\\\ -crole=owner"));
        assert_eq!(options("-crole=x\\\\", &role).as_deref(), Ok("-crole=x\\\\ -crole=owner"));
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for name in ["", "a b", "a=b", "1a", "a-b", "é"] {
            assert_eq!(options("", &[(name, "x")]), Err(LoginError::Name(name.into())));
        }
        assert_eq!(options("", &[("role", "a\0b")]), Err(LoginError::Value("role".into())));
    }

    #[test]
    fn the_password_is_not_shown() {
        let login = Login { user: "guest".into(), password: "hunter2".into(), parameters: Vec::new() };
        assert!(!format!("{login:?}").contains("hunter2"));
        let verifier = scram_verifier("hunter2");
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:") && !verifier.contains("hunter2"));
    }
}
