//! The advisory lock that keeps two runners apart.
//!
//! Held on the session, outside any transaction: a lock that is held inside one
//! makes CREATE INDEX CONCURRENTLY wait for itself. Taken by polling: a session
//! that waits inside a statement holds a snapshot, with the same effect. See
//! PostgreSQL's manual, "Advisory Locks".

use std::time::{Duration, Instant};

use super::{DbError, PostgresSession};

/// The first pause between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The lock of one ledger in one database. Advisory locks are local to the
/// database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvisoryLock {
    key: i64,
}

/// A lock that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The server process that holds it. A proxy in transaction mode hands the
    /// next transaction to another one.
    process: String,
}

impl Held {
    /// The number of that process.
    pub fn process(&self) -> &str {
        &self.process
    }

    /// An expression that is true in the server process that took the lock.
    pub fn same_process_expression(&self) -> String {
        format!("pg_catalog.pg_backend_pid() = {}", self.process)
    }
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another session held it for the whole time.
    #[error("another runner holds the lock and did not release it within {waited:?}{}", holder_text(holder.as_deref()))]
    Held {
        /// How long we waited.
        waited: Duration,
        /// Who holds it, if the server told.
        holder: Option<String>,
    },
    /// The server could not be asked.
    #[error(transparent)]
    Database(#[from] DbError),
}

fn holder_text(holder: Option<&str>) -> String {
    holder.map(|holder| format!(": {holder}")).unwrap_or_default()
}

impl AdvisoryLock {
    /// The lock for the ledger in `schema`.
    pub fn for_schema(schema: &str) -> Self {
        let digest = blake3::hash(format!("runner ledger lock: {schema}").as_bytes());
        let first = digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes");
        Self { key: i64::from_be_bytes(first) }
    }

    /// The key that `pg_advisory_lock` takes.
    pub fn key(self) -> i64 {
        self.key
    }

    /// Takes the lock, waiting for at most `wait`. `on_wait` is told once who
    /// holds it.
    pub async fn acquire(
        self,
        session: &mut PostgresSession,
        wait: Duration,
        mut on_wait: impl FnMut(Option<&str>),
    ) -> Result<Held, LockError> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut holder = None;
        loop {
            if let Some(process) = self.try_acquire(session).await? {
                return Ok(Held { process });
            }
            if pause == FIRST_PAUSE {
                holder = self.holder(session).await?;
                on_wait(holder.as_deref());
            }
            if began.elapsed() + pause > wait {
                return Err(LockError::Held { waited: wait, holder });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The server process that holds the lock for us, if it could be taken.
    async fn try_acquire(self, session: &mut PostgresSession) -> Result<Option<String>, DbError> {
        let sql =
            format!("SELECT pg_catalog.pg_try_advisory_lock({}), pg_catalog.pg_backend_pid()", self.key);
        let row = session.batch(&sql).await?.into_iter().next().unwrap_or_default();
        match row.as_slice() {
            [Some(taken), Some(process)] if taken == "t" => Ok(Some(process.clone())),
            _ => Ok(None),
        }
    }

    /// Releases the lock. The end of the session does the same.
    pub async fn release(self, session: &mut PostgresSession) -> Result<(), DbError> {
        // Each check has taken it once more. The runner has no other one.
        session.batch("SELECT pg_catalog.pg_advisory_unlock_all()").await?;
        Ok(())
    }

    /// An expression that is true while this session holds the lock, or can take
    /// it again because nobody has it. The lock counts how often it was taken.
    ///
    /// Fifty times cheaper than a look into `pg_locks`. Where a migration gave
    /// the lock away, another runner may have come and gone since: whoever asks
    /// this has to look at the ledger again.
    pub fn held_expression(self) -> String {
        format!("pg_catalog.pg_try_advisory_lock({})", self.key)
    }

    /// The condition that picks this lock's rows from `pg_locks`; see the
    /// manual's page on that view for how the key is split.
    fn row(self) -> String {
        let key = self.key.cast_unsigned();
        format!(
            "locktype = 'advisory' AND granted AND objsubid = 1 AND classid = {}::pg_catalog.oid \
             AND objid = {}::pg_catalog.oid AND database = \
             (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
            key >> 32,
            key & 0xffff_ffff
        )
    }

    async fn holder(self, session: &mut PostgresSession) -> Result<Option<String>, DbError> {
        let sql = format!(
            "SELECT pg_catalog.concat('process ', a.pid, ' (', a.application_name, '), connected since ', \
             pg_catalog.to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ')) \
             FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) WHERE {}",
            self.row()
        );
        let rows = session.batch(&sql).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }
}
