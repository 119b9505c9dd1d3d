//! What to do about a step that failed, or a graph that is wrong. Prints nothing.

use runner::db::{Activity, DbError, LockError, ServerError};
use runner::graph::GraphError;
use runner::host::{CallError, FailedStatement, StatementError};
use runner::ledger::Partly;
use runner::revision::Direction;
use runner::run::{Failed, StepError};

/// What to do about a failed step.
pub fn step(failed: &Failed) -> Vec<String> {
    let lines = match &failed.error {
        StepError::Effects(effects) => {
            effects.iter().filter_map(|effect| effect.allowed_by.as_deref()).collect()
        }
        StepError::Call { statement: Some(statement), .. } | StepError::Statement { statement, .. } => {
            grant_line(statement).into_iter().collect()
        }
        _ => Vec::new(),
    };
    if !lines.is_empty() {
        return vec![lines_to_add(&lines)];
    }
    if let Some(hint) = server_of(&failed.error).and_then(pool) {
        return vec![hint.to_owned()];
    }
    let general = general(&failed.error);
    // What is done of a step without a transaction was not rolled back.
    let general = match failed.partly {
        Some(_) => general.strip_prefix("The step was rolled back. ").unwrap_or(general),
        None => general,
    };
    let goes_on = failed.partly.map(goes_on);
    let blockers = in_the_way(&failed.blocked_by);
    std::iter::once(general.to_owned()).chain(blockers).chain(goes_on).collect()
}

/// What to do about versions of packages that do not fit.
pub fn graph(error: &GraphError) -> Option<String> {
    match error {
        GraphError::UnknownPackage { near: None, required, .. } => {
            let package = required.first().map(|one| one.range.package.to_string()).unwrap_or_default();
            Some(format!(
                "The folder of a package is named in `migrations.dirs` in runner.toml, as in \
                 `{{ path = \"../{package}/migrations\", package = \"{package}\" }}`."
            ))
        }
        GraphError::NoVersion { .. } => {
            Some("Bring the package's folder to a version that fits, or widen the range.".into())
        }
        GraphError::VersionConflict { .. } => Some(
            "Widen a range that is too narrow, or put the revision that needs the older version before the one that \
             needs the newer."
                .into(),
        ),
        _ => None,
    }
}

/// How a step without a transaction goes on.
fn goes_on((done, total): (usize, usize)) -> String {
    match done {
        0 => "Then run the same command again.".to_owned(),
        _ => format!(
            "Run the same command again: it goes on with statement {} of {total}. What is done must stay as it is in \
             the script; what follows may be edited.",
            (done + 1).min(total)
        ),
    }
}

/// What to do about a pool that shares its sessions.
pub const POOLED: &str = "The runner's lock, settings and temporary tables belong to one server session for the whole \
    run. Such a pool (`pool_mode = transaction` of pgbouncer) gives each transaction another one, so that two runners \
    could both have the lock. Connect to the server itself (often on port 5432), or to a pool in session mode.";

/// What to do about an error that a pool of sessions causes.
pub fn pool(server: &ServerError) -> Option<&'static str> {
    let is_ours = || server.message.split('"').nth(1).is_some_and(is_numbered);
    match server.sqlstate.as_str() {
        "26000" | "42P05" if is_ours() => Some(POOLED),
        "08P01" if server.message.contains("startup parameter") => Some(
            "A pool is in between that does not pass the settings of a login on. Connect to the server itself; \
             `isolation = \"role\"` needs that.",
        ),
        "08P01" if server.message.contains("pooling mode") => Some(POOLED),
        _ => None,
    }
}

