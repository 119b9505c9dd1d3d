//! The real session.
//!
//! Rules that it keeps, since the driver would break them in silence:
//!
//! - never the driver's `Transaction`: its `commit` returns success also where
//!   the server rolled back, and its drop sends a ROLLBACK of its own;
//! - the host's statements are constant texts with parameters;
//! - no statement whose result may have a type that the driver has not looked
//!   up is sent by `query_typed`: the driver looks it up while the rows wait,
//!   and both wait for ever once the rows fill the stream;
//! - COPY is begun by `copy_in` only; where another statement begins one, the
//!   wire's guard ends the connection;
//! - an answer has ended before a function returns, so that what is observed
//!   then is its outcome.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::join;
use futures_util::{SinkExt, StreamExt, pin_mut};
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, to_sql_checked};
use tokio_postgres::{Client, RowStream, SimpleQueryMessage, Statement};

use super::connect::{is_superuser, server_major};
use super::name::random_name;
use super::session::PreparedInner;
use super::wire::Wire;
use super::{
    Canceller, Column, CursorId, DbError, Observed, Parameter, Prepared, QueryResult, ResultLimit,
    SavepointName, Session, TableName, TransactionStatus, Tuples, Type, Written, quote_identifier,
};
use crate::revision::{Redactor, RevisionId};

/// The header of a COPY BINARY stream: signature, flags, no extension. See
/// PostgreSQL's manual, COPY, "Binary Format".
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Its trailer: a field count of -1.
const COPY_TRAILER: &[u8] = b"\xff\xff";
/// How much of a COPY is handed to the driver at once, in bytes.
const COPY_CHUNK: usize = 64 * 1024;

/// A row of text values, as the simple protocol gives them.
pub type TextRow = Vec<Option<String>>;

/// A session with a PostgreSQL server.
pub struct PostgresSession {
    client: Client,
    wire: Arc<Wire>,
    canceller: Canceller,
    cursors: HashMap<CursorId, String>,
    next_cursor: u64,
    /// The host's own statements, prepared once a session.
    own: HashMap<String, Prepared>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its effects are there.
    Committed,
    /// None of its effects is: a statement of it had failed.
    RolledBack,
}

impl PostgresSession {
    pub(super) fn new(client: Client, wire: Arc<Wire>, canceller: Canceller) -> Self {
        Self { client, wire, canceller, cursors: HashMap::new(), next_cursor: 0, own: HashMap::new() }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The tags of the request before are forgotten.
    pub(super) fn begin_request(&self) {
        self.wire.begin_request();
    }

    /// What cancels this session's statements.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The server's process that serves this session, if it told.
    pub fn process_id(&self) -> Option<i32> {
        self.wire.process()
    }

    /// A parameter that the server reports by itself (`server_version`,
    /// `is_superuser` …), as it is now; see PostgreSQL's manual, "Asynchronous
    /// Operations" of the protocol.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.wire.parameter(name)
    }

    /// The server's major version, as 15 or 18.
    pub fn server_major(&self) -> u32 {
        server_major(&self.wire)
    }

    /// The database's encoding; always UTF8 today, since others are refused.
    pub fn server_encoding(&self) -> Option<String> {
        self.wire.parameter("server_encoding")
    }

    /// Whether the session's current user is a superuser; none if the server
    /// does not tell.
    pub fn is_superuser(&self) -> Option<bool> {
        is_superuser(&self.wire)
    }

    /// Begins a step, as far as its budgets go: the server's notices are logged
    /// again.
    pub fn begin_step(&self) {
        self.wire.begin_step();
    }

    /// Lets the log say of which step it is that the server remarks something.
    pub fn is_about(&self, revision: RevisionId) {
        self.wire.set_subject(revision);
    }

    /// Keeps secrets out of what the server remarks in the log.
    pub fn hide(&self, redactor: Redactor) {
        self.wire.set_redactor(redactor);
    }

    /// Limits the rows of one statement, in bytes as the server sends them; none
    /// for no limit, as at first. More of them end the connection.
    ///
    /// The last resort: it holds also where the rows are discarded. The limit of
    /// [`Session::query`] leaves the session as it is.
    pub fn set_result_limit(&self, bytes: Option<u64>) {
        self.wire.set_result_limit(bytes);
    }

