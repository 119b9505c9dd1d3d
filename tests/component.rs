//! Components that fail, and components that mean harm, on a real server: each
//! leaves nothing, and the next migration succeeds.

use crate::support::{Database, Project, probe};

/// Small limits, so that reaching them takes no time. The guest's time is not
/// among them: it is told by the wall clock, and on a busy machine any guest
/// would reach a short one before what it is made to reach.
const LIMITS: &str = "[limits]\nhost_calls = 20000\nmemory_bytes = 67108864\ncall_bytes = 16777216\n";

/// A revision that makes a table and then does what `kind` says.
fn revision(project: &Project, kind: &str, more: &str) {
    let params = format!(
        "\n[params]\nkind = {kind:?}\ntable = \"public.t_b\"\n\
         first = \"CREATE TABLE public.t_b (id int PRIMARY KEY, x text)\"\n{more}\n\
         [capabilities]\nread = [\"public.t_b\"]\nwrite = [\"public.t_b\"]\nddl = [\"public\"]\n"
    );
    project.component("b", "a", probe(), &params);
}

/// Runs a component that must fail, checks that nothing of it is left and that
/// the next one succeeds, and returns what was said.
#[track_caller]
fn fails(kind: &str, more: &str) -> String {
    fails_within(LIMITS, kind, more)
}

#[track_caller]
fn fails_within(limits: &str, kind: &str, more: &str) -> String {
    let database = Database::new();
    let project = Project::new(&database);
    project.write("runner.toml", limits);
    project.tables(&["a"]);
    revision(&project, kind, more);
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(said.contains("This step was rolled back."), "{kind}: {said}");
    assert!(!database.has("t_b"), "{kind}");
    assert_eq!(project.ok(&["current"]), "a\n", "{kind}");
    revision(&project, "nothing", "");
    project.ok(&["upgrade", "head"]);
    assert!(database.has("t_b"), "{kind}");
    said
}

#[track_caller]
fn fails_saying(kind: &str, more: &str, expected: &str) {
    let said = fails(kind, more);
    assert!(said.contains(expected), "{kind}: {said}");
}

#[test]
fn its_own_words_are_told() {
    fails_saying("message", "", "in its own words");
}

#[test]
fn a_statement_that_fails() {
    fails_saying("script", "sql = \"INSERT INTO public.t_b VALUES (1); SELECT 1/0\"", "statement 2 of 2");
}

#[test]
fn an_error_that_is_swallowed_is_not_committed() {
    fails_saying(
        "swallow",
        "sql = \"SELECT 1/0\"",
        "went on after a statement had failed, and reported success",
    );
}

#[test]
fn a_transaction_statement_is_denied() {
    for statement in ["COMMIT", "ROLLBACK", "BEGIN", "END", "RELEASE SAVEPOINT x"] {
        fails_saying("execute", &format!("sql = \"{statement}\""), "is not permitted in a migration");
    }
}

#[test]
fn a_panic_reaches_the_log() {
    let said = fails("panic", "");
    assert!(said.contains("the component crashed"), "{said}");
}

#[test]
fn limits_stop_what_has_no_end() {
    let said = fails_within("[limits]\nguest_time_ms = 300\n", "loop", "");
    assert!(said.contains("its own code ran for more than 300 ms"), "{said}");
    fails_saying("host-calls", "", "called the host more than 20000 times");
    fails_saying("statements", "", "called the host more than 20000 times");
    fails_saying("allocate", "", "asked for more than 67108864 bytes of memory");
    fails_saying("recurse", "", "call each other too deeply");
    fails_saying("handles", "", "open");
    fails_saying("nested-lists", "", "the component reached a limit");
    fails_saying("huge-writes", "", "the component reached a limit");
}

#[test]
fn rows_are_never_lost_silently() {
    for kind in ["writer-dropped", "writer-left-open"] {
        fails_saying(kind, "", "was not finished");
    }
    fails("bad-framing", "");
}

#[test]
fn a_reader_left_open_does_no_harm() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    revision(&project, "reader-left-open", "sql = \"SELECT generate_series(1, 100000)\"");
    project.ok(&["upgrade", "head"]);
    assert!(database.has("t_b"));
}

#[test]
fn a_copy_that_the_server_rejects() {
    let copy = "sql = \"SELECT 1, 'x'::text UNION ALL SELECT 1, 'y'\"";
    fails_saying("copy", copy, "duplicate key value violates unique constraint");
}

#[test]
fn bytes_read_are_bytes_written() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    revision(&project, "copy", "sql = \"SELECT g, repeat('x', g % 100) FROM generate_series(1, 100000) g\"");
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.rows("SELECT count(*), sum(length(x)) FROM t_b"), ["100000|4950000"]);
}

#[test]
fn the_sdk_is_for_the_interface_that_the_host_offers() {
    assert_eq!(plugin_sdk::INTERFACE_VERSION, runner::host::INTERFACE_VERSION);
}

#[test]
fn a_component_that_was_built_anew_is_no_edit() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    revision(&project, "nothing", "");
    project.ok(&["upgrade", "head"]);
    let recorded = "SELECT component_digest FROM runner.revision WHERE revision = 'b'";
    let before = database.value(recorded);
    // A custom section changes the bytes and nothing else.
    let rebuilt = [probe(), &[0, 2, 1, b'x']].concat();
    project.write(".runner/components/b.wasm", &rebuilt);
    project.ok(&["upgrade", "head", "--no-build"]);
    project.ok(&["verify"]);
    assert_eq!(database.value(recorded), before);
}

#[test]
fn parameters_of_the_command_line_take_the_place_of_the_manifests() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    revision(&project, "nothing", "");
    let unknown = project.fails(1, &["-x", "colour=red", "upgrade", "head"]);
    assert!(unknown.contains("no revision of the plan takes the parameter `colour`"), "{unknown}");
    let misplaced = project.fails(2, &["history", "-x", "first=1"]);
    assert!(misplaced.contains("this command runs none"), "{misplaced}");
    assert!(!database.has("t_a"), "nothing was run");
    project.ok(&["upgrade", "head", "-x", "first=CREATE TABLE public.t_other ()"]);
    assert!(database.has("t_other") && !database.has("t_b"));
    let shown = project.ok(&["show", "b", "--json"]);
    assert!(shown.contains("t_other"), "the ledger records what ran: {shown}");
}
