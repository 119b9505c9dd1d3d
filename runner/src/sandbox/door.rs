//! Letting a guest in, for one step.

use std::time::Duration;

use crate::db::{ConnectError, Connection, Location, Login, PostgresSession, connect_as, scram_verifier};

use super::status::{Verdict, findings};
use super::{Names, Sandbox, SandboxError};

/// How long to wait for the server to forget the guest's last session: there may
/// be one at a time.
const LAST_SESSION: Duration = Duration::from_secs(5);
/// The pause between two attempts meanwhile.
const PAUSE: Duration = Duration::from_millis(10);

/// What every session of a guest begins with, whatever the server, the database
/// and the roles are set to.
const PINNED: [(&str, &str); 9] = [
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
    ("transform_null_equals", "off"),
    ("row_security", "on"),
    ("check_function_bodies", "on"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("default_transaction_deferrable", "off"),
    ("client_encoding", "UTF8"),
];

/// How long the server goes on with a statement of a runner that is gone, where
/// its system can tell. See PostgreSQL's manual, `client_connection_check_interval`.
const CHECK_INTERVAL: &str = "2s";

/// What the guest's sessions take over from the control session: what the
/// operator set, and not what a guest may have.
const TAKEN_OVER: [&str; 2] = ["work_mem", "maintenance_work_mem"];

/// Where guests come in: opened for a moment, and closed behind each.
#[derive(Debug)]
pub struct Door {
    names: Names,
    location: Location,
    application_name: String,
    parameters: Vec<(String, String)>,
}

/// A guest's session, in no transaction.
pub struct GuestSession {
    /// The connection, which is the guest's alone.
    pub connection: Connection,
    /// Its server process.
    pub process: u32,
}

impl Door {
    /// Makes sure that the sandbox is sound, and only then cleans up behind a run
    /// that was killed: until everything is checked, the role of the guest's name
    /// may be somebody else's. The caller holds the lock, and `session` is the control session.
    /// `parameters` are set for each guest, `search_path` and time-outs among
    /// them.
    pub async fn new(
        sandbox: &Sandbox,
        session: &mut PostgresSession,
        location: &Location,
        application_name: &str,
        parameters: &[(&str, String)],
    ) -> Result<Self, SandboxError> {
        let names = sandbox.names(session).await?;
        let mut facts = sandbox.facts(session, &names).await?;
        // A password that is left over is what the cleaning is for.
        if let Some(guest) = &mut facts.guest {
            guest.expired = true;
        }
        let is_current = sandbox.ledger().is_current(session).await?;
        let wrong = findings(sandbox, &names, &facts, is_current)
            .into_iter()
            .filter(|line| matches!(line.verdict, Verdict::Missing | Verdict::Broken));
        let reasons: Vec<String> = wrong.map(|line| line.text).collect();
        if !reasons.is_empty() {
            return Err(SandboxError::NotReady { reasons });
        }
        session.batch(&names.end_sessions()).await?;
        session.batch(&names.lock(facts.guest_is_in.contains(&names.owner))).await?;
        sandbox.ledger().clear_tickets(session).await?;
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut all: Vec<(String, String)> = PINNED.iter().map(own).collect();
        all.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all.extend(taken_over(session).await?);
        all.push(("role".into(), names.owner.clone()));
        Ok(Self {
            names,
            location: location.clone(),
            application_name: application_name.to_owned(),
            parameters: all,
        })
    }

    /// The names.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Lets the guest in. While it is at the door it has a password and is a
    /// member of the owner; both are taken back before this returns, also where
    /// it fails, so that nothing is left to be cleaned up later.
    pub async fn let_in(&self, control: &mut PostgresSession) -> Result<GuestSession, SandboxError> {
        let password = hex::encode(rand::random::<[u8; 32]>());
        let until = "SELECT (pg_catalog.clock_timestamp() + interval '1 minute')::pg_catalog.text";
        let until = control.batch(until).await?.into_iter().next().and_then(|row| row.into_iter().next()?);
        let until = until.ok_or_else(|| SandboxError::Answer("it gave no time".into()))?;
        if let Err(error) = control.batch(&self.names.unlock(&scram_verifier(&password), &until)).await {
            control.batch("ROLLBACK").await?;
            return Err(error.into());
        }
        let login = Login { user: self.names.guest.clone(), password, parameters: self.parameters.clone() };
        let connection = self.log_in(&login).await;
        let locked = control.batch(&self.names.lock(true)).await;
        let connection = connection.map_err(|source| SandboxError::Login {
            guest: self.names.guest.clone(),
            source: Box::new(source),
        })?;
        match locked {
            Ok(_) => self.check(connection).await,
            Err(error) => {
                connection.close().await;
                Err(error.into())
            }
        }
    }

    /// The server counts a session until its process has ended, which is a
    /// moment after its connection has.
    async fn log_in(&self, login: &Login) -> Result<Connection, ConnectError> {
        let deadline = tokio::time::Instant::now() + LAST_SESSION;
        loop {
            match connect_as(&self.location, login, &self.application_name).await {
                Err(ConnectError::Refused { source, .. })
                    if source.sqlstate == "53300" && tokio::time::Instant::now() < deadline =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                other => return other,
            }
        }
    }

    /// Makes sure that this is the session that was asked for: a pool in between
    /// may have dropped the parameters, or given somebody else's.
    async fn check(&self, connection: Connection) -> Result<GuestSession, SandboxError> {
        let sql = "SELECT session_user, current_user, pg_catalog.pg_backend_pid()";
        let answer = connection.session().lock().await.batch(sql).await;
        let row = answer.map(|rows| rows.into_iter().next_back().unwrap_or_default());
        let (login, role) = (&self.names.guest, &self.names.owner);
        let error = match row.as_deref() {
            Ok([Some(session), Some(current), Some(process)]) if session == login && current == role => {
                match process.parse() {
                    Ok(process) => return Ok(GuestSession { connection, process }),
                    Err(_) => SandboxError::Answer("its process is no number".into()),
                }
            }
            Ok([Some(session), Some(current), _]) => SandboxError::WrongSession {
                found: format!("{session} as {current}"),
                expected: format!("{login} as {role}"),
            },
            Ok(_) => SandboxError::Answer("it does not say who the guest is".into()),
            Err(error) => error.clone().into(),
        };
        connection.close().await;
        Err(error)
    }

    /// Gives the owner's rights back, in the guest's transaction: what follows is
    /// the guest's own right to redeem a ticket.
    pub const STEP_DOWN: &'static str = "SET LOCAL ROLE NONE";

    /// The text that gives the control session its settings: no object of the
    /// application is found by a bare name there, and it waits for the guest as
    /// long as a step takes.
    pub const CONTROL: &'static str = "SET search_path = pg_catalog, pg_temp; SET idle_session_timeout = 0; \
        SET statement_timeout = 0; SET lock_timeout = '5s'; SET standard_conforming_strings = on";
}

async fn taken_over(session: &mut PostgresSession) -> Result<Vec<(String, String)>, SandboxError> {
    let values: Vec<String> =
        TAKEN_OVER.iter().map(|name| format!("pg_catalog.current_setting('{name}')")).collect();
    let sql = format!("SELECT pg_catalog.version() LIKE '%linux%', {}", values.join(", "));
    let row = session.batch(&sql).await?.into_iter().next_back().unwrap_or_default();
    let mut fields = row.into_iter().flatten();
    // Other systems refuse the setting, and with it the login.
    let interval = if fields.next().as_deref() == Some("t") { CHECK_INTERVAL } else { "0" };
    let mut all = vec![("client_connection_check_interval".to_owned(), interval.to_owned())];
    all.extend(TAKEN_OVER.iter().map(|name| (*name).to_owned()).zip(fields));
    Ok(all)
}

impl std::fmt::Debug for GuestSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuestSession").field("process", &self.process).finish_non_exhaustive()
    }
}
