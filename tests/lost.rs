//! A connection that is lost, in each phase of a run: cut on its way, or ended by
//! the server. The database stands at a step's boundary after it, what is said
//! is right, and the next run goes on.

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::{Act, Database, Moment, Project, Relay, bulk, holder, probe};

/// What becomes of revision `b`, after `a`, whose connection is lost.
struct Outcome {
    code: i32,
    /// Whether `a` and `b` are applied after it.
    applied: [bool; 2],
    said: String,
}

/// A project of `a`, a table, and `b`, which adds a row and a table.
fn project() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    project.sql("b", "a", B, "DROP TABLE public.t_b; DELETE FROM public.t_a;");
    (database, project)
}

const B: &str = "INSERT INTO public.t_a VALUES (1);\nCREATE TABLE public.t_b (id int);\n";

/// The database is at a boundary, which is returned: the ledger and the tables
/// say the same.
#[track_caller]
fn boundary(database: &Database) -> [bool; 2] {
    let has_ledger = database.has("runner.revision");
    let ledger = if has_ledger {
        database.rows("SELECT revision FROM runner.revision ORDER BY 1")
    } else {
        Vec::new()
    };
    let applied = ["a", "b"].map(|id| ledger.iter().any(|row| row == id));
    assert_eq!(applied, [database.has("t_a"), database.has("t_b")], "{ledger:?}");
    if applied[0] {
        assert_eq!(database.value("SELECT count(*) FROM public.t_a"), u8::from(applied[1]).to_string());
    }
    applied
}

/// Runs an upgrade by way of a relay, looks where that left the database, and
/// lets the next run complete.
#[track_caller]
fn lost_at(moment: Moment, act: Act, prepare: impl FnOnce(&Project)) -> Outcome {
    let (database, project) = project();
    prepare(&project);
    let relay = Relay::start(moment, act);
    let mut command = project.command(&["upgrade", "head"]);
    let output = command.env("DATABASE_URL", relay.url(&database.url)).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(relay.has_acted(), "{said}");
    let gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() \
        AND application_name LIKE 'runner%'";
    // The server may be at a statement that it has to finish, and then finds
    // nobody there.
    database.rows(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name LIKE 'runner%' AND query LIKE '%pg_sleep%'",
    );
    database.wait_for(gone);
    let applied = boundary(&database);
    project.sql("b", "a", B, "");
    let _ = std::fs::remove_file(project.path("migrations/b/Cargo.toml"));
    let code = output.status.code().expect("it ends by itself");
    if !applied[1] {
        project.ok(&["upgrade", "head"]);
        assert_eq!(boundary(&database), [true, true]);
    }
    Outcome { code, applied, said }
}

#[track_caller]
fn lost(moment: Moment, act: Act) -> Outcome {
    lost_at(moment, act, |_| {})
}

#[test]
fn while_it_connects() {
    let first = Moment { tag: Some(0), text: "user", after: 0 };
    let Outcome { code, applied, said } = lost(first, Act::CutBefore);
    assert!(code == 1 || code == 7, "{code}: {said}");
    assert_eq!(applied, [false, false]);
    assert!(said.contains("127.0.0.1"), "{said}");
}

#[test]
fn while_it_reads_the_ledger() {
    for act in [Act::CutBefore, Act::CutAnswer] {
        let Outcome { code, applied, said } = lost(Moment::of("SELECT version FROM"), act);
        assert!(code == 1 || code == 7, "{code}: {said}");
        assert_eq!(applied, [false, false]);
        assert!(said.contains("the connection to the server was lost"), "{said}");
    }
}

#[test]
fn when_it_has_just_taken_the_lock() {
    let Outcome { code, applied, said } = lost(Moment::of("pg_try_advisory_lock"), Act::CutAnswer);
    assert!(code == 1 || code == 7, "{code}: {said}");
    assert_eq!(applied, [false, false]);
    assert!(said.contains("the connection to the server was lost"), "{said}");
}