/// The driver names its statements `s0`, `s1` …
fn is_numbered(name: &str) -> bool {
    name.strip_prefix('s')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What to do about another runner.
pub fn locked(error: &LockError) -> String {
    let wait = "Wait for the other runner, or wait longer: `--lock-wait 15m`, or `session.lock_wait` in runner.toml.";
    match error {
        LockError::Held { holder: Some(holder), .. } if holder.process != 0 => {
            format!("{wait} If it hangs, end it: SELECT pg_terminate_backend({});", holder.process)
        }
        _ => wait.to_owned(),
    }
}

/// How to get sessions out of the way.
fn in_the_way(sessions: &[Activity]) -> Option<String> {
    let calls: Vec<String> = sessions
        .iter()
        .filter(|session| session.process != 0)
        .map(|session| format!("SELECT pg_terminate_backend({});", session.process))
        .collect();
    if calls.is_empty() {
        return None;
    }
    Some(format!(
        "Have whoever is in the way end their transaction, or end their session: {}",
        calls.join(" ")
    ))
}

fn general(error: &StepError) -> &'static str {
    // What the server ran out of comes first: a migration that returns another
    // error than the server's, or none, must not hide it.
    if let Some(hint) = server_of(error).and_then(resources) {
        return hint;
    }
    match error {
        StepError::Call { error: CallError::Aborted { .. }, .. } => {
            "The migration must return the error, or roll back to a savepoint that was set before the statement."
        }
        StepError::Call { error: CallError::Irreversible { .. }, .. } => {
            "Restore a backup, or write a new revision that does what is needed."
        }
        StepError::Call { error: CallError::Limit { .. }, .. } => {
            "The limits are set in [limits] in runner.toml."
        }
        StepError::LockLost => {
            "Is there a connection pool in transaction mode in between? Connect to the server itself, or to a pool in session mode."
        }
        error if error.database().and_then(DbError::sqlstate) == Some("25001") => {
            "PostgreSQL does not allow this inside a transaction: put it into a revision of kind `sql` with `transaction = \"none\"` in its migration.toml."
        }
        error if error.database().and_then(DbError::sqlstate) == Some("42501") => {
            "The login lacks a right. Have whoever owns the object grant it, as with `GRANT CREATE ON SCHEMA schema TO \
             role` or `GRANT role_of_owner TO role`, and run the command again."
        }
        error if error.database().and_then(DbError::sqlstate) == Some("25006") => {
            "The server takes no writes: it is a standby, or default_transaction_read_only is on. Connect to the primary."
        }
        error if error.database().and_then(DbError::sqlstate) == Some("55P04") => {
            "PostgreSQL lets a new value of an enum be used once its transaction is committed: put both into a \
             revision with `transaction = \"none\"` in its migration.toml, or use the value in a later revision."
        }
        StepError::Resume(_) => RESUME,
        StepError::BeingBuilt { .. } => "Wait until it is built, and run the command again.",
        error if error.is_transient() => {
            "Another session was in the way, again and again; try again when there is less to do."
        }
        error if error.is_connection_lost() => {
            "The server rolls back by itself. Run the command again when it is back."
        }
        _ => "Run `runner current` to see where the database is.",
    }
}

fn server_of(error: &StepError) -> Option<&ServerError> {
    match error.database() {
        Some(DbError::Server(server)) => Some(server),
        _ => None,
    }
}

/// What to do where time, space or memory ran out. See PostgreSQL's manual,
/// appendix A.
fn resources(error: &ServerError) -> Option<&'static str> {
    Some(match error.sqlstate.as_str() {
        "57014" => match cancelled(error) {
            Cancelled::ByTimeout => {
                "The step was rolled back. Raise `session.statement_timeout` in runner.toml (`0s` turns it off), or \
                 do less in one statement. What a bulk change applies at once is bounded by `data.stage_bytes`, and \
                 where most rows change a rewrite takes less time than an update."
            }
            Cancelled::ByUser => {
                "The step was rolled back. Somebody else cancelled the statement (pg_cancel_backend): run the command \
                 again when they agree."
            }
            Cancelled::Unknown => {
                "The step was rolled back. If `session.statement_timeout` in runner.toml is set, raise it; otherwise \
                 somebody cancelled the statement (pg_cancel_backend)."
            }
        },
        "55P03" => {
            "The step was rolled back, so that nobody waits behind it. Look in pg_stat_activity for the session that \
             holds the table, try again when it is done, or raise `session.lock_timeout` in runner.toml."
        }
        "53100" => {
            "The step was rolled back, and its space is free again after that (what an UPDATE wrote, after the next \
             VACUUM). A change of a whole table needs about its size once more, and its WAL. Make room on the \
             server's disk, or change fewer rows in one revision."
        }
        "53400" if error.message.contains("temp_file_limit") => {
            "The step was rolled back. Sorting, hashing and open readers put what does not fit into `work_mem` into \
             temporary files: raise `temp_file_limit` for the login, or do less in one statement."
        }
        "53200" => {
            "The step was rolled back. The server had no memory left for the statement: lower `work_mem`, do less in \
             one statement, or write large values in smaller batches."
        }
        _ => return None,
    })
}

/// Who cancelled a statement, as far as the message tells: it is in the language
/// of `lc_messages`, and the code is the same for both.
enum Cancelled {
    ByTimeout,
    ByUser,
    Unknown,
}

