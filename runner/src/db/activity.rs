//! Other sessions of the server: who they are, and what they are at.
//!
//! Never what they run: the text of a statement can hold secrets.

use std::fmt;

use serde::Serialize;

use super::{DbError, PostgresSession, TextRow};

/// Another session, as far as the server tells us. A login without
/// `pg_read_all_stats` sees of other users' sessions the process, the user and
/// the application name.
///
/// Times are UTC, as in `2026-11-21T12:03:11Z`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// Its server process; 0 for a prepared transaction, which has none.
    pub process: i32,
    /// What it calls itself (`application_name`). Anybody can set it to anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    /// The user that it logged in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The client's address; none where it came over a local socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// `active`, `idle in transaction` …; see PostgreSQL's manual on
    /// `pg_stat_activity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Since when it has that state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_since: Option<String>,
    /// Since when it is in its transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_since: Option<String>,
    /// Since when it is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_since: Option<String>,
}

impl Activity {
    /// Who it is, as `process 4711 (psql, user app, from 10.0.0.7)`.
    pub fn who(&self) -> String {
        self.described(None)
    }

    /// Who it is, and since when it is there.
    pub fn since(&self) -> String {
        let since = self.connected_since.as_deref();
        since.map_or_else(|| self.who(), |since| format!("{}, connected since {since}", self.who()))
    }

    fn described(&self, last: Option<String>) -> String {
        if self.process == 0 {
            return "a prepared transaction (see pg_prepared_xacts)".into();
        }
        let name = self.application_name.clone().filter(|name| !name.is_empty());
        let user = self.user.as_ref().map(|user| format!("user {user}"));
        let client = self.client.as_ref().map(|client| format!("from {client}"));
        let parts: Vec<String> = [name, user, client, last].into_iter().flatten().collect();
        match parts.is_empty() {
            true => format!("process {}", self.process),
            false => format!("process {} ({})", self.process, parts.join(", ")),
        }
    }
}

/// Who it is, and what it is at.
impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.state.as_ref().map(|state| match &self.state_since {
            Some(since) => format!("{state} since {since}"),
            None => state.clone(),
        });
        f.write_str(&self.described(at))
    }
}

/// Asks who the sessions are whose processes a query returns in a column `pid`.
///
/// The function behind `pg_stat_activity`, for one process at a time: the view
/// looks at every session of the server.
pub(super) async fn activities(
    session: &mut PostgresSession,
    processes: &str,
) -> Result<Vec<Activity>, DbError> {
    let time = |column: &str| {
        format!(
            "pg_catalog.to_char(pg_catalog.timezone('UTC', a.{column}), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        )
    };
    let sql = format!(
        "SELECT DISTINCT b.pid, a.application_name, CASE WHEN a.usesysid IS NOT NULL THEN \
         pg_catalog.pg_get_userbyid(a.usesysid) END, pg_catalog.host(a.client_addr), a.state, {}, {}, {} \
         FROM ({processes}) AS b(pid) LEFT JOIN LATERAL pg_catalog.pg_stat_get_activity(b.pid) AS a ON true \
         ORDER BY 1",
        time("state_change"),
        time("xact_start"),
        time("backend_start"),
    );
    Ok(session.batch(&sql).await?.into_iter().filter_map(activity).collect())
}

fn activity(row: TextRow) -> Option<Activity> {
    let mut fields = row.into_iter();
    let process = fields.next()??.parse().ok()?;
    let mut next = || fields.next().flatten();
    Some(Activity {
        process,
        application_name: next(),
        user: next(),
        client: next(),
        state: next(),
        state_since: next(),
        transaction_since: next(),
        connected_since: next(),
    })
}

/// Asks who keeps some server processes waiting for a lock.
pub async fn blockers_of(session: &mut PostgresSession, processes: &[i32]) -> Result<Vec<Activity>, DbError> {
    let blocked = processes.iter().map(|process| format!("({process})")).collect::<Vec<_>>().join(", ");
    let blocking = format!(
        "SELECT pg_catalog.unnest(pg_catalog.pg_blocking_pids(ours.pid)) FROM (VALUES {blocked}) AS ours(pid)"
    );
    activities(session, &blocking).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_with_what_is_known_of_it() {
        let text = |text: &str| Some(text.to_owned());
        let mut session = Activity { process: 4711, ..Activity::default() };
        assert_eq!(session.to_string(), "process 4711");
        session.application_name = text("psql");
        session.user = text("app");
        assert_eq!(session.since(), "process 4711 (psql, user app)");
        session.client = text("10.0.0.7");
        session.state = text("idle in transaction");
        session.state_since = text("2026-11-21T12:03:11Z");
        session.connected_since = text("2026-11-21T12:00:00Z");
        assert_eq!(
            session.to_string(),
            "process 4711 (psql, user app, from 10.0.0.7, idle in transaction since 2026-11-21T12:03:11Z)"
        );
        assert_eq!(
            session.since(),
            "process 4711 (psql, user app, from 10.0.0.7), connected since 2026-11-21T12:00:00Z"
        );
        assert!(Activity::default().to_string().starts_with("a prepared transaction"));
    }
}
