//! Waiting until a server takes a login.

use std::time::{Duration, Instant};

use super::{ConnectError, Connection, Location, connect};

/// The first pause between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How much time an attempt has at least, even where little or none is left to
/// wait: without time there is still a question.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(1);
/// How often it is told that the server is not there yet.
const BETWEEN_REPORTS: Duration = Duration::from_secs(10);

/// Connects, as soon as the server takes a login; tries for at most `limit`.
/// `not_yet` is told what stands in the way, at once and then every ten seconds.
///
/// # Errors
///
/// At once, what only somebody can put right: a wrong password, a database that
/// does not exist, a certificate that is not trusted. [`ConnectError::NotInTime`]
/// with the last reason when the time is over.
pub async fn connect_within(
    location: &Location,
    application_name: &str,
    limit: Duration,
    mut not_yet: impl FnMut(&ConnectError),
) -> Result<Connection, ConnectError> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut told: Option<Instant> = None;
    let mut last: Option<ConnectError> = None;
    loop {
        let left = limit.saturating_sub(began.elapsed()).max(SHORTEST_ATTEMPT);
        let reason = match tokio::time::timeout(left, connect(location, application_name)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if !error.may_pass() => return Err(error),
            Ok(Err(error)) => error,
            // What was found before says more than that the time is over.
            Err(_) => last.take().unwrap_or_else(|| ConnectError::no_answer(location)),
        };
        if began.elapsed() + pause >= limit {
            let (location, source) = (location.to_string(), Box::new(reason));
            return Err(ConnectError::NotInTime { location, waited: limit, source });
        }
        if told.is_none_or(|told| told.elapsed() >= BETWEEN_REPORTS) {
            told = Some(Instant::now());
            not_yet(&reason);
        }
        last = Some(reason);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
