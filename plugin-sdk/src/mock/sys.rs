//! The host's functions and its transaction, as `sys` needs them natively.

use std::cell::RefCell;
use std::rc::Rc;

pub(crate) use super::handles::{BatchReader, BatchWriter, Savepoint};
use super::state::{Answer, LogLine, ResultSet, State, columns_of};
use super::table::Job;
use crate::Value;
use crate::bindings::sql::{
    DeleteOptions, RewriteOptions, RowSet, TableDescription, UpdateOptions, UpsertOptions,
};
use crate::bindings::types::Error;
use crate::bulk::TableRead;
use crate::host::Level;

thread_local! {
    /// The mock that the functions of this thread speak to. Without one they
    /// speak to a state that nobody looks at.
    static CURRENT: RefCell<Rc<State>> = RefCell::default();
}

pub(super) fn set_current(state: Rc<State>) {
    CURRENT.set(state);
}

pub(super) fn forget_current(state: &Rc<State>) {
    CURRENT.with_borrow_mut(|current| {
        if Rc::ptr_eq(current, state) {
            *current = Rc::default();
        }
    });
}

fn current() -> Rc<State> {
    CURRENT.with_borrow(Rc::clone)
}

pub(crate) fn log(level: Level, message: &str) {
    let line = LogLine { level, message: message.to_owned() };
    current().log.borrow_mut().push(line);
}

pub(crate) fn progress(done: u64, total: Option<u64>) {
    current().progress.borrow_mut().push((done, total));
}

pub(crate) fn params() -> String {
    let params = current().params.borrow().clone();
    if params.is_empty() { "{}".to_owned() } else { params }
}

pub(crate) fn param(name: &str) -> Option<String> {
    let params: serde_json::Value = serde_json::from_str(&params())
        .unwrap_or_else(|error| panic!("the mock's parameters are not JSON: {error}"));
    match params.get(name)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

pub(crate) fn transaction_time() -> i64 {
    current().transaction_time.get()
}

pub(crate) fn random_bytes(len: u32) -> Result<Vec<u8>, Error> {
    let state = current();
    let Some(mut generator) = state.random.get() else {
        return Err(Error::Denied("the manifest does not grant `random`".to_owned()));
    };
    let mut byte = || {
        generator ^= generator << 13;
        generator ^= generator >> 7;
        generator ^= generator << 17;
        (generator >> 32) as u8
    };
    let bytes = (0..len).map(|_| byte()).collect();
    state.random.set(Some(generator));
    Ok(bytes)
}

/// The mock's transaction, with the signatures of the bindings'.
pub(crate) struct Transaction {
    state: Rc<State>,
}

impl Transaction {
    pub(super) fn new(state: Rc<State>) -> Self {
        Self { state }
    }

    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, Error> {
        match self.state.run(sql, params)? {
            Answer::Rows(set) => Ok(set.tuples.len() as u64),
            Answer::Affected(rows) => Ok(rows),
            Answer::Fails(error) => Err(error),
        }
    }

    pub(crate) fn query(&self, sql: &str, params: &[Value]) -> Result<RowSet, Error> {
        let set = self.rows(sql, params)?;
        Ok(RowSet { rows: set.values(), columns: set.columns })
    }

    pub(crate) fn script(&self, sql: &str) -> Result<(), Error> {
        self.execute(sql, &[]).map(|_| ())
    }

    pub(crate) fn savepoint(&self) -> Result<Savepoint, Error> {
        Savepoint::set(&self.state)
    }

    pub(crate) fn open_reader(&self, sql: &str, params: &[Value]) -> Result<BatchReader, Error> {
        let set = self.rows(sql, params)?;
        Ok(BatchReader::new(Rc::clone(&self.state), set))
    }

    pub(crate) fn open_writer(&self, table: &str, columns: &[String]) -> Result<BatchWriter, Error> {
        self.state.record(&format!("COPY {table}"), &[]);
        self.state.check_alive()?;
        let columns = self.state.table(table).columns(columns);
        Ok(BatchWriter::new(Rc::clone(&self.state), table, Job::Insert, vec![], columns))
    }

    pub(crate) fn open_update(
        &self,
        table: &str,
        key: &[String],
        columns: &[String],
        options: UpdateOptions,
    ) -> Result<BatchWriter, Error> {
        self.open_keyed("UPDATE", table, key, columns, Job::Update(options))
    }

    pub(crate) fn open_upsert(
        &self,
        table: &str,
        key: &[String],
        columns: &[String],
        options: UpsertOptions,
    ) -> Result<BatchWriter, Error> {
        self.open_keyed("UPSERT", table, key, columns, Job::Upsert(options))
    }

    pub(crate) fn open_delete(
        &self,
        table: &str,
        key: &[String],
        options: DeleteOptions,
    ) -> Result<BatchWriter, Error> {
        self.open_keyed("DELETE", table, key, &[], Job::Delete(options))
    }

    pub(crate) fn open_rewrite(
        &self,
        table: &str,
        columns: &[String],
        _: RewriteOptions,
    ) -> Result<BatchWriter, Error> {
        self.state.record(&format!("REWRITE {table}"), &[]);
        self.state.check_alive()?;
        let columns = self.state.table(table).columns(columns);
        Ok(BatchWriter::new(Rc::clone(&self.state), table, Job::Rewrite, vec![], columns))
    }

    pub(crate) fn describe_table(&self, table: &str) -> Result<TableDescription, Error> {
        self.state.check_alive()?;
        Ok(self.state.table(table).describe())
    }

    /// Reads a table of the mock, unless a test has said what the query returns.
    pub(crate) fn open_table(&self, read: &TableRead) -> Result<BatchReader, Error> {
        let sql = read.select();
        if self.state.expects(&sql) {
            return self.open_reader(&sql, read.params());
        }
        Ok(BatchReader::new(Rc::clone(&self.state), self.state.read_table(read)?))
    }

    pub(crate) fn count_table(&self, read: &TableRead) -> Result<RowSet, Error> {
        let sql = read.count();
        if self.state.expects(&sql) {
            return self.query(&sql, read.params());
        }
        let rows = self.state.read_table(read)?.tuples.len() as i64;
        Ok(RowSet { columns: columns_of(&[("count", "int8")]), rows: vec![vec![Value::Int8(rows)]] })
    }

    fn open_keyed(
        &self,
        verb: &str,
        name: &str,
        key: &[String],
        columns: &[String],
        job: Job,
    ) -> Result<BatchWriter, Error> {
        self.state.record(&format!("{verb} {name}"), &[]);
        self.state.check_alive()?;
        let table = self.state.table(name);
        let key = table.check_key(key)?;
        let names: Vec<String> = key.iter().chain(columns).cloned().collect();
        let columns = table.columns(&names);
        Ok(BatchWriter::new(Rc::clone(&self.state), name, job, key, columns))
    }

    fn rows(&self, sql: &str, params: &[Value]) -> Result<ResultSet, Error> {
        match self.state.run(sql, params)? {
            Answer::Rows(set) => Ok(set),
            Answer::Affected(_) => Ok(ResultSet { columns: vec![], tuples: vec![] }),
            Answer::Fails(error) => Err(error),
        }
    }
}