#[test]
fn while_it_waits_for_the_lock() {
    let (database, project) = project();
    let blocker = holder(&database);
    let third = Moment { tag: None, text: "pg_try_advisory_lock", after: 2 };
    let relay = Relay::start(third, Act::CutBefore);
    let mut command = project.command(&["upgrade", "head"]);
    let output = command.env("DATABASE_URL", relay.url(&database.url)).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 7)), "{said}");
    assert!(said.contains("the connection to the server was lost"), "{said}");
    drop(blocker);
    assert_eq!(boundary(&database), [false, false]);
    project.ok(&["upgrade", "head"]);
}

#[test]
fn when_the_transaction_begins() {
    // The first step's begins first.
    for after in [0, 1] {
        let begin = Moment { tag: None, text: "SELECT pg_catalog.pg_current_xact_id(),", after };
        for act in [Act::CutBefore, Act::CutAnswer] {
            let Outcome { code, applied, said } = lost(begin, act);
            assert_eq!((code, applied), (5, [after == 1, false]), "{said}");
        }
    }
}

#[test]
fn in_the_middle_of_a_statement() {
    let act = Act::CutLater(Duration::from_millis(300));
    let Outcome { code, applied, said } = lost_at(Moment::of("pg_sleep(63)"), act, |project| {
        project.sql("b", "a", &format!("{B}SELECT pg_sleep(63);\n"), "");
    });
    assert_eq!((code, applied), (5, [true, false]), "{said}");
    insta::assert_snapshot!(said.split_once("Error").expect("an error").1, @"
    : upgrade of `b` failed
    Caused by:
    1: the connection to the server was lost: closed
    2: statement 3 of 3 was not answered
    Applied: 1 revision. Not tried: 0 revisions. This step was rolled back.
    Hint: The server rolls back by itself. Run the command again when it is back.
    ");
}

#[test]
fn while_the_component_computes_between_two_statements() {
    let act = Act::CutLater(Duration::from_millis(300));
    let Outcome { code, applied, said } = lost_at(Moment::of("VALUES (77)"), act, |project| {
        let params = "[params]\nkind = \"steps\"\ntable = \"public.t_a\"\n\
            steps = \"must INSERT INTO public.t_a VALUES (77)\\ncompute 1000000000\\nmust SELECT 1\"\n\
            [capabilities]\nread = [\"public.t_a\"]\nwrite = [\"public.t_a\"]\n";
        let _ = std::fs::remove_dir_all(project.path("migrations/b"));
        project.component("b", "a", probe(), params);
    });
    assert_eq!((code, applied), (5, [true, false]), "{said}");
    assert!(said.contains("The server rolls back by itself."), "{said}");
}

/// CopyData is what the rows of a stage travel in.
#[test]
fn while_rows_are_copied_into_a_stage() {
    for act in [Act::CutBefore, Act::CutAnswer] {
        let Outcome { code, applied, said } = lost_at(Moment::of_tag(b'd'), act, |project| {
            let params = "[params]\nopen = \"update\"\ntable = \"public.t_a\"\nkey = \"id\"\ncolumns = \"x\"\n\
                first = \"ALTER TABLE public.t_a ADD COLUMN x int; INSERT INTO public.t_a SELECT g FROM generate_series(1, 5000) g\"\n\
                read = \"SELECT id, id AS x FROM public.t_a\"\n\
                [capabilities]\nread = [\"public.*\"]\nwrite = [\"public.t_a\"]\nddl = [\"public\"]\n";
            let _ = std::fs::remove_dir_all(project.path("migrations/b"));
            project.component("b", "a", bulk(), params);
        });
        assert_eq!((code, applied), (5, [true, false]), "{said}");
    }
}

#[test]
fn when_the_step_is_settled() {
    for act in [Act::CutBefore, Act::CutAnswer] {
        let settle = Moment { tag: None, text: "pg_current_xact_id_if_assigned()", after: 1 };
        let Outcome { code, applied, said } = lost(settle, act);
        assert_eq!(code, 5, "{said}");
        assert!(!applied[1], "{said}");
    }
}

#[test]
fn before_the_server_has_the_commit() {
    let commit = Moment { tag: None, text: "COMMIT; SELECT pg_catalog.pg_xact_status", after: 1 };
    let Outcome { code, applied, said } = lost(commit, Act::CutBefore);
    assert_eq!((code, applied), (5, [true, false]), "{said}");
    assert!(said.contains("the server did not commit the transaction"), "{said}");
    assert!(said.contains("Applied: 1 revision."), "{said}");
}

/// The server has committed, and its answer is lost: the runner asks anew, and
/// knows.
#[test]
fn after_the_server_has_committed() {
    let commit = Moment { tag: None, text: "COMMIT; SELECT pg_catalog.pg_xact_status", after: 1 };
    let Outcome { code, applied, said } = lost(commit, Act::CutAnswer);
    assert_eq!((code, applied), (0, [true, true]), "{said}");
    // That of the first step: there is no connection for the second one.
    let commit = Moment { after: 0, ..commit };
    let Outcome { code, applied, said } = lost(commit, Act::CutAnswer);
    assert_eq!((code, applied), (5, [true, false]), "{said}");
    assert!(said.contains("Applied: 1 revision."), "{said}");
}

/// The failure is not written to the journal then; the step is rolled back all
/// the same.
#[test]
fn when_a_failure_is_written_to_the_journal() {
    for act in [Act::CutBefore, Act::CutAnswer] {
        let Outcome { code, applied, said } =
            lost_at(Moment { tag: Some(b'P'), text: "'failed'", after: 0 }, act, |project| {
                project.sql("b", "a", &format!("{B}SELECT 1 / 0;\n"), "");
            });
        assert_eq!((code, applied), (5, [true, false]), "{said}");
        assert!(said.contains("division by zero"), "{said}");
    }
}

fn start(project: &Project) -> Child {
    project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts")
}

/// Ends the runner's session as an administrator does, once it is where the
/// condition on `pg_stat_activity` says.
#[track_caller]
fn terminated(database: &Database, child: Child, at: &str) -> (Option<i32>, String) {
    let sessions = format!(
        "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'runner%' AND {at}"
    );
    database.wait_for(&format!("SELECT count(*) > 0 {sessions}"));
    database.rows(&format!("SELECT pg_terminate_backend(pid) {sessions}"));
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code(), said)
}

