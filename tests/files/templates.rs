//! The project's own templates.

use super::{read, refused, snapshot};
use crate::support::{Project, filters};

#[test]
fn a_project_has_its_own_templates() {
    let project = Project::without_database();
    project.write("runner.toml", "[migrations]\ntemplates = \"own\"\nfile_template = \"{rev}\"\n");
    project.write("own/sql/upgrade.sql", "-- ours: ${message} (${revision} after ${parents})\n");
    project.write("own/sql/migration.toml", "revision = \"${revision}\"\nparents = [${parents}]\nmessage = \"${message}\"\nlabels = [${labels}]\ndepends_on = [${depends_on}]\nkind = \"${kind}\"\n[capabilities]\nddl = [\"public\"]\n");
    project.ok(&["revision", "-m", "first", "--rev-id", "a"]);
    project.ok(&["revision", "-m", "say \"hi\"", "--rev-id", "b"]);
    snapshot!(read(&project, "migrations/b/upgrade.sql"), @r#"-- ours: say "hi" (b after a)"#);
    snapshot!(read(&project, "migrations/b/migration.toml"), @r#"
    revision = "b"
    parents = ["a"]
    message = "say \"hi\""
    labels = []
    depends_on = []
    kind = "sql"
    [capabilities]
    ddl = ["public"]
    "#);
    snapshot!(project.ok(&["list-templates"]), @r"
    Templates of projects, for `runner init --template NAME`:
      generic   runner.toml and a folder for migrations
      rust      the same, and a cargo workspace for revisions of kind `rust`
      dated     one folder a year and a month, searched recursively
      packages  two packages of migrations, each with its own folder and ids
      multidb   two databases as named sections, for `runner --name NAME`
    Templates of revisions, for `runner revision --kind NAME` and `runner merge`:
      sql       upgrade.sql and downgrade.sql (own/sql)
      rust      a Rust crate against plugin-sdk (built in)
      merge     a revision that brings branches together, without statements (built in)
      plugin    a plugin's parameters, for `runner revision --plugin` (built in)
    ");
    let json: serde_json::Value =
        serde_json::from_str(&project.ok(&["list_templates", "--json"])).expect("JSON");
    assert_eq!((&json["revision"][0]["path"], &json["version"]), (&"own/sql".into(), &1.into()));
    assert!(project.ok(&["list-templates", "-v"]).contains("${message}     the message\n"));
}

#[test]
fn a_template_that_is_wrong_is_refused_with_its_place() {
    let project = Project::without_database();
    project.write("runner.toml", "[migrations]\ntemplates = \"own\"\n");
    snapshot!(refused(&project, &["revision"]), @r"
    exit code 1
    Error: the folder of templates own does not exist
    Hint: It is `templates` in [migrations] in runner.toml.
    ");
    project.write("own/sql/upgrade.sql", "-- ${message}\n--  ${mesage}\n");
    snapshot!(refused(&project, &["revision"]), @r"
    exit code 1
    Error: own/sql/upgrade.sql:2:5: there is no token `${mesage}`
    Hint: Run `runner list-templates -v` to see the tokens.
    ");
    project.write("own/sql/upgrade.sql", [0x2d, 0xff]);
    snapshot!(refused(&project, &["revision"]), @r"
    exit code 1
    Error: own/sql/upgrade.sql is not UTF-8 (byte 1)
    ");
    project.write("own/sql/upgrade.sql", "");
    project
        .write("own/sql/migration.toml", "revision = \"a\"\nparents = []\nmessage = \"m\"\nkind = \"sql\"\n");
    snapshot!(refused(&project, &["revision", "--rev-id", "b"]), @r#"
    exit code 1
    Error: own/sql/migration.toml does not take over the revision's `revision`
    Hint: Let it say `revision = "${revision}"`.
    "#);
}
