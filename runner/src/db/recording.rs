//! A session without a server that writes down what it is asked to do.
//!
//! For scripts that somebody runs later: what only a server can answer is an
//! error ([`DbError::Unrecordable`]), never a guess. The same requests give the
//! same record, so the random names of savepoints are replaced.

use async_trait::async_trait;
use bytes::Bytes;

use super::error::DbError;
use super::postgres::TextRow;
use super::session::{
    Column, CursorId, Parameter, Prepared, PreparedInner, QueryResult, ResultLimit, Session, Tuples, Type,
};

/// One thing that a session was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// A statement without parameters.
    Statement {
        /// Its text, without a semicolon.
        sql: String,
        /// The number of rows that the migration was told it touches; none if
        /// it was told nothing.
        told: Option<u64>,
    },
    /// A prepared statement, run once more.
    Execute {
        /// Which one, from 1; the same number means the same statement.
        number: usize,
        /// Its text.
        sql: String,
        /// The values of `$1` … `$n`.
        params: Vec<Parameter>,
        /// The number of rows that the migration was told it touches.
        told: u64,
    },
    /// Rows for a table.
    Copy {
        /// The table's name as SQL spells it.
        table: String,
        /// The columns' plain names.
        columns: Vec<String>,
        /// The rows. The migration was told their number.
        rows: Vec<Vec<Parameter>>,
    },
}

/// The session.
pub struct Recording {
    /// How many rows a statement touches, if its text alone tells.
    rows_of: fn(&str) -> Option<u64>,
    recorded: Vec<Recorded>,
    prepared: usize,
    /// The random names of the savepoints, in order.
    savepoints: Vec<String>,
}

impl Recording {
    /// Begins without a record. `rows_of` says how many rows a statement
    /// touches, if its text alone tells.
    pub fn new(rows_of: fn(&str) -> Option<u64>) -> Self {
        Self { rows_of, recorded: Vec::new(), prepared: 0, savepoints: Vec::new() }
    }

    /// Everything so far, in order; the record begins anew.
    pub fn take(&mut self) -> Vec<Recorded> {
        std::mem::take(&mut self.recorded)
    }

    fn count(&self, sql: &str) -> Result<u64, DbError> {
        (self.rows_of)(sql).ok_or_else(|| {
            unrecordable("the migration is told how many rows it touches, which only a server knows")
        })
    }

    /// The statement with the number of its savepoint instead of a random name,
    /// if it is about one. A migration's own text never is.
    fn with_stable_name(&mut self, sql: &str) -> String {
        const PREFIXES: [&str; 3] = ["SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT "];
        let Some((prefix, name)) =
            PREFIXES.iter().find_map(|prefix| Some((prefix, sql.strip_prefix(prefix)?)))
        else {
            return sql.to_owned();
        };
        let known = self.savepoints.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.savepoints.push(name.to_owned());
            self.savepoints.len() - 1
        });
        format!("{prefix}runner_{}", at + 1)
    }
}

fn unrecordable(why: &str) -> DbError {
    DbError::Unrecordable(why.to_owned())
}

const READS: &str = "the migration reads rows, which only a server has";

#[async_trait]
impl Session for Recording {
    async fn prepare(&mut self, sql: &str) -> Result<Prepared, DbError> {
        self.prepared += 1;
        let inner = PreparedInner::Recorded { number: self.prepared, sql: sql.to_owned() };
        Ok(Prepared { params: None, columns: Vec::new(), inner })
    }

    async fn run(&mut self, sql: &str) -> Result<u64, DbError> {
        let told = self.count(sql)?;
        self.recorded.push(Recorded::Statement { sql: sql.to_owned(), told: Some(told) });
        Ok(told)
    }

    async fn run_uncounted(&mut self, sql: &str) -> Result<u64, DbError> {
        let sql = self.with_stable_name(sql);
        self.recorded.push(Recorded::Statement { sql, told: None });
        Ok(0)
    }

