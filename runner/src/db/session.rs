//! The narrow waist between the component host and a database: what one
//! session can do, in PostgreSQL's own units.
//!
//! [`Session`] has a real implementation (`PostgresSession`) and, for tests,
//! recording and failing ones. It knows nothing of components, of policy, or of
//! who owns the transaction; it never begins, commits or rolls back by itself.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{BufMut, Bytes};
use tokio::sync::Mutex;
pub use tokio_postgres::types::{Kind, Type};

use super::error::DbError;
use super::postgres::TextRow;
use super::wire::Observed;

/// A session that is shared between the executor, which owns the transaction,
/// and the component host, which lends it for the length of one call.
pub type SharedSession = Arc<Mutex<dyn Session>>;

/// A column of a result or of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// The column's type, with its kind (enum, array, domain …) resolved.
    pub type_: Type,
    /// `pg_attribute.atttypmod`; -1 where there is none.
    pub type_modifier: i32,
}

/// A statement that the server parsed.
#[derive(Clone)]
pub struct Prepared {
    /// The types that the server expects for `$1` … `$n`; none where there is no
    /// server to say so.
    pub params: Option<Vec<Type>>,
    /// The columns of the statement's result; empty if it returns no rows.
    pub columns: Vec<Column>,
    pub(super) inner: PreparedInner,
}

/// What an implementation needs to run the statement again.
#[derive(Clone)]
pub(super) enum PreparedInner {
    Postgres(tokio_postgres::Statement),
    /// Of a recording: which one it is, and its text.
    Recorded {
        number: usize,
        sql: String,
    },
    /// For the sessions of unit tests: the statement's text.
    #[cfg(test)]
    Text(String),
}

#[cfg(test)]
impl Prepared {
    /// A statement without parameters and columns, for unit tests.
    pub(crate) fn of_text(sql: &str) -> Self {
        Self { params: Some(Vec::new()), columns: Vec::new(), inner: PreparedInner::Text(sql.to_owned()) }
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("params", &self.params)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// A parameter, encoded for the type that [`Prepared::params`] names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// NULL.
    Null,
    /// In the type's binary format.
    Binary(Vec<u8>),
    /// In text format: the server's input function parses it.
    Text(String),
    /// In text format, where there is no server to say what type it expects.
    Written(Written),
}

/// A value as text that means the same for some types, and may mean something
/// else, or be lost in part, for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The value, as those types' input functions read it.
    pub text: String,
    /// The types that it is right for.
    pub fits: Fits,
}

/// A set of types. A domain is in it if its base is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fits {
    /// Names of types in `pg_catalog`.
    pub types: Vec<String>,
    /// Every enum, and `citext`.
    pub enums: bool,
}

/// Rows as tuples in the layout of COPY BINARY without header and trailer.
///
/// For each row a 16-bit count of fields, then for each field a 32-bit length
/// (-1 for NULL) and the value in its type's binary format; all big-endian. See
/// PostgreSQL's manual, COPY, "Binary Format".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuples {
    bytes: Vec<u8>,
    /// Where each tuple ends in `bytes`.
    ends: Vec<usize>,
}

impl Tuples {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All rows, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All rows, one after the other, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The bytes of rows `range`.
    pub fn slice(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.bytes[self.start_of(range.start)..self.start_of(range.end)]
    }

    /// The number of bytes that the first `rows` rows take.
    pub fn bytes_of_first(&self, rows: usize) -> usize {
        self.start_of(rows)
    }

    /// The number of bytes of the widest row; 0 where there is none.
    pub fn widest(&self) -> usize {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        self.ends.iter().zip(starts).map(|(end, start)| end - start).max().unwrap_or(0)
    }

    /// Appends a row.
    pub fn push<'a>(&mut self, fields: impl ExactSizeIterator<Item = Option<&'a [u8]>>) {
        let count = i16::try_from(fields.len()).expect("PostgreSQL has at most 1,664 columns");
        self.bytes.put_i16(count);
        for field in fields {
            match field {
                None => self.bytes.put_i32(-1),
                Some(value) => {
                    let length = i32::try_from(value.len()).expect("PostgreSQL's values are under 1 GiB");
                    self.bytes.put_i32(length);
                    self.bytes.put_slice(value);
                }
            }
        }
        self.ends.push(self.bytes.len());
    }

    fn start_of(&self, row: usize) -> usize {
        match row {
            0 => 0,
            row => self.ends[row - 1],
        }
    }
}

