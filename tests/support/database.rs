//! A database of its own for each test.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::server::{self, OWNER};

/// An empty database on the shared server.
pub struct Database {
    pub name: String,
    /// As the database's owner, who is no superuser.
    pub url: String,
    /// As a superuser.
    pub superuser_url: String,
}

impl Database {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server::shared();
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {name} OWNER {OWNER}");
        execute(&server.url("postgres"), &create).expect("creates a database");
        let superuser_url = server.url(&name);
        Self { url: superuser_url.replace("//postgres@", &format!("//{OWNER}@")), superuser_url, name }
    }

    /// The same, and everything in it as a superuser.
    pub fn of_superuser() -> Self {
        let database = Self::new();
        Self { url: database.superuser_url.clone(), ..database }
    }

    /// A copy of a database that nobody is connected to.
    pub fn copy_of(other: &Self) -> Self {
        let copy = Self::new();
        copy.drop_it();
        let create = format!("CREATE DATABASE {} TEMPLATE {} OWNER {OWNER}", copy.name, other.name);
        execute(&server::shared().url("postgres"), &create).expect("copies a database");
        copy
    }

    /// Drops the database, for tests that make very many.
    pub fn drop_it(&self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        execute(&server::shared().url("postgres"), &drop).expect("drops a database");
    }

    /// The one value of a query that a superuser asks in another database, so that
    /// it is no session of this one.
    pub fn elsewhere(&self, sql: &str) -> String {
        let url = server::shared().url("postgres");
        execute(&url, sql).unwrap_or_else(|error| panic!("{sql}: {error}")).concat()
    }

    /// Runs statements and returns the rows of all of them: fields joined by
    /// `|`, NULL as nothing.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        execute(&self.url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The one value of a query.
    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).concat()
    }

    /// Whether a relation exists.
    pub fn has(&self, relation: &str) -> bool {
        self.value(&format!("SELECT to_regclass('{relation}') IS NOT NULL")) == "t"
    }

    /// The schema and the data as SQL, without the ledger.
    pub fn dump(&self) -> String {
        self.pg_dump(&["--exclude-schema=runner"])
    }

    /// The objects of one schema as SQL, without data.
    pub fn dump_schema(&self, schema: &str) -> String {
        self.pg_dump(&["--schema-only", "--schema", schema])
    }

    fn pg_dump(&self, args: &[&str]) -> String {
        let output = Command::new("pg_dump")
            .args(["--no-owner", "--dbname", &self.superuser_url])
            .args(args)
            .output()
            .expect("pg_dump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("a dump is UTF-8");
        // Newer versions put a random key around the dump.
        text.lines()
            .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
            .fold(String::new(), |dump, line| dump + line + "\n")
    }

    /// Runs a script with psql, as a user does who was handed it, and returns
    /// what it prints, or what it says when it stops.
    pub fn psql(&self, script: &str) -> Result<String, String> {
        let mut psql = Command::new("psql")
            .args(["--no-psqlrc", "--dbname", &self.url, "--file", "-"])
            // What a user's start-up file may have set.
            .args(["--set", "x=oops", "--set", "n=oops", "--set", "AUTOCOMMIT=off"])
            .env("PGCLIENTENCODING", "LATIN1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql runs");
        let mut input = psql.stdin.take().expect("it is piped");
        let script = script.to_owned();
        let writer = std::thread::spawn(move || {
            // psql stops reading where the script fails.
            let _ = input.write_all(script.as_bytes());
        });
        let output = psql.wait_with_output().expect("it ends");
        writer.join().expect("it is written");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }
}

/// Runs statements on a database and returns the rows.
pub fn execute(url: &str, sql: &str) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(url, NoTls).await.map_err(|error| described(&error))?;
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(sql).await.map_err(|error| described(&error))?;
        drop(client);
        let _ = connection.await;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let fields: Vec<_> =
                    (0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect();
                Some(fields.join("|"))
            }
            _ => None,
        });
        Ok(rows.collect())
    })
}

/// The server's own words, where it has any.
fn described(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} {}", said.code().code(), said.message()),
        None => format!("{error:?}"),
    }
}