    /// Limits one row, in bytes as the server sends it; none for no limit, and
    /// 256 MiB at first. A longer one ends the connection before it is read.
    pub fn set_row_limit(&self, bytes: Option<u64>) {
        self.wire.set_frame_limit(bytes);
    }

    /// Commits, and says what the server made of it: it answers COMMIT with
    /// success also where it rolls back, and the command tag alone tells.
    ///
    /// Where the answer was lost ([`DbError::is_connection_lost`]) nobody knows
    /// how it ended before `pg_xact_status` was asked on another session.
    pub async fn commit(&mut self) -> Result<Ended, DbError> {
        let status = self.wire.observed().map(|observed| observed.status);
        if status == Some(TransactionStatus::Idle) {
            return Err(DbError::Value("there is no transaction to commit".into()));
        }
        self.batch("COMMIT").await?;
        let observed = self.wire.observed();
        match observed.as_ref().map(|observed| (observed.status, observed.tags.as_slice())) {
            Some((TransactionStatus::Idle, [tag])) if tag == "COMMIT" => Ok(Ended::Committed),
            Some((TransactionStatus::Idle, [tag])) if tag == "ROLLBACK" => Ok(Ended::RolledBack),
            _ => Err(DbError::Value(format!("the server answers COMMIT with {observed:?}"))),
        }
    }

    /// Ends another session's process, and waits for its end for at most
    /// `patience`: the way out where a statement catches what cancels it.
    /// Returns whether it has ended, or was not there.
    ///
    /// See PostgreSQL's manual, "Server Signaling Functions", for who may.
    pub async fn terminate(&mut self, process_id: i32, patience: Duration) -> Result<bool, DbError> {
        // Without a time to wait the function would not wait at all.
        let patience = patience.as_millis().clamp(1, i64::MAX.unsigned_abs().into());
        let sql = format!(
            "SELECT pg_catalog.pg_terminate_backend({process_id}, {patience}) OR NOT EXISTS (SELECT FROM \
             pg_catalog.pg_stat_activity WHERE pid OPERATOR(pg_catalog.=) {process_id})"
        );
        let rows = self.batch(&sql).await?;
        Ok(matches!(rows.as_slice(), [row] if matches!(row.as_slice(), [Some(value)] if value == "t")))
    }

    /// The outcome of a request, once its answer has ended. Where the guard
    /// ended the connection, that is the reason.
    pub(super) async fn answered<T>(&self, result: Result<T, tokio_postgres::Error>) -> Result<T, DbError> {
        self.wire.settled().await;
        result.map_err(|error| self.reason(error))
    }

    fn reason(&self, error: tokio_postgres::Error) -> DbError {
        self.wire.fault().map_or_else(|| error.into(), DbError::Wire)
    }

    /// Runs the host's own text, any number of statements, in one round trip,
    /// and returns the rows of all of them.
    ///
    /// Never for a migration's text: the simple protocol does not stop at one
    /// statement.
    pub async fn batch(&mut self, sql: &str) -> Result<Vec<TextRow>, DbError> {
        self.wire.begin_request();
        let answer = self.client.simple_query(sql).await;
        Ok(text_rows(self.answered(answer).await?))
    }

    /// Runs one of the host's own statements, which is prepared once a session.
    ///
    /// The driver names prepared statements by a counter. On a session that a
    /// migration's text reaches, what keeps it from making one of that name its
    /// own is the policy, which has no PREPARE and no DEALLOCATE at any depth;
    /// [`run_unnamed`](Self::run_unnamed) needs no such promise.
    pub async fn run_own(&mut self, sql: &str, params: &[Parameter]) -> Result<u64, DbError> {
        let statement = self.own(sql).await?;
        self.execute(&statement, params).await
    }

    /// Runs one of the host's own statements in one round trip without
    /// preparing it, so that there is no name to take over. The server finds out
    /// the types of the parameters.
    pub async fn run_unnamed(&mut self, sql: &str, params: &[Parameter]) -> Result<u64, DbError> {
        self.wire.begin_request();
        let typed: Vec<_> =
            params.iter().map(|param| (param as &(dyn ToSql + Sync), Type::UNKNOWN)).collect();
        let answer = self.client.execute_typed(sql, &typed).await;
        self.answered(answer).await
    }