/// How large the result of [`Session::query`] may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultLimit {
    /// Rows.
    pub rows: usize,
    /// Bytes of all rows as [`Tuples`].
    pub bytes: usize,
}

/// What [`Session::query`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryResult {
    /// The whole result.
    Complete(Tuples),
    /// The result is larger than the limit; what was read is discarded, and the
    /// session is ready for the next statement.
    TooLarge,
}

/// A cursor of [`Session::open_cursor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CursorId(pub u64);

/// One session with a server.
#[async_trait]
pub trait Session: Send {
    /// What the server said last, at the cost of no question: after each of the
    /// other functions has returned, the outcome of what it sent. None where
    /// there is no server.
    fn observed(&self) -> Option<Observed> {
        None
    }

    /// Has the server parse one statement.
    async fn prepare(&mut self, sql: &str) -> Result<Prepared, DbError>;

    /// Runs one statement without parameters in one round trip, discards its
    /// rows, and returns the number of rows that it touched.
    ///
    /// The text goes to the server as one statement (the extended protocol's
    /// Parse message refuses several).
    async fn run(&mut self, sql: &str) -> Result<u64, DbError>;

    /// The same, where the number is not passed on to the migration: it may be
    /// 0 where nobody can know it.
    async fn run_uncounted(&mut self, sql: &str) -> Result<u64, DbError> {
        self.run(sql).await
    }

    /// Runs the host's own text, any number of statements, in one round trip, and
    /// returns the rows of all of them. Never for a migration's text: nothing
    /// stops it at one statement.
    async fn ask(&mut self, sql: &str) -> Result<Vec<TextRow>, DbError>;

    /// Runs a prepared statement, discards its rows, and returns the number of
    /// rows that it touched.
    async fn execute(&mut self, statement: &Prepared, params: &[Parameter]) -> Result<u64, DbError>;

    /// Runs a prepared statement and returns its rows.
    async fn query(
        &mut self,
        statement: &Prepared,
        params: &[Parameter],
        limit: ResultLimit,
    ) -> Result<QueryResult, DbError>;

    /// Opens a cursor on a query. `statement` is `sql`, prepared.
    async fn open_cursor(
        &mut self,
        sql: &str,
        statement: &Prepared,
        params: &[Parameter],
    ) -> Result<CursorId, DbError>;

    /// Fetches at most `max_rows` further rows; none at the end.
    async fn fetch(&mut self, cursor: CursorId, max_rows: u32) -> Result<Tuples, DbError>;

    /// About how many rows a query has, as the server's planner thinks; none
    /// where nobody can say. `statement` is `sql`, prepared.
    ///
    /// A server that objects leaves the transaction as it was.
    async fn estimate(
        &mut self,
        _sql: &str,
        _statement: &Prepared,
        _params: &[Parameter],
    ) -> Result<Option<u64>, DbError> {
        Ok(None)
    }

    /// Closes a cursor.
    async fn close_cursor(&mut self, cursor: CursorId) -> Result<(), DbError>;

    /// Takes note that a cursor has ended by itself, with a savepoint that was
    /// rolled back or with its transaction. Nothing is sent: closing it again
    /// would be an error of its own.
    fn forget_cursor(&mut self, cursor: CursorId);

    /// The columns of a table that a COPY into it would take: those named, or
    /// all of them in the table's order. `table` is a name as SQL spells it.
    /// Their type is [`Type::UNKNOWN`] where there is no server to say more.
    async fn table_columns(&mut self, table: &str, columns: &[String]) -> Result<Vec<Column>, DbError>;

    /// Runs one COPY … FROM STDIN in binary format and returns the number of
    /// rows. `tuples` are whole tuples without header and trailer.
    async fn copy_in(&mut self, table: &str, columns: &[String], tuples: Bytes) -> Result<u64, DbError>;

    /// The same for columns of which only the names are known: rows of values
    /// that are [written](Parameter::Written) or NULL.
    async fn copy_in_written(
        &mut self,
        table: &str,
        _columns: &[String],
        _rows: Vec<Vec<Parameter>>,
    ) -> Result<u64, DbError> {
        Err(DbError::Value(format!("the types of the columns of {table} are known: they take tuples")))
    }
}
