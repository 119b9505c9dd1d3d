//! Which registry: `registry.example.org/team/plugins`, and `[registry]` in
//! `runner.toml`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A registry and the namespace in it, as in `registry.example.org:5000/team`. The
/// plugin `x` is the repository `team/x` there, and its versions are the tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryAddress {
    host: String,
    /// Empty for the top of the registry.
    namespace: String,
}

/// A text that names no registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryAddressError {
    /// It begins with the name of a protocol.
    #[error("`{0}` is no registry: write it without `{scheme}`, as docker does", scheme = scheme(.0))]
    Scheme(String),
    /// It has a login, which is not repeated.
    #[error("a registry is named without a login: `docker login`, `podman login` or `oras login` keeps one")]
    Login,
    /// It names no host.
    #[error("`{0}` names no host: a registry is written as in `registry.example.org/team/plugins`")]
    Host(String),
    /// The part after the host.
    #[error(
        "`{text}` is no registry: `{part}` is no part of a namespace, which has lower-case letters, digits and \
         single `.`, `_` or `-` between them"
    )]
    Namespace {
        /// The whole text.
        text: String,
        /// What is wrong in it.
        part: String,
    },
}

/// `[registry]`: where plugins are from that name no registry of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryConfig {
    /// The registry of entries that are a version alone.
    pub default: Option<RegistryAddress>,
    /// The hosts that are spoken to without TLS, each for one port (`inside:5000`) or
    /// for all. Where it is not set, that is this machine, and nothing else.
    pub insecure: Option<Vec<String>>,
}

impl RegistryConfig {
    /// Whether nothing is set.
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a registry is spoken to without TLS.
    pub(super) fn is_plain(&self, address: &RegistryAddress) -> bool {
        let host = address.host();
        let names = [host, host_without_port(host)];
        match &self.insecure {
            None => address.is_loopback(),
            Some(hosts) => hosts.iter().any(|host| names.contains(&host.as_str())),
        }
    }
}

impl RegistryAddress {
    /// The host, with its port if it has one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository of a name.
    pub(super) fn repository(&self, name: &str) -> String {
        match self.namespace.as_str() {
            "" => name.to_owned(),
            namespace => format!("{namespace}/{name}"),
        }
    }

    /// The name that a repository has in the namespace, if it is in it.
    pub(super) fn name_of<'a>(&self, repository: &'a str) -> Option<&'a str> {
        match self.namespace.as_str() {
            "" => Some(repository),
            namespace => repository.strip_prefix(namespace)?.strip_prefix('/'),
        }
    }

    /// Whether it is on this machine.
    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = host_without_port(&self.host);
        let ip = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        host == "localhost" || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl FromStr for RegistryAddress {
    type Err = RegistryAddressError;

    fn from_str(text: &str) -> Result<Self, RegistryAddressError> {
        if text.contains('@') {
            return Err(RegistryAddressError::Login);
        }
        if text.contains("://") {
            return Err(RegistryAddressError::Scheme(text.to_owned()));
        }
        let (host, namespace) = text.split_once('/').unwrap_or((text, ""));
        if !is_host(host) {
            return Err(RegistryAddressError::Host(text.to_owned()));
        }
        let namespace = namespace.strip_suffix('/').unwrap_or(namespace);
        let parts = namespace.split('/').filter(|_| !namespace.is_empty());
        if let Some(part) = parts.into_iter().find(|part| !is_part(part)) {
            return Err(RegistryAddressError::Namespace { text: text.to_owned(), part: part.to_owned() });
        }
        Ok(Self { host: host.to_owned(), namespace: namespace.to_owned() })
    }
}

impl TryFrom<String> for RegistryAddress {
    type Error = RegistryAddressError;

    fn try_from(text: String) -> Result<Self, RegistryAddressError> {
        text.parse()
    }
}

