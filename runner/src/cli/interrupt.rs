//! Running something that Ctrl-C and SIGTERM end: a run within two seconds, the cases
//! of a plugin once their databases are dropped.

use std::time::Duration;

use runner::revision::{Direction, RevisionId};
use runner::run::{Cases, Migrator, RunError, SoFar};

use super::context::runtime;
use super::error::CommandError;
use super::exit_code::Exit;
use super::render::{count, ids};

/// How long a run that was told to stop may take to roll back, and to close its
/// connection. The rest of two seconds is for the end of the process.
const GRACE: Duration = Duration::from_millis(1_700);

/// How long the databases of a case may take to be dropped. A server that drops them
/// writes a checkpoint, which is slow on a slow disk.
const CLEANING: Duration = Duration::from_secs(30);

/// The most revisions that are named where they are counted.
const MOST_NAMED: usize = 5;

/// Runs a migrator's work until it is done or the program is told to stop
/// (Ctrl-C, SIGTERM); then the running statement is cancelled, so that the
/// server does not go on alone, and the step is rolled back. Told a second time,
/// the program ends at once: the server rolls back by itself.
pub fn run_interruptibly<T>(
    migrator: &Migrator,
    work: impl Future<Output = Result<T, RunError>>,
) -> Result<T, CommandError> {
    until_told(work, OnSignal::RollBack(migrator))
}

/// Runs the cases of a plugin until they are done or the program is told to stop;
/// then the databases that they are tried on are dropped. Told a second time, the
/// program ends at once.
pub fn try_interruptibly<T>(
    cases: &Cases<'_>,
    work: impl Future<Output = Result<T, RunError>>,
) -> Result<T, CommandError> {
    until_told(work, OnSignal::DropDatabases(cases))
}

/// Runs a command's asynchronous part, which changes nothing: it is given up as
/// soon as the program is told to stop. (The first process of a container has no
/// other way to end than by a handler.)
pub fn block_on<T>(work: impl Future<Output = Result<T, RunError>>) -> Result<T, CommandError> {
    until_told(work, OnSignal::GiveUp)
}

/// What is done when the program is told to stop.
#[derive(Clone, Copy)]
enum OnSignal<'a> {
    /// Nothing: there is nothing to be taken back.
    GiveUp,
    /// The step that is being run is rolled back.
    RollBack(&'a Migrator),
    /// The databases of the cases are dropped.
    DropDatabases(&'a Cases<'a>),
}

impl OnSignal<'_> {
    /// Tells the work to come to its end, and waits for that; none where it takes too
    /// long, or there is nothing to wait for.
    async fn wind_up<T>(self, work: impl Future<Output = T>) -> Option<T> {
        match self {
            Self::GiveUp => None,
            Self::RollBack(migrator) => {
                let wind_up = async { tokio::join!(migrator.interrupt(), work).1 };
                tokio::time::timeout(GRACE, wind_up).await.ok()
            }
            Self::DropDatabases(cases) => {
                cases.stop();
                tokio::time::timeout(CLEANING, work).await.ok()
            }
        }
    }

    /// Says how it ended, where it did not come to its end.
    fn error(self, signal: Signal, ended: Option<RunError>) -> CommandError {
        let is_interrupted = matches!(ended, Some(RunError::Interrupted));
        match (self, ended) {
            (Self::GiveUp, _) => interrupted(signal, SoFar::default(), true),
            (Self::RollBack(migrator), _) => interrupted(signal, migrator.so_far(), is_interrupted),
            (Self::DropDatabases(_), Some(error)) if !is_interrupted => error.into(),
            (Self::DropDatabases(_), Some(_)) => told(signal).outcome_line("No scratch database is left."),
            (Self::DropDatabases(_), None) => told(signal)
                .outcome_line("Databases called runner_case_… may be left on the server: drop them."),
        }
    }
}

fn until_told<T>(
    work: impl Future<Output = Result<T, RunError>>,
    on_signal: OnSignal<'_>,
) -> Result<T, CommandError> {
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let mut signals = Signals::new();
        let mut work = std::pin::pin!(work);
        let signal = tokio::select! {
            result = &mut work => return Ok(result?),
            signal = signals.next() => signal,
        };
        // What is dropped behind this closes the connection, and the server rolls
        // back by itself.
        let ended = tokio::select! {
            ended = on_signal.wind_up(work) => ended,
            _ = signals.next() => None,
        };
        match ended {
            Some(Ok(done)) => Ok(done),
            Some(Err(error)) => Err(on_signal.error(signal, Some(error))),
            None => Err(on_signal.error(signal, None)),
        }
    });
    // A compiler, or an embedded server, that does not listen must not keep the
    // process.
    runtime.shutdown_background();
    result
}

/// Who told the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What a supervisor sends.
    Terminate,
}

/// The signals that tell the program to stop.
struct Signals(Option<[tokio::signal::unix::Signal; 2]>);

impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
            (Ok(interrupt), Ok(terminate)) => Self(Some([interrupt, terminate])),
            // Without a handler the signals end the program as they always do.
            _ => Self(None),
        }
    }

    /// Waits for the next one.
    async fn next(&mut self) -> Signal {
        let Some([interrupt, terminate]) = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
        }
    }
}

/// That somebody stopped it.
fn told(signal: Signal) -> CommandError {
    match signal {
        Signal::Interrupt => CommandError::new(Exit::Interrupted, "interrupted (Ctrl-C)"),
        Signal::Terminate => CommandError::new(Exit::Terminated, "told to stop (SIGTERM)"),
    }
}

/// What became of the run: what is committed, what was rolled back, and how to go
/// on. `untouched` says that it ended before it changed anything, if no step of it
/// was begun.
fn interrupted(signal: Signal, so_far: SoFar, untouched: bool) -> CommandError {
    let found = told(signal);
    if so_far == SoFar::default() {
        return found.outcome_line(match untouched {
            true => "Nothing was changed.",
            false => "What it had begun in the database is rolled back.",
        });
    }
    let open: Vec<RevisionId> = so_far.open.iter().map(|(_, revision)| revision.clone()).collect();
    let hint = match so_far.committing {
        true => "Run `runner current` to see whether it was committed. Run the same command again to go on.",
        false => "Run the same command again to go on from there.",
    };
    found.outcome_line(outcome(&so_far, &open)).hint(hint)
}

fn outcome(so_far: &SoFar, open: &[RevisionId]) -> String {
    let done = |wanted: Direction| -> Vec<RevisionId> {
        let matching = so_far.done.iter().filter(|(direction, _)| *direction == wanted);
        matching.map(|(_, revision)| revision.clone()).collect()
    };
    let (applied, reverted) = (done(Direction::Upgrade), done(Direction::Downgrade));
    let mut parts = Vec::new();
    if !reverted.is_empty() {
        parts.push(format!("Taken back: {}.", named(&reverted)));
    }
    if !applied.is_empty() || reverted.is_empty() {
        parts.push(format!("Applied: {}.", named(&applied)));
    }
    if !so_far.not_tried.is_empty() {
        parts.push(format!("Not tried: {}.", named(&so_far.not_tried)));
    }
    match (open, so_far.committing) {
        ([], _) => {}
        ([one], false) if so_far.partly.is_some() => {
            let (done, total) = so_far.partly.unwrap_or_default();
            parts.push(format!("Of `{one}`, {done} of {} are done and stay.", count(total, "statement")));
        }
        (open, true) => parts.push(format!("Whether `{}` was committed is not known.", ids(open))),
        ([one], false) => parts.push(format!("The step of `{one}` was rolled back.")),
        (several, false) => parts.push(format!("Rolled back: {}.", named(several))),
    }
    parts.join(" ")
}

fn named(revisions: &[RevisionId]) -> String {
    let number = count(revisions.len(), "revision");
    match revisions.len() {
        1..=MOST_NAMED => format!("{number} ({})", ids(revisions)),
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RevisionId {
        RevisionId::new(text).expect("an id")
    }

    fn text(so_far: SoFar) -> String {
        interrupted(Signal::Terminate, so_far, true).outcome().concat()
    }

    #[test]
    fn what_became_of_the_run_is_said() {
        use Direction::{Downgrade, Upgrade};
        assert_eq!(text(SoFar::default()), "Nothing was changed.");
        let begun = interrupted(Signal::Interrupt, SoFar::default(), false);
        assert_eq!(begun.outcome(), ["What it had begun in the database is rolled back."]);
        let one = SoFar {
            done: vec![(Upgrade, id("a"))],
            open: vec![(Upgrade, id("b"))],
            committing: false,
            partly: None,
            not_tried: vec![id("c"), id("d")],
        };
        insta::assert_snapshot!(text(one.clone()), @"Applied: 1 revision (a). Not tried: 2 revisions (c, d). The step of `b` was rolled back.");
        let unknown = SoFar { committing: true, done: Vec::new(), not_tried: Vec::new(), ..one.clone() };
        insta::assert_snapshot!(text(unknown), @"Applied: 0 revisions. Whether `b` was committed is not known.");
        let together =
            SoFar { done: Vec::new(), open: vec![(Upgrade, id("a")), (Upgrade, id("b"))], ..one.clone() };
        insta::assert_snapshot!(text(together), @"Applied: 0 revisions. Not tried: 2 revisions (c, d). Rolled back: 2 revisions (a, b).");
        let redo = SoFar { done: vec![(Downgrade, id("c")), (Upgrade, id("c"))], open: Vec::new(), ..one };
        insta::assert_snapshot!(text(redo), @"Taken back: 1 revision (c). Applied: 1 revision (c). Not tried: 2 revisions (c, d).");
    }

    #[test]
    fn each_signal_has_its_exit_code() {
        assert_eq!(interrupted(Signal::Interrupt, SoFar::default(), true).exit() as u8, 130);
        assert_eq!(interrupted(Signal::Terminate, SoFar::default(), true).exit() as u8, 143);
    }
}
