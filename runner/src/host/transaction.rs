//! The resource `transaction`: statements, and what opens other handles.

use wasmtime::component::Resource;

use super::bindings::sql::{
    DeleteOptions, HostTransaction, RewriteOptions, RowSet, TableDescription, UpdateOptions, UpsertOptions,
};
use super::bindings::types::{self, Value};
use super::convert::{columns_pg_to_wit, parameters_wit_to_pg, parameters_wit_to_text, rows_pg_to_wit};
use super::error::Constraint;
use super::reader::{OpenReader, Query, Reader};
use super::savepoint::Savepoint;
use super::staged::{Kind, Opening};
use super::state::{Fault, State, host_call};
use super::work::{Sent, Work, observing};
use super::writer::Writer;
use crate::bulk::Conflict;
use crate::db::{Parameter, Prepared, QueryResult, ResultLimit, SharedSession, Tuples};
use crate::policy::{Checked, Policy, PolicyError};

/// The longest text that is checked in between, in bytes: some milliseconds.
const LONG_TEXT: usize = 32 * 1024;

/// The command tags of a cursor that is opened: its own, and those of the
/// queries by which the driver looks up types.
const OPENED: &[&str] = &["DECLARE CURSOR", "SELECT"];

/// The lent transaction, on the guest's side a borrowed handle. There is one a
/// call, and what it stands for is in [`Work`].
pub struct Lent;

impl Lent {
    /// The handle for a guest. Nothing else makes one, so that a guest without
    /// it cannot reach a database.
    pub(super) fn handle() -> Resource<Self> {
        Resource::new_borrow(0)
    }
}

impl HostTransaction for State {
    async fn execute(&mut self, _: Resource<Lent>, sql: String, params: Vec<Value>) -> Result<u64, Fault> {
        host_call!(self, self.run_statement(&sql, &params).await)
    }

    async fn query(&mut self, _: Resource<Lent>, sql: String, params: Vec<Value>) -> Result<RowSet, Fault> {
        host_call!(self, self.run_query(&sql, &params).await)
    }

    async fn script(&mut self, _: Resource<Lent>, sql: String) -> Result<(), Fault> {
        host_call!(self, self.run_script(&sql).await)
    }

    async fn savepoint(&mut self, _: Resource<Lent>) -> Result<Resource<Savepoint>, Fault> {
        host_call!(self, self.work.set_savepoint().await.map(Resource::new_own))
    }

    async fn open_reader(
        &mut self,
        _: Resource<Lent>,
        sql: String,
        params: Vec<Value>,
    ) -> Result<Resource<Reader>, Fault> {
        host_call!(self, self.start_reader(sql, &params).await.map(Resource::new_own))
    }

    async fn open_writer(
        &mut self,
        _: Resource<Lent>,
        table: String,
        columns: Vec<String>,
    ) -> Result<Resource<Writer>, Fault> {
        host_call!(self, self.work.start_writer(&table, columns).await.map(Resource::new_own))
    }

    async fn open_update(
        &mut self,
        _: Resource<Lent>,
        table: String,
        key: Vec<String>,
        columns: Vec<String>,
        options: UpdateOptions,
    ) -> Result<Resource<Writer>, Fault> {
        let UpdateOptions { skip_unchanged, allow_missing, lock_out_writers } = options;
        let kind = Kind::Update { skip_unchanged, allow_missing };
        let opening = Opening { table, key, columns, kind, lock_out_writers };
        host_call!(self, self.work.start_staged(opening).await.map(Resource::new_own))
    }

    async fn open_upsert(
        &mut self,
        _: Resource<Lent>,
        table: String,
        key: Vec<String>,
        columns: Vec<String>,
        options: UpsertOptions,
    ) -> Result<Resource<Writer>, Fault> {
        let UpsertOptions { keep_existing, skip_unchanged, lock_out_writers } = options;
        let kind = Kind::Upsert(match (keep_existing, skip_unchanged) {
            (true, _) => Conflict::Keep,
            (false, true) => Conflict::UpdateChanged,
            (false, false) => Conflict::Update,
        });
        let opening = Opening { table, key, columns, kind, lock_out_writers };
        host_call!(self, self.work.start_staged(opening).await.map(Resource::new_own))
    }

