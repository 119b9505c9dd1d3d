//! Errors about the logins of migrations, as the user sees them.

use runner::sandbox::SandboxError;

use super::error::{CommandError, ledger};
use super::exit_code::Exit;

impl From<SandboxError> for CommandError {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::Ledger(error) => ledger(&error),
            SandboxError::NotReady { reasons } => reasons
                .into_iter()
                .fold(Self::new(Exit::Error, "the sandbox is not ready"), Self::cause)
                .hint("Run `runner sandbox install`, then `runner sandbox status`."),
            SandboxError::Unsound { reasons, remedies } => {
                let found = reasons
                    .into_iter()
                    .fold(Self::new(Exit::Error, "the sandbox would confine nobody"), Self::cause);
                remedies.into_iter().fold(found, Self::hint)
            }
            SandboxError::LacksCreateRole { ref sql, .. } => Self::from_chain(Exit::Error, &error).hint(format!(
                "Have an administrator run this, and install again:\n{};",
                sql.join(";\n")
            )),
            SandboxError::NotPermitted { ref sql, .. } => Self::from_chain(Exit::Error, &error).hint(format!(
                "Nothing was changed. Give the login what it lacks (to make a schema: CREATE on the database), \
                 or have an administrator run this:\n{};",
                sql.join(";\n")
            )),
            error => {
                let hint = hint(&error);
                let found = Self::from_chain(Exit::Error, &error);
                hint.into_iter().fold(found, Self::hint)
            }
        }
    }
}

fn hint(error: &SandboxError) -> Option<&'static str> {
    Some(match error {
        SandboxError::NoOwner => {
            "Add to runner.toml: [sandbox] owner = \"ROLE\". It must not be the role that this login acts as."
        }
        SandboxError::Embedded | SandboxError::SingleTransaction => {
            "With `isolation = \"policy\"` in [sandbox] in runner.toml it can be done."
        }
        SandboxError::WithoutTransaction { .. } => {
            "Run it with `isolation = \"policy\"` in [sandbox] in runner.toml, in a deployment of its own."
        }
        SandboxError::Superuser { .. } => {
            "Connect as the role that owns the schemas; or use `isolation = \"role\"`; or, if this code is trusted \
             with the whole server, set `allow_superuser = true` in [sandbox] in runner.toml."
        }
        SandboxError::Login { .. } => {
            "Let the server's pg_hba.conf admit the guest by password (scram-sha-256) from here."
        }
        SandboxError::WrongSession { .. } => {
            "Is there a connection pool in between? Connect to the server itself."
        }
        _ => return None,
    })
}
