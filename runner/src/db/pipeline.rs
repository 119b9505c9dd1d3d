//! Several of the host's own requests on their way at once.
//!
//! The server works on them one after the other, each for itself: one that fails
//! aborts the transaction that is open, and those after it are answered all the
//! same. Whoever sends them makes sure that this is right for each.

use futures_util::future::{Either, join_all};
use futures_util::{StreamExt, pin_mut};
use tokio_postgres::{Client, Statement};

use super::postgres::{statement, text_rows};
use super::{DbError, Parameter, PostgresSession, TextRow};

/// One of the host's own requests.
#[derive(Clone, Debug)]
pub enum Request {
    /// Any number of statements; the first that fails ends it.
    Batch(String),
    /// One statement that is prepared once a session. The columns of its result
    /// are of type `text`.
    Own {
        /// The statement, the same for every call of it.
        sql: String,
        /// The values of `$1` … `$n`.
        params: Vec<Parameter>,
    },
}

/// The server's answer to a [`Request`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The rows of all its statements.
    pub rows: Vec<TextRow>,
    /// How many rows [`Request::Own`] touched.
    pub touched: u64,
}

impl PostgresSession {
    /// Prepares statements that [`Request::Own`] is going to run, unless they are.
    pub async fn prepare_own<'a>(&mut self, sqls: impl IntoIterator<Item = &'a str>) -> Result<(), DbError> {
        for sql in sqls {
            self.own(sql).await?;
        }
        Ok(())
    }

    /// Sends requests without waiting for the answers in between: one round trip
    /// once their statements are prepared. The answers are in their order.
    ///
    /// The outer error says that a statement could not be prepared: then nothing
    /// was sent.
    pub async fn pipeline(&mut self, requests: &[Request]) -> Result<Vec<Result<Answer, DbError>>, DbError> {
        let mut ready = Vec::with_capacity(requests.len());
        for request in requests {
            ready.push(match request {
                Request::Batch(_) => None,
                Request::Own { sql, .. } => Some(self.own(sql).await?),
            });
        }
        self.begin_request();
        let client = self.client();
        // The driver sends in the order in which they are polled first.
        let sent = requests.iter().zip(&ready).map(|(request, prepared)| match (request, prepared) {
            (Request::Own { params, .. }, Some(prepared)) => {
                Either::Left(run(client, statement(prepared), params))
            }
            (Request::Own { sql, .. } | Request::Batch(sql), _) => Either::Right(run_batch(client, sql)),
        });
        let mut answers = Vec::with_capacity(requests.len());
        for answer in join_all(sent).await {
            answers.push(self.answered(answer).await);
        }
        Ok(answers)
    }
}

async fn run_batch(client: &Client, sql: &str) -> Result<Answer, tokio_postgres::Error> {
    Ok(Answer { rows: text_rows(client.simple_query(sql).await?), touched: 0 })
}

async fn run(
    client: &Client,
    statement: &Statement,
    params: &[Parameter],
) -> Result<Answer, tokio_postgres::Error> {
    let stream = client.query_raw(statement, params).await?;
    pin_mut!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await {
        let row = row?;
        rows.push((0..row.len()).map(|at| row.try_get(at)).collect::<Result<TextRow, _>>()?);
    }
    Ok(Answer { rows, touched: stream.rows_affected().unwrap_or_default() })
}
