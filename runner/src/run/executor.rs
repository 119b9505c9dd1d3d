//! The one loop over the steps of a plan.

use std::time::{Duration, Instant};

use tracing::Instrument as _;

use crate::db::DbError;
use crate::ledger::Failure;
use crate::revision::RevisionId;

use super::alone::Script;
use super::error::with_causes;
use super::event::milliseconds;
use super::prepare::Prepared;
use super::step::{Context, Done, Ends, Transaction};
use super::stop::{ANSWER_GRACE, STEP_GRACE};
use super::trace;
use super::{Event, Failed, StepError};

/// The pause before the second attempt; it doubles from attempt to attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A step's transaction, or why there is none.
type Begun = Result<Transaction, StepError>;

/// What all steps of a run did together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    pub(super) statements: u64,
    pub(super) rows: u64,
    pub(super) retries: u64,
}

impl Total {
    fn add(&mut self, done: Done) {
        self.statements += done.statements;
        self.rows += done.rows;
        self.retries += u64::from(done.retries);
    }
}

/// Runs the steps, each in a transaction of its own.
pub(super) async fn run_each(context: &Context<'_>, steps: &[Prepared]) -> Result<Total, Failed> {
    context.stop.expect(revisions(steps).into_iter());
    // The transaction of the next step, if the one before has begun it.
    let mut begun = None;
    let mut all = Total::default();
    for (at, prepared) in steps.iter().enumerate() {
        if context.stop.is_told() {
            let done = revisions(&steps[..at]);
            return Err(Failed { done, ..failed(context, steps, at, StepError::Interrupted) });
        }
        started(context, steps, at);
        let began = Instant::now();
        let span = trace::step(prepared, at + 1, steps.len());
        let attempts = attempts(context, prepared, begun.take(), steps.get(at + 1));
        let (result, next) = match attempts.instrument(span.clone()).await {
            Ok((done, next)) => (Ok(done), next),
            Err(error) => (Err(error), None),
        };
        trace::record(&span, &result);
        begun = next;
        match result {
            Ok(done) => {
                all.add(done);
                finished(context, prepared, done, Ends::WithStep);
            }
            Err(error) => {
                clean_up(context, prepared, &error, began.elapsed()).await;
                let done = revisions(&steps[..at]);
                return Err(Failed { done, ..failed(context, steps, at, error) });
            }
        }
    }
    Ok(all)
}

/// Runs all steps in one transaction. There is no second attempt: it would run
/// steps again that have reported their success.
pub(super) async fn run_together(context: &Context<'_>, steps: &[Prepared]) -> Result<Total, Failed> {
    let mut all = Total::default();
    let Some(last) = steps.len().checked_sub(1) else {
        return Ok(all);
    };
    context.stop.expect(revisions(steps).into_iter());
    let begun = or_stopped(context, &steps[0], context.begin(&steps[0])).await;
    let transaction = begun.map_err(|error| failed(context, steps, 0, error))?;
    for (at, prepared) in steps.iter().enumerate() {
        started(context, steps, at);
        let ends = if at == last { Ends::WithStep } else { Ends::WithRun };
        let began = Instant::now();
        // The first step's precondition was checked with BEGIN.
        let perform = async {
            if at > 0 {
                context.check(prepared).await?;
            }
            context.perform(&transaction, prepared, ends).await
        };
        let span = trace::step(prepared, at + 1, steps.len());
        let result = or_stopped(context, prepared, perform).instrument(span.clone()).await;
        let result = result.map_err(|error| error.hide(&prepared.redactor));
        trace::record(&span, &result);
        match result {
            Ok(done) => {
                all.add(done);
                finished(context, prepared, done, ends);
            }
            Err(error) => {
                clean_up(context, prepared, &error, began.elapsed()).await;
                let undone = revisions(&steps[..at]);
                return Err(Failed { undone, ..failed(context, steps, at, error) });
            }
        }
    }
    Ok(all)
}

/// Runs one step, again and again while another session stands in the way.
///
/// `begun` is its transaction, for the first attempt, if the step before has
/// begun it; what is returned beside is that of `next`.
async fn attempts(
    context: &Context<'_>,
    prepared: &Prepared,
    mut begun: Option<Begun>,
    next: Option<&Prepared>,
) -> Result<(Done, Option<Begun>), StepError> {
    let mut attempt = 1;
    loop {
        let one = attempt_once(context, prepared, begun.take(), next);
        let error = match one.instrument(trace::attempt(attempt)).await {
            Ok((done, next)) => return Ok((Done { retries: attempt - 1, ..done }, next)),
            Err(error) => error,
        };
        if !error.is_transient() || attempt > context.settings.retries || context.stop.is_told() {
            return Err(error);
        }
        context.recover(&error).await.map_err(StepError::Begin)?;
        attempt += 1;
        let pause = pause_before(attempt);
        (context.reporter)(Event::StepRetried {
            revision: prepared.step.revision.clone(),
            attempt,
            attempts: context.settings.retries.saturating_add(1),
            reason: error.database().map_or_else(|| error.to_string(), ToString::to_string),
            sqlstate: error.database().and_then(DbError::sqlstate).unwrap_or_default().to_owned(),
            blocked_by: context.watch.last(),
            pause_ms: milliseconds(pause),
        });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.stop.told() => return Err(StepError::Interrupted),
        }
    }
}