impl From<RegistryAddress> for String {
    fn from(address: RegistryAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for RegistryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.namespace.is_empty() { Ok(()) } else { write!(f, "/{}", self.namespace) }
    }
}

fn scheme(text: &str) -> &str {
    text.find("://").map_or(text, |at| &text[..at + 3])
}

fn host_without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// As docker tells a host from the first part of a name: it has a dot or a port, or
/// is this machine.
fn is_host(host: &str) -> bool {
    let name = host_without_port(host);
    let has_port = name.len() < host.len();
    let port_fits = !has_port || host[name.len() + 1..].parse::<u16>().is_ok();
    let is_ip6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let fits = match is_ip6 {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let allowed = |character: char| character.is_ascii_alphanumeric() || ".-".contains(character);
            !name.is_empty() && name.chars().all(allowed)
        }
    };
    fits && port_fits && (has_port || name.contains('.') || name == "localhost" || is_ip6.is_some())
}

fn is_part(part: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let ends_plain = part.starts_with(is_plain) && part.ends_with(is_plain);
    ends_plain && part.chars().all(|character| is_plain(character) || "._-".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> RegistryAddress {
        text.parse().expect("a registry")
    }

    #[test]
    fn a_registry_is_a_host_and_a_namespace() {
        let team = address("registry.example.org:5000/team/plugins");
        assert_eq!(team.to_string(), "registry.example.org:5000/team/plugins");
        assert_eq!(
            (team.host(), team.repository("x").as_str()),
            ("registry.example.org:5000", "team/plugins/x")
        );
        assert_eq!(team.name_of("team/plugins/x"), Some("x"));
        assert_eq!(team.name_of("team/pluginsx"), None);
        let top = address("localhost");
        assert_eq!((top.repository("x").as_str(), top.name_of("x")), ("x", Some("x")));
    }

    #[test]
    fn what_names_no_registry_is_refused() {
        let error = |text: &str| text.parse::<RegistryAddress>().expect_err("none").to_string();
        insta::assert_snapshot!(error("https://a.b/c"), @"`https://a.b/c` is no registry: write it without `https://`, as docker does");
        insta::assert_snapshot!(error("team/plugins"), @"`team/plugins` names no host: a registry is written as in `registry.example.org/team/plugins`");
        insta::assert_snapshot!(error("a.b/Team"), @"`a.b/Team` is no registry: `Team` is no part of a namespace, which has lower-case letters, digits and single `.`, `_` or `-` between them");
        insta::assert_snapshot!(error("me:hunter2@a.b/c"), @"a registry is named without a login: `docker login`, `podman login` or `oras login` keeps one");
        for wrong in
            ["", "/x", "a.b//c", "a.b:port/x", "a.b:99999/x", "me@a.b/x", "[::1/x", "a.b/../c", "a.b/c?d"]
        {
            assert!(wrong.parse::<RegistryAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        let config = RegistryConfig::default();
        for plain in ["localhost", "localhost:5000/a", "127.0.0.1:5000/a", "127.1.2.3/a", "[::1]:5000"] {
            assert!(config.is_plain(&address(plain)), "{plain}");
        }
        for safe in ["example.org:5000/a", "10.0.0.1:5000/a", "[::2]:5000", "localhost.example.org/a"] {
            assert!(!config.is_plain(&address(safe)), "{safe}");
        }
    }

    #[test]
    fn what_is_set_takes_the_place_of_this_machine() {
        let insecure = Some(vec!["inside.example:5000".into(), "10.0.0.1".into()]);
        let config = RegistryConfig { insecure, ..RegistryConfig::default() };
        for plain in ["inside.example:5000/x", "10.0.0.1:5000/x", "10.0.0.1/x"] {
            assert!(config.is_plain(&address(plain)), "{plain}");
        }
        for safe in ["inside.example/x", "inside.example:5001/x", "localhost:5000"] {
            assert!(!config.is_plain(&address(safe)), "{safe}");
        }
    }
}