#[test]
fn a_session_that_an_administrator_ends() {
    let (database, project) = project();
    let blocker = holder(&database);
    let (code, said) = terminated(&database, start(&project), "query LIKE '%pg_try_advisory_lock%'");
    assert!(matches!(code, Some(1 | 7)), "{said}");
    assert!(said.contains("terminating connection") || said.contains("was lost"), "{said}");
    drop(blocker);
    project.sql("b", "a", &format!("{B}SELECT pg_sleep(64);\n"), "");
    let (code, said) = terminated(&database, start(&project), "query LIKE '%pg_sleep(64)%'");
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("terminating connection"), "{said}");
    assert_eq!(boundary(&database), [true, false]);
    let params = "[params]\nkind = \"steps\"\ntable = \"public.t_a\"\n\
        steps = \"must INSERT INTO public.t_a VALUES (77)\\ncompute 1000000000\\nmust SELECT 1\"\n\
        [capabilities]\nread = [\"public.t_a\"]\nwrite = [\"public.t_a\"]\n";
    std::fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    project.component("b", "a", probe(), params);
    let at = "state = 'idle in transaction' AND query LIKE '%VALUES (77)%'";
    let (code, said) = terminated(&database, start(&project), at);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("The server rolls back by itself."), "{said}");
    assert_eq!(boundary(&database), [true, false]);
    std::fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    project.sql("b", "a", B, "");
    project.ok(&["upgrade", "head"]);
    assert_eq!(boundary(&database), [true, true]);
}
