//! What confines a step, and whether the run may have it.

use crate::db::{Connection, Location};
use crate::ledger::Confinement;
use crate::revision::{Kind, Manifest};
use crate::sandbox::{Door, Sandbox, SandboxError};
use crate::source::Isolation;

use super::prepare::Prepared;
use super::{Event, Migrator, Options, RunError};

impl Migrator {
    pub(super) fn isolation(&self) -> Isolation {
        self.project.config.sandbox.isolation
    }

    /// Refuses what the chosen isolation cannot do, before anything is done.
    pub(super) async fn check_isolation(
        &self,
        connection: &Connection,
        prepared: &[Prepared],
        options: &Options,
    ) -> Result<(), RunError> {
        match self.isolation() {
            _ if prepared.is_empty() => Ok(()),
            Isolation::Role if matches!(self.location, Location::Embedded(_)) => {
                Err(SandboxError::Embedded.into())
            }
            Isolation::Role if options.single_transaction => Err(SandboxError::SingleTransaction.into()),
            Isolation::Role => match prepared.iter().find(|prepared| prepared.statements.is_some()) {
                Some(prepared) => {
                    Err(SandboxError::WithoutTransaction { revision: prepared.step.revision.to_string() }
                        .into())
                }
                None => Ok(()),
            },
            Isolation::Policy => self.refuse_superuser(connection, prepared).await,
        }
    }

    /// Code must not have the session of somebody whom the server refuses
    /// nothing. Behind the embedded server there is nothing but the project's own
    /// data.
    pub(super) async fn refuse_superuser(
        &self,
        connection: &Connection,
        prepared: &[Prepared],
    ) -> Result<(), RunError> {
        let is_code = |prepared: &&Prepared| matches!(prepared.manifest.kind, Kind::Rust | Kind::Plugin);
        let Some(code) = prepared.iter().find(is_code) else {
            return Ok(());
        };
        if self.project.config.sandbox.allow_superuser || matches!(self.location, Location::Embedded(_)) {
            return Ok(());
        }
        // A superuser who acts as another role is one again with the next
        // statement.
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_roles \
            WHERE rolname IN (session_user, current_user) AND rolsuper), session_user";
        let rows = connection.session().lock().await.batch(sql).await.map_err(SandboxError::from)?;
        match rows.into_iter().next_back().unwrap_or_default().as_slice() {
            [Some(superuser), _] if superuser == "f" => Ok(()),
            [_, login] => Err(SandboxError::Superuser {
                revision: code.step.revision.to_string(),
                login: login.clone().unwrap_or_default(),
            }
            .into()),
            _ => Err(SandboxError::Answer("it does not say whether we are a superuser".into()).into()),
        }
    }

    /// Opens the door for the guests of a run, if there are any, and says which
    /// isolation the run has. The lock is held, and the ledger is current.
    pub(super) async fn isolate(&self, connection: &Connection) -> Result<Option<Door>, RunError> {
        let isolation = self.isolation();
        let door = match isolation {
            Isolation::Policy => None,
            Isolation::Role => {
                let sandbox = Sandbox::new(&self.project.config.sandbox, &self.ledger)?;
                Some(self.door(&sandbox, connection).await?)
            }
        };
        let names = door.as_ref().map(Door::names);
        (self.reporter)(Event::Isolation {
            isolation,
            login: names.map(|names| names.guest.clone()),
            role: names.map(|names| names.owner.clone()),
        });
        Ok(door)
    }

    pub(super) async fn door(
        &self,
        sandbox: &Sandbox,
        connection: &Connection,
    ) -> Result<Door, SandboxError> {
        let session = connection.session();
        let mut session = session.lock().await;
        let parameters = self.settings.parameters();
        Door::new(sandbox, &mut session, &self.location, super::migrator::APPLICATION_NAME, parameters).await
    }
}

/// What confines a step of this revision.
pub(super) fn confinement(isolation: Isolation, manifest: &Manifest) -> Confinement {
    match isolation {
        Isolation::Role => Confinement::Role,
        // Reviewed SQL of the project's own that declares nothing.
        Isolation::Policy if manifest.grants().is_none() => Confinement::Unrestricted,
        Isolation::Policy => Confinement::Policy,
    }
}
