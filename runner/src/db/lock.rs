//! The advisory lock that keeps two runners apart.
//!
//! Held on the session, outside any transaction: a lock that is held inside one
//! makes CREATE INDEX CONCURRENTLY wait for itself. Taken by polling: a session
//! that waits inside a statement holds a snapshot, with the same effect. See
//! PostgreSQL's manual, "Advisory Locks".

use std::time::{Duration, Instant};

use super::activity::activities;
use super::{Activity, DbError, PostgresSession};

/// The first pause between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts, before jitter: fifty runners that
/// wait must not cost the server one percent of a core.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How often we look who holds the lock while we wait.
const LOOK_EVERY: Duration = Duration::from_secs(10);

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

/// How a wait for the lock stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Who holds it; none if it was released just now.
    pub holder: Option<Activity>,
    /// How long we have waited.
    pub waited: Duration,
    /// How long we go on waiting at most.
    pub left: Duration,
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
        holder: Option<Box<Activity>>,
    },
    /// The server could not be asked.
    #[error(transparent)]
    Database(#[from] DbError),
}

fn holder_text(holder: Option<&Activity>) -> String {
    holder.map(|holder| format!(": {}", holder.since())).unwrap_or_default()
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

    /// Takes the lock, waiting for at most `wait`. `on_wait` is told who holds
    /// it: at once, and again every ten seconds.
    pub async fn acquire(
        self,
        session: &mut PostgresSession,
        wait: Duration,
        mut on_wait: impl FnMut(Waiting),
    ) -> Result<Held, LockError> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut looked: Option<Instant> = None;
        let mut holder = None;
        loop {
            if let Some(process) = self.try_acquire(session).await? {
                return Ok(Held { process });
            }
            let (waited, left) = (began.elapsed(), wait.saturating_sub(began.elapsed()));
            if left.is_zero() || looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
                // The holder may have gone since the attempt: then the one
                // before it is still the best that we can tell.
                let found = self.holder(session).await?;
                looked = Some(Instant::now());
                if !left.is_zero() {
                    on_wait(Waiting { holder: found.clone(), waited, left });
                }
                holder = found.or(holder);
            }
            if left.is_zero() {
                return Err(LockError::Held { waited: wait, holder: holder.map(Box::new) });
            }
            tokio::time::sleep(jittered(pause).min(left)).await;
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

    /// Who holds the lock, if anybody does.
    async fn holder(self, session: &mut PostgresSession) -> Result<Option<Activity>, DbError> {
        // A prepared transaction that holds it has no process.
        let processes = format!("SELECT coalesce(pid, 0) FROM pg_catalog.pg_locks WHERE {}", self.row());
        Ok(activities(session, &processes).await?.into_iter().next())
    }
}

/// A pause that differs from runner to runner, by a quarter either way: those
/// that started together must not ask together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + rand::random::<f64>() / 2.0)
}
