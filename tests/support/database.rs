//! A database of its own for each test.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::server;

/// An empty database on the shared server.
pub struct Database {
    pub name: String,
    pub url: String,
}

impl Database {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server::shared();
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        execute(&server.url("postgres"), &format!("CREATE DATABASE {name}")).expect("creates a database");
        Self { url: server.url(&name), name }
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
        let output = Command::new("pg_dump")
            .args(["--no-owner", "--exclude-schema=runner", "--dbname", &self.url])
            .output()
            .expect("pg_dump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("a dump is UTF-8");
        // Newer versions put a random key around the dump.
        text.lines()
            .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
            .fold(String::new(), |dump, line| dump + line + "\n")
    }
}

/// Runs statements on a database and returns the rows.
pub fn execute(url: &str, sql: &str) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(url, NoTls).await.map_err(|error| format!("{error:?}"))?;
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(sql).await.map_err(|error| format!("{error:?}"))?;
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