/// Runs a part of a step, and gives it up where the run was told to stop and the
/// server does not let it end.
async fn or_stopped<T>(
    context: &Context<'_>,
    prepared: &Prepared,
    part: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    context.watch.begin();
    tokio::select! {
        biased;
        result = context.watch.during(&prepared.step.revision, part) => result,
        () = context.stop.told_and(STEP_GRACE) => Err(match context.stop.so_far().committing {
            true => StepError::CommitUnknown("the run was told to stop before the server had answered".into()),
            false => StepError::Interrupted,
        }),
    }
}

async fn attempt_once(
    context: &Context<'_>,
    prepared: &Prepared,
    begun: Option<Begun>,
    next: Option<&Prepared>,
) -> Result<(Done, Option<Begun>), StepError> {
    let attempt = async {
        if let Some(script) = &prepared.statements {
            return Ok((context.perform_statements(prepared, script).await?, None));
        }
        if let Some(door) = &context.door {
            return Ok((context.attempt_apart(door, prepared).await?, None));
        }
        // What runs without a transaction begins none.
        let next = next.filter(|next| next.statements.is_none());
        let transaction = match begun {
            Some(begun) => begun?,
            None => context.begin(prepared).await?,
        };
        let Some(next) = next else {
            context.prepare_end(prepared).await?;
            return Ok((context.perform(&transaction, prepared, Ends::WithStep).await?, None));
        };
        let texts = context.prepare_hand_over(prepared, next).await?;
        let done = context.work(&transaction, prepared).await?;
        let begun = context.hand_over(&transaction, (prepared, next), texts, done).await?;
        Ok((done, Some(begun)))
    };
    let done = or_stopped(context, prepared, attempt).await;
    done.map_err(|error| error.hide(&prepared.redactor))
}

/// Doubles from attempt to attempt, with jitter: two runners that met must not
/// meet again.
fn pause_before(attempt: u32) -> Duration {
    let doubled = FIRST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(2).min(16));
    doubled.min(LONGEST_PAUSE).mul_f64(0.5 + rand::random::<f64>())
}

/// Rolls back and writes the failure to the journal. What goes wrong here must
/// not hide what went wrong before.
async fn clean_up(context: &Context<'_>, prepared: &Prepared, error: &StepError, took: Duration) {
    let message = with_causes(error);
    (context.reporter)(Event::StepFailed {
        revision: prepared.step.revision.clone(),
        direction: prepared.step.direction,
        error: message.clone(),
        duration_ms: milliseconds(took),
    });
    if let Err(rollback) = context.recover(error).await {
        tracing::debug!("the rollback could not be sent ({rollback}); the server does it by itself");
        return;
    }
    // No rollback takes back what the SETs of a step without a transaction did.
    if prepared.statements.is_some()
        && let Err(error) = context.session().await.batch(context.settings.script()).await
    {
        tracing::debug!("the session could not be reset: {error}");
    }
    let failure = Failure {
        direction: prepared.step.direction,
        revision: &prepared.step.revision,
        source_digest: prepared.source_digest,
        component_digest: prepared.artifact.digest,
        confinement: context.confinement(prepared),
        sqlstate: error.database().and_then(DbError::sqlstate),
        message: &message,
        duration_ms: milliseconds(took),
    };
    let mut session = context.session().await;
    let recorded = tokio::select! {
        biased;
        recorded = context.ledger.record_failure(&mut session, context.run, &failure) => recorded,
        () = context.stop.told_and(ANSWER_GRACE) => return,
    };
    if let Err(journal) = recorded {
        tracing::warn!("the failure could not be written to the journal: {}", with_causes(&journal));
    }
}

fn started(context: &Context<'_>, steps: &[Prepared], at: usize) {
    let prepared = &steps[at];
    context.stop.begins(prepared.step.direction, &prepared.step.revision);
    (context.reporter)(Event::StepStarted {
        revision: prepared.step.revision.clone(),
        direction: prepared.step.direction,
        message: prepared.manifest.message.clone(),
        number: at + 1,
        total: steps.len(),
    });
}

fn finished(context: &Context<'_>, prepared: &Prepared, done: Done, ends: Ends) {
    if ends == Ends::WithStep {
        context.stop.committed();
    }
    (context.reporter)(Event::StepFinished {
        revision: prepared.step.revision.clone(),
        direction: prepared.step.direction,
        message: prepared.manifest.message.clone(),
        duration_ms: milliseconds(done.duration),
        statements: done.statements,
        rows: done.rows,
        retries: done.retries,
        committed: ends == Ends::WithStep,
    });
}

fn failed(context: &Context<'_>, steps: &[Prepared], at: usize, error: StepError) -> Failed {
    let step = &steps[at].step;
    let blocked_by = if error.is_transient() { context.watch.last() } else { Vec::new() };
    Failed {
        revision: step.revision.clone(),
        direction: step.direction,
        error,
        done: Vec::new(),
        undone: Vec::new(),
        not_tried: revisions(&steps[at + 1..]),
        partly: steps[at].statements.as_ref().map(Script::progress),
        backup: None,
        blocked_by,
    }
}

fn revisions(steps: &[Prepared]) -> Vec<RevisionId> {
    steps.iter().map(|prepared| prepared.step.revision.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_have_an_end() {
        assert!(pause_before(2) < Duration::from_millis(151));
        assert!(pause_before(5) >= Duration::from_millis(400));
        assert!(pause_before(60) <= Duration::from_secs(15));
    }
}
