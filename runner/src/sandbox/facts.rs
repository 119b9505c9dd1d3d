//! What the server says about the roles, the ledger and the database.

use serde::Deserialize;

use crate::db::{PostgresSession, quote_literal};

use super::{Names, Sandbox, SandboxError};

/// What is there, read in one statement that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// The control login.
    pub control: Attributes,
    /// The owner role, if there is one of that name.
    pub owner: Option<Attributes>,
    /// The role of the guest's name, if there is one.
    pub guest: Option<Attributes>,
    /// Whether that role has the mark of the guest of this ledger.
    pub guest_is_ours: bool,
    /// The roles that the owner is a member of, directly or not; empty for a
    /// superuser.
    pub owner_is_in: Vec<String>,
    /// The roles that the guest is a direct member of.
    pub guest_is_in: Vec<String>,
    /// Whether the control login may end the guest's sessions.
    pub may_end: bool,
    /// Whether the control login may hand on the owner.
    pub may_lend: bool,
    /// Whether the control login may change the guest.
    pub may_change: bool,
    /// Whether the owner owns the database.
    pub owns_database: bool,
    /// Whether PUBLIC may make temporary tables.
    pub public_temp: bool,
    /// Whether the owner may make temporary tables, as bulk changes by key do.
    pub owner_temp: bool,
    /// Whether the control login may let others make temporary tables.
    pub may_grant_temp: bool,
    /// Whether PUBLIC may make objects in the schema `public`.
    pub public_create: bool,
    /// The owners of the ledger's schema and tables.
    pub ledger_owners: Vec<String>,
    /// The ledger's tables that the owner or the guest may change.
    pub changeable: Vec<String>,
    /// The ledger's tables that the owner or the guest may read.
    pub readable: Vec<String>,
    /// The schema of the function that redeems tickets.
    pub api: Option<Api>,
}

/// The attributes of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a role has that many attributes")]
pub struct Attributes {
    /// SUPERUSER.
    pub superuser: bool,
    /// CREATEROLE.
    pub createrole: bool,
    /// CREATEDB.
    pub createdb: bool,
    /// REPLICATION.
    pub replication: bool,
    /// BYPASSRLS.
    pub bypassrls: bool,
    /// LOGIN.
    pub login: bool,
    /// INHERIT.
    pub inherit: bool,
    /// CONNECTION LIMIT; -1 for none.
    pub connections: i32,
    /// Whether its password has run out.
    pub expired: bool,
}

/// The schema of the function that redeems tickets, and the function.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Api {
    /// Who owns the schema.
    pub owner: String,
    /// The schema's comment, which says what was taken from PUBLIC.
    pub comment: Option<String>,
    /// The function, if it is there.
    pub function: Option<Function>,
    /// Whether the guest may see the schema.
    pub guest_uses: bool,
    /// Whether PUBLIC may.
    pub public_uses: bool,
}

/// The function that redeems tickets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Function {
    /// Its comment, by which its version is known.
    pub comment: Option<String>,
    /// Whether it runs with its owner's rights.
    pub definer: bool,
    /// Whether its owner may write the ledger.
    pub may_write: bool,
    /// Whether the guest may call it.
    pub guest_calls: bool,
}

/// Attributes of a role as JSON; `role` is an alias of `pg_roles`.
const ATTRIBUTES: &str = "pg_catalog.json_build_object('superuser', role.rolsuper, \
    'createrole', role.rolcreaterole, 'createdb', role.rolcreatedb, 'replication', role.rolreplication, \
    'bypassrls', role.rolbypassrls, 'login', role.rolcanlogin, 'inherit', role.rolinherit, \
    'connections', role.rolconnlimit, \
    'expired', COALESCE(role.rolvaliduntil <= pg_catalog.clock_timestamp(), false))";

impl Sandbox {
    /// Reads the facts. One round trip; writes nothing.
    pub async fn facts(&self, session: &mut PostgresSession, names: &Names) -> Result<Facts, SandboxError> {
        let rows = session.batch(&self.facts_sql(names)).await?;
        let text = rows.into_iter().next_back().and_then(|row| row.into_iter().next().flatten());
        let text = text.ok_or_else(|| SandboxError::Answer("it is empty".into()))?;
        serde_json::from_str(&text).map_err(|error| SandboxError::Answer(error.to_string()))
    }

    fn facts_sql(&self, names: &Names) -> String {
        format!(
            "WITH role AS MATERIALIZED (SELECT * FROM pg_catalog.pg_roles), \
             owner AS (SELECT * FROM role WHERE rolname = {owner}), \
             guest AS (SELECT * FROM role WHERE rolname = {guest}), \
             ledger AS (SELECT oid, relname, relowner FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') \
                AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {ledger})), \
             api AS (SELECT * FROM pg_catalog.pg_namespace WHERE nspname = {api}) \
             SELECT pg_catalog.json_build_object({roles}, {database}, {tables}, 'api', ({function}))",
            owner = quote_literal(&names.owner),
            guest = quote_literal(&names.guest),
            ledger = quote_literal(self.ledger.schema_name()),
            api = quote_literal(&self.ledger.api_schema()),
            roles = roles(names, &self.guest_mark()),
            database = DATABASE,
            tables = tables(self.ledger.schema_name()),
            function = FUNCTION,
        )
    }
}

