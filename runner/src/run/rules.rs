//! What holds a step's statements to its manifest.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::db::{DbError, PostgresSession};
use crate::ledger::Ledger;
use crate::policy::{Context, Policy, PolicyError, ServerFacts};
use crate::revision::{Capabilities, CapabilityError};
use crate::source::{Isolation, Project};

/// The longest time-out that a migration may set itself where the project sets
/// none.
const LONGEST_TIMEOUT: SignedDuration = SignedDuration::from_hours(24);

/// What the policies of all steps of a run have in common.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    facts: Arc<ServerFacts>,
    context: Context,
    /// Whether needs are noted instead of being held against the manifest.
    records: bool,
}

impl Rules {
    /// For a project, where no server is asked.
    pub(super) fn of(project: &Project) -> Self {
        let session = &project.config.session;
        let longest = match session.statement_timeout.is_positive() {
            true => session.statement_timeout,
            false => LONGEST_TIMEOUT,
        };
        let context = Context {
            default_schema: first_schema(&session.search_path),
            ledger_schemas: Ledger::in_schema(&project.config.ledger.schema).schemas(),
            // Only where the migration has a login of its own: what such code
            // does later it does with the rights of that login's role.
            allows_unchecked_code: project.config.sandbox.isolation == Isolation::Role,
            max_timeout_ms: u64::try_from(longest.as_millis()).unwrap_or(u64::MAX),
        };
        Self { facts: ServerFacts::built_in(), context, records: false }
    }

    /// For the server of a session: what it has of its own decides what a call
    /// is.
    pub(super) async fn on(self, session: &mut PostgresSession) -> Result<Self, DbError> {
        let rows = session.batch(ServerFacts::QUERY).await?;
        let pairs = rows.iter().filter_map(|row| match row.as_slice() {
            [Some(kind), Some(name)] => Some((kind.as_str(), name.as_str())),
            _ => None,
        });
        let facts = ServerFacts::from_rows(pairs)
            .ok_or_else(|| DbError::Value("the server does not say which version it is".into()))?;
        Ok(Self { facts: Arc::new(facts), ..self })
    }

    /// Notes what statements need, and refuses only what no manifest could
    /// grant.
    pub(super) fn recording(self) -> Self {
        // It runs in the runner's own session, whatever the isolation.
        let context = Context { allows_unchecked_code: false, ..self.context };
        Self { records: true, context, ..self }
    }

    /// Whether needs are noted instead of being held against the manifest.
    pub(super) fn records(&self) -> bool {
        self.records
    }

    /// Fails if a grant cannot be read, or reaches what is the runner's own.
    pub(super) fn check(&self, grants: &Capabilities) -> Result<(), CapabilityError> {
        let own: Vec<&str> = self.context.ledger_schemas.iter().map(String::as_str).collect();
        grants.check(&own)
    }

    /// The policy of one call. `grants` is none for what declares nothing.
    pub(super) fn policy(&self, grants: Option<&Capabilities>) -> Result<Policy, PolicyError> {
        let facts = Arc::clone(&self.facts);
        match grants {
            _ if self.records => Ok(Policy::recording(facts, self.context.clone())),
            None => Ok(Policy::unrestricted()),
            Some(grants) => Policy::enforcing(grants, facts, self.context.clone()),
        }
    }
}

/// The first schema of a search path, without its quotes.
fn first_schema(search_path: &str) -> String {
    let first = search_path.split(',').next().unwrap_or_default();
    first.trim().trim_matches('"').to_owned()
}