    /// Runs the host's own text, then one of its own statements, without waiting
    /// for the answer in between. One round trip once the statement is
    /// prepared.
    pub async fn batch_and_own(
        &mut self,
        batch: &str,
        sql: &str,
        params: &[Parameter],
    ) -> (Result<Vec<TextRow>, DbError>, Result<u64, DbError>) {
        let prepared = match self.own(sql).await {
            Ok(prepared) => prepared,
            Err(error) => return (Err(error.clone()), Err(error)),
        };
        self.wire.begin_request();
        // The driver sends in the order in which the two are polled first.
        let first = self.client.simple_query(batch);
        let second = self.client.execute_raw(statement(&prepared), params);
        let (first, second) = join(first, second).await;
        (self.answered(first).await.map(text_rows), self.answered(second).await)
    }

    pub(super) async fn own(&mut self, sql: &str) -> Result<Prepared, DbError> {
        if let Some(prepared) = self.own.get(sql) {
            return Ok(prepared.clone());
        }
        let prepared = self.prepare(sql).await?;
        self.own.insert(sql.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// Forgets the cursors: the transaction that held them has ended.
    pub fn forget_cursors(&mut self) {
        self.cursors.clear();
    }

    async fn planned_rows(
        &mut self,
        sql: &str,
        prepared: &Prepared,
        params: &[Parameter],
    ) -> Result<Option<u64>, DbError> {
        let types = prepared.params.as_deref().unwrap_or_default();
        let explain = self.client.prepare_typed(&format!("EXPLAIN (FORMAT JSON) {sql}"), types).await;
        let explain = self.answered(explain).await?;
        self.wire.begin_request();
        let answer = match self.client.query_raw(&explain, params).await {
            Ok(rows) => collected(rows, None).await,
            Err(error) => Err(error),
        };
        Ok(self.answered(answer).await?.and_then(|plan| planned_rows(&plan)))
    }

    fn cursor(&self, cursor: CursorId) -> Result<&str, DbError> {
        self.cursors
            .get(&cursor)
            .map(String::as_str)
            .ok_or_else(|| DbError::Value("the cursor is closed".into()))
    }

    /// The columns that a COPY without a list of columns takes: all but the
    /// generated ones.
    async fn copy_columns(&mut self, table: &TableName) -> Result<Vec<String>, DbError> {
        const SQL: &str = "SELECT attname::text FROM pg_catalog.pg_attribute \
            WHERE attrelid OPERATOR(pg_catalog.=) $1::text::pg_catalog.regclass \
                AND attnum OPERATOR(pg_catalog.>) 0 AND NOT attisdropped \
                AND attgenerated OPERATOR(pg_catalog.=) '' \
            ORDER BY attnum USING OPERATOR(pg_catalog.<)";
        // The result is `text`, which the driver need not look up.
        let rows = self.client.query_typed(SQL, &[(&table.to_string(), Type::TEXT)]).await;
        let rows = self.answered(rows).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

pub(super) fn text_rows(messages: Vec<SimpleQueryMessage>) -> Vec<TextRow> {
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        }
        _ => None,
    });
    rows.collect()
}

pub(super) fn statement(prepared: &Prepared) -> &Statement {
    match &prepared.inner {
        PreparedInner::Postgres(statement) => statement,
        PreparedInner::Recorded { .. } => panic!("a statement of a recording"),
        #[cfg(test)]
        PreparedInner::Text(_) => panic!("a statement of the unit tests' session"),
    }
}

fn table_name(text: &str) -> Result<TableName, DbError> {
    TableName::parse(text).map_err(|error| DbError::Value(error.to_string()))
}

fn quoted(columns: &[String]) -> String {
    columns.iter().map(|column| quote_identifier(column)).collect::<Vec<_>>().join(", ")
}

#[async_trait]
impl Session for PostgresSession {
    fn observed(&self) -> Option<Observed> {
        self.wire.observed()
    }

