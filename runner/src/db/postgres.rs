//! The real session.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt, pin_mut};
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, to_sql_checked};
use tokio_postgres::{CancelToken, Client, SimpleQueryMessage, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::PreparedInner;
use super::{
    Column, CursorId, DbError, Parameter, Prepared, QueryResult, ResultLimit, Session, TableName, Tuples,
    Type, Written, quote_identifier,
};

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
    tls: Option<MakeRustlsConnect>,
    cursors: HashMap<CursorId, String>,
    next_cursor: u64,
    /// The host's own statements, prepared once a session.
    own: HashMap<String, Prepared>,
}

/// Cancels what a session's server is doing.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    tls: Option<MakeRustlsConnect>,
}

impl Canceller {
    /// Asks the server to cancel the running statement. Whether there was one
    /// is not known.
    pub async fn cancel(&self) -> Result<(), DbError> {
        match self.tls.clone() {
            Some(tls) => self.token.cancel_query(tls).await?,
            None => self.token.cancel_query(tokio_postgres::NoTls).await?,
        }
        Ok(())
    }
}

impl PostgresSession {
    pub(super) fn new(client: Client, tls: Option<MakeRustlsConnect>) -> Self {
        Self { client, tls, cursors: HashMap::new(), next_cursor: 0, own: HashMap::new() }
    }

    /// What cancels this session's statements.
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), tls: self.tls.clone() }
    }

    /// Runs the host's own text, any number of statements, in one round trip,
    /// and returns the rows of all of them.
    ///
    /// Never for a migration's text: the simple protocol does not stop at one
    /// statement.
    pub async fn batch(&mut self, sql: &str) -> Result<Vec<TextRow>, DbError> {
        Ok(text_rows(self.client.simple_query(sql).await?))
    }

    /// Runs one of the host's own statements, which is prepared once a session.
    pub async fn run_own(&mut self, sql: &str, params: &[Parameter]) -> Result<u64, DbError> {
        let statement = self.own(sql).await?;
        self.execute(&statement, params).await
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
        // The driver sends in the order in which the two are polled first.
        let first = self.client.simple_query(batch);
        let second = self.client.execute_raw(statement(&prepared), params);
        let (first, second) = futures_util::future::join(first, second).await;
        (first.map(text_rows).map_err(DbError::from), second.map_err(DbError::from))
    }

    async fn own(&mut self, sql: &str) -> Result<Prepared, DbError> {
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
            WHERE attrelid = $1::text::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' \
            ORDER BY attnum";
        let rows = self.client.query_typed(SQL, &[(&table.to_string(), Type::TEXT)]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

fn text_rows(messages: Vec<SimpleQueryMessage>) -> Vec<TextRow> {
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        }
        _ => None,
    });
    rows.collect()
}

fn statement(prepared: &Prepared) -> &Statement {
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
    async fn prepare(&mut self, sql: &str) -> Result<Prepared, DbError> {
        let statement = self.client.prepare(sql).await?;
        Ok(Prepared {
            params: Some(statement.params().to_vec()),
            columns: statement.columns().iter().map(column).collect(),
            inner: PreparedInner::Postgres(statement),
        })
    }

    async fn run(&mut self, sql: &str) -> Result<u64, DbError> {
        Ok(self.client.execute_typed(sql, &[]).await?)
    }

    async fn execute(&mut self, prepared: &Prepared, params: &[Parameter]) -> Result<u64, DbError> {
        Ok(self.client.execute_raw(statement(prepared), params).await?)
    }

    async fn query(
        &mut self,
        prepared: &Prepared,
        params: &[Parameter],
        limit: ResultLimit,
    ) -> Result<QueryResult, DbError> {
        let rows = self.client.query_raw(statement(prepared), params).await?;
        pin_mut!(rows);
        let mut tuples = Tuples::default();
        while let Some(row) = rows.next().await {
            push(&mut tuples, &row?)?;
            if tuples.len() > limit.rows || tuples.bytes().len() > limit.bytes {
                return Ok(QueryResult::TooLarge);
            }
        }
        Ok(QueryResult::Complete(tuples))
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
        let name = quote_identifier(&format!("runner_{:016x}", rand::random::<u64>()));
        let declare = format!("DECLARE {name} NO SCROLL CURSOR FOR {sql}");
        let declare =
            self.client.prepare_typed(&declare, prepared.params.as_deref().unwrap_or_default()).await?;
        self.client.execute_raw(&declare, params).await?;
        self.cursors.insert(id, name);
        Ok(id)
    }

    async fn fetch(&mut self, cursor: CursorId, max_rows: u32) -> Result<Tuples, DbError> {
        let sql = format!("FETCH FORWARD {max_rows} FROM {}", self.cursor(cursor)?);
        // The types of the columns are known since the query was prepared, so
        // the driver asks the server for none while the rows arrive.
        let rows = self.client.query_typed_raw(&sql, std::iter::empty::<(Parameter, Type)>()).await?;
        pin_mut!(rows);
        let mut tuples = Tuples::default();
        while let Some(row) = rows.next().await {
            push(&mut tuples, &row?)?;
        }
        Ok(tuples)
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
        let copy = self.client.prepare(&format!("COPY {table}{list} FROM STDIN (FORMAT binary)")).await?;
        let sink = self.client.copy_in(&copy).await?;
        pin_mut!(sink);
        sink.feed(Bytes::from_static(COPY_HEADER)).await?;
        let mut rest = tuples;
        while !rest.is_empty() {
            let chunk = rest.split_to(rest.len().min(COPY_CHUNK));
            sink.feed(chunk).await?;
        }
        sink.feed(Bytes::from_static(COPY_TRAILER)).await?;
        Ok(sink.finish().await?)
    }
}

fn column(column: &tokio_postgres::Column) -> Column {
    Column {
        name: column.name().to_owned(),
        type_: column.type_().clone(),
        type_modifier: column.type_modifier(),
    }
}

fn push(tuples: &mut Tuples, row: &tokio_postgres::Row) -> Result<(), DbError> {
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
