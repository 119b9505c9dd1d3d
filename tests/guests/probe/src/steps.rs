//! A guest that does what the parameter `steps` says, one step a line, and says
//! what came of each. An error does not end it.
//!
//! - `open SQL`, `read N ROWS`, `close N`, `drop N`: readers,
//!   numbered from 0;
//! - `writer TABLE`, `write N ROWS`, `copy N M ROWS` (from reader N to writer M),
//!   `finish N`: writers, numbered from 0;
//! - `savepoint`, `rollback`, `release`: the last one;
//! - `run SQL`; `must SQL`, which returns the error; `trap`; `compute ROUNDS`.

use crate::bindings::runner::migration::sql::{BatchReader, BatchWriter, Savepoint, Transaction};
use crate::bindings::runner::migration::types::{Error, Failure, Value};
use crate::{param, say, sql};

/// The most bytes that a step reads at once.
const BATCH_BYTES: u32 = 1 << 20;

#[derive(Default)]
struct Open {
    readers: Vec<Option<BatchReader>>,
    writers: Vec<Option<BatchWriter>>,
    savepoints: Vec<Savepoint>,
}

pub fn run(tx: &Transaction) -> Result<(), Failure> {
    let mut open = Open::default();
    for line in param("steps").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "must" => drop(tx.execute(rest, &[]).map_err(sql)?),
            "trap" => panic!("as the test wants it"),
            "compute" => say(format!("computed {}", compute(number(rest)))),
            _ => say(match open.step(tx, verb, rest) {
                Ok(done) => format!("{verb}: {done}"),
                Err(Error::Database(error)) => format!("{verb}: {}", error.sqlstate),
                Err(Error::Other((kind, _))) => format!("{verb}: {kind}"),
                Err(error) => format!("{verb}: {error:?}"),
            }),
        }
    }
    Ok(())
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn numbers<const N: usize>(text: &str) -> [usize; N] {
    let mut words = text.split_whitespace().map(|word| number(word) as usize);
    std::array::from_fn(|_| words.next().expect("as many numbers as the step takes"))
}

/// Takes time without a call of the host.
fn compute(rounds: u64) -> u64 {
    (0..rounds).fold(1, |sum, round| std::hint::black_box(sum.wrapping_mul(31).wrapping_add(round)))
}

impl Open {
    fn step(&mut self, tx: &Transaction, verb: &str, rest: &str) -> Result<String, Error> {
        match verb {
            "run" => return Ok(tx.execute(rest, &[])?.to_string()),
            "open" => self.readers.push(Some(tx.open_reader(rest, &[])?)),
            "writer" => self.writers.push(Some(tx.open_writer(rest, &[])?)),
            "savepoint" => self.savepoints.push(tx.savepoint()?),
            "rollback" => Savepoint::rollback(self.savepoints.pop().expect("a savepoint"))?,
            "release" => Savepoint::release(self.savepoints.pop().expect("a savepoint"))?,
            "close" => BatchReader::close(self.take_reader(rest))?,
            "drop" => drop(self.take_reader(rest)),
            "finish" => return Ok(BatchWriter::finish(self.take_writer(rest))?.to_string()),
            "read" => {
                let [reader, rows] = numbers(rest);
                return Ok(self.reader(reader).next_rows(rows as u32)?.len().to_string());
            }
            "write" => {
                let [writer, rows] = numbers(rest);
                let row = vec![Value::Int4(1), Value::Text("x".repeat(100))];
                self.writer(writer).write_rows(&vec![row; rows])?;
            }
            "copy" => {
                let [reader, writer, rows] = numbers(rest);
                return self.copy(reader, writer, rows as u32);
            }
            other => panic!("{other:?} is no step"),
        }
        Ok("ok".into())
    }

    /// All rows, as bytes.
    fn copy(&self, reader: usize, writer: usize, rows: u32) -> Result<String, Error> {
        let mut batches = 0;
        loop {
            let bytes = self.reader(reader).next_bytes(rows, BATCH_BYTES)?;
            if bytes.is_empty() {
                return Ok(format!("{batches} batches"));
            }
            self.writer(writer).write_bytes(&bytes)?;
            batches += 1;
        }
    }

    fn reader(&self, number: usize) -> &BatchReader {
        self.readers[number].as_ref().expect("an open reader")
    }

    fn writer(&self, number: usize) -> &BatchWriter {
        self.writers[number].as_ref().expect("an open writer")
    }

    fn take_reader(&mut self, number: &str) -> BatchReader {
        self.readers[self::number(number) as usize].take().expect("an open reader")
    }

    fn take_writer(&mut self, number: &str) -> BatchWriter {
        self.writers[self::number(number) as usize].take().expect("an open writer")
    }
}