    /// The driver looks up the types that it does not know yet with statements
    /// of its own, whose operators are not qualified: they mean what they should
    /// where `pg_catalog` is searched first and nobody makes operators, and run
    /// with no more rights than the migration has where its login is its own.
    async fn prepare(&mut self, sql: &str) -> Result<Prepared, DbError> {
        self.wire.begin_request();
        let answer = self.client.prepare(sql).await;
        let statement = self.answered(answer).await?;
        Ok(Prepared {
            params: Some(statement.params().to_vec()),
            columns: statement.columns().iter().map(column).collect(),
            inner: PreparedInner::Postgres(statement),
        })
    }

    async fn run(&mut self, sql: &str) -> Result<u64, DbError> {
        self.wire.begin_request();
        // Of the columns of a result the driver looks up nothing here.
        let answer = self.client.execute_typed(sql, &[]).await;
        self.answered(answer).await
    }

    async fn ask(&mut self, sql: &str) -> Result<Vec<TextRow>, DbError> {
        self.batch(sql).await
    }

    async fn execute(&mut self, prepared: &Prepared, params: &[Parameter]) -> Result<u64, DbError> {
        self.wire.begin_request();
        let answer = self.client.execute_raw(statement(prepared), params).await;
        self.answered(answer).await
    }

    async fn query(
        &mut self,
        prepared: &Prepared,
        params: &[Parameter],
        limit: ResultLimit,
    ) -> Result<QueryResult, DbError> {
        self.wire.begin_request();
        let answer = match self.client.query_raw(statement(prepared), params).await {
            Ok(rows) => collected(rows, Some(limit)).await,
            Err(error) => Err(error),
        };
        Ok(self.answered(answer).await?.map_or(QueryResult::TooLarge, QueryResult::Complete))
    }

    async fn open_cursor(
        &mut self,
        sql: &str,
        prepared: &Prepared,
        params: &[Parameter],
    ) -> Result<CursorId, DbError> {
        self.next_cursor += 1;
        let id = CursorId(self.next_cursor);
        // The name is random: the migration's own SQL must not be able to
        // guess it.
        let name = quote_identifier(&random_name());
        let declare = format!("DECLARE {name} NO SCROLL CURSOR FOR {sql}");
        let types = prepared.params.as_deref().unwrap_or_default();
        let declare = self.client.prepare_typed(&declare, types).await;
        let declare = self.answered(declare).await?;
        // The columns may have types by now that they had not when the query
        // was prepared. The driver looks them up for a statement that it
        // prepares, before rows are under way. Both are sent together.
        let look = format!("FETCH FORWARD 0 FROM {name}");
        self.wire.begin_request();
        let (opened, looked) =
            join(self.client.execute_raw(&declare, params), self.client.prepare(&look)).await;
        self.answered(opened).await?;
        self.answered(looked).await?;
        self.cursors.insert(id, name);
        Ok(id)
    }

    async fn fetch(&mut self, cursor: CursorId, max_rows: u32) -> Result<Tuples, DbError> {
        let sql = format!("FETCH FORWARD {max_rows} FROM {}", self.cursor(cursor)?);
        self.wire.begin_request();
        // The types of the columns are known since the cursor was opened.
        let none = std::iter::empty::<(Parameter, Type)>();
        let answer = match self.client.query_typed_raw(&sql, none).await {
            Ok(rows) => collected(rows, None).await,
            Err(error) => Err(error),
        };
        Ok(self.answered(answer).await?.unwrap_or_default())
    }

    /// Inside a savepoint, since planning may fail: between the cursor and this
    /// the migration may have changed what the names in the query mean.
    async fn estimate(
        &mut self,
        sql: &str,
        prepared: &Prepared,
        params: &[Parameter],
    ) -> Result<Option<u64>, DbError> {
        let savepoint = SavepointName::random();
        self.run(&savepoint.set()).await?;
        let estimate = self.planned_rows(sql, prepared, params).await;
        match &estimate {
            Err(lost) if lost.is_connection_lost() => return estimate,
            Err(_) => drop(self.run(&savepoint.roll_back()).await?),
            Ok(_) => {}
        }
        self.run(&savepoint.release()).await?;
        Ok(estimate.ok().flatten())
    }

