//! A session without a server, for unit tests: it answers what it was told to,
//! writes down what it was sent, and keeps the rules of a transaction.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::error::{DbError, ServerError};
use super::postgres::TextRow;
use super::session::{
    Column, CursorId, Parameter, Prepared, PreparedInner, QueryResult, ResultLimit, Session, SharedSession,
    Tuples, Type,
};

/// What a session was sent, one line a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<Mutex<Vec<String>>>);

impl Sent {
    /// All lines so far, with the random names of savepoints replaced by `sp1`,
    /// `sp2` … in the order in which they were set.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for line in &lines {
            names.extend(line.strip_prefix("SAVEPOINT ").map(str::to_owned));
        }
        let renamed = |line: String| {
            let numbered = names.iter().zip(1..);
            numbered.fold(line, |line, (name, number)| line.replace(name, &format!("sp{number}")))
        };
        lines.into_iter().map(renamed).collect()
    }

    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// A row of fields in binary format.
pub(crate) type Row = Vec<Option<Vec<u8>>>;

/// The session. Some functions in a statement's text decide what happens:
///
/// - `fail('42P01')`: the server rejects the statement with this SQLSTATE;
/// - `disconnect()`: the connection is lost;
/// - `hang()`: nothing ever comes back.
#[derive(Default)]
pub(crate) struct FakeSession {
    sent: Sent,
    results: BTreeMap<String, (Vec<Column>, Vec<Row>)>,
    tables: BTreeMap<String, Vec<Column>>,
    cursors: BTreeMap<u64, Vec<Row>>,
    opened: u64,
    aborted: bool,
    lost: bool,
}

/// A column of this name and type.
pub(crate) fn column(name: &str, type_: Type) -> Column {
    Column { name: name.to_owned(), type_, type_modifier: -1 }
}

impl FakeSession {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// What a query returns.
    pub(crate) fn with_result(mut self, sql: &str, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        self.results.insert(sql.to_owned(), (columns, rows));
        self
    }

    /// A table that COPY may write to.
    pub(crate) fn with_table(mut self, name: &str, columns: Vec<Column>) -> Self {
        self.tables.insert(name.to_owned(), columns);
        self
    }

    pub(crate) fn shared(self) -> (SharedSession, Sent) {
        let sent = self.sent.clone();
        (Arc::new(tokio::sync::Mutex::new(self)), sent)
    }

    /// The rules of a session: nothing without a connection, nothing but a
    /// rollback in an aborted transaction.
    async fn begin(&mut self, what: &str, sql: &str) -> Result<(), DbError> {
        self.sent.push(format!("{what}{sql}"));
        if self.lost || sql.contains("disconnect()") {
            self.lost = true;
            return Err(DbError::Connection("closed".into()));
        }
        if sql.contains("hang()") {
            std::future::pending::<()>().await;
        }
        if self.aborted && !sql.starts_with("ROLLBACK TO") {
            return Err(server_error("25P02", "the host sent this in an aborted transaction", None));
        }
        self.aborted = false;
        match failure(sql) {
            Some(error) => {
                self.aborted = true;
                Err(error)
            }
            None => Ok(()),
        }
    }
}

fn failure(sql: &str) -> Option<DbError> {
    let (before, after) = sql.split_once("fail('")?;
    let position = u32::try_from(before.chars().count() + 1).ok();
    Some(server_error(&after[..5], "as the test wants it", position))
}

fn server_error(sqlstate: &str, message: &str, position: Option<u32>) -> DbError {
    let (sqlstate, message) = (sqlstate.to_owned(), message.to_owned());
    DbError::Server(Box::new(ServerError {
        sqlstate,
        severity: "ERROR".into(),
        message,
        position,
        ..ServerError::default()
    }))
}

/// The type of `$n`: what it is cast to, or `text`.
fn parameter_type(sql: &str, number: usize) -> Option<Type> {
    let (_, after) = sql.split_once(&format!("${number}"))?;
    let name: String =
        after.strip_prefix("::").unwrap_or("text").chars().take_while(char::is_ascii_alphanumeric).collect();
    [Type::INT2, Type::INT4, Type::INT8, Type::NUMERIC, Type::UUID, Type::JSONB, Type::BYTEA]
        .into_iter()
        .find(|type_| type_.name() == name)
        .or(Some(Type::TEXT))
}