fn cancelled(error: &ServerError) -> Cancelled {
    match error.message.as_str() {
        timeout if timeout.contains("statement timeout") => Cancelled::ByTimeout,
        user if user.contains("user request") => Cancelled::ByUser,
        _ => Cancelled::Unknown,
    }
}

/// The line that would allow a statement that was refused.
fn grant_line(statement: &FailedStatement) -> Option<&str> {
    match &statement.error {
        StatementError::Policy(error) => error.grant(),
        StatementError::Database(_) | StatementError::Bulk(_) => None,
    }
}

/// What to do where a statement that was run is another one now.
pub const RESUME: &str = "Write it as it was, and put the change into a statement after it. Or take back by hand what \
    is done, and tell the ledger with `runner stamp` and the revision before this one.";

/// What to do about a revision that is applied, or taken back, in part.
pub fn finish(partly: &Partly) -> String {
    let Partly { revision, direction, .. } = partly;
    match direction {
        Direction::Upgrade => format!(
            "Finish it with `runner upgrade {revision}`. Or take back by hand what is done, and tell the ledger with \
             `runner stamp` and the revision before it."
        ),
        Direction::Downgrade => format!(
            "Finish it with `runner downgrade` and the revision before it. Or put back by hand what is gone, and tell \
             the ledger with `runner stamp {revision}`."
        ),
    }
}

/// What to do where the manifest grants too little.
pub fn lines_to_add(lines: &[&str]) -> String {
    format!("If that is meant, add to [capabilities] in its migration.toml: {}", lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_with(sqlstate: &str, message: &str) -> StepError {
        let server = ServerError {
            sqlstate: sqlstate.into(),
            severity: "ERROR".into(),
            message: message.into(),
            ..ServerError::default()
        };
        StepError::Begin(DbError::Server(Box::new(server)))
    }

    #[test]
    fn what_ran_out_says_what_to_do() {
        for (sqlstate, message, expected) in [
            ("57014", "canceling statement due to statement timeout", "session.statement_timeout"),
            ("57014", "canceling statement due to user request", "pg_cancel_backend"),
            ("57014", "storniere Anfrage wegen Zeitüberschreitung", "session.statement_timeout"),
            ("55P03", "canceling statement due to lock timeout", "session.lock_timeout"),
            ("53100", "could not extend file: No space left on device", "server's disk"),
            ("53400", "temporary file size exceeds temp_file_limit (64kB)", "temp_file_limit"),
            ("53200", "out of memory", "work_mem"),
        ] {
            let hint = general(&failed_with(sqlstate, message));
            assert!(hint.contains(expected) && hint.contains("rolled back"), "{sqlstate} {message}: {hint}");
        }
    }

    #[test]
    fn what_a_pool_of_sessions_causes_says_so() {
        let said = |sqlstate: &str, message: &str| {
            let (sqlstate, message) = (sqlstate.into(), message.into());
            pool(&ServerError { sqlstate, message, ..ServerError::default() })
        };
        assert_eq!(said("26000", r#"prepared statement "s0" does not exist"#), Some(POOLED));
        assert_eq!(said("42P05", r#"prepared statement "s12" already exists"#), Some(POOLED));
        assert_eq!(said("26000", r#"prepared statement "mine" does not exist"#), None);
        let options = said("08P01", "unsupported startup parameter: options").expect("a hint");
        assert!(options.contains("isolation = \"role\""), "{options}");
        assert_eq!(said("08P01", "bind message supplies 1 parameters"), None);
    }

    #[test]
    fn whoever_is_in_the_way_can_be_ended() {
        let session = |process| Activity { process, ..Activity::default() };
        assert_eq!(in_the_way(&[]), None);
        assert_eq!(in_the_way(&[session(0)]), None, "a prepared transaction has no session");
        let hint = in_the_way(&[session(0), session(7), session(8)]).expect("a hint");
        assert!(hint.ends_with("SELECT pg_terminate_backend(7); SELECT pg_terminate_backend(8);"), "{hint}");
        let error = LockError::Held { waited: Default::default(), holder: Some(Box::new(session(9))) };
        assert!(locked(&error).contains("pg_terminate_backend(9)") && locked(&error).contains("--lock-wait"));
    }

    #[test]
    fn other_errors_have_the_hint_that_they_had() {
        assert!(general(&failed_with("40P01", "deadlock detected")).contains("in the way"));
        assert!(general(&failed_with("53400", "too many something")).contains("runner current"));
        assert!(general(&failed_with("42P01", "no such table")).contains("runner current"));
    }
}
