//! The end of one step and the beginning of the next, in one round trip.
//!
//! Settling, the ledger's rows, COMMIT, the reset of the session, and BEGIN of
//! what follows are all on their way before the first answer is there. So what
//! the executor would look at in between is asserted by the server: where an
//! assertion does not hold, it fails, the transaction is aborted, and the COMMIT
//! behind it is a ROLLBACK. The next transaction is then open with nothing in it,
//! and the executor rolls it back.

use crate::db::{
    Answer, DbError, Parameter, PostgresSession, Request, ServerError, TextRow, TransactionStatus,
};
use crate::ledger::{LedgerError, NOT_RECORDED};
use crate::revision::Direction;

use super::StepError;
use super::precondition::{PreparedPrecondition, violated};
use super::prepare::Prepared;
use super::settings::{FORGET, SETTLE};
use super::step::{Context, Done, Transaction, ended};

/// The server's code for a text that is no value of a type: what a failed
/// assertion looks like.
const INVALID_TEXT: &str = "22P02";
/// What the assertions say: the server repeats it, whatever its language is.
const LEFT: &str = "runner: not the transaction of the step";
const LOST: &str = "runner: not under the lock";
const VIOLATED: &str = "runner: not what the ledger must say";

/// What is sent between two steps: texts that are the same for most, and prepared
/// once.
#[derive(Debug)]
pub(super) struct Texts {
    /// What must be so for the first one to be committed.
    assert: String,
    /// The beginning of the second one.
    begin: String,
}

/// What the server says when it has begun a transaction.
struct Begun {
    status: Option<String>,
    id: String,
    time: i64,
    process: String,
    holds: bool,
    leftovers: bool,
}

impl Context<'_> {
    fn precondition_of(&self, prepared: &Prepared) -> String {
        let Prepared { step, manifest, .. } = prepared;
        PreparedPrecondition::expression(self.ledger.schema_name(), step.direction, manifest)
    }

    fn assert_sql(&self, prepared: &Prepared) -> String {
        // `concat` is not immutable: the server does not compute it before it has
        // to. The session's search path is the ledger's own here.
        let fail = |mark: &str| format!("pg_catalog.concat('{mark}')::pg_catalog.bool");
        format!(
            "SELECT (CASE \
                WHEN (pg_catalog.pg_current_xact_id_if_assigned() = $1::pg_catalog.text::pg_catalog.xid8) IS NOT TRUE \
                THEN {} WHEN NOT ({} AND {}) THEN {} WHEN NOT ({}) THEN {} ELSE true END)::pg_catalog.text",
            fail(LEFT),
            self.held.same_process_expression(),
            self.lock.held_expression(),
            fail(LOST),
            self.precondition_of(prepared),
            fail(VIOLATED),
        )
    }

    fn begin_sql(&self, next: &Prepared) -> String {
        format!(
            "SELECT pg_catalog.pg_xact_status($1::pg_catalog.text::pg_catalog.xid8), \
                pg_catalog.pg_current_xact_id()::pg_catalog.text, \
                pg_catalog.encode(pg_catalog.timestamptz_send(pg_catalog.now()), 'hex'), \
                pg_catalog.pg_backend_pid()::pg_catalog.text, ({})::pg_catalog.text, \
                EXISTS (SELECT 1 FROM pg_catalog.pg_prepared_statements WHERE from_sql)::pg_catalog.text, {}",
            self.precondition_of(next),
            self.settings.all_calls(),
        )
    }

    /// Prepares what ends a step that none follows, while the session is as the
    /// runner set it up: the migration may take on a role that has no right to the
    /// ledger. Sends nothing for what is prepared already.
    pub(super) async fn prepare_end(&self, prepared: &Prepared) -> Result<(), StepError> {
        let record = self.ledger.record_sql(prepared.step.direction);
        self.session().await.prepare_own([record.as_str()]).await.map_err(StepError::Begin)
    }

    /// The same for a step that another one follows.
    pub(super) async fn prepare_hand_over(
        &self,
        prepared: &Prepared,
        next: &Prepared,
    ) -> Result<Texts, StepError> {
        let record = self.ledger.asserted_sql(prepared.step.direction);
        let texts = Texts { assert: self.assert_sql(prepared), begin: self.begin_sql(next) };
        let all = [texts.assert.as_str(), &record, &texts.begin];
        self.session().await.prepare_own(all).await.map_err(StepError::Begin)?;
        Ok(texts)
    }

    /// Settles and commits a step whose migration has ended, and begins the
    /// transaction of the next one. The error is the step's; that of the next
    /// transaction is inside.
    pub(super) async fn hand_over(
        &self,
        transaction: &Transaction,
        (prepared, next): (&Prepared, &Prepared),
        texts: Texts,
        done: Done,
    ) -> Result<Result<Transaction, StepError>, StepError> {
        let mut session = self.session().await;
        if prepared.step.direction == Direction::Upgrade {
            self.keep_component(&mut session, &prepared.artifact).await?;
        }
        let requests = self.requests(transaction, (prepared, next), texts, done);
        self.stop.commits(true);
        let answers = match session.pipeline(&requests).await {
            Ok(answers) => answers,
            Err(unsent) => {
                self.stop.commits(false);
                return Err(StepError::Settle(unsent));
            }
        };
        let answers: [Result<Answer, DbError>; 5] = answers.try_into().expect("each request has an answer");
        let [settled, asserted, recorded, committed, begun] = answers;
        let ready = settled.map_err(StepError::Settle).and_then(|_| holds(asserted, prepared));
        let begun = begun.map(|answer| read(&answer));
        session.forget_cursors();
        session.begin_step();
        let status = match &begun {
            Ok(Some(Begun { status: Some(status), .. })) => Ok(status.clone()),
            _ => self.status_after(&mut session, transaction).await,
        };
        drop(session);
        let became = match status {
            // What went wrong before COMMIT is the reason for what became of it.
            Ok(status) => ready.and_then(|()| recorded_one(recorded, prepared)).and_then(|()| {
                let refusal = committed.as_ref().err().filter(|_| status == "aborted");
                ended(&status, refusal.cloned())
            }),
            Err(gone) => self.ask_what_became(transaction, gone, ready).await,
        };
        self.decided(became)?;
        self.kept.lock().await.insert(prepared.artifact.digest);
        Ok(match committed {
            Err(error) => Err(StepError::Begin(error)),
            Ok(_) => self.begun(begun, next).await,
        })
    }

    fn requests(
        &self,
        transaction: &Transaction,
        (prepared, next): (&Prepared, &Prepared),
        texts: Texts,
        done: Done,
    ) -> [Request; 5] {
        let parameters = |prepared: &Prepared| {
            let mut params = vec![Parameter::Text(transaction.id.clone())];
            params.extend(PreparedPrecondition::parameters(prepared.step.direction, &prepared.manifest));
            params
        };
        [
            Request::Batch(SETTLE.into()),
            Request::Own { sql: texts.assert, params: parameters(prepared) },
            self.ledger.recording(self.run, &transaction.id, &self.outcome(prepared, done)),
            Request::Batch(format!("COMMIT; BEGIN; {} COMMIT; BEGIN", self.settings.reset())),
            Request::Own { sql: texts.begin, params: parameters(next) },
        ]
    }

    /// What became of a transaction, where the answers do not say: the session
    /// may be in another one that has failed.
    async fn status_after(
        &self,
        session: &mut PostgresSession,
        transaction: &Transaction,
    ) -> Result<String, DbError> {
        use crate::db::Session as _;
        if session.observed().is_none_or(|observed| observed.status != TransactionStatus::Idle) {
            session.batch("ROLLBACK").await?;
        }
        self.status_of(session, transaction).await
    }

    /// The session cannot say what became of the transaction.
    async fn ask_what_became(
        &self,
        transaction: &Transaction,
        gone: DbError,
        ready: Result<(), StepError>,
    ) -> Result<(), StepError> {
        if let Err(error) = ready
            && !error.database().is_some_and(DbError::is_connection_lost)
        {
            return Err(error);
        }
        if !gone.is_connection_lost() {
            return Err(StepError::CommitUnknown(gone.to_string()));
        }
        self.ask_anew(transaction, gone).await
    }

    /// The transaction of the next step, if it is one to go on with.
    async fn begun(
        &self,
        begun: Result<Option<Begun>, DbError>,
        next: &Prepared,
    ) -> Result<Transaction, StepError> {
        let begun = begun.map_err(StepError::Begin)?;
        let unexpected = || StepError::Begin(DbError::Value("the server gave no transaction".into()));
        let begun = begun.ok_or_else(unexpected)?;
        if begun.process != self.held.process() {
            return Err(StepError::LockLost);
        }
        if !begun.holds {
            return Err(StepError::Precondition(violated(next.step.direction)));
        }
        if begun.leftovers {
            self.session().await.batch(FORGET).await.map_err(StepError::Begin)?;
        }
        Ok(Transaction { id: begun.id, first: next.step.revision.clone(), time: begun.time })
    }
}

