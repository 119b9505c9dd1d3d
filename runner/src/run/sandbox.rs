//! Setting up the logins of migrations, and looking at them.

use serde::Serialize;

use crate::db::{AdvisoryLock, Connection, Location};
use crate::sandbox::{
    self, Door, Facts, InstallOptions, Installation, Line, Names, Sandbox, SandboxError, Verdict,
};

use super::{Migrator, RunError};

/// How the sandbox stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SandboxStatus {
    /// Whether a run with `isolation = "role"` would begin.
    pub ready: bool,
    /// Part by part.
    pub lines: Vec<Line>,
}

impl Migrator {
    /// What is in place, missing, and wrong. Takes no lock and writes nothing.
    pub async fn sandbox_status(&self) -> Result<SandboxStatus, RunError> {
        let (sandbox, connection) = self.sandbox().await?;
        let result = async {
            let session = connection.session();
            let mut session = session.lock().await;
            let names = sandbox.names(&mut session).await?;
            let facts = sandbox.facts(&mut session, &names).await?;
            let is_current = self.ledger.is_current(&mut session).await?;
            Ok::<_, SandboxError>(sandbox::findings(&sandbox, &names, &facts, is_current))
        }
        .await;
        self.close(connection).await;
        let lines: Vec<Line> = result?;
        let ready = lines.iter().all(|line| matches!(line.verdict, Verdict::Holds | Verdict::Weak));
        Ok(SandboxStatus { ready, lines })
    }

    /// The statements that [`Self::install_sandbox`] would run now. Takes no lock
    /// and writes nothing.
    pub async fn sandbox_script(&self, options: InstallOptions) -> Result<Vec<String>, RunError> {
        let (sandbox, connection) = self.sandbox().await?;
        let result = plan(&sandbox, &connection, options).await;
        self.close(connection).await;
        Ok(result?.1.statements())
    }

    /// Makes the guest and the function that redeems tickets, and the ledger
    /// where there is none; then lets a guest in and out again, since only the
    /// server knows whom it lets log in from here. Returns what was run; running
    /// it again runs nothing.
    pub async fn install_sandbox(&self, options: InstallOptions) -> Result<Vec<String>, RunError> {
        let (sandbox, connection) = self.sandbox().await?;
        let result = self.install_on(&sandbox, &connection, options).await;
        self.close(connection).await;
        result
    }

    async fn install_on(
        &self,
        sandbox: &Sandbox,
        connection: &Connection,
        options: InstallOptions,
    ) -> Result<Vec<String>, RunError> {
        // What stands in the way is said before anything is made.
        plan(sandbox, connection, options).await?;
        // The end of the session releases it.
        self.acquire(connection, AdvisoryLock::for_schema(self.ledger.schema_name())).await?;
        self.ledger.ensure(&mut *connection.session().lock().await).await?;
        let (names, installation) = plan(sandbox, connection, options).await?;
        let statements = installation.statements();
        let session = connection.session();
        sandbox.apply(&mut *session.lock().await, &names, &statements).await?;
        let door = self.door(sandbox, connection).await?;
        let guest = door.let_in(&mut *session.lock().await).await?;
        guest.connection.close().await;
        Ok(statements)
    }

    /// The statements that [`Self::remove_sandbox`] would run now. Takes no lock
    /// and writes nothing.
    pub async fn sandbox_removal(&self) -> Result<Vec<String>, RunError> {
        let (sandbox, connection) = self.sandbox().await?;
        let result = facts(&sandbox, &connection).await;
        self.close(connection).await;
        let (names, facts) = result?;
        Ok(sandbox::remove(&sandbox, &names, &facts))
    }

    /// Takes away what [`Self::install_sandbox`] made; the ledger stays. Returns
    /// what was run.
    pub async fn remove_sandbox(&self) -> Result<Vec<String>, RunError> {
        let (sandbox, connection) = self.sandbox().await?;
        let result = async {
            self.acquire(&connection, AdvisoryLock::for_schema(self.ledger.schema_name())).await?;
            let (names, facts) = facts(&sandbox, &connection).await?;
            let statements = sandbox::remove(&sandbox, &names, &facts);
            sandbox.apply(&mut *connection.session().lock().await, &names, &statements).await?;
            Ok(statements)
        }
        .await;
        self.close(connection).await;
        result
    }

    async fn sandbox(&self) -> Result<(Sandbox, Connection), RunError> {
        if matches!(self.location, Location::Embedded(_)) {
            return Err(SandboxError::Embedded.into());
        }
        let sandbox = Sandbox::new(&self.project.config.sandbox, &self.ledger)?;
        let connection = self.connect_bare().await?;
        let set = connection.session().lock().await.batch(Door::CONTROL).await;
        set.map_err(SandboxError::from)?;
        Ok((sandbox, connection))
    }
}

async fn facts(sandbox: &Sandbox, connection: &Connection) -> Result<(Names, Facts), SandboxError> {
    let session = connection.session();
    let mut session = session.lock().await;
    let names = sandbox.names(&mut session).await?;
    let facts = sandbox.facts(&mut session, &names).await?;
    Ok((names, facts))
}

async fn plan(
    sandbox: &Sandbox,
    connection: &Connection,
    options: InstallOptions,
) -> Result<(Names, Installation), SandboxError> {
    let (names, facts) = facts(sandbox, connection).await?;
    let installation = sandbox::install(sandbox, &names, &facts, options)?;
    Ok((names, installation))
}