#[async_trait]
impl Session for FakeSession {
    async fn prepare(&mut self, sql: &str) -> Result<Prepared, DbError> {
        self.begin("prepare: ", sql).await?;
        let params = Some((1..).map_while(|number| parameter_type(sql, number)).collect::<Vec<_>>());
        let columns = self.results.get(sql).map(|(columns, _)| columns.clone()).unwrap_or_default();
        Ok(Prepared { params, columns, inner: PreparedInner::Text(sql.to_owned()) })
    }

    async fn run(&mut self, sql: &str) -> Result<u64, DbError> {
        self.begin("", sql).await?;
        Ok(1)
    }

    async fn ask(&mut self, sql: &str) -> Result<Vec<TextRow>, DbError> {
        self.begin("ask: ", sql).await?;
        Ok(Vec::new())
    }

    async fn execute(&mut self, statement: &Prepared, params: &[Parameter]) -> Result<u64, DbError> {
        self.begin("execute: ", &format!("{params:?}")).await?;
        assert_eq!(statement.params.as_ref().map(Vec::len), Some(params.len()));
        Ok(1)
    }

    async fn query(
        &mut self,
        statement: &Prepared,
        params: &[Parameter],
        limit: ResultLimit,
    ) -> Result<QueryResult, DbError> {
        self.begin("query: ", &format!("{params:?}")).await?;
        let rows = rows_of(self, statement);
        let tuples = tuples(&rows);
        match rows.len() > limit.rows || tuples.bytes().len() > limit.bytes {
            true => Ok(QueryResult::TooLarge),
            false => Ok(QueryResult::Complete(tuples)),
        }
    }

    async fn open_cursor(
        &mut self,
        sql: &str,
        statement: &Prepared,
        params: &[Parameter],
    ) -> Result<CursorId, DbError> {
        self.begin("open: ", &format!("{sql} {params:?}")).await?;
        self.opened += 1;
        let rows = rows_of(self, statement);
        self.cursors.insert(self.opened, rows);
        Ok(CursorId(self.opened))
    }

    async fn fetch(&mut self, cursor: CursorId, max_rows: u32) -> Result<Tuples, DbError> {
        self.begin("fetch ", &format!("{max_rows} from {}", cursor.0)).await?;
        let rows = self.cursors.get_mut(&cursor.0).expect("the cursor is open");
        let count = rows.len().min(max_rows as usize);
        Ok(tuples(&rows.drain(..count).collect::<Vec<_>>()))
    }

    async fn close_cursor(&mut self, cursor: CursorId) -> Result<(), DbError> {
        self.begin("close ", &cursor.0.to_string()).await?;
        assert!(self.cursors.remove(&cursor.0).is_some(), "the cursor is open");
        Ok(())
    }

    fn forget_cursor(&mut self, cursor: CursorId) {
        self.sent.push(format!("(forgets {})", cursor.0));
        assert!(self.cursors.remove(&cursor.0).is_some(), "the cursor is open");
    }

    async fn table_columns(&mut self, table: &str, columns: &[String]) -> Result<Vec<Column>, DbError> {
        self.begin("columns of ", table).await?;
        let all = self.tables.get(table).cloned();
        let Some(all) = all else {
            self.aborted = true;
            return Err(server_error("42P01", "the table does not exist", None));
        };
        let named = |column: &Column| columns.is_empty() || columns.contains(&column.name);
        Ok(all.into_iter().filter(named).collect())
    }

    async fn copy_in(&mut self, table: &str, columns: &[String], tuples: Bytes) -> Result<u64, DbError> {
        let rows = count(&tuples);
        self.begin("copy ", &format!("{rows} rows into {table} ({})", columns.join(", "))).await?;
        if table.contains("rejects") {
            self.aborted = true;
            return Err(server_error("23505", "duplicate key", None));
        }
        Ok(rows)
    }
}

fn rows_of(session: &FakeSession, statement: &Prepared) -> Vec<Row> {
    let PreparedInner::Text(sql) = &statement.inner else { return Vec::new() };
    session.results.get(sql).map(|(_, rows)| rows.clone()).unwrap_or_default()
}

fn tuples(rows: &[Row]) -> Tuples {
    let mut tuples = Tuples::default();
    for row in rows {
        tuples.push(row.iter().map(Option::as_deref));
    }
    tuples
}

/// Counts well-formed tuples.
fn count(mut tuples: &[u8]) -> u64 {
    let mut rows = 0;
    while let Some((fields, mut rest)) = tuples.split_first_chunk::<2>() {
        for _ in 0..i16::from_be_bytes(*fields) {
            let (length, after) = rest.split_first_chunk::<4>().expect("a length");
            rest = &after[usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0)..];
        }
        rows += 1;
        tuples = rest;
    }
    rows
}
