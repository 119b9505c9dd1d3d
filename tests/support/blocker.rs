//! Sessions that are in the way.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Database;

/// Holds the runner's lock, as another runner would.
pub fn holder(database: &Database) -> Blocker {
    let key = runner::db::AdvisoryLock::for_schema("runner").key();
    Blocker::new(database, &format!("SELECT pg_advisory_lock({key})"))
}

/// A session that sits on a lock, inside a transaction, until it is dropped. It
/// calls itself `an application`.
pub struct Blocker {
    psql: Child,
    /// Its server process.
    pub process: String,
}

impl Blocker {
    pub fn new(database: &Database, sql: &str) -> Self {
        let mut command = Command::new("psql");
        command
            .args(["-X", "-q", "-A", "-t", "-d", &database.url])
            .env("PGAPPNAME", "an application")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut psql = command.spawn().expect("psql runs");
        let input = psql.stdin.as_mut().expect("it is piped");
        let process = "SELECT 'process ' || pg_backend_pid();";
        writeln!(input, "BEGIN; {sql};\n{process}\n\\echo it is locked").expect("psql listens");
        let output = BufReader::new(psql.stdout.as_mut().expect("it is piped"));
        let mut process = None;
        let locked = output.lines().map_while(Result::ok).any(|line| {
            process = line.strip_prefix("process ").map(str::to_owned).or(process.take());
            line == "it is locked"
        });
        assert!(locked, "psql ended");
        Self { psql, process: process.expect("it says which process it is") }
    }

    /// Sends more, and does not wait for it.
    pub fn goes_on(&mut self, sql: &str) {
        writeln!(self.psql.stdin.as_mut().expect("it is piped"), "{sql};").expect("psql listens");
    }
}

impl Drop for Blocker {
    fn drop(&mut self) {
        // The end of its input is the end of psql, and of its transaction.
        drop(self.psql.stdin.take());
        let _ = self.psql.wait();
    }
}

impl Database {
    /// Asks again and again until the answer is true.
    pub fn wait_for(&self, sql: &str) {
        let began = Instant::now();
        while self.value(sql) != "t" {
            assert!(began.elapsed() < Duration::from_secs(30), "still not true: {sql}");
        }
    }
}
