//! The peer in native Rust: the plan of the in-place change as one would write it
//! with tokio-postgres for this one table.
//!
//! The next rows are asked for before the last ones are written, so that the
//! server looks for them while we work, and the connection is driven by a thread
//! of its own.

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, NoTls, Row, Statement, Transaction};

use super::split::{lowercase, split_name};

/// Others must not write what was read and is not written yet; and with the little
/// memory that PostgreSQL gives a join by itself, it would take twice as long.
const BEGIN: &str = "
    LOCK TABLE public.users IN SHARE ROW EXCLUSIVE MODE;
    SET LOCAL work_mem = '256MB';
    CREATE TEMPORARY TABLE changed (id bigint NOT NULL, first_name text, last_name text, email text)
    ON COMMIT DROP";

const APPLY: &str = "
    UPDATE public.users
    SET first_name = changed.first_name, last_name = changed.last_name, email = changed.email
    FROM changed
    WHERE changed.id = users.id";

/// Makes the change, and returns the number of rows changed.
pub fn change(url: &str, batch_rows: u32) -> u64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let batch_rows = i32::try_from(batch_rows).expect("a batch is small");
    runtime.expect("a runtime").block_on(run(url, batch_rows)).unwrap_or_else(|error| panic!("{error:?}"))
}

async fn run(url: &str, batch_rows: i32) -> Result<u64, Error> {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let tx = client.transaction().await?;
    tx.batch_execute(BEGIN).await?;
    let staged = stage(&tx, batch_rows).await?;
    let changed = tx.execute(APPLY, &[]).await?;
    assert_eq!(changed, staged, "a key is there twice, or is missing");
    tx.commit().await?;
    drop(client);
    connection.await.expect("the connection's task ends by itself")?;
    Ok(changed)
}

/// Reads all users, and writes what they change to; returns how many there are.
async fn stage(tx: &Transaction<'_>, batch_rows: i32) -> Result<u64, Error> {
    let select = tx.prepare("SELECT id, full_name, email FROM public.users").await?;
    let copy = tx.prepare("COPY changed FROM STDIN (FORMAT binary)").await?;
    let portal = tx.bind(&select, &[]).await?;
    let mut users = tx.query_portal(&portal, batch_rows).await?;
    let mut staged = 0;
    while !users.is_empty() {
        // In this order on the wire.
        let (next, rows) = tokio::try_join!(tx.query_portal(&portal, batch_rows), write(tx, &copy, &users))?;
        users = next;
        staged += rows;
    }
    Ok(staged)
}

async fn write(tx: &Transaction<'_>, copy: &Statement, users: &[Row]) -> Result<u64, Error> {
    let types = [Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT];
    let writer = BinaryCopyInWriter::new(tx.copy_in(copy).await?, &types);
    let mut writer = std::pin::pin!(writer);
    for user in users {
        let (first, last) = split_name(user.get(1));
        let email = lowercase(user.get(2));
        writer.as_mut().write(&[&user.get::<_, i64>(0), &first, &last, &email]).await?;
    }
    writer.finish().await
}
