//! What is in place, what is missing, what does not hold, and what weakens it.

use serde::Serialize;

use crate::db::quote_identifier;
use crate::source::Isolation;

use super::facts::{Api, Attributes};
use super::{Facts, Names, Sandbox, install};

/// How one part of the sandbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is as it should be.
    Holds,
    /// It is not there yet; `install` makes it.
    Missing,
    /// With it a guest is not confined, and `install` cannot mend it.
    Broken,
    /// The guest can do more than it needs and stays confined, or is not used, or
    /// cannot do all that it may need.
    Weak,
}

/// One part of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// How it stands.
    pub verdict: Verdict,
    /// What it is, as a sentence without its full stop.
    pub text: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Line {
    fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self { verdict, text: text.into(), remedy: None }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Roles whose members can leave the database for the server's files and
/// programs, or change what is not theirs. See PostgreSQL's manual, "Predefined
/// Roles".
const BOUNDLESS: [&str; 4] =
    ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files", "pg_write_all_data"];

/// All parts, in the order in which they build on each other. `is_current` says
/// whether the ledger's tables are those of this runner.
pub fn findings(sandbox: &Sandbox, names: &Names, facts: &Facts, is_current: bool) -> Vec<Line> {
    let mut lines = vec![control(names, facts), owner(names, facts)];
    lines.extend(owner_reaches(names, facts));
    lines.push(ledger(sandbox, is_current));
    lines.extend(ledger_is_apart(sandbox, names, facts));
    lines.push(guest(names, facts));
    lines.extend(guest_reaches(names, facts));
    lines.push(api(sandbox, names, facts));
    lines.extend(surroundings(names, facts));
    if sandbox.isolation == Isolation::Policy {
        lines.push(Line::new(Verdict::Weak, "runs do not use the guest: `sandbox.isolation` is \"policy\""));
    }
    lines
}

fn control(names: &Names, facts: &Facts) -> Line {
    let who = format!("the control login `{}`", names.control);
    let control = &facts.control;
    if !control.createrole && !control.superuser {
        return Line::new(Verdict::Missing, format!("{who} may not make roles (CREATEROLE)"));
    }
    if facts.owner.is_some() && !facts.may_lend {
        return Line::new(
            Verdict::Missing,
            format!("{who} may not hand on `{}` (ADMIN OPTION)", names.owner),
        );
    }
    if facts.guest_is_ours && !facts.may_change {
        return Line::new(Verdict::Missing, format!("{who} may not change `{}` (ADMIN OPTION)", names.guest));
    }
    Line::new(Verdict::Holds, format!("{who} may open and close the guest's login"))
}

fn owner(names: &Names, facts: &Facts) -> Line {
    let who = format!("the owner role `{}`", names.owner);
    if names.owner == names.control {
        return Line::new(Verdict::Broken, format!("{who} is the control login itself"))
            .remedy("Let a role of its own own the application's schemas, and name it in `sandbox.owner`.");
    }
    let Some(owner) = &facts.owner else {
        return Line::new(Verdict::Broken, format!("{who} does not exist")).remedy(format!(
            "CREATE ROLE {0} NOLOGIN; then give it the schemas: ALTER SCHEMA name OWNER TO {0};",
            quote_identifier(&names.owner)
        ));
    };
    let strip = |attribute: &str| format!("ALTER ROLE {} {attribute};", quote_identifier(&names.owner));
    match owner {
        Attributes { superuser: true, .. } => {
            Line::new(Verdict::Broken, format!("{who} is a superuser")).remedy(strip("NOSUPERUSER"))
        }
        // It could make a role a member of any other, or change the control
        // login's password.
        Attributes { createrole: true, .. } if !names.has_membership_options() => {
            Line::new(Verdict::Broken, format!("{who} may make roles")).remedy(strip("NOCREATEROLE"))
        }
        Attributes { replication: true, .. } => {
            Line::new(Verdict::Broken, format!("{who} may read everything by replication"))
                .remedy(strip("NOREPLICATION"))
        }
        _ => Line::new(Verdict::Holds, format!("{who} exists, and is no superuser")),
    }
}

fn owner_reaches(names: &Names, facts: &Facts) -> Vec<Line> {
    let mut lines = Vec::new();
    let leave =
        |role: &str| format!("REVOKE {} FROM {};", quote_identifier(role), quote_identifier(&names.owner));
    for role in &facts.owner_is_in {
        let boundless = BOUNDLESS.contains(&role.as_str());
        let is_control = *role == names.control || facts.ledger_owners.contains(role);
        let verdict = if boundless || is_control { Verdict::Broken } else { Verdict::Weak };
        let text = format!("the owner role `{}` is a member of `{role}`", names.owner);
        lines.push(Line::new(verdict, text).remedy(leave(role)));
    }
    if facts.owner.is_some_and(|owner| owner.createrole && !owner.superuser) && names.has_membership_options()
    {
        lines.push(Line::new(Verdict::Weak, format!("the owner role `{}` may make roles", names.owner)));
    }
    if facts.owner.is_some_and(|owner| owner.bypassrls && !owner.superuser) {
        let text = format!("the owner role `{}` is above row-level security", names.owner);
        lines.push(Line::new(Verdict::Weak, text));
    }
    lines
}

fn ledger(sandbox: &Sandbox, is_current: bool) -> Line {
    let schema = sandbox.ledger().schema_name();
    match is_current {
        true => Line::new(Verdict::Holds, format!("the ledger in `{schema}` has the tables of this runner")),
        false => {
            Line::new(Verdict::Missing, format!("the ledger in `{schema}` has not the tables of this runner"))
        }
    }
}

fn ledger_is_apart(sandbox: &Sandbox, names: &Names, facts: &Facts) -> Vec<Line> {
    let schema = quote_identifier(sandbox.ledger().schema_name());
    let mut lines = Vec::new();
    if facts.ledger_owners.iter().any(|owner| [&names.owner, &names.guest].contains(&owner)) {
        let control = quote_identifier(&names.control);
        lines.push(Line::new(Verdict::Broken, "the ledger belongs to the role that migrations act as").remedy(
            format!(
                "Give it to the control login: ALTER SCHEMA {schema} OWNER TO {control}; and so for each of its \
                 tables: ALTER TABLE {schema}.name OWNER TO {control};"
            ),
        ));
        return lines;
    }
    let from = [&names.owner, &names.guest].map(|role| quote_identifier(role)).join(", ");
    let revoke = format!("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {from};");
    if !facts.changeable.is_empty() {
        let text = format!("migrations may change the ledger's {}", facts.changeable.join(", "));
        lines.push(Line::new(Verdict::Broken, text).remedy(revoke));
    } else if !facts.readable.is_empty() {
        let text = format!("migrations may read the ledger's {}", facts.readable.join(", "));
        lines.push(Line::new(Verdict::Weak, text).remedy(revoke));
    } else if !facts.ledger_owners.is_empty() {
        lines.push(Line::new(Verdict::Holds, "the owner and the guest have no right on the ledger's tables"));
    }
    lines
}

fn guest(names: &Names, facts: &Facts) -> Line {
    let who = format!("the guest `{}`", names.guest);
    if [&names.owner, &names.control].contains(&&names.guest) {
        return Line::new(Verdict::Broken, format!("{who} is the owner or the control login itself"))
            .remedy("Name another one in `sandbox.guest`, or none.");
    }
    let Some(guest) = &facts.guest else {
        return Line::new(Verdict::Missing, format!("{who} does not exist"));
    };
    let quoted = quote_identifier(&names.guest);
    if !facts.guest_is_ours {
        return Line::new(
            Verdict::Broken,
            format!("the role `{}` is not one that install made", names.guest),
        )
        .remedy(format!(
            "Name another one in `sandbox.guest`, or none. If nobody needs this one: DROP ROLE {quoted};"
        ));
    }
    if guest.superuser {
        return Line::new(Verdict::Broken, format!("{who} is a superuser"))
            .remedy(format!("ALTER ROLE {quoted} NOSUPERUSER;"));
    }
    let wrong = install::wrong_attributes(guest);
    if !wrong.is_empty() {
        return Line::new(Verdict::Missing, format!("{who} is not {}", wrong.join(" ")));
    }
    if !guest.expired {
        return Line::new(Verdict::Missing, format!("{who} may have a password that is valid"));
    }
    if !facts.may_end {
        let text = format!("the control login `{}` may not end the sessions of {who}", names.control);
        return Line::new(Verdict::Missing, text);
    }
    Line::new(Verdict::Holds, format!("{who} exists, can do nothing by itself, and has no password"))
}

fn guest_reaches(names: &Names, facts: &Facts) -> Vec<Line> {
    // What somebody else's role is a member of is no business of ours.
    if !facts.guest_is_ours {
        return Vec::new();
    }
    let line = |role: &String| {
        match *role == names.owner {
        true => Line::new(
            Verdict::Weak,
            format!("the guest `{}` is a member of `{role}` between runs", names.guest),
        )
        .remedy(format!(
            "If a run was killed, the next one takes it back. If somebody else granted it: REVOKE {} FROM {};",
            quote_identifier(role),
            quote_identifier(&names.guest)
        )),
        false => Line::new(Verdict::Weak, format!("the guest `{}` is a member of `{role}`", names.guest))
            .remedy(format!("REVOKE {} FROM {};", quote_identifier(role), quote_identifier(&names.guest))),
    }
    };
    facts.guest_is_in.iter().map(line).collect()
}

fn api(sandbox: &Sandbox, names: &Names, facts: &Facts) -> Line {
    let schema = sandbox.ledger().api_schema();
    let missing = |text: String| Line::new(Verdict::Missing, text);
    let Some(api) = &facts.api else {
        return missing(format!("the schema `{schema}` does not exist"));
    };
    if !install::is_ours(api) {
        return Line::new(Verdict::Broken, format!("the schema `{schema}` is not one that install made"))
            .remedy("Rename it, or drop it if nobody needs it.");
    }
    let Api { owner, function, guest_uses, public_uses, .. } = api;
    if [&names.owner, &names.guest].contains(&owner) {
        return Line::new(Verdict::Broken, format!("the schema `{schema}` belongs to `{owner}`"))
            .remedy(format!("DROP SCHEMA {} CASCADE; then install again.", quote_identifier(&schema)));
    }
    let Some(function) = function else {
        return missing(format!("the function that redeems tickets is not in `{schema}`"));
    };
    let mark = sandbox.ledger().redeem_mark();
    if function.comment.as_deref() != Some(mark.as_str()) || !function.definer {
        return missing(format!("the function in `{schema}` is of another runner"));
    }
    if !function.may_write {
        return Line::new(
            Verdict::Broken,
            format!("the owner of the function in `{schema}` may not write the ledger"),
        )
        .remedy("Install as the login that owns the ledger.");
    }
    if !guest_uses || !function.guest_calls || *public_uses {
        return missing(format!("the rights on `{schema}` are not: the guest, and nobody else"));
    }
    Line::new(Verdict::Holds, format!("the guest may redeem tickets in `{schema}`, and nothing else there"))
}

fn surroundings(names: &Names, facts: &Facts) -> Vec<Line> {
    const BY_INSTALL: &str = "`runner sandbox install --revoke-public` takes it from PUBLIC.";
    let mut lines = Vec::new();
    if facts.public_temp {
        let text = format!("PUBLIC may make temporary tables in the database `{}`", names.database);
        lines.push(Line::new(Verdict::Weak, text).remedy(BY_INSTALL));
    }
    if !facts.owner_temp {
        let (database, owner) = (quote_identifier(&names.database), quote_identifier(&names.owner));
        let text = format!(
            "the owner role `{}` may not make temporary tables: changes of rows in bulk fail",
            names.owner
        );
        lines.push(
            Line::new(Verdict::Weak, text)
                .remedy(format!("GRANT TEMPORARY ON DATABASE {database} TO {owner};")),
        );
    }
    if facts.public_create {
        let text = "PUBLIC may make objects in the schema `public`";
        lines.push(Line::new(Verdict::Weak, text).remedy(BY_INSTALL));
    }
    if facts.owns_database {
        let text = format!("the owner role `{}` owns the database, and may change its settings", names.owner);
        lines.push(Line::new(Verdict::Weak, text).remedy(format!(
            "ALTER DATABASE {} OWNER TO {};",
            quote_identifier(&names.database),
            quote_identifier(&names.control)
        )));
    }
    lines
}