    async fn ask(&mut self, _: &str) -> Result<Vec<TextRow>, DbError> {
        Err(unrecordable("it depends on what a table is and holds, which only a server knows"))
    }

    async fn execute(&mut self, statement: &Prepared, params: &[Parameter]) -> Result<u64, DbError> {
        let PreparedInner::Recorded { number, sql } = &statement.inner else {
            return Err(DbError::Value("the statement was prepared by another session".into()));
        };
        let told = self.count(sql)?;
        if told == 0 {
            return Err(unrecordable("the statement has no place for parameters"));
        }
        let (number, sql, params) = (*number, sql.clone(), params.to_vec());
        self.recorded.push(Recorded::Execute { number, sql, params, told });
        Ok(told)
    }

    async fn query(&mut self, _: &Prepared, _: &[Parameter], _: ResultLimit) -> Result<QueryResult, DbError> {
        Err(unrecordable(READS))
    }

    async fn open_cursor(&mut self, _: &str, _: &Prepared, _: &[Parameter]) -> Result<CursorId, DbError> {
        Err(unrecordable(READS))
    }

    async fn fetch(&mut self, _: CursorId, _: u32) -> Result<Tuples, DbError> {
        Err(unrecordable(READS))
    }

    async fn close_cursor(&mut self, _: CursorId) -> Result<(), DbError> {
        Err(unrecordable(READS))
    }

    fn forget_cursor(&mut self, _: CursorId) {}

    async fn table_columns(&mut self, _: &str, columns: &[String]) -> Result<Vec<Column>, DbError> {
        if columns.is_empty() {
            return Err(unrecordable("the writer names no columns, and only a server knows the table's"));
        }
        let column = |name: &String| Column { name: name.clone(), type_: Type::UNKNOWN, type_modifier: -1 };
        Ok(columns.iter().map(column).collect())
    }

    async fn copy_in(&mut self, _: &str, _: &[String], _: Bytes) -> Result<u64, DbError> {
        Err(unrecordable("the writer is given bytes in the format of types that only a server knows"))
    }

    async fn copy_in_written(
        &mut self,
        table: &str,
        columns: &[String],
        rows: Vec<Vec<Parameter>>,
    ) -> Result<u64, DbError> {
        let count = rows.len() as u64;
        self.recorded.push(Recorded::Copy { table: table.to_owned(), columns: columns.to_vec(), rows });
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        Recording::new(|sql| sql.starts_with("INSERT").then_some(1))
    }

    #[tokio::test]
    async fn what_only_a_server_knows_is_an_error() {
        let mut recording = recording();
        let prepared = recording.prepare("SELECT 1").await.expect("prepares");
        let limit = ResultLimit { rows: 1, bytes: 1 };
        assert!(matches!(recording.query(&prepared, &[], limit).await, Err(DbError::Unrecordable(_))));
        assert!(matches!(recording.execute(&prepared, &[]).await, Err(DbError::Unrecordable(_))));
        assert!(matches!(recording.run("UPDATE t SET a = 1").await, Err(DbError::Unrecordable(_))));
        assert!(matches!(recording.table_columns("t", &[]).await, Err(DbError::Unrecordable(_))));
        assert_eq!(recording.take(), []);
    }

    #[tokio::test]
    async fn savepoints_have_the_same_names_in_every_run() {
        let mut recording = recording();
        for sql in ["SAVEPOINT runner_1f", "SAVEPOINT runner_2e", "ROLLBACK TO SAVEPOINT runner_2e", "x"] {
            recording.run_uncounted(sql).await.expect("records");
        }
        let names = recording.take().into_iter().map(|recorded| match recorded {
            Recorded::Statement { sql, told: None } => sql,
            other => panic!("{other:?}"),
        });
        let expected = ["SAVEPOINT runner_1", "SAVEPOINT runner_2", "ROLLBACK TO SAVEPOINT runner_2", "x"];
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }
}
