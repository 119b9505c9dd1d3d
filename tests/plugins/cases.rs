//! The scratch databases of `runner plugin test`: none is left, and what is wrong
//! with them is said. The tests' logins have names of their own, so that what they
//! own is told from what other tests make meanwhile.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::plugin::with_plugin;
use crate::support::{Database, Project};

/// A login for one test, and its URL.
fn login(database: &Database, attributes: &str) -> (String, String) {
    let name = format!("case_{}", database.name);
    database.elsewhere(&format!("CREATE ROLE {name} LOGIN {attributes}"));
    let url = database.superuser_url.replace("//postgres@", &format!("//{name}@"));
    (name, url)
}

/// How many databases a login owns.
fn owned(database: &Database, login: &str) -> String {
    database.elsewhere(&format!("SELECT count(*) FROM pg_database WHERE datdba = '{login}'::regrole"))
}

/// A plugin whose one case has this in its `before.sql`.
fn with_case(name: &str, before: &str) -> Project {
    let project = with_plugin(name);
    project.write(&format!("{name}/cases/adds_a_column/before.sql"), before);
    project
}

/// Waits for the case's statement for as long as the program runs: it may have to wait
/// for another test's compiler first.
fn wait_until_it_sleeps(database: &Database, login: &str, child: &mut Child) {
    let sleeps = format!(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = '{login}' AND query LIKE '%pg_sleep(64)%'"
    );
    while database.value(&sleeps) != "t" {
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_signal_leaves_no_database() {
    const NAME: &str = "slow-note";
    let project = with_case(NAME, "CREATE TABLE public.listings (id int);\nSELECT pg_sleep(64);\n");
    // Others' queries are shown to superusers only.
    let database = Database::of_superuser();
    let (login, url) = login(&database, "CREATEDB");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut command = project.command(&["plugin", "test", NAME, "--database", &url]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        wait_until_it_sleeps(&database, &login, &mut child);
        assert_eq!(owned(&database, &login), "2");
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        let status = child.wait().expect("ends");
        let mut said = String::new();
        child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("UTF-8");
        assert_eq!(status.code(), Some(code), "{said}");
        assert!(said.contains("No scratch database is left."), "{said}");
        assert_eq!(owned(&database, &login), "0");
    }
}

#[test]
fn a_case_that_fails_leaves_no_database() {
    const NAME: &str = "broken-note";
    let project = with_case(NAME, "CREATE TABLE public.listings (id nothing);\n");
    let database = Database::new();
    let (login, url) = login(&database, "CREATEDB");
    let run = project.run(&["plugin", "test", NAME, "--database", &url]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stdout.contains("before.sql failed"), "{}", run.stdout);
    assert_eq!(owned(&database, &login), "0");
}

#[test]
fn rows_of_a_table_that_is_not_there_fail_the_case() {
    const NAME: &str = "rows-note";
    let project = with_plugin(NAME);
    let file = format!("{NAME}/cases/adds_a_column/case.toml");
    let text = std::fs::read_to_string(project.path(&file)).expect("reads");
    project.write(&file, format!("{text}\n[rows]\n\"public.listing\" = \"SELECT 1\"\n"));
    let run = project.run(&["plugin", "test", NAME, "--database", &Database::of_superuser().url]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(
        run.stdout.contains("names public.listing, and after.sql leaves no such table"),
        "{}",
        run.stdout
    );
}

#[test]
fn why_a_database_cannot_be_made_is_said() {
    const NAME: &str = "idle-note";
    let project = with_plugin(NAME);
    let database = Database::new();
    let (login, url) = login(&database, "");
    let said = project.fails(1, &["plugin", "test", NAME, "--database", &url]);
    assert!(said.contains("cannot be made") && said.contains("ALTER ROLE … CREATEDB"), "{said}");
    database.elsewhere(&format!("ALTER ROLE {login} CREATEDB"));
    database.elsewhere(&format!("ALTER ROLE {login} SET default_transaction_read_only = on"));
    let said = project.fails(1, &["plugin", "test", NAME, "--database", &url]);
    assert!(said.contains("read-only") && !said.contains("CREATEDB"), "{said}");
}

#[test]
fn a_case_that_fails_has_one_revision() {
    const NAME: &str = "two-notes";
    let project = with_plugin(NAME);
    project.write(
        &format!("{NAME}/cases/adds_a_column/case.toml"),
        "description = \"d\"\nerror = \"e\"\n[[then]]\n[then.params]\ntable = \"public.listings\"\n",
    );
    let said =
        project.fails(1, &["plugin", "test", NAME, "--database", "postgresql://nobody@127.0.0.1:1/none"]);
    assert!(said.contains("`error` and `[[then]]` do not go together"), "{said}");
}