    async fn close_cursor(&mut self, cursor: CursorId) -> Result<(), DbError> {
        let sql = format!("CLOSE {}", self.cursor(cursor)?);
        self.cursors.remove(&cursor);
        self.run(&sql).await.map(|_| ())
    }

    fn forget_cursor(&mut self, cursor: CursorId) {
        self.cursors.remove(&cursor);
    }

    async fn table_columns(&mut self, table: &str, columns: &[String]) -> Result<Vec<Column>, DbError> {
        let table = table_name(table)?;
        let names = match columns.is_empty() {
            true => self.copy_columns(&table).await?,
            false => columns.to_vec(),
        };
        let prepared = self.prepare(&format!("SELECT {} FROM {table}", quoted(&names))).await?;
        Ok(prepared.columns)
    }

    async fn copy_in(&mut self, table: &str, columns: &[String], tuples: Bytes) -> Result<u64, DbError> {
        let table = table_name(table)?;
        let list = match columns.is_empty() {
            true => String::new(),
            false => format!(" ({})", quoted(columns)),
        };
        self.wire.begin_request();
        let copy = self.client.prepare(&format!("COPY {table}{list} FROM STDIN (FORMAT binary)")).await;
        let copy = self.answered(copy).await?;
        self.wire.expect_copy(true);
        let answer = copied(&self.client, &copy, tuples).await;
        let answer = self.answered(answer).await;
        self.wire.expect_copy(false);
        answer
    }
}

async fn copied(client: &Client, statement: &Statement, tuples: Bytes) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in(statement).await?;
    pin_mut!(sink);
    sink.feed(Bytes::from_static(COPY_HEADER)).await?;
    let mut rest = tuples;
    while !rest.is_empty() {
        let chunk = rest.split_to(rest.len().min(COPY_CHUNK));
        sink.feed(chunk).await?;
    }
    sink.feed(Bytes::from_static(COPY_TRAILER)).await?;
    sink.finish().await
}

/// All rows; none if they are larger than the limit. The rest of them is
/// discarded by the driver, and the answer ends when it has come.
async fn collected(
    rows: RowStream,
    limit: Option<ResultLimit>,
) -> Result<Option<Tuples>, tokio_postgres::Error> {
    pin_mut!(rows);
    let mut tuples = Tuples::default();
    while let Some(row) = rows.next().await {
        push(&mut tuples, &row?)?;
        if limit.is_some_and(|limit| tuples.len() > limit.rows || tuples.bytes().len() > limit.bytes) {
            return Ok(None);
        }
    }
    Ok(Some(tuples))
}

/// The rows of the outermost node of a plan, which is one field of JSON.
fn planned_rows(plan: &Tuples) -> Option<u64> {
    // A count of fields and a length.
    let plan: serde_json::Value = serde_json::from_slice(plan.bytes().get(6..)?).ok()?;
    plan.get(0)?.get("Plan")?.get("Plan Rows")?.as_u64()
}

fn column(column: &tokio_postgres::Column) -> Column {
    Column {
        name: column.name().to_owned(),
        type_: column.type_().clone(),
        type_modifier: column.type_modifier(),
    }
}

fn push(tuples: &mut Tuples, row: &tokio_postgres::Row) -> Result<(), tokio_postgres::Error> {
    let mut fields = Vec::with_capacity(row.len());
    for at in 0..row.len() {
        fields.push(row.try_get::<_, Option<RawBytes<'_>>>(at)?.map(|bytes| bytes.0));
    }
    tuples.push(fields.into_iter());
    Ok(())
}

/// A value of any type as the server sent it.
struct RawBytes<'a>(&'a [u8]);

impl<'a> FromSql<'a> for RawBytes<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Parameter {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Binary(bytes) => out.put_slice(bytes),
            Self::Text(text) | Self::Written(Written { text, .. }) => out.put_slice(text.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self {
            Self::Text(_) | Self::Written(_) => Format::Text,
            Self::Null | Self::Binary(_) => Format::Binary,
        }
    }

    to_sql_checked!();
}
