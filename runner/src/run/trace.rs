//! Spans and log records of a run: `run`, in it `step`, in it `attempt`.
//!
//! Whoever shows a run hears its events; whoever looks for what happened at night
//! reads the log. Both are told the same.

use std::sync::Arc;

use tracing::field::Empty;
use tracing::{Span, debug, error, info, info_span, trace, warn};

use crate::db::Activity;
use crate::revision::{Direction, RevisionId};

use super::event::milliseconds;
use super::prepare::Prepared;
use super::step::Done;
use super::{Event, Reporter, StepError, Summary};

/// The target of the records that tell events.
const EVENTS: &str = "runner::event";

/// The whole run.
pub(super) fn run(direction: Direction, target: &str, database: &str) -> Span {
    info_span!(
        "run",
        %direction,
        target,
        database,
        steps = Empty,
        duration_ms = Empty,
        statements = Empty,
        rows = Empty,
        retries = Empty,
        "otel.status_code" = Empty,
    )
}

/// One step of it, from 1.
pub(super) fn step(prepared: &Prepared, number: usize, total: usize) -> Span {
    info_span!(
        "step",
        revision = %prepared.step.revision,
        direction = %prepared.step.direction,
        step = number,
        of = total,
        duration_ms = Empty,
        statements = Empty,
        rows = Empty,
        retries = Empty,
        "otel.status_code" = Empty,
        "otel.status_description" = Empty,
    )
}

/// One attempt at a step, from 1.
pub(super) fn attempt(number: u32) -> Span {
    info_span!("attempt", attempt = number)
}

/// Writes down what a step did.
pub(super) fn record(span: &Span, result: &Result<Done, StepError>) {
    match result {
        Ok(done) => {
            span.record("duration_ms", milliseconds(done.duration));
            span.record("statements", done.statements);
            span.record("rows", done.rows);
            span.record("retries", done.retries);
        }
        Err(error) => {
            span.record("otel.status_code", "ERROR");
            span.record("otel.status_description", super::error::with_causes(error));
        }
    }
}

/// Writes down what a run did; none if it failed.
pub(super) fn record_run(span: &Span, summary: Option<&Summary>) {
    let Some(summary) = summary else {
        span.record("otel.status_code", "ERROR");
        return;
    };
    span.record("steps", summary.steps.len());
    span.record("duration_ms", summary.duration_ms);
    span.record("statements", summary.statements);
    span.record("rows", summary.rows);
    span.record("retries", summary.retries);
}

/// A reporter that also writes every event to the log.
pub(super) fn logged(reporter: Reporter) -> Reporter {
    Arc::new(move |event| {
        log(&event);
        reporter(event);
    })
}

fn log(event: &Event) {
    match event {
        Event::Planned { direction, steps } => info!(target: EVENTS, %direction, steps, "planned"),
        Event::Isolation { isolation, login, role } => {
            info!(target: EVENTS, isolation = isolation.as_str(), login, role, "isolation");
        }
        Event::WaitingForServer { location, reason } => {
            warn!(target: EVENTS, location, reason, "waiting for the server");
        }
        Event::WaitingForLock { holder, waited_ms, left_ms } => {
            let holder = holder.as_ref().map(Activity::since);
            warn!(target: EVENTS, holder, waited_ms, left_ms, "waiting for another runner");
        }
        Event::ChangedMeanwhile { applied, reverted } => {
            let (applied, reverted) = (applied.len(), reverted.len());
            info!(target: EVENTS, applied, reverted, "another runner has been at work");
        }
        Event::BackupStarted { file } => info!(target: EVENTS, file = %file.display(), "backup started"),
        Event::BackupFinished { file, bytes, duration_ms } => {
            info!(target: EVENTS, file = %file.display(), bytes, duration_ms, "backup finished");
        }
        Event::Building { revisions } => info!(target: EVENTS, components = revisions.len(), "building"),
        Event::StepStarted { revision, direction, message, number, total } => {
            info!(target: EVENTS, %revision, %direction, step = number, of = total, summary = message, "step started");
        }
        Event::Log { revision, level, message } => log_of_migration(revision, level, message),
        Event::Warning { revision, message } => warn!(target: EVENTS, %revision, "{message}"),
        Event::Progress { revision, what, done, total, estimated } => {
            debug!(target: EVENTS, %revision, what, done, total, estimated, "progress");
        }
        Event::Blocked { revision, by } => {
            let by = by.iter().map(Activity::who).collect::<Vec<_>>().join("; ");
            warn!(target: EVENTS, %revision, by, "blocked");
        }
        Event::StepRetried { revision, attempt, attempts, reason, sqlstate, blocked_by, pause_ms } => {
            let by = blocked_by.iter().map(Activity::who).collect::<Vec<_>>().join("; ");
            warn!(target: EVENTS, %revision, attempt, attempts, reason, sqlstate, by, pause_ms, "step retried");
        }
        Event::StepResumed { revision, direction, done, total } => {
            info!(target: EVENTS, %revision, %direction, done, of = total, "step resumed");
        }
        Event::StatementFinished { revision, direction, number, total, duration_ms, rows } => {
            info!(
                target: EVENTS,
                %revision, %direction, statement = number, of = total, duration_ms, rows, "statement finished"
            );
        }
        Event::StepFinished {
            revision,
            direction,
            duration_ms,
            statements,
            rows,
            retries,
            committed,
            ..
        } => {
            info!(
                target: EVENTS,
                %revision, %direction, duration_ms, statements, rows, retries, committed, "step finished"
            );
        }
        Event::StepFailed { revision, direction, error, .. } => {
            error!(target: EVENTS, %revision, %direction, error, "step failed");
        }
    }
}

/// The migration's own words, at the level that it chose. Guest-controlled.
fn log_of_migration(revision: &RevisionId, level: &str, message: &str) {
    const TARGET: &str = "runner::event::migration";
    match level {
        "error" => error!(target: TARGET, %revision, "{message}"),
        "warn" => warn!(target: TARGET, %revision, "{message}"),
        "info" => info!(target: TARGET, %revision, "{message}"),
        "debug" => debug!(target: TARGET, %revision, "{message}"),
        _ => trace!(target: TARGET, %revision, "{message}"),
    }
}
