//! Making the guest and the function, and taking both away again.

use crate::db::{DbError, PostgresSession, quote_identifier, quote_literal};

use super::facts::{Api, Attributes};
use super::status::{Verdict, findings};
use super::{Facts, Line, Names, Sandbox, SandboxError};

/// What the comment of the function's schema says of what was taken from PUBLIC,
/// so that `remove` can give it back.
/// It is also the mark by which the schema is known to be ours.
const COMMENT: &str = "runner: how migrations with a login of their own have the ledger written";
const TEMP_TAKEN: &str = "; TEMPORARY on the database was revoked from PUBLIC";
/// Bulk changes by key wait in temporary tables.
const TEMP_GIVEN: &str = "; TEMPORARY on the database was granted to the owner role";
const CREATE_TAKEN: &str = "; CREATE on schema public was revoked from PUBLIC";

/// What an installation is to do beside the guest and the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstallOptions {
    /// Take TEMPORARY on the database and CREATE on the schema `public` from
    /// PUBLIC. Other applications may rely on both.
    pub revoke_public: bool,
}

/// The statements of an installation; none where everything is in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    /// About roles: they need CREATEROLE.
    pub roles: Vec<String>,
    /// About the function's schema, by whoever owns the ledger.
    pub objects: Vec<String>,
}

impl Installation {
    /// All statements, in their order.
    pub fn statements(&self) -> Vec<String> {
        [self.roles.as_slice(), self.objects.as_slice()].concat()
    }
}

/// What of the attributes of a guest is wrong, as SQL says it right. SUPERUSER is
/// not among them: such a role is not touched.
pub(super) fn wrong_attributes(guest: &Attributes) -> Vec<&'static str> {
    [
        (!guest.login, "LOGIN"),
        (guest.inherit, "NOINHERIT"),
        (guest.createdb, "NOCREATEDB"),
        (guest.createrole, "NOCREATEROLE"),
        (guest.replication, "NOREPLICATION"),
        (guest.bypassrls, "NOBYPASSRLS"),
        (guest.connections != 1, "CONNECTION LIMIT 1"),
    ]
    .into_iter()
    .filter_map(|(wrong, right)| wrong.then_some(right))
    .collect()
}

/// What has to be done. Fails where the result would confine nobody, and where
/// the control login cannot do it, with what an administrator has to run.
pub fn install(
    sandbox: &Sandbox,
    names: &Names,
    facts: &Facts,
    options: InstallOptions,
) -> Result<Installation, SandboxError> {
    let broken: Vec<Line> = findings(sandbox, names, facts, true)
        .into_iter()
        .filter(|line| line.verdict == Verdict::Broken)
        .collect();
    if !broken.is_empty() {
        let remedies = broken.iter().filter_map(|line| line.remedy.clone()).collect();
        let reasons = broken.into_iter().map(|line| line.text).collect();
        return Err(SandboxError::Unsound { reasons, remedies });
    }
    let lacks_role = !facts.control.createrole && !facts.control.superuser;
    let lacks_guest = facts.guest.is_some() && !facts.may_change;
    if lacks_role || lacks_guest || !facts.may_lend {
        return Err(SandboxError::LacksCreateRole {
            login: names.control.clone(),
            owner: names.owner.clone(),
            sql: by_administrator(names, facts),
        });
    }
    Ok(Installation { roles: roles(sandbox, names, facts), objects: objects(sandbox, names, facts, options) })
}

/// Whether `install` made the schema.
pub(super) fn is_ours(api: &Api) -> bool {
    api.comment.as_deref().is_some_and(|comment| comment.starts_with(COMMENT))
}

/// What takes all of it away again: what `install` made, and nothing else that
/// has its name.
pub fn remove(sandbox: &Sandbox, names: &Names, facts: &Facts) -> Vec<String> {
    let mut sql = Vec::new();
    if let Some(api) = facts.api.as_ref().filter(|api| is_ours(api)) {
        let (schema, comment) =
            (quote_identifier(&sandbox.ledger().api_schema()), api.comment.as_deref().unwrap_or_default());
        if api.function.is_some() {
            sql.push(format!("DROP FUNCTION {}", sandbox.ledger().redeem_signature()));
        }
        sql.push(format!("DROP SCHEMA {schema}"));
        if comment.contains(TEMP_TAKEN) {
            sql.push(format!("GRANT TEMPORARY ON DATABASE {} TO PUBLIC", quote_identifier(&names.database)));
        }
        if comment.contains(TEMP_GIVEN) && facts.owner.is_some() {
            let (database, owner) = (quote_identifier(&names.database), quote_identifier(&names.owner));
            sql.push(format!("REVOKE TEMPORARY ON DATABASE {database} FROM {owner}"));
        }
        if comment.contains(CREATE_TAKEN) {
            sql.push("GRANT CREATE ON SCHEMA public TO PUBLIC".into());
        }
    }
    if facts.guest_is_ours && facts.guest.is_some_and(|guest| !guest.superuser) {
        sql.push(format!("DROP ROLE {}", quote_identifier(&names.guest)));
    }
    sql
}

/// What gives the control login what it lacks. The rest it can do itself.
fn by_administrator(names: &Names, facts: &Facts) -> Vec<String> {
    let (control, owner, guest) =
        (quote_identifier(&names.control), quote_identifier(&names.owner), quote_identifier(&names.guest));
    let mut sql = Vec::new();
    if !facts.control.createrole && !facts.control.superuser {
        sql.push(format!("ALTER ROLE {control} CREATEROLE"));
    }
    if names.has_membership_options() {
        if !facts.may_lend {
            sql.push(format!("GRANT {owner} TO {control} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"));
        }
        if facts.guest.is_some() && !facts.may_change {
            sql.push(format!("GRANT {guest} TO {control} WITH ADMIN TRUE, INHERIT TRUE, SET FALSE"));
        }
    }
    sql
}

