//! The audit itself: ask, compare, judge.

use std::collections::HashSet;

use crate::db::{DbError, PostgresSession, TextRow, quote_identifier};
use crate::revision::Capabilities;

use super::catalog::{Catalog, SILENT, Side, find};
use super::change::{self, Answer, Change, Version};
use super::declared::Declared;
use super::effect::{Effect, EffectKind, rows};
use super::judge::Judge;
use super::name::Relation;
use super::sql::INTERPRETED;
use super::standing::{self, Counters, Counts, Standing, Touched, since};
use super::{AuditError, cause};

/// What is known of a transaction before a step begins in it.
#[derive(Debug, Default)]
pub struct Before {
    /// What the session had counted already.
    counters: Counters,
    /// What earlier steps of the same transaction wrote.
    standing: HashSet<Version>,
    /// What they dropped: catalog and oid.
    gone: HashSet<(&'static str, u32)>,
    /// The relations that they used: their locks stay.
    used: HashSet<u32>,
    /// The cursor on the state before the step, where nobody else can see it.
    cursor: Option<String>,
}

/// Looks at the transaction before a step's first statement.
///
/// `observer` is a second session that sees the committed state, outside of any
/// transaction. Without one (a server with one connection) a cursor with a
/// random name is opened, through which [`effects`] sees what was there before;
/// it is gone with the transaction. `continues` says that earlier steps ran in
/// the same transaction: what they did is then not this one's.
///
/// One round trip; two if it continues or has no observer.
pub async fn before(
    session: &mut PostgresSession,
    mut observer: Option<&mut PostgresSession>,
    continues: bool,
) -> Result<Before, AuditError> {
    let mut before = Before { counters: standing::counters(session).await?, ..Before::default() };
    if continues {
        let standing = standing::ask(session).await?;
        before.used = standing.tables.iter().map(|table| table.oid).collect();
        before.used.extend(standing.views.iter().map(|used| used.oid));
        // Without an observer the cursor leaves out what was there before it.
        let observer = observer.as_deref_mut();
        let answer = compare(session, observer, &Before::default(), &standing).await?;
        before.standing = answer.new.iter().map(change::Row::version).collect();
        let changes = change::changes(answer, &HashSet::new());
        let dropped = changes.iter().filter(|change| matches!(change, Change::Dropped(_)));
        before.gone = dropped.map(|change| (change.row().catalog, change.row().oid)).collect();
    }
    if observer.is_none() {
        let name = quote_identifier(&format!("runner_audit_{:032x}", rand::random::<u128>()));
        session.batch(&format!("{INTERPRETED}{}", change::declare(&name))).await?;
        before.cursor = Some(name);
    }
    Ok(before)
}

/// What the step did that `capabilities` do not cover, the worst kind first
/// within each object.
///
/// To be called in the step's own session and transaction, when the component
/// has ended and deferred constraints were checked, before anything of the
/// ledger is written. `before` is what [`before()`] returned;
/// `Before::default()` will do where the session is new, and there is an
/// observer.
///
/// One round trip if nothing but rows was written; otherwise one more on each
/// session, at the same time.
///
/// # Errors
///
/// [`AuditError::NotCounting`] where the server does not count rows. A cursor
/// that the step closed is an error too.
pub async fn effects(
    session: &mut PostgresSession,
    observer: Option<&mut PostgresSession>,
    before: &Before,
    capabilities: &Capabilities,
) -> Result<Vec<Effect>, AuditError> {
    let declared = Declared::new(capabilities);
    let standing = standing::ask(session).await?;
    let answer = compare(session, observer, before, &standing).await?;
    let members = answer.members.clone();
    let mut changes = change::changes(answer, &before.standing);
    changes.retain(|change| {
        let row = change.row();
        !(matches!(change, Change::Dropped(_)) && before.gone.contains(&(row.catalog, row.oid)))
    });
    let judge = Judge::new(&declared, &changes, members, standing.default_privileges);
    let mut found = Found::default();
    found.extend(written_rows(session, &standing, before, &declared, &judge).await?);
    found.extend(read_through_views(&standing, before, &declared, &judge));
    found.extend(hidden_catalogs(&standing, before));
    for change in &changes {
        found.extend(judge.effects(change));
    }
    Ok(found.effects)
}

/// The effects, each once.
#[derive(Default)]
struct Found {
    effects: Vec<Effect>,
}

impl Found {
    fn extend(&mut self, effects: impl IntoIterator<Item = Effect>) {
        for effect in effects {
            if !self.effects.contains(&effect) {
                self.effects.push(effect);
            }
        }
    }
}

/// The catalogs that rows were written in since `before`.
fn dirty<'s>(standing: &'s Standing, before: &'s Before) -> impl Iterator<Item = &'s str> {
    let written = standing
        .catalogs
        .iter()
        .filter(|catalog| since(&before.counters, catalog.oid, catalog.counts).iter().any(|rows| *rows > 0));
    written.map(|catalog| catalog.name.as_str()).filter(|name| !SILENT.contains(name))
}

/// Reads both sides of the catalogs that were written.
async fn compare(
    session: &mut PostgresSession,
    observer: Option<&mut PostgresSession>,
    before: &Before,
    standing: &Standing,
) -> Result<Answer, AuditError> {
    let catalogs: Vec<&'static Catalog> = dirty(standing, before).filter_map(find).collect();
    let (Some(transaction), false) = (standing.transaction, catalogs.is_empty()) else {
        return Ok(Answer::default());
    };
    let id = transaction.to_string();
    let members = format!("{INTERPRETED}{}", change::members());
    let mut new = members.clone() + &change::question(&catalogs, Side::New { transaction: &id });
    if let (None, Some(cursor)) = (&observer, &before.cursor) {
        new = format!("FETCH ALL FROM {cursor}; {new}");
    }
    let old = members + &change::question(&catalogs, Side::Committed { transaction: &id });
    let seen = async {
        match observer {
            Some(observer) => observer.batch(&old).await,
            None => Ok(Vec::new()),
        }
    };
    let (new, old) = futures_util::future::join(session.batch(&new), seen).await;
    let rows: Result<Vec<TextRow>, DbError> = new.and_then(|new| Ok([old?, new].concat()));
    let mut answer = Answer::parse(&rows?)?;
    change::keep_ours(session, transaction, &mut answer).await?;
    Ok(answer)
}

/// Catalogs that ordinary logins cannot read, or that are newer than we are.
fn hidden_catalogs(standing: &Standing, before: &Before) -> Vec<Effect> {
    let hidden = dirty(standing, before).filter(|name| find(name).is_none());
    let effects = hidden.map(|name| {
        let what = match name {
            "pg_authid" => "a role was created, changed or dropped".to_owned(),
            "pg_largeobject" => "the data of a large object was written".to_owned(),
            "pg_subscription" | "pg_subscription_rel" => "a subscription was made or changed".to_owned(),
            "pg_user_mapping" => "a user mapping was made or changed".to_owned(),
            name => format!("rows of pg_catalog.{name} were written"),
        };
        Effect::new(EffectKind::Changed, format!("pg_catalog.{name}"), what)
    });
    effects.collect()
}

/// The tables that were written and that nothing grants.
async fn written_rows(
    session: &mut PostgresSession,
    standing: &Standing,
    before: &Before,
    declared: &Declared<'_>,
    judge: &Judge<'_>,
) -> Result<Vec<Effect>, AuditError> {
    let tables =
        || standing.tables.iter().map(|table| (table, since(&before.counters, table.oid, table.counts)));
    let alarming = |table: &Touched, grown: &Counts| {
        let by_lock_alone = ['S', 'f'].contains(&table.kind) && before.used.contains(&table.oid);
        !by_lock_alone
            && !table.relation.name.is_passing()
            && !judge.is_own(table.oid)
            && is_ungranted(table, grown, declared, judge)
    };
    let found: Vec<_> = tables().filter(|(table, grown)| alarming(table, grown)).collect();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let written: HashSet<u32> = tables()
        .filter(|(_, grown)| grown.iter().any(|rows| *rows > 0))
        .map(|(table, _)| table.oid)
        .collect();
    let targets: Vec<u32> = found.iter().map(|(table, _)| table.oid).collect();
    let all: Vec<u32> = written.iter().copied().collect();
    let causes = cause::ask(session, &targets, &all).await?;
    let effects = found.iter().map(|(table, grown)| {
        let mut effect = written_effect(table, grown);
        effect.cause = cause::of(&causes, table.oid, &written);
        effect
    });
    Ok(effects.collect())
}

/// What the step read through views that it may read, and could not have read
/// by itself.
fn read_through_views(
    standing: &Standing,
    before: &Before,
    declared: &Declared<'_>,
    judge: &Judge<'_>,
) -> Vec<Effect> {
    let readable =
        |relation: &Relation| relation.any(|name| declared.may_read(name) || declared.may_write(name));
    let used =
        standing.views.iter().filter(|used| !before.used.contains(&used.oid) && !judge.is_own(used.oid));
    let out = used.filter(|used| readable(&used.view) && !readable(&used.reads) && !judge.is_own(used.base));
    let effects = out.map(|used| {
        let name = used.reads.name.to_string();
        let what = format!("{name} was read through view {}", used.view.name);
        Effect::new(EffectKind::Read, &name, what).allowed_by("read", &name)
    });
    effects.collect()
}

fn is_ungranted(table: &Touched, grown: &Counts, declared: &Declared<'_>, judge: &Judge<'_>) -> bool {
    let writable = || table.relation.any(|name| declared.may_write(name));
    let definable = || table.relation.any(|name| declared.may_define(name));
    let written = grown.iter().any(|rows| *rows > 0);
    match table.kind {
        'S' => {
            let users = table.users.iter();
            let mut users =
                users.map(|(oid, user)| judge.is_own(*oid) || user.any(|name| declared.may_write(name)));
            // ALTER SEQUENCE takes the same lock, and is judged by itself.
            !(judge.is_altered(table.oid) || writable() || definable() || users.any(|used| used))
        }
        // The server counts no rows of foreign tables: the lock has to do.
        'f' => !writable() && !definable(),
        // REFRESH is a matter of `ddl`.
        'm' => written && !writable() && !definable(),
        _ => written && !writable(),
    }
}

fn written_effect(table: &Touched, grown: &Counts) -> Effect {
    let name = table.relation.name.to_string();
    let (kind, what) = match table.kind {
        'S' => (EffectKind::Advanced, format!("values of sequence {name} were drawn or set")),
        'f' => (EffectKind::Written, format!("foreign table {name} was written")),
        _ => {
            let verbs = ["inserted", "updated", "deleted"].iter().zip(grown);
            let parts: Vec<String> = verbs
                .filter(|(_, count)| **count > 0)
                .map(|(verb, count)| format!("{} {verb}", rows(*count)))
                .collect();
            (EffectKind::Written, format!("{} in {name}", parts.join(" and ")))
        }
    };
    Effect::new(kind, &name, what).allowed_by("write", &name)
}