    async fn open_delete(
        &mut self,
        _: Resource<Lent>,
        table: String,
        key: Vec<String>,
        options: DeleteOptions,
    ) -> Result<Resource<Writer>, Fault> {
        let DeleteOptions { allow_missing, lock_out_writers } = options;
        let (kind, columns) = (Kind::Delete { allow_missing }, Vec::new());
        let opening = Opening { table, key, columns, kind, lock_out_writers };
        host_call!(self, self.work.start_staged(opening).await.map(Resource::new_own))
    }

    async fn open_rewrite(
        &mut self,
        _: Resource<Lent>,
        table: String,
        columns: Vec<String>,
        options: RewriteOptions,
    ) -> Result<Resource<Writer>, Fault> {
        host_call!(self, self.work.start_rewrite(&table, &columns, options).await.map(Resource::new_own))
    }

    async fn describe_table(&mut self, _: Resource<Lent>, table: String) -> Result<TableDescription, Fault> {
        host_call!(self, self.work.describe(&table).await)
    }

    async fn drop(&mut self, _: Resource<Lent>) -> wasmtime::Result<()> {
        // Guests only borrow it.
        Ok(())
    }
}

impl State {
    async fn run_statement(&mut self, sql: &str, params: &[Value]) -> Result<u64, Fault> {
        match params.is_empty() {
            true => self.run_plain(sql).await,
            false => self.run_with_params(sql, params).await,
        }
    }

    /// One round trip.
    async fn run_plain(&mut self, sql: &str) -> Result<u64, Fault> {
        let session = self.work.usable()?;
        let checked = self.work.one_statement(sql).await?;
        self.work.check_order(sql)?;
        self.begin(checked.text())?;
        self.work.statements.clear();
        let answer = session.lock().await.run(checked.text()).await;
        let rows = self.work.answered(&session, answer, Sent::one(sql, &checked)).await?;
        self.work.count_rows(rows);
        Ok(rows)
    }

    async fn run_with_params(&mut self, sql: &str, params: &[Value]) -> Result<u64, Fault> {
        let session = self.work.usable()?;
        let known = self.work.statements.find(sql);
        let checked = match &known {
            Some(known) => known.checked.clone(),
            None => self.work.one_statement(sql).await?,
        };
        self.work.check_order(sql)?;
        self.begin(checked.text())?;
        let sent = Sent::one(sql, &checked);
        let prepared = match known {
            Some(known) => known.prepared,
            None => {
                let prepared = self.work.prepare(&session, sent, checked.text()).await?;
                self.work.statements.keep(sql, &checked, &prepared);
                prepared
            }
        };
        let params = self.work.encode(&prepared, params, sent)?;
        let answer = session.lock().await.execute(&prepared, &params).await;
        let rows = self.work.answered(&session, answer, sent).await?;
        self.work.count_rows(rows);
        Ok(rows)
    }

    async fn run_query(&mut self, sql: &str, params: &[Value]) -> Result<RowSet, Fault> {
        let session = self.work.usable()?;
        let checked = self.work.one_statement(sql).await?;
        self.begin(checked.text())?;
        let sent = Sent::one(sql, &checked);
        let prepared = self.work.prepare(&session, sent, checked.text()).await?;
        let params = self.work.encode(&prepared, params, sent)?;
        if params.is_empty() {
            self.work.statements.clear();
        }
        let limit = ResultLimit { rows: self.limits.query_rows, bytes: self.limits.query_bytes };
        let answer = session.lock().await.query(&prepared, &params, limit).await;
        match self.work.answered(&session, answer, sent).await? {
            QueryResult::Complete(tuples) if fits(&tuples, &prepared, limit) => {
                self.work.count_rows(tuples.len() as u64);
                let rows = rows_pg_to_wit(&prepared.columns, tuples.bytes())?;
                Ok(RowSet { columns: columns_pg_to_wit(&prepared.columns), rows })
            }
            QueryResult::Complete(_) | QueryResult::TooLarge => Err(too_large(limit)),
        }
    }

