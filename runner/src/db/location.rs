//! Where the database is, as a user writes it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::libpq;
use super::tls::{TlsOptions, Verification};

/// Where the database is.
#[derive(Clone)]
pub enum Location {
    /// A server.
    Server(Box<ServerLocation>),
    /// The PostgreSQL inside this program: kept in a folder, or in memory and
    /// gone at the end.
    Embedded(Option<PathBuf>),
}

/// A server, a database and a user.
#[derive(Clone)]
pub struct ServerLocation {
    pub(super) config: Config,
    pub(super) tls: TlsOptions,
}

/// Why a text does not say where a database is. Never holds the text: it may
/// hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// It begins with another scheme.
    #[error(
        "a `{0}://` URL names no PostgreSQL; `postgresql://user@host:port/database` or `embedded` is expected"
    )]
    Scheme(String),
    /// It has no scheme. Whatever it is may be a password, so it is not told.
    #[error("it begins neither with `postgresql://` nor with `embedded`")]
    NoScheme,
    /// A password with an `@` in it, most likely.
    #[error("its host holds an `@`; in a password write it as `%40`")]
    At,
    /// A parameter has a value that we do not know.
    #[error("`{name}` cannot be `{value}`; {expected} is expected")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// The values that there are.
        expected: &'static str,
    },
    /// Anything else.
    #[error("the database's URL cannot be read: {0}")]
    Malformed(String),
}

impl Location {
    /// Parses `postgresql://…` (or `postgres://`, with or without a `+driver`
    /// part, which is ignored), libpq's `key=value` form, `embedded`, or
    /// `embedded:PATH`.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let text = text.trim();
        if text == "embedded" {
            return Ok(Self::Embedded(None));
        }
        if let Some(path) = text.strip_prefix("embedded:") {
            return match path.is_empty() {
                true => Err(LocationError::Malformed("`embedded:` needs a folder after the colon".into())),
                false => Ok(Self::Embedded(Some(path.into()))),
            };
        }
        let (config, tls) = match text.split_once("://") {
            Some((scheme, rest)) => url(scheme, rest)?,
            None => key_values(text)?,
        };
        Ok(Self::Server(Box::new(ServerLocation { config, tls })))
    }

    /// A server, by the names and values of libpq's parameters. See PostgreSQL's
    /// manual, libpq, "Parameter Key Words".
    pub(super) fn of_parameters<'a>(
        parameters: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, LocationError> {
        let mut tls = TlsOptions::default();
        let mut kept = Vec::new();
        for (name, value) in parameters {
            if !tls.take(name, value)? {
                let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
                kept.push(format!("{name}='{quoted}'"));
            }
        }
        let config = configured(&kept.join(" "), &tls)?;
        Ok(Self::Server(Box::new(ServerLocation { config, tls })))
    }

    /// The same server and login with another database; none of the embedded one,
    /// which has a single database.
    pub fn in_database(&self, name: &str) -> Option<Self> {
        let Self::Server(server) = self else { return None };
        let mut server = server.clone();
        server.config.dbname(name);
        Some(Self::Server(server))
    }

    /// Whether a server's password is not known.
    pub fn lacks_password(&self) -> bool {
        matches!(self, Self::Server(server) if server.config.get_password().is_none())
    }

    /// Sets a server's password.
    pub fn set_password(&mut self, password: &str) {
        if let Self::Server(server) = self {
            server.config.password(password);
        }
    }

    /// The password that the text of a password file has for it; see
    /// PostgreSQL's manual, libpq, "The Password File".
    pub fn password_of(&self, file: &str) -> Option<String> {
        match self {
            Self::Server(server) => libpq::password_for(server, file),
            Self::Embedded(_) => None,
        }
    }
}

impl ServerLocation {
    /// The server's name, or else its address, as messages show it.
    pub(super) fn describe_host(&self) -> String {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match (self.config.get_hosts().first(), self.config.get_hostaddrs().first()) {
            (Some(Host::Tcp(name)), _) if !name.is_empty() => format!("{name}:{port}"),
            #[cfg(unix)]
            (Some(Host::Unix(path)), _) => format!("{}/.s.PGSQL.{port}", path.display()),
            (_, Some(address)) => SocketAddr::new(*address, port).to_string(),
            (_, None) => format!("localhost:{port}"),
        }
    }
}

fn url(scheme: &str, rest: &str) -> Result<(Config, TlsOptions), LocationError> {
    let dialect = scheme.split('+').next().unwrap_or(scheme);
    if !matches!(dialect, "postgresql" | "postgres") {
        return Err(match dialect.chars().all(|character| character.is_ascii_alphanumeric()) {
            true => LocationError::Scheme(dialect.to_owned()),
            false => LocationError::NoScheme,
        });
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    if address.matches('@').count() > 1 {
        return Err(LocationError::At);
    }
    let mut tls = TlsOptions::default();
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !tls.take(name, &percent_decoded(value))? {
            kept.push(pair);
        }
    }
    let text = format!("postgresql://{address}?{}", kept.join("&"));
    Ok((configured(&text, &tls)?, tls))
}

