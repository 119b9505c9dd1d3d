//! Who asks: credentials as docker, podman and oras keep them.
//!
//! A file has them itself (`auths`), or names a program that does (`credHelpers`,
//! `credsStore`). Which files there are is not known here.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use oci_client::secrets::RegistryAuth;

use super::{RegistryAddress, RegistryFault};

/// What docker keeps the credentials of its own registry under.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Who asks a registry.
pub(super) struct Login {
    pub(super) auth: RegistryAuth,
    /// Where the credentials are from, if there are any.
    pub(super) file: Option<PathBuf>,
}

impl Login {
    /// The credentials of the first file that has some for a repository of the
    /// registry; without any, nobody in particular asks.
    pub(super) fn find(
        files: &[PathBuf],
        address: &RegistryAddress,
        repository: &str,
    ) -> Result<Self, RegistryFault> {
        for file in files {
            if let Some(auth) = of_file(file, address, repository)? {
                return Ok(Self { auth, file: Some(file.clone()) });
            }
        }
        Ok(Self { auth: RegistryAuth::Anonymous, file: None })
    }
}

fn of_file(
    file: &Path,
    address: &RegistryAddress,
    repository: &str,
) -> Result<Option<RegistryAuth>, RegistryFault> {
    let wrong = |reason: String| RegistryFault::Credentials {
        host: address.host().to_owned(),
        file: file.to_owned(),
        reason,
    };
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
            return Ok(None);
        }
        Err(error) => return Err(wrong(error.to_string())),
    };
    let config: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("the file is no JSON: {error}")))?;
    let server = server(&config, address.host(), repository);
    match get_credential_from_reader(&text[..], &server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(Some(RegistryAuth::Basic(user, password)))
        }
        Ok(DockerCredential::IdentityToken(_)) => {
            Err(wrong("they are an identity token, and this runner sends a name and a password".into()))
        }
        Err(error) if is_none(&error) => Ok(None),
        Err(error) => Err(wrong(reason(&error))),
    }
}

/// What the credentials of a repository are kept under: podman allows those of a
/// namespace, docker those of a host.
fn server(config: &serde_json::Value, host: &str, repository: &str) -> String {
    let whole = format!("{host}/{repository}");
    let ends = whole.match_indices('/').map(|(at, _)| at).skip(1).chain([whole.len()]);
    let mut keys: Vec<&str> = ends.map(|end| &whole[..end]).collect();
    keys.reverse();
    match keys.into_iter().find(|key| config["auths"].get(key).is_some()) {
        Some(key) => key.to_owned(),
        None if host == "docker.io" => DOCKER_HUB.to_owned(),
        None => host.to_owned(),
    }
}

/// A helper that has none says so in these words (`docker-credential-helpers`).
fn is_none(error: &CredentialRetrievalError) -> bool {
    match error {
        CredentialRetrievalError::NoCredentialConfigured => true,
        CredentialRetrievalError::HelperFailure { stdout, .. } => stdout.contains("credentials not found"),
        _ => false,
    }
}

/// What is wrong, without what a helper wrote: it may hold what is to be kept.
fn reason(error: &CredentialRetrievalError) -> String {
    match error {
        CredentialRetrievalError::HelperFailure { helper, .. } => format!("{helper} fails"),
        CredentialRetrievalError::HelperCommunicationError => "its helper cannot be run".into(),
        CredentialRetrievalError::MalformedHelperResponse => "its helper's answer is none".into(),
        CredentialRetrievalError::CredentialDecodingError => "`auth` is not NAME:PASSWORD in Base64".into(),
        CredentialRetrievalError::CredentialMismatchError => {
            "`auth` is not what `username` and `password` are".into()
        }
        _ => "the file is not one of docker's".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, registry: &str) -> Result<RegistryAuth, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("config.json");
        std::fs::write(&file, text).expect("writes");
        let files = [dir.path().join("none.json"), file];
        let address: RegistryAddress = registry.parse().expect("a registry");
        let repository = address.repository("x");
        let text = |error: RegistryFault| error.to_string().replace(&dir.path().display().to_string(), "DIR");
        Login::find(&files, &address, &repository).map(|login| login.auth).map_err(text)
    }

    fn basic(user: &str, password: &str) -> RegistryAuth {
        RegistryAuth::Basic(user.into(), password.into())
    }

    #[test]
    fn credentials_are_those_of_the_host_or_of_the_namespace() {
        // "me:hunter2" and "team:other".
        let text = r#"{"auths":{"a.example:5000":{"auth":"bWU6aHVudGVyMg=="},"a.example:5000/team":{"auth":"dGVhbTpvdGhlcg=="},"b.example":{}}}"#;
        assert!(find(text, "a.example:5000/mine") == Ok(basic("me", "hunter2")));
        assert!(find(text, "a.example:5000/team/plugins") == Ok(basic("team", "other")));
        assert!(find(text, "a.example/mine") == Ok(RegistryAuth::Anonymous));
        assert!(find(text, "b.example") == Ok(RegistryAuth::Anonymous));
        assert!(find("{}", "a.example") == Ok(RegistryAuth::Anonymous));
        let docker = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6aHVudGVyMg=="}}}"#;
        assert!(find(docker, "docker.io/me") == Ok(basic("me", "hunter2")));
    }

    #[test]
    fn what_cannot_be_used_is_said_without_what_it_holds() {
        let error = |text: &str| find(text, "a.example").expect_err("is refused");
        insta::assert_snapshot!(error("{"), @"the credentials for a.example in DIR/config.json cannot be used: the file is no JSON: EOF while parsing an object at line 1 column 1");
        insta::assert_snapshot!(error(r#"{"auths":{"a.example":{"auth":"hunter2?"}}}"#), @"the credentials for a.example in DIR/config.json cannot be used: `auth` is not NAME:PASSWORD in Base64");
        insta::assert_snapshot!(error(r#"{"auths":{"a.example":{"identitytoken":"hunter2"}}}"#), @"the credentials for a.example in DIR/config.json cannot be used: they are an identity token, and this runner sends a name and a password");
        insta::assert_snapshot!(error(r#"{"credsStore":"that-nobody-has"}"#), @"the credentials for a.example in DIR/config.json cannot be used: its helper cannot be run");
    }
}
