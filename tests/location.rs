//! Where the database is: who is asked, and in which order.

use crate::support::{Database, Finished, Project};

/// The parts of a test server's URL.
struct Parts {
    host: String,
    port: String,
    user: String,
    database: String,
}

fn parts(database: &Database) -> Parts {
    let url = &database.url;
    let rest = url.split_once("://").expect("a scheme").1;
    let (user, rest) = rest.split_once('@').expect("a user");
    let (address, database) = rest.split_once('/').expect("a database");
    let (host, port) = address.split_once(':').expect("a port");
    let of = |text: &str| text.split(['?', ':']).next().unwrap_or_default().to_owned();
    Parts { host: of(host), port: of(port), user: of(user), database: of(database) }
}

/// A project without a database of its own, with a revision to apply.
fn project() -> Project {
    let project = Project::without_database();
    project.tables(&["a"]);
    project
}

#[track_caller]
fn upgraded(project: &Project, variables: &[(&str, &str)]) {
    let mut command = project.command(&["upgrade", "head"]);
    let run = Finished::of(command.envs(variables.iter().copied()));
    assert!(run.code == 0, "{}", run.stderr);
}

#[test]
fn variables_of_libpq_and_of_compose_files() {
    let (first, second) = (Database::new(), Database::new());
    let (one, two) = (parts(&first), parts(&second));
    let project = project();
    upgraded(
        &project,
        &[
            ("PGHOST", &one.host),
            ("PGPORT", &one.port),
            ("PGUSER", &one.user),
            ("PGDATABASE", &one.database),
            ("DB_HOST", "nowhere.invalid"),
        ],
    );
    assert!(first.has("t_a"), "libpq's variables come first");
    upgraded(
        &project,
        &[
            ("DB_HOST", &two.host),
            ("DB_PORT", &two.port),
            ("POSTGRES_USER", &two.user),
            ("POSTGRES_DB", &two.database),
        ],
    );
    assert!(second.has("t_a"));
}

#[test]
fn variables_of_compose_files_name_a_place_only_with_a_host() {
    let database = Database::new();
    let others = [("POSTGRES_DB", "other"), ("POSTGRES_USER", "other"), ("DB_PORT", "1")];
    let project = project();
    let mut command = project.command(&["current"]);
    let run = Finished::of(command.envs(others));
    assert!(run.code == 1 && run.stderr.contains("no database is configured"), "{}", run.stderr);
    project.write("runner.toml", format!("[database]\nurl = {:?}\n", database.url));
    upgraded(&project, &others);
    assert!(database.has("t_a"));
    let mut command = project.command(&["current"]);
    let run = Finished::of(command.envs(others).env("DB_HOST", "127.0.0.1"));
    assert!(run.code != 0, "DB_HOST comes before runner.toml: {}", run.stdout);
}

#[test]
fn a_file_of_variables_counts_where_the_environment_is_silent() {
    let (first, second) = (Database::new(), Database::new());
    let project = project();
    project.write(".env", format!("# ours\nexport DATABASE_URL='{}'\nOTHER=\"a b\"\n", first.url));
    upgraded(&project, &[]);
    assert!(first.has("t_a"));
    upgraded(&project, &[("DATABASE_URL", &second.url)]);
    assert!(second.has("t_a"), "a variable that is set wins");
}

#[test]
fn a_file_of_variables_that_cannot_be_read_is_not_shown() {
    let project = project();
    for line in [
        r"DATABASE_URL='postgresql://me:hunter2@db/app",
        r"DATABASE_URL=postgres://me:hun\ter2@db/app?sslmode=require",
        r"DATABASE_URL=postgres://me:hun ter2@db/app?sslmode=require",
        r"DATABASE_URL: postgres://me:hunter2@db/app?sslmode=require",
    ] {
        project.write(".env", format!("# ours\nA='b\nc'\n{line}\nD=e\n"));
        for args in [&["current"][..], &["-v", "current"], &["--json", "current"]] {
            let run = project.run(args);
            let said = format!("{}{}", run.stdout, run.stderr);
            assert!(run.code == 1 && said.contains(".env:4: `NAME=value` is expected"), "{said}");
            assert!(!said.contains("hun") && !said.contains("ter2"), "{said}");
        }
    }
}

#[test]
fn a_service_has_its_place_in_a_file() {
    let database = Database::new();
    let Parts { host, port, user, database: name } = parts(&database);
    let project = project();
    let file = format!("[shop]\nhost={host}\nport={port}\nuser={user}\ndbname={name}\n");
    project.write("services", file);
    let services = project.path("services");
    let services = services.to_str().expect("UTF-8");
    let mut command = project.command(&["upgrade", "head", "--database", "service=shop"]);
    let run = Finished::of(command.env("PGSERVICEFILE", services));
    assert!(run.code == 0, "{}", run.stderr);
    assert!(database.has("t_a"));
    let mut command = project.command(&["current"]);
    let run = Finished::of(command.env("PGSERVICEFILE", services).env("PGSERVICE", "none"));
    assert!(run.stderr.contains("no service file has the service `none`"), "{}", run.stderr);
    project.write("services", "[shop]\nhost=nowhere.invalid\nsslcert=me.pem\n");
    let mut command = project.command(&["current", "--database", "service=shop"]);
    let run = Finished::of(command.env("PGSERVICEFILE", services));
    let expected =
        format!("the service `shop` of {services} has the parameter `sslcert`, which runner does not know");
    assert!(run.code == 1 && run.stderr.contains(&expected), "{}", run.stderr);
}
