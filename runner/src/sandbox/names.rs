//! Who is who.

use crate::db::{PostgresSession, quote_identifier, quote_literal};
use crate::ledger::derived_name;

use super::{Sandbox, SandboxError};

/// The first version of PostgreSQL in which a membership says for itself whether
/// it is inherited and whether it may be taken on, and in which CREATEROLE is
/// not enough to hand on any role. See the manual, "Role Membership".
const MEMBERSHIP_OPTIONS: u32 = 160_000;

/// The roles and the database of one sandbox, as one control session sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The role that the control session acts as.
    pub control: String,
    /// The role that owns the application's schemas.
    pub owner: String,
    /// The login of the migrations.
    pub guest: String,
    /// The database.
    pub database: String,
    /// `server_version_num`.
    pub version: u32,
}

impl Sandbox {
    /// Asks a control session who it is, and where.
    ///
    /// Roles belong to the whole server and the lock to one database: so the
    /// guest's name, where nobody chose one, has the database in it. Runners on
    /// two databases would change each other's password otherwise.
    pub async fn names(&self, session: &mut PostgresSession) -> Result<Names, SandboxError> {
        let sql = "SELECT current_user, pg_catalog.current_database(), \
            pg_catalog.current_setting('server_version_num')";
        let row = session.batch(sql).await?.into_iter().next_back().unwrap_or_default();
        let [Some(control), Some(database), Some(version)] = row.as_slice() else {
            return Err(SandboxError::Answer("it does not say who we are".into()));
        };
        let version = version.parse().map_err(|_| SandboxError::Answer("its version is no number".into()))?;
        let schema = self.ledger.schema_name();
        let derived = || derived_name(schema, &format!("_guest_{database}"));
        Ok(Names {
            control: control.clone(),
            owner: self.owner.clone(),
            guest: self.guest.clone().unwrap_or_else(derived),
            database: database.clone(),
            version,
        })
    }

    /// The comment by which the guest that `install` made is known. A role that
    /// has it not is somebody else's, also where it is the guest of a ledger of
    /// another name. The database is not in it: copies and renamed databases keep
    /// the guest that runner.toml names.
    pub(super) fn guest_mark(&self) -> String {
        format!("runner: guest of the ledger {}", self.ledger.schema_name())
    }
}

impl Names {
    /// Whether memberships have options of their own.
    pub fn has_membership_options(&self) -> bool {
        self.version >= MEMBERSHIP_OPTIONS
    }

    /// Gives the guest a password for a minute, and the membership of the owner.
    /// What the guest may have set for its own next sessions goes.
    pub(super) fn unlock(&self, verifier: &str, until: &str) -> String {
        let guest = quote_identifier(&self.guest);
        format!(
            "BEGIN; ALTER ROLE {guest} RESET ALL; ALTER ROLE {guest} IN DATABASE {} RESET ALL; \
             ALTER ROLE {guest} PASSWORD {} VALID UNTIL {}; {}; COMMIT",
            quote_identifier(&self.database),
            quote_literal(verifier),
            quote_literal(until),
            self.lend_owner(),
        )
    }

    /// Takes back what [`Self::unlock`] gave. A session that has begun keeps the
    /// rights that it has, and can take on no others.
    pub(super) fn lock(&self, is_member: bool) -> String {
        let guest = quote_identifier(&self.guest);
        let revoke = match is_member {
            true => format!("REVOKE {} FROM {guest}; ", quote_identifier(&self.owner)),
            false => String::new(),
        };
        format!("BEGIN; {revoke}ALTER ROLE {guest} PASSWORD NULL VALID UNTIL '-infinity'; COMMIT")
    }

    fn lend_owner(&self) -> String {
        let (owner, guest) = (quote_identifier(&self.owner), quote_identifier(&self.guest));
        match self.has_membership_options() {
            true => format!("GRANT {owner} TO {guest} WITH INHERIT FALSE, SET TRUE"),
            false => format!("GRANT {owner} TO {guest}"),
        }
    }

    /// Ends the sessions of the guest that another run has left in this database.
    pub(super) fn end_sessions(&self) -> String {
        format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
             WHERE datname = pg_catalog.current_database() AND usename = {}",
            quote_literal(&self.guest)
        )
    }
}