/// What an assertion's answer means.
fn holds(answer: Result<Answer, DbError>, prepared: &Prepared) -> Result<(), StepError> {
    let error = match answer {
        Ok(answer) if is_true(&answer) => return Ok(()),
        Ok(_) => return Err(StepError::LeftTransaction),
        Err(error) => error,
    };
    let says = |mark: &str| matches!(&error, DbError::Server(server) if is_mark(server, mark));
    Err(match () {
        () if says(LEFT) => StepError::LeftTransaction,
        () if says(LOST) => StepError::LockLost,
        () if says(VIOLATED) => StepError::Precondition(violated(prepared.step.direction)),
        () => StepError::Settle(error),
    })
}

fn is_mark(server: &ServerError, mark: &str) -> bool {
    server.sqlstate == INVALID_TEXT && server.message.contains(mark)
}

fn recorded_one(recorded: Result<Answer, DbError>, prepared: &Prepared) -> Result<(), StepError> {
    let not_applied = || LedgerError::NotApplied(prepared.step.revision.clone()).into();
    match recorded {
        Ok(answer) if is_true(&answer) => Ok(()),
        Ok(_) => Err(not_applied()),
        Err(DbError::Server(server)) if is_mark(&server, NOT_RECORDED) => Err(not_applied()),
        Err(error) => Err(LedgerError::from(error).into()),
    }
}

/// Whether the one value of an answer is true.
fn is_true(answer: &Answer) -> bool {
    matches!(answer.rows.as_slice(), [row] if matches!(row.as_slice(), [Some(value)] if value == "true"))
}

fn read(answer: &Answer) -> Option<Begun> {
    let row: &TextRow = answer.rows.last()?;
    let [status, Some(id), Some(time), Some(process), Some(holds), Some(leftovers), ..] = row.as_slice()
    else {
        return None;
    };
    Some(Begun {
        status: status.clone(),
        id: id.clone(),
        time: u64::from_str_radix(time, 16).ok()?.cast_signed(),
        process: process.clone(),
        holds: holds == "true",
        leftovers: leftovers == "true",
    })
}
