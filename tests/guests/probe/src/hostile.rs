//! What a migration may not do, and tries.

use std::hint::black_box;

use crate::bindings::runner::migration::host;
use crate::bindings::runner::migration::sql::Transaction;
use crate::bindings::runner::migration::types::{Failure, Value};
use crate::{param, say, sql};

/// Does what `kind` says.
pub fn run(kind: &str, tx: &Transaction) -> Result<(), Failure> {
    match kind {
        "loop" => endless(),
        "host-calls" => loop {
            black_box(host::transaction_time());
        },
        "statements" => loop {
            tx.execute("select 1", &[]).map_err(sql)?;
        },
        "huge-writes" => huge_writes(tx),
        "allocate" => allocate(),
        "recurse" => {
            say(recurse(1).to_string());
            Ok(())
        }
        "handles" => handles(tx),
        "nested-lists" => nested_lists(tx),
        "panic" => panic!("as the test wants it"),
        "reader-left-open" => {
            std::mem::forget(tx.open_reader(&param("sql"), &[]).map_err(sql)?);
            Ok(())
        }
        "writer-dropped" => writer(tx, drop),
        "writer-left-open" => writer(tx, std::mem::forget),
        "bad-framing" => {
            let writer = tx.open_writer(&param("table"), &[]).map_err(sql)?;
            writer.write_bytes(&[0, 2, 0, 0]).map_err(sql)
        }
        other => Err(Failure::Message(format!("`{other}` is not a kind"))),
    }
}

fn endless() -> Result<(), Failure> {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn huge_writes(tx: &Transaction) -> Result<(), Failure> {
    let writer = tx.open_writer(&param("table"), &[]).map_err(sql)?;
    let bytes = vec![0; 64 << 20];
    loop {
        let _ = writer.write_bytes(&bytes);
    }
}

fn allocate() -> Result<(), Failure> {
    let mut all = Vec::new();
    loop {
        all.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1))) + 1
}

fn handles(tx: &Transaction) -> Result<(), Failure> {
    loop {
        std::mem::forget(tx.savepoint().map_err(sql)?);
    }
}

fn nested_lists(tx: &Transaction) -> Result<(), Failure> {
    let writer = tx.open_writer(&param("table"), &[]).map_err(sql)?;
    writer.write_rows(&vec![vec![Value::Null]; 1_000_000]).map_err(sql)
}

fn writer<W>(
    tx: &Transaction,
    end: fn(crate::bindings::runner::migration::sql::BatchWriter) -> W,
) -> Result<(), Failure> {
    let writer = tx.open_writer(&param("table"), &[]).map_err(sql)?;
    writer.write_rows(&[vec![Value::Int4(1), Value::Null]]).map_err(sql)?;
    end(writer);
    Ok(())
}
