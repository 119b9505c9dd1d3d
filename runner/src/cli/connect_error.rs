//! What a user is told where there is no connection.

use runner::db::{CertificateFault, ConnectError};

use super::error::CommandError;
use super::exit_code::Exit;

impl From<ConnectError> for CommandError {
    fn from(error: ConnectError) -> Self {
        Self::from(&error)
    }
}

impl From<&ConnectError> for CommandError {
    fn from(error: &ConnectError) -> Self {
        let exit = if error.may_pass() { Exit::Unreachable } else { Exit::Error };
        let found = Self::from_chain(exit, error).with_server(error.server());
        match hint(error) {
            Some(hint) => found.hint(hint),
            None => found,
        }
    }
}

/// What to do about it.
fn hint(error: &ConnectError) -> Option<&'static str> {
    if let Some(fault) = error.certificate_fault() {
        return Some(certificate_hint(fault));
    }
    Some(match error {
        ConnectError::Unreachable { source, .. } if is_about_writes(source.as_ref()) => {
            "The URL says with `target_session_attrs` which server is meant. Name all hosts of the cluster in it, and \
             wait with `--wait 60s` where another one is about to become the primary."
        }
        ConnectError::Unreachable { .. } => {
            "Is the server running, and is the address right? `runner config` shows where the address is from; \
             `runner wait` and `--wait 60s` wait for a server that is starting."
        }
        ConnectError::NotInTime { source, .. } => return hint(source),
        ConnectError::NoPassword { .. } => {
            "Put it into the URL, PGPASSWORD or POSTGRES_PASSWORD, or into the password file (~/.pgpass, or what \
             PGPASSFILE names)."
        }
        ConnectError::Refused { source, .. } => return refusal_hint(&source.sqlstate),
        ConnectError::NoEmbedded => "Build with `--features embedded`, or name a server.",
        ConnectError::TooOld { .. } => {
            "Upgrade the server; PostgreSQL itself no longer maintains this version."
        }
        ConnectError::Encoding { .. } => {
            "Make a database with `createdb --encoding=UTF8 --template=template0 NAME`, and move the data there."
        }
        ConnectError::Failed { source, .. } => return failure_hint(source.as_ref()),
        ConnectError::Tls(_) | ConnectError::Login(_) | ConnectError::Embedded(_) => return None,
    })
}

/// By the server's SQLSTATE; see PostgreSQL's manual, appendix A.
fn refusal_hint(sqlstate: &str) -> Option<&'static str> {
    Some(match sqlstate {
        "28P01" => {
            "The password is wrong, or the user does not exist. `runner config` shows where both are from."
        }
        "28000" => {
            "The user does not exist or may not log in, or the server's pg_hba.conf has no line for this user, \
             database and address."
        }
        "3D000" => {
            "Create the database first: `createdb NAME`. `runner config` shows where its name is from."
        }
        "42501" => "Have the database's owner run: GRANT CONNECT ON DATABASE name TO role;",
        "53300" => {
            "All of the server's connections are taken. Try again (`--wait 60s` does), close some, or raise \
             max_connections."
        }
        "57P03" => "The server is starting, recovering or shutting down. Wait for it with `--wait 60s`.",
        "57P01" | "57P02" => "The server is shutting down. When it is to come back, wait with `--wait 60s`.",
        _ => return None,
    })
}

fn certificate_hint(fault: CertificateFault) -> &'static str {
    match fault {
        CertificateFault::Expired => {
            "Renew the server's certificate (`ssl_cert_file`), reload the server, and check this machine's clock."
        }
        CertificateFault::NotYetValid => "Is this machine's clock right, and the server's?",
        CertificateFault::OtherName => {
            "Use a name that the certificate has, or let the server have one for this name. `sslmode=verify-ca` \
             does not compare names."
        }
        CertificateFault::UnknownIssuer => {
            "Name the certificate of the authority that signed it: `sslrootcert=FILE`."
        }
        CertificateFault::Other => {
            "Look at it with `openssl s_client -starttls postgres -connect HOST:PORT`."
        }
    }
}

fn failure_hint(source: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let text = source.to_string();
    if text.contains("does not support TLS") {
        return Some(
            "Let the server offer TLS (`ssl = on`); or, where nobody can listen in between, say `sslmode=disable`.",
        );
    }
    if text.contains("no host's name") {
        return Some("`runner config` shows where the name is from.");
    }
    None
}

/// Whether the server was passed over because of `target_session_attrs`.
fn is_about_writes(source: &(dyn std::error::Error + 'static)) -> bool {
    let text = source.to_string();
    text.contains("does not allow writes") || text.contains("is not read only")
}
