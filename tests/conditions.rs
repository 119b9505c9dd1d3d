//! What is said, and how the program ends, where the server is not as it should be.

use std::net::TcpStream;
use std::process::Command;

use crate::support::{Database, Project, Server, execute, filters, free_port};
use crate::tls::{encoded, expired_server};

/// The message and the exit code of a command.
fn told(project: &Project, url: &str, args: &[&str]) -> String {
    let finished = project.run(&[args, &["--database", url]].concat());
    format!("{}\nexit code {}", finished.stderr.trim_end(), finished.code)
}

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        let mut filters = filters();
        filters.extend([
            (r"localhost:\d+", "localhost:[port]"),
            (r"process \d+", "process [process]"),
            (r"(plain|crowded|locked)_\d+", "[role]"),
            (r"\d+ seconds ago", "[ago]"),
        ]);
        insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(value, @$expected) });
    };
}

/// A project with one revision, and a database.
fn project() -> (Database, Project) {
    let project = Project::without_database();
    project.tables(&["a"]);
    (Database::new(), project)
}

/// A login that may do nothing, and the URL with which it gets to a database.
fn role(database: &Database, kind: &str, options: &str) -> (String, String) {
    let name = format!("{kind}_{}", database.name.trim_start_matches("test_"));
    let create = format!("CREATE ROLE {name} LOGIN {options}");
    execute(&database.superuser_url, &create).expect("makes the role");
    let url = database.superuser_url.replace("//postgres@", &format!("//{name}@"));
    (name, url)
}

#[test]
fn a_server_that_takes_no_writes() {
    let (database, project) = project();
    let set = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name);
    execute(&database.superuser_url, &set).expect("sets it");
    snapshot!(told(&project, &database.url, &["upgrade", "head"]), @"");
    assert_eq!(project.run(&["current", "--database", &database.url]).code, 0, "reading is fine");
}

#[test]
fn a_standby() {
    let primary = Server::start(&[]);
    let standby = primary.standby();
    let (_, project) = project();
    snapshot!(told(&project, &standby.url("postgres"), &["upgrade", "head"]), @"");
    assert_eq!(project.run(&["status", "--database", &standby.url("postgres")]).code, 0, "reading is fine");
    let read_write = format!("{}&target_session_attrs=read-write", standby.url("postgres"));
    snapshot!(told(&project, &read_write, &["upgrade", "head"]), @"");
    snapshot!(told(&project, &read_write, &["wait", "--timeout", "1s"]), @"");
    let both = format!(
        "postgresql://postgres@127.0.0.1:{},127.0.0.1:{}/postgres?sslmode=disable&target_session_attrs=read-write",
        standby.port, primary.port
    );
    assert_eq!(project.run(&["upgrade", "head", "--database", &both]).code, 0, "the primary is found");
}

#[test]
fn rights_that_are_missing() {
    let (database, project) = project();
    let (name, url) = role(&database, "plain", "");
    snapshot!(told(&project, &url, &["upgrade", "head"]), @"");
    let grant = format!("GRANT CREATE ON DATABASE {} TO {name}", database.name);
    execute(&database.superuser_url, &grant).expect("grants");
    snapshot!(told(&project, &url, &["upgrade", "head"]), @"");
    let revoke = format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", database.name);
    execute(&database.superuser_url, &revoke).expect("revokes");
    snapshot!(told(&project, &url, &["upgrade", "head"]), @"");
}

#[test]
fn a_login_that_is_refused() {
    let hba = "host all locked 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n";
    let server = Server::start_with_files(&[], &[("pg_hba.conf", hba)]);
    execute(&server.url("postgres"), "CREATE ROLE locked LOGIN PASSWORD 'right'").expect("makes the role");
    let (_, project) = project();
    let url = |user: &str| server.url("postgres").replace("//postgres@", &format!("//{user}@"));
    snapshot!(told(&project, &url("locked:wrong"), &["current"]), @"");
    snapshot!(told(&project, &url("locked"), &["current"]), @"");
    snapshot!(told(&project, &url("stranger"), &["current"]), @"");
    let began = std::time::Instant::now();
    assert_eq!(project.run(&["wait", "--database", &url("locked:wrong")]).code, 1);
    assert!(began.elapsed().as_secs() < 20, "waiting does not make a password right");
    assert_eq!(project.run(&["wait", "--database", &url("locked:right")]).code, 0);
}

#[test]
fn a_certificate_whose_time_is_over() {
    let (server, root) = expired_server();
    let (_, project) = project();
    project.write("root.pem", root);
    let root = encoded(&project.path("root.pem"));
    let url = format!(
        "postgresql://postgres@localhost:{}/postgres?sslmode=verify-full&sslrootcert={root}",
        server.port
    );
    snapshot!(told(&project, &url, &["current"]), @"");
    assert_eq!(project.run(&["wait", "--database", &url]).code, 1);
}

#[test]
fn a_database_that_does_not_exist() {
    let (database, project) = project();
    let url = database.url.replace(&database.name, "nowhere");
    snapshot!(told(&project, &url, &["upgrade", "head"]), @"");
}

#[test]
fn nobody_listens() {
    let (_, project) = project();
    let url = format!("postgresql://me@127.0.0.1:{}/app", free_port());
    snapshot!(told(&project, &url, &["upgrade", "head"]), @"");
    snapshot!(told(&project, &url, &["check"]), @"");
    snapshot!(told(&project, "host=a..b user=me", &["check"]), @"");
}

#[test]
fn all_connections_are_taken() {
    let (database, project) = project();
    let (_, url) = role(&database, "crowded", "CONNECTION LIMIT 0");
    snapshot!(told(&project, &url, &["current"]), @"");
}

#[test]
fn a_server_that_shuts_down() {
    let server = Server::start(&[]);
    let (_, project) = project();
    // A session that is open keeps a smart shutdown from its end.
    let mut open = Command::new("psql")
        .args(["--no-psqlrc", "--dbname", &server.url("postgres"), "--command", "SELECT pg_sleep(600)"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("psql runs");
    let sleeps =
        "SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()";
    while execute(&server.url("postgres"), sleeps).expect("answers").is_empty() {
        std::thread::yield_now();
    }
    let told_to_stop = Command::new("kill").args(["-TERM", &server.process()]).status().expect("kill runs");
    assert!(told_to_stop.success());
    while execute(&server.url("postgres"), "SELECT 1").is_ok() {
        std::thread::yield_now();
    }
    assert!(TcpStream::connect(("127.0.0.1", server.port)).is_ok(), "it still listens");
    snapshot!(told(&project, &server.url("postgres"), &["current"]), @"");
    open.kill().expect("psql ends");
    open.wait().expect("psql ends");
}

#[test]
fn the_help_lists_the_exit_codes() {
    let (_, project) = project();
    let help = project.ok(&["--help"]);
    let page = include_str!("../docs/exit-codes.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| code"));
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert!(help.contains(&format!("{:>3}  {}", cells[1], cells[2])), "{row}");
    }
}
