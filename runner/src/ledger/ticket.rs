//! Tickets: how a transaction of another login has the ledger written, without
//! any right on the ledger.
//!
//! The runner's own session writes a ticket: what is to be written, for which
//! login, server process and transaction, until when, and the digest of a random
//! token. The other session hands the token to a function that is
//! `SECURITY DEFINER`, which writes the rows in that session's transaction. So
//! the work and its rows commit together, and whoever knows no token writes
//! nothing. A token that was used in a transaction that rolled back is of no use
//! in another one.

use std::fmt;

use crate::db::{DbError, quote_identifier};
use crate::db::{Parameter, PostgresSession, QueryResult, ResultLimit, Session as _, TextRow};
use crate::revision::{Digest, RevisionId};

use super::write::{digest_parameter, integer, journal_parameters, revision_parameters, text};
use super::{Ledger, LedgerError, Outcome, Run};

/// The function, with the names left open. A standard body: what it calls was
/// looked up when it was made, and no search path has a say.
const REDEEM: &str = include_str!("redeem.sql");
/// The longest name of PostgreSQL, in bytes; see the manual, "Identifiers and Key
/// Words". The server cuts longer ones without an error.
const LONGEST_NAME: usize = 63;

/// Who may redeem a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The login.
    pub guest: String,
    /// The server process of its session.
    pub process: u32,
    /// The id of its transaction, as `pg_current_xact_id()` gives it.
    pub transaction: String,
}

/// What redeems a ticket: 128 random bits. Never shown.
#[derive(Clone)]
pub struct Token([u8; 16]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Ledger {
    /// The name of the schema that holds the function: a schema of its own, so
    /// that a login that may call it sees nothing of the ledger.
    pub fn api_schema(&self) -> String {
        derived_name(&self.name, "_api")
    }

    /// The schemas that are the runner's own.
    pub fn schemas(&self) -> Vec<String> {
        vec![self.name.clone(), self.api_schema()]
    }

    /// The function's name and the type of its argument, as SQL spells them.
    pub fn redeem_signature(&self) -> String {
        format!("{}(bytea)", self.redeem_name())
    }

    /// Makes the function, or brings it to what this runner needs.
    pub fn redeem_function(&self) -> String {
        REDEEM.trim_end().replace("{function}", &self.redeem_name()).replace("{schema}", &self.schema)
    }

    /// A short text by which the function that this runner makes is known again.
    pub fn redeem_mark(&self) -> String {
        let digest = Digest::of(self.redeem_function().as_bytes());
        format!("runner: redeems a ticket ({})", hex::encode(&digest.as_bytes()[..6]))
    }

    fn redeem_name(&self) -> String {
        format!("{}.redeem", quote_identifier(&self.api_schema()))
    }

    /// Runs `check` and writes a ticket for a step that succeeded. One round trip
    /// once the statement is prepared. The ticket is worthless after a minute.
    pub async fn issue_ticket(
        &self,
        session: &mut PostgresSession,
        check: &str,
        run: &Run,
        holder: &Holder,
        outcome: &Outcome<'_>,
    ) -> (Result<Vec<TextRow>, DbError>, Result<Token, LedgerError>) {
        let token = Token(rand::random());
        let mut params = journal_parameters(run, &holder.transaction, outcome);
        params.extend(revision_parameters(outcome));
        params.push(digest_parameter(Digest::of(&token.0)));
        params.push(text(&holder.guest));
        params.push(integer(u64::from(holder.process)));
        let (checked, written) = session.batch_and_own(check, &self.ticket_sql(), &params).await;
        (checked, written.map(|_| token).map_err(LedgerError::from))
    }

    fn ticket_sql(&self) -> String {
        format!(
            "INSERT INTO {}.ticket (run, actor, direction, revision, source_digest, component_digest, duration_ms, \
                statements, rows, runner_version, transaction, outcome, tag, isolation, parents, depends_on, labels, \
                message, manifest, params, digest, guest, process, expires) \
             SELECT $1::text, $2::text, $3::text, $4::text, $5::bytea, $6::bytea, $7::bigint, $8::bigint, $9::bigint, \
                $10::text, $11::text::pg_catalog.xid8, $12::text, $13::text, $14::text, $15::text::text[], \
                $16::text::text[], $17::text::text[], $18::text, $19::text::json, $20::text::json, $21::bytea, \
                $22::text, $23::integer, pg_catalog.clock_timestamp() + interval '1 minute'",
            self.schema
        )
    }

    /// Redeems a ticket in the session and the transaction that it was written
    /// for. The token travels as a parameter, so that no log of statements and
    /// no view of the server shows it.
    pub async fn redeem(
        &self,
        session: &mut PostgresSession,
        token: &Token,
        revision: &RevisionId,
    ) -> Result<(), LedgerError> {
        let sql = format!("SELECT {}($1::pg_catalog.bytea)::pg_catalog.text", self.redeem_name());
        let statement = session.prepare(&sql).await?;
        let params = [Parameter::Binary(token.0.to_vec())];
        let limit = ResultLimit { rows: 1, bytes: 64 };
        let answer = session.query(&statement, &params, limit).await?;
        // One row of one field, the text `1`, as COPY BINARY has it.
        let one: &[u8] = &[0, 1, 0, 0, 0, 1, b'1'];
        match answer {
            QueryResult::Complete(rows) if rows.bytes() == one => Ok(()),
            QueryResult::Complete(_) | QueryResult::TooLarge => {
                Err(LedgerError::TicketRefused(revision.clone()))
            }
        }
    }

    /// Removes the tickets that were not redeemed. The caller holds the lock, so
    /// none of them is another runner's.
    pub async fn clear_tickets(&self, session: &mut PostgresSession) -> Result<(), LedgerError> {
        session.batch(&format!("DELETE FROM {}.ticket", self.schema)).await?;
        Ok(())
    }
}

/// A name made from another one, cut where the server would cut it. What is cut
/// off lives on as a digest, so that two names stay two.
pub(crate) fn derived_name(name: &str, end: &str) -> String {
    let whole = format!("{name}{end}");
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let digest = hex::encode(&Digest::of(whole.as_bytes()).as_bytes()[..4]);
    let mut room = LONGEST_NAME.saturating_sub(digest.len() + 1).min(whole.len());
    while !whole.is_char_boundary(room) {
        room -= 1;
    }
    format!("{}_{digest}", &whole[..room])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_name_is_never_cut_by_the_server() {
        assert_eq!(derived_name("runner", "_api"), "runner_api");
        let (one, other) = ("é".repeat(31) + "a", "é".repeat(31) + "b");
        for name in [&one, &other] {
            let api = derived_name(name, "_api");
            assert!(api.len() <= LONGEST_NAME && api != *name, "{api}");
        }
        assert_ne!(derived_name(&one, "_api"), derived_name(&other, "_api"));
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", Token([7; 16])), "Token(…)");
    }
}
