//! What another program that uses libpq has to be told, to reach the same
//! database in the same way.

use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::config::{ChannelBinding, Config, Host, TargetSessionAttrs};

use super::Location;
use super::location::ServerLocation;
use super::tls::Verification;

/// Variables of libpq that would have a say beside what it is told.
const OTHERS: [&str; 3] = ["PGSERVICE", "PGSERVICEFILE", "PGSSLNEGOTIATION"];

/// What stands in a URL as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a program of libpq reaches a database.
#[derive(Clone)]
pub struct ClientAccess {
    /// The URL, without the password.
    pub url: String,
    /// The first host: a name, an address, or the folder of a socket.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user, if one is named.
    pub user: Option<String>,
    /// The database, if one is named.
    pub database: Option<String>,
    /// libpq's variables: those that are to be set, and those that must not be.
    pub variables: Vec<(&'static str, Option<String>)>,
    /// The password. It is among the variables, and has to be kept out of
    /// everything else.
    pub password: Option<String>,
}

impl Location {
    /// How a program of libpq reaches it; none for the embedded server.
    pub fn client_access(&self) -> Option<ClientAccess> {
        match self {
            Self::Server(server) => Some(ClientAccess::of(server)),
            Self::Embedded(_) => None,
        }
    }
}

impl ClientAccess {
    fn of(server: &ServerLocation) -> Self {
        let config = &server.config;
        let text = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
        let (hosts, ports) = (hosts(config), ports(config));
        let (user, database) = (text(config.get_user()), text(config.get_dbname()));
        let password = config.get_password().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let addresses: Vec<String> = match config.get_hosts().is_empty() {
            true => Vec::new(),
            false => config.get_hostaddrs().iter().map(IpAddr::to_string).collect(),
        };
        let timeout = config.get_connect_timeout().map(|timeout| timeout.as_secs().to_string());
        let mut variables = vec![
            ("PGHOST", Some(hosts.join(","))),
            ("PGHOSTADDR", text(Some(&addresses.join(",")))),
            ("PGPORT", Some(ports.iter().map(u16::to_string).collect::<Vec<_>>().join(","))),
            ("PGUSER", user.clone()),
            ("PGDATABASE", database.clone()),
            ("PGOPTIONS", text(config.get_options())),
            ("PGSSLMODE", Some(ssl_mode(server.tls.verification).to_owned())),
            ("PGSSLROOTCERT", root_certificate(server)),
            ("PGCONNECT_TIMEOUT", timeout),
            ("PGTARGETSESSIONATTRS", session_attributes(config)),
            ("PGCHANNELBINDING", channel_binding(config)),
        ];
        // Without one libpq looks where we did.
        variables.extend(password.iter().map(|password| ("PGPASSWORD", Some(password.clone()))));
        variables.extend(OTHERS.map(|name| (name, None)));
        let url = url(&hosts, &ports, user.as_deref(), database.as_deref());
        let (host, port) = (hosts.into_iter().next().unwrap_or_default(), ports.first().copied());
        Self { url, host, port: port.unwrap_or(5432), user, database, variables, password }
    }
}

/// The names of the hosts, or their addresses where they have none.
fn hosts(config: &Config) -> Vec<String> {
    let name = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    };
    let named: Vec<String> = config.get_hosts().iter().map(name).collect();
    if !named.is_empty() {
        return named;
    }
    let addresses: Vec<String> = config.get_hostaddrs().iter().map(IpAddr::to_string).collect();
    if addresses.is_empty() { vec!["localhost".into()] } else { addresses }
}

/// One for all hosts, or one each.
fn ports(config: &Config) -> Vec<u16> {
    if config.get_ports().is_empty() { vec![5432] } else { config.get_ports().to_vec() }
}

