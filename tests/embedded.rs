//! The embedded server.

use crate::support::Project;

#[test]
fn a_project_runs_on_the_embedded_server_and_finds_it_again() {
    let project = Project::without_database();
    project.tables(&["a", "b"]);
    let database = ["--database", "embedded:data"];
    let run = |args: &[&str]| project.ok(&[args, &database].concat());
    run(&["upgrade", "head"]);
    assert_eq!(run(&["current"]), "b (head)\n");
    run(&["downgrade", "-1"]);
    assert_eq!(run(&["current"]), "a\n");
    run(&["upgrade", "head"]);
    run(&["verify"]);
}

#[test]
fn in_memory_it_is_gone_at_the_end() {
    let project = Project::without_database();
    project.tables(&["a"]);
    project.ok(&["upgrade", "head", "--database", "embedded"]);
    assert_eq!(project.ok(&["current", "--database", "embedded"]), "");
}

#[test]
fn a_step_without_a_transaction_runs_on_the_embedded_server() {
    let project = Project::without_database();
    project.tables(&["a"]);
    let upgrade = "CREATE INDEX CONCURRENTLY t_a_id ON public.t_a (id);\nVACUUM public.t_a;\nSELECT 1;\n";
    project.sql("b", "a", upgrade, "DROP INDEX CONCURRENTLY public.t_a_id;\n");
    let more = "transaction = \"none\"\n";
    project.write("migrations/b/migration.toml", crate::support::manifest("b", "a", "sql", more));
    let database = ["--database", "embedded:data"];
    let run = |args: &[&str]| project.ok(&[args, &database].concat());
    run(&["upgrade", "head"]);
    assert_eq!(run(&["current"]), "b (head)\n");
    run(&["downgrade", "-1"]);
    assert_eq!(run(&["current"]), "a\n");
}
