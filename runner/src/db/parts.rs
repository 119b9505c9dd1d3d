//! A location part by part, for whoever wants to see where it leads.

use std::fmt::Display;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, LoadBalanceHosts, SslNegotiation, TargetSessionAttrs};

use super::Location;
use super::connect::CONNECT_TIMEOUT;
use super::location::ServerLocation;
use super::tls::Verification;

/// What stands for the user's name where the driver asks the operating system.
const OF_THE_MACHINE: &str = "(the login of this machine)";

/// One part of a location, under the name that libpq has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationPart {
    /// The parameter's name; see PostgreSQL's manual, libpq, "Parameter Key Words".
    pub name: &'static str,
    /// Its value. Of a password only whether there is one.
    pub value: String,
    /// Whether the location itself has it, so that it is not a default.
    pub is_given: bool,
}

impl Location {
    /// The parts, with the defaults of those that are always of interest; none of
    /// the embedded server.
    pub fn parts(&self) -> Vec<LocationPart> {
        match self {
            Self::Server(server) => of_server(server),
            Self::Embedded(_) => Vec::new(),
        }
    }
}

fn of_server(server: &ServerLocation) -> Vec<LocationPart> {
    let config = &server.config;
    let user = config.get_user().unwrap_or(OF_THE_MACHINE);
    let given = |name, value: Option<String>| value.map(|value| LocationPart { name, value, is_given: true });
    let or = |name, value: Option<String>, default: &str| {
        Some(LocationPart { name, is_given: value.is_some(), value: value.unwrap_or_else(|| default.into()) })
    };
    let password = if config.get_password().is_some() { "set" } else { "not set" };
    let timeout = config.get_connect_timeout().map(|limit| limit.as_secs().to_string());
    [
        or("host", list(config.get_hosts().iter().map(host)), "localhost"),
        given("hostaddr", list(config.get_hostaddrs())),
        or("port", list(config.get_ports()), "5432"),
        or("dbname", config.get_dbname().map(str::to_owned), user),
        or("user", config.get_user().map(str::to_owned), OF_THE_MACHINE),
        or("password", config.get_password().map(|_| password.to_owned()), password),
        or("sslmode", sslmode(server.tls.verification), "prefer"),
        given("sslrootcert", server.tls.root_certificate.as_ref().map(|file| file.display().to_string())),
        given("options", config.get_options().map(str::to_owned)),
        given("application_name", config.get_application_name().map(str::to_owned)),
        or("connect_timeout", timeout, &CONNECT_TIMEOUT.as_secs().to_string()),
        or("target_session_attrs", target(config), "any"),
        given("channel_binding", channel_binding(config)),
        given("sslnegotiation", direct(config)),
        given("load_balance_hosts", random(config)),
        given("tcp_user_timeout", config.get_tcp_user_timeout().map(|limit| limit.as_secs().to_string())),
        given("keepalives", (!config.get_keepalives()).then(|| "0".to_owned())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Several values with commas between them; none if there are none.
fn list(values: impl IntoIterator<Item = impl Display>) -> Option<String> {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    }
}

/// The word of libpq, unless it is the default.
fn sslmode(verification: Verification) -> Option<String> {
    let word = match verification {
        Verification::Prefer => return None,
        Verification::Disable => "disable",
        Verification::Require => "require",
        Verification::Ca => "verify-ca",
        Verification::Full => "verify-full",
    };
    Some(word.into())
}

fn target(config: &Config) -> Option<String> {
    match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => Some("read-write".into()),
        TargetSessionAttrs::ReadOnly => Some("read-only".into()),
        _ => None,
    }
}

fn channel_binding(config: &Config) -> Option<String> {
    match config.get_channel_binding() {
        ChannelBinding::Disable => Some("disable".into()),
        ChannelBinding::Require => Some("require".into()),
        _ => None,
    }
}

fn direct(config: &Config) -> Option<String> {
    (config.get_ssl_negotiation() == SslNegotiation::Direct).then(|| "direct".into())
}

fn random(config: &Config) -> Option<String> {
    (config.get_load_balance_hosts() == LoadBalanceHosts::Random).then(|| "random".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let parts = Location::parse(text).expect("a location").parts();
        let shown = parts.iter().map(|part| {
            format!("{}={}{}", part.name, part.value, if part.is_given { "" } else { " (default)" })
        });
        shown.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_part_is_shown_and_no_password() {
        insta::assert_snapshot!(shown("postgresql://me:hunter2@a:1,b:2/app?sslmode=verify-full&target_session_attrs=read-write&options=-cx%3D1"), @r"
        host=a,b
        port=1,2
        dbname=app
        user=me
        password=set
        sslmode=verify-full
        options=-cx=1
        connect_timeout=10 (default)
        target_session_attrs=read-write
        ");
        insta::assert_snapshot!(shown("host=db user=me"), @r"
        host=db
        port=5432 (default)
        dbname=me (default)
        user=me
        password=not set (default)
        sslmode=prefer (default)
        connect_timeout=10 (default)
        target_session_attrs=any (default)
        ");
    }
}
