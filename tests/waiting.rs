//! Waiting for a server, and asking whether the database is up to date.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Database, Finished, Project, free_port};

/// Behaves as the proxy of a container that starts: nobody listens at first, then
/// connections are ended at once, then they lead to the server.
fn start_slowly(port: u16, server: u16) {
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(400));
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        for (number, client) in listener.incoming().enumerate() {
            let Ok(client) = client else { return };
            if number >= 3 {
                let server = TcpStream::connect(("127.0.0.1", server)).expect("the server listens");
                relay(&client, &server);
                relay(&server, &client);
            }
        }
    });
}

fn relay(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
    thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

/// The URL of a database at a server that is about to start.
fn slow(database: &Database) -> String {
    let (before, after) = database.url.split_once("127.0.0.1:").expect("a port");
    let (server, after) = after.split_once('/').expect("a database");
    let port = free_port();
    start_slowly(port, server.parse().expect("a port"));
    format!("{before}127.0.0.1:{port}/{after}")
}

#[test]
fn a_server_that_starts_is_waited_for() {
    let database = Database::new();
    let project = Project::without_database();
    project.tables(&["a"]);
    let finished = project.run(&["wait", "--timeout", "60s", "--database", &slow(&database)]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.stderr.matches("Waiting: ").count(), 1, "it is said once: {}", finished.stderr);
    assert!(finished.stderr.contains("Connection refused"), "{}", finished.stderr);
    assert!(finished.stderr.contains("Ready after "), "{}", finished.stderr);

    let checked = project.run(&["check", "--wait", "60s", "--json", "--database", &slow(&database)]);
    assert_eq!(checked.code, 3, "{}", checked.stderr);
    let lines: Vec<Value> =
        checked.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["event"], "waiting-for-server", "{}", checked.stdout);
    assert_eq!((&lines[1]["standing"], &lines[1]["exit_code"]), (&"pending".into(), &3.into()));
    project.ok(&["upgrade", "head", "--wait", "60s", "--database", &slow(&database)]);
    project.ok(&["current", "--check-heads", "--wait", "60s", "--database", &slow(&database)]);
}

#[test]
fn waiting_ends_with_its_time_and_with_a_signal() {
    let project = Project::without_database();
    let url = format!("postgresql://me@127.0.0.1:{}/app", free_port());
    let began = Instant::now();
    let finished = project.run(&["wait", "--timeout", "700ms", "--json", "--database", &url]);
    assert_eq!(finished.code, 7, "{}", finished.stderr);
    assert!(began.elapsed() < Duration::from_secs(20));
    let last: Value = serde_json::from_str(finished.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["event"], &last["exit_code"]), (&"error".into(), &7.into()));

    let mut waiting = project
        .command(&["wait", "--timeout", "600s", "--database", &url])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut first = [0; 8];
    waiting.stderr.as_mut().expect("it is piped").read_exact(&mut first).expect("it says what it waits for");
    assert_eq!(&first, b"Waiting:");
    let began = Instant::now();
    let kill = Command::new("kill").args(["-TERM", &waiting.id().to_string()]).status().expect("kill runs");
    assert!(kill.success());
    assert_eq!(waiting.wait().expect("it ends").code(), Some(143));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn waiting_needs_no_project() {
    let database = Database::new();
    let project = Project::without_database();
    std::fs::remove_file(project.path("runner.toml")).expect("removes it");
    let mut command = project.command(&["wait"]);
    let finished = Finished::of(command.env("DATABASE_URL", &database.url));
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let wrong = project.fails(2, &["wait", "--timeout", "soon", "--database", &database.url]);
    assert!(wrong.contains("`soon` is no length of time"), "{wrong}");
}

#[test]
fn a_check_says_in_one_line_how_it_is() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    let check = || {
        let finished = project.run(&["check"]);
        format!("{} ({})", finished.stdout.trim_end(), finished.code)
    };
    insta::assert_snapshot!(check(), @"pending: 2 revisions not applied (a, b) (3)");
    assert!(!database.has("runner.ledger"), "asking writes nothing");
    project.ok(&["upgrade", "head"]);
    insta::assert_snapshot!(check(), @"up to date: the database is at b (0)");
    project.sql("b", "a", "SELECT 1;", "SELECT 2;");
    insta::assert_snapshot!(check(), @"drift: `b` was edited after it was applied (4)");
}
