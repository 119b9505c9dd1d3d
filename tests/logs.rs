//! The log as JSON.

use serde_json::Value;

use crate::support::{Database, Project};

#[test]
fn the_log_as_json_has_what_happened_and_nothing_else_is_there() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    let notice = "DO $$ BEGIN RAISE WARNING 'careful'; RAISE NOTICE 'fine'; END $$;";
    project.sql("b", "a", notice, "");
    project.sql("c", "b", "SELECT nonsense;", "");
    let finished = project.run(&["upgrade", "head", "--log-format", "json"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (5, ""));
    let records: Vec<Value> =
        finished.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let find = |message: &str, revision: &str| {
        let is_it = |record: &&Value| {
            record["fields"]["message"] == message && record["fields"]["revision"] == revision
        };
        records.iter().find(is_it).unwrap_or_else(|| panic!("{message} of {revision}: {}", finished.stderr))
    };
    let done = find("step finished", "a");
    for field in ["duration_ms", "statements", "rows", "retries"] {
        assert!(done["fields"][field].is_u64(), "{done}");
    }
    let time = done["timestamp"].as_str().expect("a time");
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    assert_eq!(find("careful", "b")["level"], "WARN");
    assert_eq!(find("fine", "b")["level"], "INFO");
    assert_eq!(find("step failed", "c")["level"], "ERROR");
    let last = records.last().expect("a record");
    assert_eq!((&last["level"], &last["fields"]["exit_code"]), (&"ERROR".into(), &5.into()));
    assert_eq!(last["fields"]["sqlstate"], "42703");
    // The text names the revision too.
    let text = project.run(&["upgrade", "b", "--log-format", "text"]);
    assert_eq!(text.code, 0, "nothing is left to be done: {}", text.stderr);
}
