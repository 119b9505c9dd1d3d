//! Asking a database where it stands, without anything that could change it.

use std::time::Duration;

use crate::db::{Connection, Location, connect, connect_within};
use crate::ledger::Ledger;
use crate::sandbox::{Door, SandboxError};
use crate::source::{Isolation, Project};

use super::error::with_causes;
use super::migrator::APPLICATION_NAME;
use super::{Event, OnDisk, ReadOnly, Reporter, RunError, State, Status};

/// A project and a database, for whoever only asks: it starts no host for
/// components, takes no lock and writes nothing.
///
/// An application that must not run on a schema of another version asks at its
/// start:
///
/// ```no_run
/// # use std::path::Path;
/// use runner::db::Location;
/// use runner::run::{Reader, RunError};
/// use runner::source::Project;
///
/// # async fn start(url: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let project = Project::load(Path::new("runner.toml"))?;
/// let location = Location::parse(url)?;
/// match Reader::new(project, location).check_current().await {
///     Ok(()) => {}
///     // Somebody forgot to deploy, or deployed something else.
///     Err(RunError::NotCurrent(found)) => return Err(found.into()),
///     // The server is not up yet: whoever started us may start us again.
///     Err(RunError::Connect(error)) if error.may_pass() => return Err(error.into()),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Reader {
    project: Project,
    location: Location,
    ledger: Ledger,
    patience: Option<Duration>,
}

/// A database, and how a connection to it is made.
pub(super) struct Place<'a> {
    pub(super) location: &'a Location,
    pub(super) isolation: Isolation,
    /// How long to wait for a server that takes no login yet; none to ask once.
    pub(super) patience: Option<Duration>,
}

impl Reader {
    /// Brings a project and a database together.
    pub fn new(project: Project, location: Location) -> Self {
        let ledger = Ledger::in_schema(&project.config.ledger.schema);
        Self { project, location, ledger, patience: None }
    }

    /// Waits for at most `patience` until the server takes a login.
    pub fn waiting(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// What is on disk and what is applied. `reporter` hears of a server that is
    /// not there yet.
    pub async fn state(&self, reporter: &Reporter) -> Result<State, RunError> {
        let isolation = self.project.config.sandbox.isolation;
        let place = Place { location: &self.location, isolation, patience: self.patience };
        let (connection, state) =
            read(&self.project, &self.ledger, Look::Revisions, place.open(reporter)).await?;
        connection.close().await;
        Ok(state)
    }

    /// Where each revision stands.
    pub async fn status(&self) -> Result<Status, RunError> {
        Ok(self.state(&silent()).await?.status())
    }

    /// Fails if the database is not at the heads of the project.
    ///
    /// # Errors
    ///
    /// [`RunError::NotCurrent`] says what is pending and what was edited, and
    /// [`RunError::Connect`] that nobody could be asked.
    pub async fn check_current(&self) -> Result<(), RunError> {
        Ok(self.state(&silent()).await?.check_current()?)
    }
}

fn silent() -> Reporter {
    std::sync::Arc::new(|_event| {})
}

impl Place<'_> {
    /// Connects, and reads nothing.
    pub(super) async fn open(&self, reporter: &Reporter) -> Result<Connection, RunError> {
        let connection = log_in(self.location, self.patience, reporter).await?;
        if self.isolation == Isolation::Role {
            // What migrations left in the application's schemas must not be found
            // by a bare name in the control session.
            let set = connection.session().lock().await.batch(Door::CONTROL).await;
            set.map_err(SandboxError::from)?;
        }
        Ok(connection)
    }
}

/// What is looked at before the ledger is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The revisions.
    Revisions,
    /// Also whether the plugins at hand are those of the lock: for what may run
    /// them.
    Plugins,
}

fn look_at(project: &Project, look: Look) -> Result<OnDisk, RunError> {
    let found = project.revisions().map_err(RunError::Scan)?;
    if look == Look::Plugins {
        project.check_pins(&found)?;
    }
    OnDisk::new(found).map_err(RunError::Graph)
}

/// Waits until a server takes a login, and logs out again. Nothing is asked for:
/// neither a project nor a ledger need to be there.
pub async fn wait_for(location: &Location, patience: Duration, reporter: &Reporter) -> Result<(), RunError> {
    log_in(location, Some(patience), reporter).await?.close().await;
    Ok(())
}

async fn log_in(
    location: &Location,
    patience: Option<Duration>,
    reporter: &Reporter,
) -> Result<Connection, RunError> {
    let Some(patience) = patience else {
        return Ok(connect(location, APPLICATION_NAME).await?);
    };
    let not_yet = |error: &crate::db::ConnectError| {
        reporter(Event::WaitingForServer { location: location.to_string(), reason: with_causes(error) });
    };
    Ok(connect_within(location, APPLICATION_NAME, patience, not_yet).await?)
}

/// Refuses a server that takes no writes, before anything is tried. It reports both
/// by itself; where a proxy keeps them from us, the first write fails.
pub(super) fn refuse_read_only(connection: &Connection) -> Result<(), RunError> {
    let is_on = |name| connection.parameter(name).as_deref() == Some("on");
    match (is_on("in_hot_standby"), is_on("default_transaction_read_only")) {
        (true, _) => Err(RunError::ReadOnly(ReadOnly::Standby)),
        (false, true) => Err(RunError::ReadOnly(ReadOnly::Setting)),
        (false, false) => Ok(()),
    }
}

/// Reads the folder while the connection is being made, and then the ledger.
///
/// What is wrong with the folder is told without waiting for a server, and comes
/// before what is wrong with that.
pub(super) async fn read(
    project: &Project,
    ledger: &Ledger,
    look: Look,
    connection: impl Future<Output = Result<Connection, RunError>>,
) -> Result<(Connection, State), RunError> {
    let project = project.clone();
    let mut on_disk = tokio::task::spawn_blocking(move || look_at(&project, look));
    let mut connection = std::pin::pin!(connection);
    let panicked = "reading the folder does not panic";
    let (on_disk, connection) = tokio::select! {
        on_disk = &mut on_disk => (on_disk.expect(panicked)?, connection.await?),
        connection = &mut connection => (on_disk.await.expect(panicked)?, connection?),
    };
    let contents = ledger.contents(&mut *connection.session().lock().await).await;
    match contents {
        Ok(contents) => Ok((connection, State::read(on_disk, contents))),
        Err(error) => {
            connection.close().await;
            Err(error.into())
        }
    }
}
