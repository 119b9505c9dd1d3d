//! Reading ahead, writing behind, and what the operator hears of it.

use crate::support::{Database, Project, bulk, probe};

/// A project with one revision, the probe doing `steps`.
fn project(database: &Database, steps: &str) -> Project {
    let project = Project::new(database);
    let params = format!("\n[params]\nkind = \"steps\"\nsteps = '''\n{steps}\n'''\n");
    project.component("a1", "", probe(), &format!("{GRANTS}{params}"));
    project
}

const GRANTS: &str =
    "\n[capabilities]\nread = [\"public.*\"]\nwrite = [\"public.*\"]\nlock = [\"public.*\"]\n";

/// Two tables of an `int4` and a `text`, the first with `rows` rows.
fn tables(database: &Database, rows: u32) {
    database.rows(&format!(
        "CREATE TABLE public.source (id int4 PRIMARY KEY, name text NOT NULL); \
         CREATE TABLE public.target (LIKE public.source); \
         INSERT INTO public.source SELECT n, repeat('x', n % 90) FROM generate_series(1, {rows}) n; \
         ANALYZE public.source;"
    ));
}

/// Whether both tables hold the same.
fn is_copied(database: &Database) -> bool {
    database.value(
        "SELECT NOT EXISTS ((TABLE public.source EXCEPT ALL TABLE public.target) UNION ALL \
         (TABLE public.target EXCEPT ALL TABLE public.source))",
    ) == "t"
}

const COPY: &str = "open SELECT id, name FROM public.source ORDER BY id\nwriter public.target\n";

#[test]
fn all_rows_arrive_whatever_the_batch() {
    for batch in [100, 1_000, 10_000, 1_000_000] {
        let database = Database::new();
        tables(&database, 120_000);
        project(&database, &format!("{COPY}copy 0 0 {batch}\nclose 0\nfinish 0")).ok(&["upgrade", "heads"]);
        assert!(is_copied(&database), "{batch}");
    }
}