fn roles(names: &Names, mark: &str) -> String {
    // Before version 16 CREATEROLE is enough for both.
    let by_attribute = match names.has_membership_options() {
        true => "false",
        false => "(SELECT rolcreaterole FROM role WHERE rolname = current_user)",
    };
    let administers = |whom: &str| {
        format!(
            "COALESCE((SELECT {by_attribute} OR \
             pg_catalog.pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') FROM {whom}), false)"
        )
    };
    format!(
        "'control', (SELECT {ATTRIBUTES} FROM role WHERE rolname = current_user), \
         'owner', (SELECT {ATTRIBUTES} FROM owner AS role), \
         'guest', (SELECT {ATTRIBUTES} FROM guest AS role), \
         'guest_is_ours', COALESCE((SELECT pg_catalog.shobj_description(oid, 'pg_authid') = {mark} \
            FROM guest), false), \
         'owner_is_in', (SELECT COALESCE(json_agg(other.rolname ORDER BY other.rolname), '[]') \
            FROM owner, role AS other WHERE NOT owner.rolsuper AND other.oid <> owner.oid \
                AND pg_catalog.pg_has_role(owner.oid, other.oid, 'MEMBER')), \
         'guest_is_in', (SELECT COALESCE(json_agg(other.rolname ORDER BY other.rolname), '[]') \
            FROM guest JOIN pg_catalog.pg_auth_members held ON held.member = guest.oid \
                JOIN role AS other ON other.oid = held.roleid), \
         'may_end', COALESCE((SELECT pg_catalog.pg_has_role(current_user, oid, 'USAGE') FROM guest), false), \
         'may_lend', {may_lend}, 'may_change', {may_change}",
        mark = quote_literal(mark),
        may_lend = administers("owner"),
        may_change = administers("guest"),
    )
}

const DATABASE: &str = "'owns_database', EXISTS (SELECT 1 FROM pg_catalog.pg_database, owner \
        WHERE datname = pg_catalog.current_database() AND datdba = owner.oid), \
    'public_temp', pg_catalog.has_database_privilege('public', pg_catalog.current_database(), 'TEMPORARY'), \
    'owner_temp', COALESCE((SELECT pg_catalog.has_database_privilege(oid, pg_catalog.current_database(), \
        'TEMPORARY') FROM owner), false), \
    'may_grant_temp', pg_catalog.has_database_privilege(pg_catalog.current_database(), \
        'TEMPORARY WITH GRANT OPTION'), \
    'public_create', COALESCE((SELECT pg_catalog.has_schema_privilege('public', oid, 'CREATE') \
        FROM pg_catalog.pg_namespace WHERE nspname = 'public'), false)";

fn tables(schema: &str) -> String {
    // A superuser may everything, which is told once and not for each table.
    let open = |privileges: &str| {
        format!(
            "(SELECT COALESCE(json_agg(DISTINCT ledger.relname), '[]') FROM ledger, \
                (SELECT oid FROM owner WHERE NOT rolsuper UNION ALL SELECT oid FROM guest WHERE NOT rolsuper) AS who \
             WHERE pg_catalog.has_table_privilege(who.oid, ledger.oid, '{privileges}'))"
        )
    };
    format!(
        "'ledger_owners', (SELECT COALESCE(json_agg(DISTINCT role.rolname), '[]') FROM role JOIN \
            (SELECT relowner FROM ledger UNION SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname = {}) \
            AS held ON held.relowner = role.oid), \
         'changeable', {}, 'readable', {}",
        quote_literal(schema),
        open("INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"),
        open("SELECT"),
    )
}

const FUNCTION: &str = "SELECT pg_catalog.json_build_object(\
    'owner', (SELECT rolname FROM role WHERE role.oid = api.nspowner), \
    'comment', pg_catalog.obj_description(api.oid, 'pg_namespace'), \
    'guest_uses', COALESCE((SELECT pg_catalog.has_schema_privilege(guest.oid, api.oid, 'USAGE') FROM guest), false), \
    'public_uses', pg_catalog.has_schema_privilege('public', api.oid, 'USAGE'), \
    'function', (SELECT pg_catalog.json_build_object(\
        'comment', pg_catalog.obj_description(code.oid, 'pg_proc'), 'definer', code.prosecdef, \
        'may_write', (SELECT COALESCE(bool_and(\
            (ledger.relname <> 'journal' OR pg_catalog.has_table_privilege(code.proowner, ledger.oid, 'INSERT')) AND \
            (ledger.relname <> 'revision' OR pg_catalog.has_table_privilege(code.proowner, ledger.oid, 'INSERT') \
                AND pg_catalog.has_table_privilege(code.proowner, ledger.oid, 'DELETE')) AND \
            (ledger.relname <> 'ticket' OR pg_catalog.has_table_privilege(code.proowner, ledger.oid, 'DELETE'))), \
            false) FROM ledger), \
        'guest_calls', COALESCE((SELECT pg_catalog.has_function_privilege(guest.oid, code.oid, 'EXECUTE') \
            FROM guest), false)) \
        FROM pg_catalog.pg_proc code WHERE code.pronamespace = api.oid AND code.proname = 'redeem' \
            AND code.proargtypes = '17'::pg_catalog.oidvector)) FROM api";