    async fn run_script(&mut self, sql: &str) -> Result<(), Fault> {
        let session = self.work.usable()?;
        let statements = self.work.all_statements(sql).await?;
        self.work.check_order(sql)?;
        self.work.statements.clear();
        for (checked, number) in statements.iter().zip(1..) {
            self.begin(checked.text())?;
            let index = Some((number, statements.len()));
            let answer = session.lock().await.run_uncounted(checked.text()).await;
            let sent = Sent { index, ..Sent::one(sql, checked) };
            let rows = self.work.answered(&session, answer, sent).await?;
            self.work.count_rows(rows);
        }
        Ok(())
    }

    async fn start_reader(&mut self, sql: String, params: &[Value]) -> Result<u32, Fault> {
        let session = self.work.usable()?;
        let checked = self.work.one_statement(&sql).await?;
        self.begin(checked.text())?;
        let sent = Sent::one(&sql, &checked);
        let prepared = self.work.prepare(&session, sent, checked.text()).await?;
        let params = self.work.encode(&prepared, params, sent)?;
        let (answer, observed) =
            observing!(session, session => session.open_cursor(checked.text(), &prepared, &params));
        let cursor = self.work.as_expected(answer, observed, OPENED, sent)?;
        self.work.policy_mut().succeeded(&checked);
        let id = self.work.next_id();
        let query = Query { sql, checked, prepared, params };
        self.work.readers.insert(id, OpenReader::new(cursor, query));
        Ok(id)
    }

    /// A statement is about to be sent.
    fn begin(&mut self, sql: &str) -> Result<(), Fault> {
        self.work.count_statement();
        if self.work.sent() > self.limits.statements {
            let limit = self.limits.statements;
            return Err(Fault::Trap(Constraint::Statements { limit }.into()));
        }
        self.sink.statement(sql);
        Ok(())
    }
}

impl Work {
    /// A text that must hold one statement.
    async fn one_statement(&mut self, sql: &str) -> Result<Checked, Fault> {
        let checked = self.checked(sql, Policy::statement).await;
        checked.map_err(|error| self.refused(error, sql))
    }

    async fn all_statements(&mut self, sql: &str) -> Result<Vec<Checked>, Fault> {
        let checked = self.checked(sql, Policy::statements).await;
        checked.map_err(|error| self.refused(error, sql))
    }

    /// The one place where the guest's texts are checked. A long one is checked
    /// on a thread of its own: the parser takes its time, and nothing interrupts
    /// it.
    async fn checked<T: Send + 'static>(
        &mut self,
        sql: &str,
        check: fn(&mut Policy, &str) -> Result<T, PolicyError>,
    ) -> Result<T, PolicyError> {
        if sql.len() <= LONG_TEXT {
            return check(self.policy_mut(), sql);
        }
        let text = sql.to_owned();
        let mut policy = std::mem::replace(self.policy_mut(), Policy::refusing());
        let checking = tokio::task::spawn_blocking(move || (check(&mut policy, &text), policy));
        let (checked, policy) = checking.await.expect("the policy catches its parser's panics");
        *self.policy_mut() = policy;
        checked
    }

    /// Encodes parameters for the types that the server expects or, where there
    /// is none, as text.
    fn encode(
        &mut self,
        prepared: &Prepared,
        params: &[Value],
        sent: Sent<'_>,
    ) -> Result<Vec<Parameter>, Fault> {
        match &prepared.params {
            Some(types) => Ok(parameters_wit_to_pg(types, params)?),
            None => {
                let written = parameters_wit_to_text(params);
                written.map_err(|error| self.unrecordable(error.to_string(), sent.text))
            }
        }
    }

    async fn prepare(
        &mut self,
        session: &SharedSession,
        sent: Sent<'_>,
        statement: &str,
    ) -> Result<Prepared, Fault> {
        let answer = session.lock().await.prepare(statement).await;
        self.noted(answer, sent)
    }
}

/// Whether a result is small enough as values as well: a NULL has four bytes on
/// the wire and many more as a value.
fn fits(tuples: &Tuples, prepared: &Prepared, limit: ResultLimit) -> bool {
    let fields = tuples.len().saturating_mul(prepared.columns.len());
    tuples.bytes().len().saturating_add(fields.saturating_mul(size_of::<Value>())) <= limit.bytes
}

fn too_large(limit: ResultLimit) -> Fault {
    types::Error::Limit(format!(
        "the result is larger than {} rows or {} bytes: use `open-reader`",
        limit.rows, limit.bytes
    ))
    .into()
}
