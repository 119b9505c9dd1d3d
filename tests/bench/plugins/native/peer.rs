//! Reading and writing many rows over one connection.
//!
//! The next rows are asked for before the last ones are written, so that the server
//! looks for them while we work, and the connection is driven by a thread of its own.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{NoTls, Row, Statement, Transaction};

/// Rows that are asked for at a time: what the SDK asks for.
const BATCH_ROWS: i32 = 5_000;

/// With the little memory that PostgreSQL gives a join by itself, it takes twice as
/// long.
const MEMORY: &str = "SET LOCAL work_mem = '256MB'";

/// A value of a column.
#[derive(Debug)]
pub enum Field<'a> {
    Int8(i64),
    Text(Option<Cow<'a, str>>),
}

impl Field<'_> {
    /// Text that is there.
    pub fn text<'a>(text: impl Into<Cow<'a, str>>) -> Field<'a> {
        Field::Text(Some(text.into()))
    }
}

impl ToSql for Field<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Int8(number) => number.to_sql(ty, out),
            Self::Text(text) => text.as_deref().to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}

/// A change of a table in one transaction.
pub struct Change<'a> {
    /// Locks, and makes the tables that are written.
    pub begin: &'a str,
    /// The rows that are read.
    pub select: &'a str,
    /// `COPY … FROM STDIN (FORMAT binary)`, of what they become.
    pub copy: &'a str,
    /// The types of its columns.
    pub types: &'a [Type],
    /// Changes the table from there.
    pub end: &'a str,
}

/// A value that could not be understood.
pub struct Reject {
    pub key: i64,
    pub column: &'static str,
    pub value: String,
    pub reason: String,
}

impl Change<'_> {
    /// Makes the change. What `map` makes nothing of is left as it is; the rejects
    /// are written by another COPY.
    pub fn run<const FIELDS: usize>(
        &self,
        url: &str,
        rejects: Option<&str>,
        map: impl for<'r> FnMut(&'r Row, &mut Vec<Reject>) -> Option<[Field<'r>; FIELDS]>,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let made = runtime.expect("a runtime").block_on(self.make(url, rejects, map));
        made.unwrap_or_else(|error| panic!("{error:?}"));
    }

    async fn make<const FIELDS: usize>(
        &self,
        url: &str,
        rejects: Option<&str>,
        mut map: impl for<'r> FnMut(&'r Row, &mut Vec<Reject>) -> Option<[Field<'r>; FIELDS]>,
    ) -> Result<(), tokio_postgres::Error> {
        let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let tx = client.transaction().await?;
        tx.batch_execute(self.begin).await?;
        tx.batch_execute(MEMORY).await?;
        let mut rejected = Vec::new();
        self.stage(&tx, |row| map(row, &mut rejected)).await?;
        if let Some(copy) = rejects {
            let types = [Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT];
            let rows = rejected.iter().map(|reject| {
                let Reject { key, column, value, reason } = reject;
                [Field::Int8(*key), Field::text(*column), Field::text(value), Field::text(reason)]
            });
            write(&tx, &tx.prepare(copy).await?, &types, rows).await?;
        }
        tx.batch_execute(self.end).await?;
        tx.commit().await?;
        drop(client);
        connection.await.expect("the connection's task ends by itself")
    }

    async fn stage<const FIELDS: usize>(
        &self,
        tx: &Transaction<'_>,
        mut map: impl for<'r> FnMut(&'r Row) -> Option<[Field<'r>; FIELDS]>,
    ) -> Result<(), tokio_postgres::Error> {
        let select = tx.prepare(self.select).await?;
        let copy = tx.prepare(self.copy).await?;
        let portal = tx.bind(&select, &[]).await?;
        let mut rows = tx.query_portal(&portal, BATCH_ROWS).await?;
        while !rows.is_empty() {
            let mapped = rows.iter().filter_map(&mut map);
            // In this order on the wire.
            let (next, ()) =
                tokio::try_join!(tx.query_portal(&portal, BATCH_ROWS), write(tx, &copy, self.types, mapped))?;
            rows = next;
        }
        Ok(())
    }
}

async fn write<'r, const FIELDS: usize>(
    tx: &Transaction<'_>,
    copy: &Statement,
    types: &[Type],
    rows: impl Iterator<Item = [Field<'r>; FIELDS]>,
) -> Result<(), tokio_postgres::Error> {
    let writer = BinaryCopyInWriter::new(tx.copy_in(copy).await?, types);
    let mut writer = std::pin::pin!(writer);
    for row in rows {
        writer.as_mut().write_raw(row.iter()).await?;
    }
    writer.finish().await.map(drop)
}