fn key_values(text: &str) -> Result<(Config, TlsOptions), LocationError> {
    if !text.contains('=') {
        return Err(LocationError::NoScheme);
    }
    let mut tls = TlsOptions::default();
    let mut kept = Vec::new();
    // A quoted value may hold spaces; its pieces are passed on as they are.
    for word in text.split(|character: char| character.is_ascii_whitespace()) {
        let taken = match word.split_once('=') {
            Some((name, value)) => tls.take(name, value.trim_matches('\''))?,
            None => false,
        };
        if !taken {
            kept.push(word);
        }
    }
    let config = configured(&kept.join(" "), &tls).map_err(|error| match error {
        // The driver names it, and it may be a piece of a password with a blank.
        LocationError::Malformed(cause) if cause.starts_with("unknown option") => LocationError::Malformed(
            "one of its parameters is unknown; a value with blanks in it needs quotes".into(),
        ),
        error => error,
    })?;
    Ok((config, tls))
}

fn configured(text: &str, tls: &TlsOptions) -> Result<Config, LocationError> {
    let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        LocationError::Malformed(cause)
    })?;
    // What we know of TLS was taken out of the text; what the driver found all
    // the same was written in a way that we would overrule.
    if config.get_ssl_mode() != SslMode::Prefer {
        return Err(LocationError::Malformed("`sslmode=VALUE` has to be written without spaces".into()));
    }
    config.ssl_mode(match tls.verification {
        Verification::Disable => SslMode::Disable,
        Verification::Prefer => SslMode::Prefer,
        Verification::Require | Verification::Ca | Verification::Full => SslMode::Require,
    });
    Ok(config)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let decoded = after.get(..2).filter(|_| first == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Never shows the password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(None) => f.write_str("the embedded server, in memory"),
            Self::Embedded(Some(path)) => write!(f, "the embedded server in {}", path.display()),
            Self::Server(server) => {
                let user = server.config.get_user().unwrap_or("?");
                let database = server.config.get_dbname().unwrap_or(user);
                write!(f, "database `{database}` on {} as `{user}`", server.describe_host())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match Location::parse(text) {
            Ok(location) => location.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn drivers_are_ignored_and_passwords_never_shown() {
        let expected = "database `app` on db:5433 as `me`";
        for scheme in
            ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg2", "postgresql+psycopg"]
        {
            assert_eq!(shown(&format!("{scheme}://me:hunter2@db:5433/app")), expected);
        }
        assert_eq!(
            shown("host=db port=5433 user=me password=hunter2 dbname=app sslmode=verify-full"),
            expected
        );
        assert_eq!(shown("embedded"), "the embedded server, in memory");
        assert_eq!(shown("embedded:./data"), "the embedded server in ./data");
    }

    #[test]
    fn an_address_is_shown_where_there_is_no_name() {
        assert_eq!(shown("hostaddr=10.0.0.1 user=me"), "database `me` on 10.0.0.1:5432 as `me`");
        assert_eq!(shown("hostaddr=::1 port=5433 user=me"), "database `me` on [::1]:5433 as `me`");
        assert_eq!(shown("host=db hostaddr=10.0.0.1 user=me"), "database `me` on db:5432 as `me`");
        assert_eq!(shown("user=me"), "database `me` on localhost:5432 as `me`");
    }

    #[test]
    fn errors_do_not_repeat_the_password() {
        insta::assert_snapshot!(shown("mysql://me:hunter2@db/app"), @"error: a `mysql://` URL names no PostgreSQL; `postgresql://user@host:port/database` or `embedded` is expected");
        insta::assert_snapshot!(shown("postgresql://me:hunter2@db:port/app"), @"error: the database's URL cannot be read: invalid value for option `port`");
        insta::assert_snapshot!(shown("postgresql://me:hunter2@db/app?sslmode=maybe"), @"error: `sslmode` cannot be `maybe`; `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full` is expected");
        insta::assert_snapshot!(shown("host=db user=me password=hun ter2=x"), @"error: the database's URL cannot be read: one of its parameters is unknown; a value with blanks in it needs quotes");
        insta::assert_snapshot!(shown("embedded:"), @"error: the database's URL cannot be read: `embedded:` needs a folder after the colon");
        insta::assert_snapshot!(shown("postgresql://me:hunter2@hunter3@db/app"), @"error: its host holds an `@`; in a password write it as `%40`");
        insta::assert_snapshot!(shown("me:hunter2@db/app"), @"error: it begins neither with `postgresql://` nor with `embedded`");
        insta::assert_snapshot!(shown("hunter2-is-a-password"), @"error: it begins neither with `postgresql://` nor with `embedded`");
    }

    #[test]
    fn sslmode_is_read_in_all_its_forms() {
        for (mode, expected) in [
            ("disable", Verification::Disable),
            ("prefer", Verification::Prefer),
            ("require", Verification::Require),
            ("verify-ca", Verification::Ca),
            ("verify-full", Verification::Full),
        ] {
            let text = format!("postgresql://me@db/app?sslmode={mode}&sslrootcert=%2Fetc%2Froot%20ca.pem");
            match Location::parse(&text).expect("a location") {
                Location::Server(server) => {
                    assert_eq!(server.tls.verification, expected);
                    assert_eq!(server.tls.root_certificate, Some("/etc/root ca.pem".into()));
                }
                Location::Embedded(_) => panic!("a server is expected"),
            }
        }
    }
}
