//! Scripts that psql runs: the database that they leave is the one that a run
//! leaves, the ledger included; and what only a server knows stops them.

use crate::migrations;
use crate::support::{Database, Project, filters, manifest, probe};

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(value, @$expected) });
    };
}

/// Everything that the ledger holds but when, how fast and by whom.
const LEDGER: [&str; 4] = [
    "SELECT version, runner_version FROM runner.ledger",
    "SELECT encode(digest, 'hex'), size, md5(zstd) FROM runner.component ORDER BY digest",
    "SELECT revision, parents, depends_on, labels, message, encode(source_digest, 'hex'), \
        encode(component_digest, 'hex'), manifest, params, statements, rows, runner_version, applied_by \
     FROM runner.revision ORDER BY revision",
    "SELECT direction, revision, outcome, encode(source_digest, 'hex'), encode(component_digest, 'hex'), \
        statements, rows, sqlstate, error, tag, runner_version, login FROM runner.journal ORDER BY id",
];

/// What a database holds, the ledger included.
fn contents(database: &Database) -> (String, Vec<Vec<String>>) {
    let ledger = LEDGER.iter().map(|sql| database.rows(sql)).collect();
    (database.dump() + &database.dump_schema("runner"), ledger)
}

/// Two databases with the same contents: one that the program goes through the
/// commands with, and one that psql runs the scripts on. No script may need a
/// database.
struct Twins {
    project: Project,
    real: Database,
    scripted: Database,
}

impl Twins {
    fn new() -> Self {
        Self { project: Project::without_database(), real: Database::new(), scripted: Database::new() }
    }

    /// Runs one command for real, and another one's script by psql, and
    /// compares.
    #[track_caller]
    fn same(&self, real: &[&str], scripted: &[&str]) -> String {
        let url = ["--database", &self.real.url];
        self.project.ok(&[real, &url].concat());
        let script = self.script(scripted);
        self.scripted.psql(&script).unwrap_or_else(|error| panic!("{error}\n{script}"));
        let (expected, found) = (contents(&self.real), contents(&self.scripted));
        assert_eq!(found.1, expected.1, "{scripted:?}");
        assert_eq!(found.0, expected.0, "{scripted:?}");
        script
    }

    /// The script, which must be the same each time.
    #[track_caller]
    fn script(&self, args: &[&str]) -> String {
        let args = [args, &["--sql"]].concat();
        let script = self.project.ok(&args);
        assert_eq!(self.project.ok(&args), script);
        script
    }
}

#[test]
fn a_script_leaves_what_a_run_leaves_both_ways() {
    let twins = Twins::new();
    twins.project.tables(&["a", "b", "c"]);
    twins.same(&["upgrade", "b"], &["upgrade", "b"]);
    twins.same(&["upgrade", "head"], &["upgrade", "b:head"]);
    // The first statement that writes is the ledger's own.
    twins.project.sql("d", "c", "SELECT 1;", "SELECT 2, generate_series(1, 3);");
    twins.same(&["upgrade", "head"], &["upgrade", "c:d"]);
    twins.same(&["downgrade", "c"], &["downgrade", "d:c"]);
    std::fs::remove_dir_all(twins.project.path("migrations/d")).expect("removes");
    twins.same(&["downgrade", "a"], &["downgrade", "c:a"]);
    twins.same(&["upgrade", "+1", "--tag", "it's"], &["upgrade", "a:+1", "--tag", "it's"]);
    twins.same(&["downgrade", "base", "--tag", "x\ny"], &["downgrade", "b:base", "--tag", "x\ny"]);
    twins.same(&["upgrade", "head"], &["upgrade", "head"]);
    // What a script has applied, the program can take back.
    twins.project.ok(&["downgrade", "base", "--database", &twins.scripted.url]);
    assert!(!twins.scripted.has("t_a"));
}