fn url(hosts: &[String], ports: &[u16], user: Option<&str>, database: Option<&str>) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let host = |(at, host): (usize, &String)| {
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{}:{port}", encoded(host)),
        }
    };
    let hosts = hosts.iter().enumerate().map(host).collect::<Vec<_>>().join(",");
    let user = user.map(|user| format!("{}@", encoded(user))).unwrap_or_default();
    let database = database.map(encoded).unwrap_or_default();
    format!("postgresql://{user}{hosts}/{database}")
}

fn ssl_mode(verification: Verification) -> &'static str {
    match verification {
        Verification::Disable => "disable",
        Verification::Prefer => "prefer",
        Verification::Require => "require",
        Verification::Ca => "verify-ca",
        Verification::Full => "verify-full",
    }
}

/// The file, or libpq's word for the system's authorities, which it knows since
/// version 16 and takes with `verify-full` only.
fn root_certificate(server: &ServerLocation) -> Option<String> {
    match (&server.tls.root_certificate, server.tls.verification) {
        (Some(file), _) => {
            Some(std::path::absolute(file).unwrap_or_else(|_| file.clone()).display().to_string())
        }
        (None, Verification::Full) => Some("system".into()),
        (None, _) => None,
    }
}

fn session_attributes(config: &Config) -> Option<String> {
    Some(match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => "read-write".into(),
        TargetSessionAttrs::ReadOnly => "read-only".into(),
        _ => return None,
    })
}

fn channel_binding(config: &Config) -> Option<String> {
    Some(match config.get_channel_binding() {
        ChannelBinding::Disable => "disable".into(),
        ChannelBinding::Require => "require".into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(text: &str) -> ClientAccess {
        Location::parse(text).expect("a location").client_access().expect("a server")
    }

    fn variable(access: &ClientAccess, name: &str) -> Option<String> {
        access.variables.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.clone())
    }

    #[test]
    fn the_password_is_in_its_variable_only() {
        let access = access("postgresql://me:hunter2%21@db:5433/a%20b?sslmode=verify-ca&sslrootcert=/ca.pem");
        assert_eq!(access.url, "postgresql://me@db:5433/a%20b");
        assert_eq!((access.host.as_str(), access.port), ("db", 5433));
        let holds = access
            .variables
            .iter()
            .filter(|(_, value)| value.as_deref().is_some_and(|value| value.contains("hunter2")));
        assert_eq!(holds.map(|(name, _)| *name).collect::<Vec<_>>(), ["PGPASSWORD"]);
        assert_eq!(variable(&access, "PGPASSWORD").as_deref(), Some("hunter2!"));
        assert_eq!(variable(&access, "PGSSLMODE").as_deref(), Some("verify-ca"));
        assert_eq!(variable(&access, "PGSSLROOTCERT").as_deref(), Some("/ca.pem"));
        assert!(access.variables.contains(&("PGSERVICE", None)), "it would have the last word");
    }

    #[test]
    fn hosts_are_named_as_libpq_reads_them() {
        let several = access("postgresql://me@one:1,two:2/app?target_session_attrs=read-write");
        assert_eq!(several.url, "postgresql://me@one:1,two:2/app");
        assert_eq!(variable(&several, "PGHOST").as_deref(), Some("one,two"));
        assert_eq!(variable(&several, "PGTARGETSESSIONATTRS").as_deref(), Some("read-write"));
        let socket = access("host=/var/run/postgresql user=me dbname=app");
        assert_eq!(socket.url, "postgresql://me@%2Fvar%2Frun%2Fpostgresql:5432/app");
        assert_eq!(variable(&socket, "PGHOST").as_deref(), Some("/var/run/postgresql"));
        let six = access("hostaddr=::1 user=me");
        assert_eq!(six.url, "postgresql://me@[::1]:5432/");
        assert_eq!(variable(&six, "PGHOSTADDR"), None, "it stands in the place of the name");
        let full = access("postgresql://me@db/app?sslmode=verify-full");
        assert_eq!(variable(&full, "PGSSLROOTCERT").as_deref(), Some("system"));
        assert!(Location::parse("embedded").expect("a location").client_access().is_none());
    }
}