fn roles(sandbox: &Sandbox, names: &Names, facts: &Facts) -> Vec<String> {
    let (guest, control) = (quote_identifier(&names.guest), quote_identifier(&names.control));
    let mut sql = Vec::new();
    match &facts.guest {
        None => {
            sql.push(format!(
                "CREATE ROLE {guest} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION \
                 NOBYPASSRLS CONNECTION LIMIT 1 PASSWORD NULL VALID UNTIL '-infinity'"
            ));
            let mark = quote_literal(&sandbox.guest_mark());
            sql.push(format!("COMMENT ON ROLE {guest} IS {mark}"));
        }
        Some(found) => {
            // Only what is wrong: who may not give an attribute may not name it
            // either.
            let wrong = wrong_attributes(found);
            if !wrong.is_empty() {
                sql.push(format!("ALTER ROLE {guest} {}", wrong.join(" ")));
            }
            if !found.expired {
                sql.push(format!("ALTER ROLE {guest} PASSWORD NULL VALID UNTIL '-infinity'"));
            }
        }
    }
    if facts.guest_is_in.contains(&names.owner) {
        sql.push(format!("REVOKE {} FROM {guest}", quote_identifier(&names.owner)));
    }
    // To end a session of the guest the control login has to have its rights,
    // which are none.
    if !facts.may_end && !facts.control.superuser {
        let options = if names.has_membership_options() { " WITH INHERIT TRUE, SET FALSE" } else { "" };
        sql.push(format!("GRANT {guest} TO {control}{options}"));
    }
    sql
}

fn objects(sandbox: &Sandbox, names: &Names, facts: &Facts, options: InstallOptions) -> Vec<String> {
    let ledger = sandbox.ledger();
    let (schema, guest) = (quote_identifier(&ledger.api_schema()), quote_identifier(&names.guest));
    let (api, signature) = (facts.api.as_ref(), ledger.redeem_signature());
    let mut sql = Vec::new();
    if api.is_none() {
        sql.push(format!("CREATE SCHEMA {schema}"));
    }
    if api.is_none_or(|api| api.public_uses) {
        sql.push(format!("REVOKE ALL ON SCHEMA {schema} FROM PUBLIC"));
    }
    let function = api.and_then(|api| api.function.as_ref());
    let mark = ledger.redeem_mark();
    if function.is_none_or(|function| function.comment.as_deref() != Some(&mark) || !function.definer) {
        sql.push(ledger.redeem_function());
        sql.push(format!("REVOKE ALL ON FUNCTION {signature} FROM PUBLIC"));
        sql.push(format!("COMMENT ON FUNCTION {signature} IS {}", quote_literal(&mark)));
    }
    if api.is_none_or(|api| !api.guest_uses) {
        sql.push(format!("GRANT USAGE ON SCHEMA {schema} TO {guest}"));
    }
    if function.is_none_or(|function| !function.guest_calls) {
        sql.push(format!("GRANT EXECUTE ON FUNCTION {signature} TO {guest}"));
    }
    sql.extend(from_public(names, facts, options, &schema));
    sql
}

fn from_public(names: &Names, facts: &Facts, options: InstallOptions, schema: &str) -> Vec<String> {
    let before = facts.api.as_ref().and_then(|api| api.comment.as_deref()).unwrap_or_default();
    let (takes_temp, takes_create) =
        (options.revoke_public && facts.public_temp, options.revoke_public && facts.public_create);
    // The database's owner has it anyway, and loses nothing with PUBLIC's.
    let gives_temp = (takes_temp || !facts.owner_temp) && facts.may_grant_temp && !facts.owns_database;
    let mut sql = Vec::new();
    if gives_temp {
        let (database, owner) = (quote_identifier(&names.database), quote_identifier(&names.owner));
        sql.push(format!("GRANT TEMPORARY ON DATABASE {database} TO {owner}"));
    }
    if takes_temp {
        sql.push(format!("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC", quote_identifier(&names.database)));
    }
    if takes_create {
        sql.push("REVOKE CREATE ON SCHEMA public FROM PUBLIC".into());
    }
    let part = |taken: bool, words: &'static str| if taken || before.contains(words) { words } else { "" };
    let comment = format!(
        "{COMMENT}{}{}{}",
        part(takes_temp, TEMP_TAKEN),
        part(gives_temp, TEMP_GIVEN),
        part(takes_create, CREATE_TAKEN)
    );
    if comment != before {
        sql.push(format!("COMMENT ON SCHEMA {schema} IS {}", quote_literal(&comment)));
    }
    sql
}

impl Sandbox {
    /// Runs statements of [`install`] or [`remove`], all of them or none.
    pub async fn apply(
        &self,
        session: &mut PostgresSession,
        names: &Names,
        statements: &[String],
    ) -> Result<(), SandboxError> {
        if statements.is_empty() {
            return Ok(());
        }
        let error = match session.batch(&format!("BEGIN;\n{};\nCOMMIT", statements.join(";\n"))).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        session.batch("ROLLBACK").await?;
        Err(match error {
            DbError::Server(source) if source.sqlstate == "42501" => {
                SandboxError::NotPermitted { login: names.control.clone(), sql: statements.to_vec(), source }
            }
            other => other.into(),
        })
    }
}