/// The most memory that the program had while it copied so many rows, in KiB.
#[cfg(target_os = "linux")]
fn peak_memory(rows: u32) -> u64 {
    let database = Database::new();
    tables(&database, rows);
    let project = project(&database, &format!("{COPY}copy 0 0 10000\nclose 0\nfinish 0"));
    let mut child = project.command(&["upgrade", "heads", "--quiet"]).spawn().expect("the program runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("it can be asked").is_none() {
        // What has just ended has no such line.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = number.unwrap_or(0).max(peak);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(child.wait().expect("it ends").success());
    assert_eq!(database.value("SELECT count(*) FROM public.target"), rows.to_string());
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    let (few, many) = (peak_memory(200_000), peak_memory(2_000_000));
    assert!(many < 64 * 1024, "{many} KiB");
    assert!(many <= few + few / 10, "{many} KiB for ten times the rows, {few} KiB before");
}

#[test]
fn an_empty_table_and_one_row() {
    for rows in [0, 1] {
        let database = Database::new();
        tables(&database, rows);
        project(&database, &format!("{COPY}copy 0 0 1000\nclose 0\nfinish 0")).ok(&["upgrade", "heads"]);
        assert!(is_copied(&database), "{rows}");
    }
}

#[test]
fn rows_that_are_wider_than_a_batch() {
    let database = Database::new();
    tables(&database, 0);
    database.rows("INSERT INTO public.source SELECT n, repeat('y', 3000000) FROM generate_series(1, 12) n");
    project(&database, &format!("{COPY}copy 0 0 1000\nclose 0\nfinish 0")).ok(&["upgrade", "heads"]);
    assert!(is_copied(&database));
}

#[test]
fn an_error_in_a_row_that_is_read_ahead_names_the_reader_s_query() {
    let database = Database::new();
    tables(&database, 60_000);
    let sql = "SELECT id, 1 / (id - 30000) FROM public.source ORDER BY id";
    let steps = format!("open {sql}\nread 0 256\nread 0 256\nread 0 30000\nread 0 30000\nmust SELECT 1");
    let error = project(&database, &steps).fails(5, &["upgrade", "heads"]);
    assert!(error.contains("22012"), "{error}");
    assert!(error.contains("SELECT id, 1 / (id - 30000)"), "{error}");
}

#[test]
fn a_guest_that_stops_after_one_batch_is_not_aborted_by_a_later_row() {
    let database = Database::new();
    tables(&database, 60_000);
    let sql = "SELECT id, 1 / (id - 30000) FROM public.source ORDER BY id";
    project(&database, &format!("open {sql}\nread 0 256\nclose 0")).ok(&["upgrade", "heads"]);
}

#[test]
fn an_error_in_rows_that_are_written_behind_rolls_back() {
    let database = Database::new();
    tables(&database, 60_000);
    database.rows("ALTER TABLE public.target ADD CHECK (id <> 30000)");
    let steps = format!("{COPY}copy 0 0 1000\nfinish 0");
    let error = project(&database, &steps).fails(5, &["upgrade", "heads"]);
    assert!(error.contains("23514") && error.contains("COPY"), "{error}");
    assert_eq!(database.value("SELECT count(*) FROM public.target"), "0");
}

#[test]
fn a_rollback_to_a_savepoint_while_rows_are_under_way() {
    let database = Database::new();
    tables(&database, 60_000);
    let steps = format!(
        "{COPY}savepoint\nread 0 256\nread 0 256\nwrite 0 12000\nrollback\n\
         savepoint\nopen SELECT id, name FROM public.source\nread 1 300\nread 1 300\nrollback\n\
         read 0 100000\nread 1 1\nfinish 0"
    );
    project(&database, &steps).ok(&["upgrade", "heads"]);
    assert_eq!(database.value("SELECT count(*) FROM public.target"), "0");
}

#[test]
fn a_step_that_takes_too_long_is_rolled_back_while_rows_are_read_ahead() {
    let database = Database::new();
    tables(&database, 60_000);
    // The third batch never comes.
    let forever = "SELECT count(*) FROM public.source a, public.source b, public.source c";
    let sql = format!("SELECT id, CASE WHEN id = 600 THEN ({forever}) END FROM public.source ORDER BY id");
    let steps = format!(
        "must INSERT INTO public.target VALUES (1, '')\nopen {sql}\nread 0 256\nread 0 256\nread 0 9999"
    );
    let project = project(&database, &steps);
    project.write("runner.toml", "[session]\nstep_timeout = \"2s\"\n");
    let began = std::time::Instant::now();
    let error = project.fails(5, &["upgrade", "heads"]);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert!(error.contains("This step was rolled back"), "{error}");
    assert_eq!(database.value("SELECT count(*) FROM public.target"), "0");
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_eq!(database.value(others), "0", "the server does not go on alone");
}

#[test]
fn cursors_are_planned_for_all_their_rows() {
    let database = Database::new();
    let project = Project::new(&database);
    project.sql(
        "a1",
        "",
        "CREATE TABLE public.seen AS SELECT pg_catalog.current_setting('cursor_tuple_fraction') AS value;\n",
        "DROP TABLE public.seen;\n",
    );
    project.ok(&["upgrade", "heads"]);
    assert_eq!(database.value("SELECT value FROM public.seen"), "1");
}

#[test]
fn progress_is_an_event_with_the_server_s_estimate() {
    let database = Database::new();
    tables(&database, 300_000);
    let sql = "SELECT id, name FROM public.source WHERE id > 0";
    let reads = "read 0 40000\ncompute 150000000\n".repeat(9);
    let answer =
        project(&database, &format!("open {sql}\nread 0 256\n{reads}")).ok(&["upgrade", "heads", "--json"]);
    let events: Vec<serde_json::Value> =
        answer.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let reports: Vec<_> = events.iter().filter(|event| event["event"] == "progress").collect();
    assert!(!reports.is_empty(), "{answer}");
    assert!(
        reports.iter().all(|report| report["what"] == "reading" && report["revision"] == "a1"),
        "{answer}"
    );
    let estimated: Vec<_> = reports.iter().filter(|report| report["estimated"] == true).collect();
    assert!(!estimated.is_empty(), "{answer}");
    for report in estimated {
        let total = report["total"].as_u64().expect("a total");
        assert!((290_000..=310_000).contains(&total), "{report}");
        assert!(report["done"].as_u64().expect("a number") <= total, "{report}");
    }
}

#[test]
fn progress_is_a_line_where_there_is_no_terminal() {
    let database = Database::new();
    tables(&database, 300_000);
    let reads = "read 0 40000\ncompute 150000000\n".repeat(9);
    let steps = format!("open SELECT id, name FROM public.source\nread 0 256\n{reads}");
    let finished = project(&database, &steps).run(&["upgrade", "heads"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let line =
        finished.stderr.lines().find(|line| line.starts_with("  working  a1: reading ")).expect("a line");
    assert!(line.ends_with("rows"), "{line}");
}

/// The hint of a step that fails with this SQLSTATE.
#[track_caller]
fn hint(database: &Database, config: &str, script: &str, sqlstate: &str) -> String {
    let project = Project::new(database);
    project.write("runner.toml", config);
    project.sql("a1", "", script, "SELECT 1;\n");
    let error = project.fails(5, &["upgrade", "heads"]);
    assert!(
        error.contains(&format!("({sqlstate})")) && error.contains("This step was rolled back"),
        "{error}"
    );
    error.lines().find(|line| line.starts_with("Hint")).expect("a hint").to_owned()
}

#[test]
fn a_statement_that_takes_too_long_says_what_to_raise() {
    let config = "[session]\nstatement_timeout = \"200ms\"\n";
    let hint = hint(&Database::new(), config, "SELECT pg_sleep(60);\n", "57014");
    assert!(hint.contains("`session.statement_timeout`"), "{hint}");
}

#[test]
fn temporary_files_beyond_their_limit_say_what_to_raise() {
    let script = "SET LOCAL work_mem = '64kB';\nSET LOCAL temp_file_limit = '64kB';\n\
                  SELECT count(*) FROM (SELECT n FROM generate_series(1, 200000) n ORDER BY n DESC OFFSET 1) s;\n";
    let hint = hint(&Database::of_superuser(), "", script, "53400");
    assert!(hint.contains("`temp_file_limit`"), "{hint}");
}

#[test]
fn a_lock_that_is_not_had_says_who_to_look_for() {
    let database = Database::new();
    database.rows("CREATE TABLE public.held (id int)");
    let url = database.url.clone();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
    let holder = runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("connects");
        tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK TABLE public.held").await.expect("locks");
        client
    });
    let config = "[session]\nlock_timeout = \"100ms\"\nretries = 0\n";
    let hint = hint(&database, config, "ALTER TABLE public.held ADD n int;\n", "55P03");
    drop(holder);
    assert!(hint.contains("pg_stat_activity"), "{hint}");
}

/// A large table by the server's statistics, which the test may say are high.
#[test]
fn before_a_large_table_is_changed_a_warning_says_what_waits() {
    let database = Database::new();
    tables(&database, 20_000);
    let project = Project::new(&database);
    let params = "\n[params]\nopen = \"update\"\ntable = \"public.source\"\nkey = \"id\"\ncolumns = \"name\"\n\
                  options = \"lock-out-writers\"\nread = \"SELECT id, name FROM public.source\"\n";
    project.component("a1", "", bulk(), &format!("{GRANTS}{params}"));
    project.write("runner.toml", "[data]\nlarge_table_rows = 20000\n");
    let finished = project.run(&["upgrade", "heads"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let warning =
        finished.stderr.lines().find(|line| line.contains("has about 20,000 rows")).expect("a warning");
    assert!(warning.contains("source") && warning.contains("SHARE ROW EXCLUSIVE"), "{warning}");
    let applying = finished.stderr.lines().any(|line| line.contains("applying 20,000 rows to "));
    assert!(applying, "{}", finished.stderr);
}

#[test]
fn a_server_that_is_at_work_is_spoken_of_again() {
    let database = Database::new();
    tables(&database, 20_000);
    database.rows(
        "CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF new.id = 1 THEN PERFORM pg_sleep(2.5); END IF; RETURN new; END $$; \
         CREATE TRIGGER wait BEFORE UPDATE ON public.source FOR EACH ROW EXECUTE FUNCTION public.wait()",
    );
    let project = Project::new(&database);
    let params = "\n[params]\nopen = \"update\"\ntable = \"public.source\"\nkey = \"id\"\ncolumns = \"name\"\n\
                  read = \"SELECT id, name FROM public.source\"\n";
    project.component("a1", "", bulk(), &format!("{GRANTS}{params}"));
    let answer = project.ok(&["upgrade", "heads", "--json"]);
    let spoken = answer.lines().filter(|line| line.contains("applying 20,000 rows to public.source")).count();
    assert!(spoken >= 3, "once, and each second: {answer}");
}