#[test]
fn merges_and_dependencies_are_written_in_order() {
    let twins = Twins::new();
    let table = |id: &str| (format!("CREATE TABLE t_{id} ();"), format!("DROP TABLE t_{id};"));
    for (id, parents) in [("a", ""), ("b", "a"), ("c", "a"), ("d", "b c"), ("x", "")] {
        let (up, down) = table(id);
        twins.project.sql(id, parents, &up, &down);
    }
    let (up, down) = table("y");
    twins.project.sql("y", "x", &up, &down);
    let more = "depends_on = [\"c\"]\nlabels = [\"side\"]\n";
    twins.project.write("migrations/y/migration.toml", manifest("y", "x", "sql", more));
    twins.same(&["upgrade", "y"], &["upgrade", "y"]);
    twins.same(&["upgrade", "heads"], &["upgrade", "y:heads"]);
    let everything = contents(&twins.real);
    // From several places at once there is no range.
    let down = "downgrade";
    twins.same(&[down, "b"], &[down, "d:b"]);
    assert_ne!(contents(&twins.real), everything);
}

/// Texts that psql, the server's parser or a shell would read in another way if
/// they were not taken care of.
const HOSTILE: &str = r#"
CREATE TABLE public.hostile (a text, b int[]);
INSERT INTO public.hostile VALUES
    (':AUTOCOMMIT :''USER'' :"HOST" it''s', ARRAY[1,2,3]),
    ($$ \! false ; :DBNAME $$, ARRAY[4]), ($tag$ $$ \q $tag$, NULL),
    (E'\\.\n\\copy x', '{}'), ('é ✅ -- ; /*', NULL), ('\', NULL), ($runner$BEGIN$runner$, NULL);
/* \! false ; :USER */ -- \q ; :USER 'open
DELETE FROM public.hostile WHERE b[1:1] = '{4}' OR b[1 :array_length(b, 1)] = '{9}'; -- end :x
UPDATE public.hostile SET a = a || ':x' WHERE a = '\';
SELECT a AS ":x" FROM public.hostile;
CREATE FUNCTION public.of_two(a int[], n int) RETURNS int[] BEGIN ATOMIC
    SELECT 'begin; case'; SELECT a[1:n]; END;
CREATE RULE nothing AS ON DELETE TO public.hostile DO ALSO (SELECT 1; SELECT 2);
CREATE FUNCTION public.old(int) RETURNS int LANGUAGE plpgsql AS $function$
BEGIN
    -- \.
    RETURN $1; /* :x */
END $function$;
COMMENT ON TABLE public.hostile IS E'\\ :x \' $runner$';
DO $runner$ BEGIN PERFORM 1; END $runner$;
SELECT 1 -- without an end"#;

#[test]
fn hostile_texts_reach_the_server_as_they_are() {
    let twins = Twins::new();
    twins.project.sql(
        "a",
        "",
        HOSTILE,
        "DROP TABLE public.hostile; DROP FUNCTION public.of_two, public.old;",
    );
    let message = manifest("a", "", "sql", "").replace("message of a", "\\\\! false :USER '\\\"; \\u001b[0m");
    twins.project.write("migrations/a/migration.toml", message);
    twins.same(&["upgrade", "head"], &["upgrade", "head"]);
    assert_eq!(twins.scripted.value("SELECT public.of_two('{7,8,9}', 2)"), "{7,8}");
    twins.same(&["downgrade", "base"], &["downgrade", "a:base"]);
}

#[test]
fn what_a_step_does_to_the_session_is_done_in_the_script_too() {
    let twins = Twins::new();
    twins.project.sql(
        "a",
        "",
        "CREATE TYPE public.mood AS ENUM ('glad'); SET search_path = pg_temp; \
        CREATE TEMP TABLE t (id int); SET standard_conforming_strings = off;",
        "DROP TYPE public.mood;",
    );
    let parent = "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES parent \
        DEFERRABLE INITIALLY DEFERRED); INSERT INTO child VALUES (1); INSERT INTO parent VALUES (1); \
        CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS a, current_setting('search_path') AS b;";
    twins.project.sql("b", "a", parent, "DROP TABLE seen, child, parent;");
    twins.same(&["upgrade", "head"], &["upgrade", "head"]);
    assert_eq!(twins.scripted.rows("SELECT * FROM public.seen"), ["5s|\"public\""]);
}

/// A revision that runs the probe.
fn component(project: &Project, id: &str, parents: &str, first: &str, params: &str) {
    let table = "table = \"public.target\"\n";
    let more = format!(
        "\n[params]\n{table}first = '''{first}'''\n{params}\n[capabilities]\nread = [\"public.*\"]\nwrite = [\"public.*\"]\nddl = [\"public\"]\ncode = \"vetted\"\nrandom = true\n"
    );
    project.component(id, parents, probe(), &more);
}

const TARGET: &str = "CREATE TYPE public.mood AS ENUM ('glad', 'so so');
CREATE DOMAIN public.small AS int2 CHECK (value < 100);
CREATE TABLE public.target (a int8, b text, c public.mood, d numeric, e bytea, f jsonb, g timestamptz, h date,
    i text[], j interval, k float4, l float8, m bool, n uuid, o public.small, p time, q inet, r varchar(40), s float8);";

const VALUES: &str = "kind = \"execute\"\ntimes = 2\nsql = \"INSERT INTO public.target VALUES ($1, $2, $3, $4, $5, $6, $7, $8, \
    $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)\"";

/// One value a line, as the probe reads them; `␤` stands for the end of a line.
const HOSTILE_VALUES: &str = r#"
values = '''
int4:-7
lines:it's \ :x $1 $$ "q" ␤\.␤ é ✅
text:so so
numeric:1.50
bytea:00ff5c27
jsonb:{"a": "\\ ' :x"}
timestamptz:-1
date:-800000
texts:a"b\,␤c
interval:-14 3 -1500000
float4:0.1
float8:-1e300
bool:t
uuid:81985529216486895
int8:99
time:86399999999
literal:10.0.0.1/8
text:ends in \
float4:0.1'''"#;

#[test]
fn parameters_are_written_as_the_values_that_they_are() {
    let twins = Twins::new();
    component(&twins.project, "a", "", TARGET, &format!("{VALUES}\n{HOSTILE_VALUES}"));
    let nulls = format!("{VALUES}\nvalues = '''{}null'''", "null\n".repeat(18));
    component(&twins.project, "b", "a", "", &nulls);
    twins.same(&["upgrade", "head"], &["upgrade", "head"]);
    assert_eq!(twins.scripted.value("SELECT count(*) FROM public.target"), "4");
    assert_eq!(
        twins.scripted.value("SELECT s = 0.1::float4::float8 AND k = 0.1::float4 FROM public.target LIMIT 1"),
        "t"
    );
}

#[test]
fn a_writer_writes_the_same_rows() {
    let twins = Twins::new();
    let columns = "columns = \"a b c d e f g h i j k l m n o p r s\"";
    // A writer takes no literals.
    let values = HOSTILE_VALUES.replace("literal:10.0.0.1/8\n", "");
    component(&twins.project, "a", "", TARGET, &format!("kind = \"write\"\ntimes = 3\n{columns}\n{values}"));
    twins.same(&["upgrade", "head"], &["upgrade", "head"]);
    assert_eq!(twins.scripted.value("SELECT count(*), count(DISTINCT b) FROM public.target"), "3|1");
}

#[test]
fn savepoints_keep_and_undo_the_same() {
    let twins = Twins::new();
    component(&twins.project, "a", "", "CREATE TABLE public.target (id int, t text);", "kind = \"nothing\"");
    for (id, parent, end) in [("b", "a", "release"), ("c", "b", "rollback"), ("d", "c", "drop")] {
        let sql = "sql = \"INSERT INTO public.target VALUES (1, '\\\\')\"";
        let params = format!("kind = \"keep-or-undo\"\nend = {end:?}\n{sql}");
        component(&twins.project, id, parent, "", &params);
    }
    twins.same(&["upgrade", "head"], &["upgrade", "head"]);
    assert_eq!(twins.scripted.value("SELECT count(*) FROM public.target"), "1");
}

#[test]
fn values_for_other_types_than_were_thought_of_stop_the_script() {
    for (table, statement) in [
        (
            "CREATE TABLE public.target (x text);",
            "kind = \"execute\"\nsql = \"INSERT INTO public.target VALUES ($1)\"",
        ),
        ("CREATE TABLE public.target (x text);", "kind = \"write\"\ncolumns = \"x\""),
    ] {
        let twins = Twins::new();
        component(&twins.project, "a", "", table, &format!("{statement}\nvalues = \"int4:7\""));
        twins.project.fails(5, &["upgrade", "head", "--database", &twins.real.url]);
        let error = twins.scripted.psql(&twins.script(&["upgrade", "head"])).expect_err("an int4 is no text");
        assert!(error.contains("has another type than"), "{error}");
        assert!(!twins.scripted.has("target"), "the step is rolled back");
    }
}

#[test]
fn a_number_of_rows_that_was_told_is_checked() {
    let twins = Twins::new();
    let table = "CREATE TABLE public.target (x text);
        CREATE FUNCTION public.skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER skip BEFORE INSERT ON public.target FOR EACH ROW EXECUTE FUNCTION public.skip();";
    let params = "kind = \"execute\"\nsql = \"INSERT INTO public.target VALUES ('a')\"";
    component(&twins.project, "a", "", table, params);
    let error = twins.scripted.psql(&twins.script(&["upgrade", "head"])).expect_err("no row is inserted");
    assert!(error.contains("another number of rows"), "{error}");
    assert!(!twins.scripted.has("target"));
}

#[test]
fn what_only_a_server_knows_stops_the_script() {
    let reads = "sql = \"SELECT id\\n  FROM public.target\"";
    for (params, expected) in [
        (format!("kind = \"query\"\n{reads}"), "the migration reads rows"),
        (format!("kind = \"reader-rows\"\n{reads}"), "the migration reads rows"),
        (format!("kind = \"execute\"\n{reads}"), "how many rows it touches"),
        ("kind = \"execute\"\nsql = \"UPDATE public.target SET id = 1\"".into(), "how many rows it touches"),
        ("kind = \"swallow\"\nsql = \"DELETE FROM public.target\"".into(), "how many rows it touches"),
        ("kind = \"writer-rows\"\nrows = 1\nbatch = 1".into(), "names no columns"),
        (
            "kind = \"writer-rows\"\nrows = 1\nbatch = 1\ncolumns = \"id\"".into(),
            "types of a table's columns",
        ),
        (
            "kind = \"write-then-script\"\nrows = 30000\nsql = \"UPDATE public.target SET id = 2\"".into(),
            "a writer holds many rows",
        ),
        ("kind = \"host\"".into(), "the time of the transaction"),
        ("kind = \"random\"\nlen = 4".into(), "random bytes"),
    ] {
        let project = Project::without_database();
        project.tables(&["a"]);
        component(&project, "b", "a", "", &params);
        let finished = project.run(&["upgrade", "head", "--sql"]);
        assert_eq!((finished.code, finished.stdout.as_str()), (1, ""), "{params}: {}", finished.stderr);
        assert!(
            finished.stderr.contains("upgrade of `b` cannot be written as a script"),
            "{}",
            finished.stderr
        );
        assert!(finished.stderr.contains(expected), "{params}: {}", finished.stderr);
        project.ok(&["upgrade", "a", "--sql"]);
    }
}

#[test]
fn the_query_that_stops_a_script_is_named() {
    let project = Project::without_database();
    component(&project, "a", "", "", "kind = \"query\"\nsql = \"SELECT id\\n  FROM public.target\"");
    snapshot!(project.fails(1, &["upgrade", "head", "--sql"]), @r"
    Error: upgrade of `a` cannot be written as a script
    Caused by:
    1: the migration reads rows, which only a server has
       in: SELECT id FROM public.target
    Hint: Run `runner upgrade` against a database, which can answer; or end the script before this revision.
    ");
}

#[test]
fn a_script_runs_once() {
    let twins = Twins::new();
    twins.project.tables(&["a", "b"]);
    let script = twins.script(&["upgrade", "head"]);
    twins.scripted.psql(&script).expect("runs");
    let before = contents(&twins.scripted);
    let error = twins.scripted.psql(&script).expect_err("it is applied already");
    assert!(
        error.contains("upgrade of a: what it needs is no longer applied, or the revision already is"),
        "{error}"
    );
    assert_eq!(contents(&twins.scripted), before);
    let down = twins.script(&["downgrade", "b:base"]);
    twins.scripted.psql(&down).expect("runs");
    let error = twins.scripted.psql(&down).expect_err("it is not applied");
    assert!(error.contains("downgrade of b: the revision is no longer applied"), "{error}");
}

#[test]
fn a_script_is_for_the_sources_that_were_applied() {
    let twins = Twins::new();
    twins.project.tables(&["a"]);
    twins.scripted.psql(&twins.script(&["upgrade", "head"])).expect("runs");
    twins.project.sql("a", "", "SELECT 1;", "SELECT 'another way down';");
    let error = twins.scripted.psql(&twins.script(&["downgrade", "a:base"])).expect_err("it was edited");
    assert!(error.contains("downgrade of a: it was applied from other sources"), "{error}");
    assert!(twins.scripted.has("t_a"));
}

#[test]
fn two_do_not_work_at_once() {
    let twins = Twins::new();
    twins.project.tables(&["a"]);
    let script = twins.script(&["upgrade", "head"]);
    // Keeps the lock that the script takes for as long as it runs another one.
    let lock = script.lines().find(|line| line.contains("pg_try_advisory_lock")).expect("takes a lock");
    let key = lock.split(['(', ')']).find(|part| part.parse::<i64>().is_ok()).expect("a key");
    let url = twins.scripted.url.clone();
    let holder = format!("SELECT pg_advisory_lock({key});\n\\set ON_ERROR_STOP on\n\\setenv PGURL '{url}'\n");
    std::fs::write(twins.project.path("script.sql"), &script).expect("writes");
    let path = twins.project.path("script.sql").display().to_string();
    let inner = format!(
        "{holder}\\! psql -X -q -d \"$PGURL\" -f {path} 2>&1 | grep -c 'another runner is at work'\n"
    );
    assert!(twins.scripted.psql(&inner).expect("runs").contains('1'));
    assert!(!twins.scripted.has("t_a"));
}

#[test]
fn a_stamp_as_a_script() {
    let twins = Twins::new();
    twins.project.tables(&["a", "b", "c"]);
    twins.same(&["stamp", "b", "--tag", "t"], &["stamp", "b", "--tag", "t"]);
    twins.same(&["stamp", "c"], &["stamp", "b:c"]);
    twins.same(&["stamp", "a"], &["stamp", "c:a"]);
    twins.same(&["stamp", "b", "--purge"], &["stamp", "b", "--purge"]);
    let error = twins.scripted.psql(&twins.script(&["stamp", "b"])).expect_err("it is there already");
    assert!(error.contains("the script begins at the base, and revisions are applied"), "{error}");
    let error = twins.scripted.psql(&twins.script(&["stamp", "a:c"])).expect_err("b is there already");
    assert!(error.contains("a revision whose row is to come is applied already"), "{error}");
    let error = twins.scripted.psql(&twins.script(&["stamp", "c:b"])).expect_err("it is not there");
    assert!(error.contains("a revision at which the script begins is not applied"), "{error}");
    twins.scripted.rows("CREATE TABLE public.t_a (id int); CREATE TABLE public.t_b (id int)");
    twins.project.ok(&["downgrade", "base", "--database", &twins.scripted.url]);
}

#[test]
fn the_ledger_alone() {
    let twins = Twins::new();
    twins.same(&["ensure-version"], &["ensure-version"]);
    twins.same(&["ensure_version"], &["ensure_version"]);
    assert_eq!(twins.real.value("SELECT count(*) FROM runner.revision"), "0");
    // A ledger of the first version.
    let first = "DROP SCHEMA runner CASCADE; CREATE SCHEMA runner;".to_owned()
        + &include_str!("../runner/src/ledger/v1.sql").replace("{schema}", "runner");
    twins.real.rows(&first);
    twins.scripted.rows(&first);
    twins.same(&["ensure-version"], &["ensure-version"]);
    assert_eq!(twins.real.value("SELECT version FROM runner.ledger"), "4");
}

#[test]
fn a_ledger_of_another_name() {
    let twins = Twins::new();
    twins.project.write(
        "runner.toml",
        "[ledger]\nschema = \"Led'ger :x\"\n[session]\nsearch_path = \"public, \\\"o'x\\\"\"\n",
    );
    twins.project.tables(&["a"]);
    twins.project.ok(&["upgrade", "head", "--database", &twins.real.url]);
    twins.scripted.psql(&twins.script(&["upgrade", "head"])).expect("runs");
    let schema = "\"Led'ger :x\"";
    assert_eq!(twins.scripted.dump_schema(schema), twins.real.dump_schema(schema));
    assert_eq!(twins.project.ok(&["current", "--database", &twins.scripted.url]), "a (head)\n");
}

#[test]
fn the_repository_s_own_migrations() {
    let (real, scripted) = (Database::new(), Database::new());
    migrations::runner(&real, &["upgrade", "d41f6a3c9e27"]);
    let script = migrations::runner(&real, &["upgrade", "d41f6a3c9e27", "--sql"]);
    scripted.psql(&script).expect("runs");
    assert_eq!(migrations::without_times(&scripted.dump()), migrations::without_times(&real.dump()));
    assert_eq!(contents(&scripted).1, contents(&real).1);
    let said = migrations::fails(&real, &["upgrade", "d41f6a3c9e27:head", "--sql"]);
    assert!(said.contains("upgrade of `8b01c7d2aa90` cannot be written as a script"), "{said}");
    assert!(said.contains("it depends on what a table is and holds, which only a server knows"), "{said}");
    assert!(said.contains("in: \"public\".\"listings\""), "{said}");
    let down = migrations::runner(&real, &["downgrade", "d41f6a3c9e27:base", "--sql"]);
    scripted.psql(&down).expect("runs");
    migrations::runner(&real, &["downgrade", "base"]);
    assert_eq!(migrations::without_times(&scripted.dump()), migrations::without_times(&real.dump()));
}

#[test]
fn bad_input() {
    let project = Project::without_database();
    project.tables(&["a", "b"]);
    snapshot!(project.fails(2, &["downgrade", "a", "--sql"]), @r"
    Error: a script that takes revisions back must be told where the database is
    Hint: Name the place with a range, as in `runner downgrade FROM:TO --sql`.
    ");
    snapshot!(project.fails(1, &["upgrade", "+1:b", "--sql"]), @r"
    Error: `+1` depends on where the database is, and none is asked here
    Hint: Name the revision.
    ");
    snapshot!(project.fails(1, &["upgrade", "a:zz", "--sql"]), @r"
    Error: no revision's id begins with `zz`, and no branch has that label
    Hint: Run `runner history` to see the revisions.
    ");
    snapshot!(project.fails(2, &["upgrade", "a:b!", "--sql"]), @r"
    Error: `a:b!` is not a target: an id holds letters, digits, `_` and `.` only
      a:b!
         ^
    ");
    snapshot!(project.fails(1, &["downgrade", "a:b", "--sql"]), @r"
    Error: revision `b` is not applied, so there is no way down to it
    Hint: Run `runner current` to see where the database is.
    ");
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    let said = ["upgrade", "downgrade", "stamp"].map(|command| project.fails(2, &[command, "a:b"]));
    assert!(said.iter().all(|text| *text == said[0]), "{said:?}");
    snapshot!(&said[0], @r"
    Error: `a:b` is a range, and only `--sql` takes one: `a` is no package of this project
    Hint: Where the database is, it knows itself: name the target alone, or add `--sql` for a script.
    ");
    project.sql("c", "b", "SELECT 1;", "-- nothing\n");
    snapshot!(project.fails(1, &["downgrade", "c:b", "--sql"]), @r"
    Error: downgrade of `c` cannot be written as a script
    Caused by:
    1: this revision cannot be taken back: the revision has no `downgrade.sql`, or one without a statement
    Hint: Run `runner downgrade` against a database, which can answer; or end the script before this revision.
    ");
}
