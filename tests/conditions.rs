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
            (r"\d+ seconds ago", "[ago]"), (r"time \d+ \(UNIX\)", "time [now]"),
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
    snapshot!(told(&project, &database.url, &["upgrade", "head"]), @r#"
    Error: transactions on this server are read-only (default_transaction_read_only is on); nothing was changed
    Hint: Look at default_transaction_read_only of the server, the database and the role (`ALTER DATABASE name RESET default_transaction_read_only`), or of the URL's `options`; somebody may have had a reason to set it.
    exit code 1
    "#);
    assert_eq!(project.run(&["current", "--database", &database.url]).code, 0, "reading is fine");
}

#[test]
fn a_standby() {
    let primary = Server::start(&[]);
    let standby = primary.standby();
    let (_, project) = project();
    snapshot!(told(&project, &standby.url("postgres"), &["upgrade", "head"]), @r#"
    Error: the server is a standby, which takes no writes; nothing was changed
    Hint: Connect to the primary. Where the URL names all hosts of the cluster, `target_session_attrs=read-write` finds it.
    exit code 1
    "#);
    assert_eq!(project.run(&["status", "--database", &standby.url("postgres")]).code, 0, "reading is fine");
    let read_write = format!("{}&target_session_attrs=read-write", standby.url("postgres"));
    snapshot!(told(&project, &read_write, &["upgrade", "head"]), @r#"
    Error: the server of database `postgres` on 127.0.0.1:[port] as `postgres` cannot be reached
    Caused by:
    1: database does not allow writes
    Hint: The URL says with `target_session_attrs` which server is meant. Name all hosts of the cluster in it, and wait with `--wait 60s` where another one is about to become the primary.
    exit code 7
    "#);
    snapshot!(told(&project, &read_write, &["wait", "--timeout", "1s"]), @r#"
    Waiting: the server of database `postgres` on 127.0.0.1:[port] as `postgres` cannot be reached: database does not allow writes.
    Error: the server of database `postgres` on 127.0.0.1:[port] as `postgres` took no login within 1s
    Caused by:
    1: the server of database `postgres` on 127.0.0.1:[port] as `postgres` cannot be reached
    2: database does not allow writes
    Hint: The URL says with `target_session_attrs` which server is meant. Name all hosts of the cluster in it, and wait with `--wait 60s` where another one is about to become the primary.
    exit code 7
    "#);
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
    snapshot!(told(&project, &url, &["upgrade", "head"]), @r#"
    1 revision to upgrade.
    Error: this login may not create the ledger in schema `runner`
    Caused by:
    1: permission denied for database [database]
    Hint: Have an administrator run: CREATE SCHEMA "runner" AUTHORIZATION your_role;
    exit code 1
    "#);
    let grant = format!("GRANT CREATE ON DATABASE {} TO {name}", database.name);
    execute(&database.superuser_url, &grant).expect("grants");
    snapshot!(told(&project, &url, &["upgrade", "head"]), @r#"
    1 revision to upgrade.
    Isolation: policy; migrations run in the runner's own session.
    Error: upgrade of `a` failed
    Caused by:
    1: statement 1 of 1 was rejected by PostgreSQL (42501)
    2: permission denied for schema public
       migrations/a/upgrade.sql:1:14
       LINE 1: CREATE TABLE public.t_a (id int PRIMARY KEY);
                            ^
    Applied: 0 revisions. Not tried: 0 revisions. This step was rolled back.
    Hint: The login lacks a right. Have whoever owns the object grant it, as with `GRANT CREATE ON SCHEMA schema TO role` or `GRANT role_of_owner TO role`, and run the command again.
    exit code 5
    "#);
    let revoke = format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", database.name);
    execute(&database.superuser_url, &revoke).expect("revokes");
    snapshot!(told(&project, &url, &["upgrade", "head"]), @r#"
    Error: the server refuses a connection to database `[database]` on 127.0.0.1:[port] as `[role]` (42501)
    Caused by:
    1: permission denied for database "[database]"
    Hint: Have the database's owner run: GRANT CONNECT ON DATABASE name TO role;
    exit code 1
    "#);
}

#[test]
fn a_login_that_is_refused() {
    let hba = "host all locked 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n";
    let server = Server::start_with_files(&[], &[("pg_hba.conf", hba)]);
    execute(&server.url("postgres"), "CREATE ROLE locked LOGIN PASSWORD 'right'").expect("makes the role");
    let (_, project) = project();
    let url = |user: &str| server.url("postgres").replace("//postgres@", &format!("//{user}@"));
    snapshot!(told(&project, &url("locked:wrong"), &["current"]), @r#"
    Error: the server refuses a connection to database `postgres` on 127.0.0.1:[port] as `locked` (28P01)
    Caused by:
    1: password authentication failed for user "locked"
    Hint: The password is wrong, or the user does not exist. `runner config` shows where both are from.
    exit code 1
    "#);
    snapshot!(told(&project, &url("locked"), &["current"]), @r#"
    Error: the server of database `postgres` on 127.0.0.1:[port] as `locked` asks for a password, and none is given
    Hint: Put it into the URL, PGPASSWORD or POSTGRES_PASSWORD, or into the password file (~/.pgpass, or what PGPASSFILE names).
    exit code 1
    "#);
    snapshot!(told(&project, &url("stranger"), &["current"]), @r#"
    Error: the server refuses a connection to database `postgres` on 127.0.0.1:[port] as `stranger` (28000)
    Caused by:
    1: no pg_hba.conf entry for host "127.0.0.1", user "stranger", database "postgres", no encryption
    Hint: The user does not exist or may not log in, or the server's pg_hba.conf has no line for this user, database and address.
    exit code 1
    "#);
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
    snapshot!(told(&project, &url, &["current"]), @r#"
    Error: no connection to database `postgres` on localhost:[port] as `postgres`
    Caused by:
    1: invalid peer certificate: certificate expired: verification time [now], but certificate is not valid after 1609459200 ([ago])
    Hint: Renew the server's certificate (`ssl_cert_file`), reload the server, and check this machine's clock.
    exit code 1
    "#);
    assert_eq!(project.run(&["wait", "--database", &url]).code, 1);
}

#[test]
fn a_database_that_does_not_exist() {
    let (database, project) = project();
    let url = database.url.replace(&database.name, "nowhere");
    snapshot!(told(&project, &url, &["upgrade", "head"]), @r#"
    Error: the server refuses a connection to database `nowhere` on 127.0.0.1:[port] as `owner` (3D000)
    Caused by:
    1: database "nowhere" does not exist
    Hint: Create the database first: `createdb NAME`. `runner config` shows where its name is from.
    exit code 1
    "#);
}

#[test]
fn nobody_listens() {
    let (_, project) = project();
    let url = format!("postgresql://me@127.0.0.1:{}/app", free_port());
    snapshot!(told(&project, &url, &["upgrade", "head"]), @r#"
    Error: the server of database `app` on 127.0.0.1:[port] as `me` cannot be reached
    Caused by:
    1: Connection refused (os error 111)
    Hint: Is the server running, and is the address right? `runner config` shows where the address is from; `runner wait` and `--wait 60s` wait for a server that is starting.
    exit code 7
    "#);
    snapshot!(told(&project, &url, &["check"]), @r#"
    Error: the server of database `app` on 127.0.0.1:[port] as `me` cannot be reached
    Caused by:
    1: Connection refused (os error 111)
    Hint: Is the server running, and is the address right? `runner config` shows where the address is from; `runner wait` and `--wait 60s` wait for a server that is starting.
    exit code 7
    "#);
    snapshot!(told(&project, "host=a..b user=me", &["check"]), @r#"
    Error: no connection to database `me` on a..b:5432 as `me`
    Caused by:
    1: its name is no host's name
    Hint: `runner config` shows where the name is from.
    exit code 1
    "#);
}

#[test]
fn all_connections_are_taken() {
    let (database, project) = project();
    let (_, url) = role(&database, "crowded", "CONNECTION LIMIT 0");
    snapshot!(told(&project, &url, &["current"]), @r#"
    Error: the server refuses a connection to database `[database]` on 127.0.0.1:[port] as `[role]` (53300)
    Caused by:
    1: too many connections for role "[role]"
    Hint: All of the server's connections are taken. Try again (`--wait 60s` does), close some, or raise max_connections.
    exit code 7
    "#);
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
    // Exactly psql's: a question like this one, of a session that is about to end, is in the view too.
    let sleeps = "SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'";
    while execute(&server.url("postgres"), sleeps).expect("answers").is_empty() {
        std::thread::yield_now();
    }
    let told_to_stop = Command::new("kill").args(["-TERM", &server.process()]).status().expect("kill runs");
    assert!(told_to_stop.success());
    while execute(&server.url("postgres"), "SELECT 1").is_ok() {
        std::thread::yield_now();
    }
    assert!(TcpStream::connect(("127.0.0.1", server.port)).is_ok(), "it still listens");
    snapshot!(told(&project, &server.url("postgres"), &["current"]), @r#"
    Error: the server refuses a connection to database `postgres` on 127.0.0.1:[port] as `postgres` (57P03)
    Caused by:
    1: the database system is shutting down
    Hint: The server is starting, recovering or shutting down. Wait for it with `--wait 60s`.
    exit code 7
    "#);
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
