//! Who keeps a step waiting.
//!
//! Looks from a connection of its own, opened when the server has been silent
//! for a while, and never with the migration's rights: the runner's own login
//! asks. The embedded server has one connection, and nobody else who could be in
//! the way.

use std::convert::Infallible;
use std::sync::{Mutex as Shared, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::db::{Activity, Connection, Location, Traffic, blockers_of, connect};
use crate::revision::RevisionId;

use super::migrator::APPLICATION_NAME;
use super::{Event, Reporter};

/// How long the server is silent before anybody looks, at most.
const SILENCE: Duration = Duration::from_secs(1);
/// The same, at least.
const SHORTEST_SILENCE: Duration = Duration::from_millis(20);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause after one that failed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(10);

/// Looks who is in the way of a run's statements.
pub(super) struct Watch<'a> {
    location: &'a Location,
    reporter: &'a Reporter,
    /// How long the server may be silent before we look.
    silence: Duration,
    /// Opened when it is needed, and kept for the run.
    connection: Mutex<Option<Connection>>,
    ours: Shared<Ours>,
}

/// The session whose statements may wait.
#[derive(Default)]
struct Ours {
    process: Option<i32>,
    traffic: Option<Traffic>,
    /// Who was in the way last, in this attempt.
    last: Vec<Activity>,
}

impl<'a> Watch<'a> {
    /// A watch that looks before the server gives a statement up for
    /// `lock_timeout`; none for never.
    pub(super) fn new(
        location: &'a Location,
        reporter: &'a Reporter,
        lock_timeout: Option<Duration>,
    ) -> Self {
        let half = lock_timeout.map_or(SILENCE, |timeout| timeout / 2);
        let silence = half.clamp(SHORTEST_SILENCE, SILENCE);
        Self { location, reporter, silence, connection: Mutex::default(), ours: Shared::default() }
    }

    /// From now on statements run in this server process.
    pub(super) fn concerns(&self, process: Option<i32>, traffic: Traffic) {
        let mut ours = self.ours();
        (ours.process, ours.traffic) = (process, Some(traffic));
    }

    /// An attempt begins: nobody is known to be in its way.
    pub(super) fn begin(&self) {
        self.ours().last.clear();
    }

    /// Who was in the way last.
    pub(super) fn last(&self) -> Vec<Activity> {
        self.ours().last.clone()
    }

    /// Waits for an attempt, and looks meanwhile.
    pub(super) async fn during<T>(&self, revision: &RevisionId, attempt: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            result = attempt => result,
            never = self.look_on(revision) => match never {},
        }
    }

    /// Closes the connection, if there is one.
    pub(super) async fn close(self, limit: Duration) {
        if let Some(connection) = self.connection.into_inner() {
            connection.close_within(limit).await;
        }
    }

    async fn look_on(&self, revision: &RevisionId) -> Infallible {
        if matches!(self.location, Location::Embedded(_)) {
            return std::future::pending().await;
        }
        let mut told = Vec::new();
        loop {
            self.until_silent().await;
            match self.look().await {
                Ok(by) => {
                    let processes: Vec<i32> = by.iter().map(|session| session.process).collect();
                    if !by.is_empty() {
                        self.ours().last.clone_from(&by);
                        if processes != told {
                            (self.reporter)(Event::Blocked { revision: revision.clone(), by });
                        }
                    }
                    told = processes;
                    tokio::time::sleep(PAUSE.min(self.silence.max(SHORTEST_SILENCE))).await;
                }
                Err(why) => {
                    tracing::debug!("who is in the way could not be asked: {why}");
                    *self.connection.lock().await = None;
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    async fn until_silent(&self) {
        loop {
            let quiet = self.ours().traffic.as_ref().map_or(Duration::ZERO, Traffic::quiet);
            match self.silence.checked_sub(quiet) {
                None | Some(Duration::ZERO) => return,
                Some(rest) => tokio::time::sleep(rest).await,
            }
        }
    }

    async fn look(&self) -> Result<Vec<Activity>, String> {
        let Some(process) = self.ours().process else {
            return Ok(Vec::new());
        };
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            let made = connect(self.location, APPLICATION_NAME).await;
            *connection = Some(made.map_err(|error| error.to_string())?);
        }
        let Some(connection) = connection.as_ref() else {
            return Ok(Vec::new());
        };
        let session = connection.session();
        let mut session = session.lock().await;
        blockers_of(&mut session, &[process]).await.map_err(|error| error.to_string())
    }

    fn ours(&self) -> std::sync::MutexGuard<'_, Ours> {
        // A panic elsewhere leaves no value half written here.
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
