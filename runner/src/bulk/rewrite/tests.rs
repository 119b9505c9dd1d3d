//! The pure parts: what is refused, and what is sent.

use insta::assert_snapshot;

use super::super::facts::ForeignKey;
use super::super::index::{Constraint, Target};
use super::super::{RewriteRefusal, refusal};
use super::*;
use crate::bulk::StagedColumn;

const OPTIONS: RefillOptions =
    RefillOptions { fire_triggers: false, may_alter: true, may_rebuild_indexes: true, rows: 1_000_000 };

fn index(name: &str, definition: &str) -> Index {
    Index {
        name: name.into(),
        definition: definition.into(),
        tablespace: String::new(),
        comment: None,
        has_expressions: false,
        targets: Vec::new(),
        constraint: None,
        is_replaceable: true,
    }
}

fn primary_key() -> Index {
    let constraint = Constraint { name: "users_pkey".into(), kind: 'p', comment: None };
    let definition = "CREATE UNIQUE INDEX users_pkey ON public.\"Users\" USING btree (id)";
    Index { constraint: Some(constraint), ..index("users_pkey", definition) }
}

fn trigger(name: &str, enabled: char) -> Trigger {
    Trigger { name: name.into(), enabled }
}

/// An ordinary table of the session's own.
fn users() -> RewriteFacts {
    RewriteFacts {
        schema: "public".into(),
        name: "Users".into(),
        kind: 'r',
        persistence: 'p',
        owner: "app".into(),
        is_owned: true,
        may_truncate: true,
        may_create: true,
        guarded: false,
        is_partition: false,
        parents: Vec::new(),
        children: Vec::new(),
        references: Vec::new(),
        publications: Vec::new(),
        rules: Vec::new(),
        triggers: Vec::new(),
        indexes: vec![
            primary_key(),
            index("by_mail", "CREATE INDEX by_mail ON public.\"Users\" USING btree (mail)"),
        ],
        deferrable: Vec::new(),
        event_triggers: false,
        isolation: "read committed".into(),
        default_tablespace: String::new(),
    }
}

fn staged(name: &str, cast: Option<&str>, identity_always: bool) -> StagedColumn {
    StagedColumn { name: name.into(), cast: cast.map(str::to_owned), identity_always }
}

fn sent(facts: &RewriteFacts, options: &RefillOptions) -> String {
    let columns = vec![
        staged("id", None, true),
        staged("Full name", None, false),
        staged("access", Some("pg_catalog.aclitem"), false),
    ];
    let stage = Stage::of_columns(columns);
    let plan = plan(facts, &stage, options);
    let middle = [plan.count, plan.truncate, plan.insert];
    let statements: Vec<String> = plan.before.into_iter().chain(middle).chain(plan.after).collect();
    statements.join("\n").replace(stage.name(), "stage")
}

fn refused(change: impl Fn(&mut RewriteFacts), options: &RefillOptions) -> String {
    let mut facts = users();
    change(&mut facts);
    refusal(&facts, options).map_or_else(|| "not refused".to_owned(), |refusal| refusal.to_string())
}

#[test]
fn indexes_are_dropped_before_and_made_again_after() {
    assert_snapshot!(sent(&users(), &OPTIONS), @r#"
    ALTER TABLE ONLY "public"."Users" DROP CONSTRAINT "users_pkey"
    DROP INDEX "public"."by_mail"
    SELECT pg_catalog.count(*)::pg_catalog.text FROM ONLY "public"."Users"
    TRUNCATE ONLY "public"."Users" CONTINUE IDENTITY RESTRICT
    INSERT INTO "public"."Users" ("id", "Full name", "access") OVERRIDING SYSTEM VALUE SELECT s."id", s."Full name", s."access"::pg_catalog.aclitem FROM "pg_temp"."stage" AS s
    TRUNCATE TABLE "pg_temp"."stage"
    CREATE UNIQUE INDEX users_pkey ON public."Users" USING btree (id)
    ALTER TABLE ONLY "public"."Users" ADD CONSTRAINT "users_pkey" PRIMARY KEY USING INDEX "users_pkey"
    CREATE INDEX by_mail ON public."Users" USING btree (mail)
    "#);
}

#[test]
fn few_rows_and_missing_rights_leave_the_indexes_in_place() {
    let in_place = sent(&users(), &RefillOptions { rows: REBUILD_FROM - 1, ..OPTIONS });
    assert_snapshot!(in_place, @r#"
    SELECT pg_catalog.count(*)::pg_catalog.text FROM ONLY "public"."Users"
    TRUNCATE ONLY "public"."Users" CONTINUE IDENTITY RESTRICT
    INSERT INTO "public"."Users" ("id", "Full name", "access") OVERRIDING SYSTEM VALUE SELECT s."id", s."Full name", s."access"::pg_catalog.aclitem FROM "pg_temp"."stage" AS s
    TRUNCATE TABLE "pg_temp"."stage"
    "#);
    let not_granted = RefillOptions { may_rebuild_indexes: false, ..OPTIONS };
    assert_eq!(sent(&users(), &not_granted), in_place);
    for facts in [
        RewriteFacts { is_owned: false, ..users() },
        RewriteFacts { may_create: false, ..users() },
        RewriteFacts { event_triggers: true, ..users() },
    ] {
        assert_eq!(sent(&facts, &OPTIONS), in_place);
    }
}

#[test]
fn what_an_index_has_beside_its_definition_is_put_back() {
    let mut facts = users();
    facts.default_tablespace = "fast".into();
    let key = &mut facts.indexes[0];
    key.comment = Some("it's the index".into());
    key.constraint.as_mut().expect("it has one").comment = Some("the key".into());
    let other = &mut facts.indexes[1];
    other.tablespace = "slow".into();
    other.has_expressions = true;
    other.targets = vec![Target { column: 1, target: 500 }];
    facts.indexes.push(Index { is_replaceable: false, ..index("kept", "CREATE INDEX kept …") });
    assert_snapshot!(sent(&facts, &OPTIONS), @r#"
    ALTER TABLE ONLY "public"."Users" DROP CONSTRAINT "users_pkey"
    DROP INDEX "public"."by_mail"
    SELECT pg_catalog.count(*)::pg_catalog.text FROM ONLY "public"."Users"
    TRUNCATE ONLY "public"."Users" CONTINUE IDENTITY RESTRICT
    INSERT INTO "public"."Users" ("id", "Full name", "access") OVERRIDING SYSTEM VALUE SELECT s."id", s."Full name", s."access"::pg_catalog.aclitem FROM "pg_temp"."stage" AS s
    TRUNCATE TABLE "pg_temp"."stage"
    SET LOCAL default_tablespace = ''
    CREATE UNIQUE INDEX users_pkey ON public."Users" USING btree (id)
    ALTER TABLE ONLY "public"."Users" ADD CONSTRAINT "users_pkey" PRIMARY KEY USING INDEX "users_pkey"
    COMMENT ON CONSTRAINT "users_pkey" ON "public"."Users" IS 'the key'
    COMMENT ON INDEX "public"."users_pkey" IS 'it''s the index'
    SET LOCAL default_tablespace = 'slow'
    CREATE INDEX by_mail ON public."Users" USING btree (mail)
    ALTER INDEX "public"."by_mail" ALTER COLUMN 1 SET STATISTICS 500
    SET LOCAL default_tablespace = 'fast'
    ANALYZE "public"."Users"
    "#);
}

#[test]
fn triggers_are_switched_off_and_put_back_as_they_were() {
    let mut facts = users();
    facts.indexes.clear();
    facts.triggers = vec![trigger("a", 'O'), trigger("b", 'A'), trigger("c \"d\"", 'R')];
    assert_snapshot!(sent(&facts, &OPTIONS), @r#"
    ALTER TABLE ONLY "public"."Users" DISABLE TRIGGER "a"
    ALTER TABLE ONLY "public"."Users" DISABLE TRIGGER "b"
    ALTER TABLE ONLY "public"."Users" DISABLE TRIGGER "c ""d"""
    SELECT pg_catalog.count(*)::pg_catalog.text FROM ONLY "public"."Users"
    TRUNCATE ONLY "public"."Users" CONTINUE IDENTITY RESTRICT
    INSERT INTO "public"."Users" ("id", "Full name", "access") OVERRIDING SYSTEM VALUE SELECT s."id", s."Full name", s."access"::pg_catalog.aclitem FROM "pg_temp"."stage" AS s
    TRUNCATE TABLE "pg_temp"."stage"
    ALTER TABLE ONLY "public"."Users" ENABLE TRIGGER "a"
    ALTER TABLE ONLY "public"."Users" ENABLE ALWAYS TRIGGER "b"
    ALTER TABLE ONLY "public"."Users" ENABLE REPLICA TRIGGER "c ""d"""
    "#);
}

#[test]
fn triggers_that_fire_find_the_indexes() {
    let facts = RewriteFacts { triggers: vec![trigger("a", 'O')], ..users() };
    let options = RefillOptions { fire_triggers: true, ..OPTIONS };
    assert_eq!(sent(&facts, &options), sent(&users(), &RefillOptions { rows: 1, ..OPTIONS }));
}

#[test]
fn constraints_that_wait_are_checked_at_once_and_wait_again() {
    let deferrable = |name: &str, is_deferred_again| Deferrable {
        schema: "public".into(),
        name: name.into(),
        is_deferred_again,
    };
    let deferrable = vec![deferrable("a", true), deferrable("b", false)];
    let facts = RewriteFacts { indexes: Vec::new(), deferrable, ..users() };
    assert_snapshot!(sent(&facts, &OPTIONS), @r#"
    SET CONSTRAINTS "public"."a", "public"."b" IMMEDIATE
    SELECT pg_catalog.count(*)::pg_catalog.text FROM ONLY "public"."Users"
    TRUNCATE ONLY "public"."Users" CONTINUE IDENTITY RESTRICT
    INSERT INTO "public"."Users" ("id", "Full name", "access") OVERRIDING SYSTEM VALUE SELECT s."id", s."Full name", s."access"::pg_catalog.aclitem FROM "pg_temp"."stage" AS s
    TRUNCATE TABLE "pg_temp"."stage"
    SET CONSTRAINTS "public"."a" DEFERRED
    "#);
}

#[test]
fn an_ordinary_table_is_not_refused() {
    assert_eq!(refused(|_| {}, &OPTIONS), "not refused");
    assert_eq!(refused(|facts| facts.persistence = 'u', &OPTIONS), "not refused");
    assert_eq!(refused(|facts| facts.triggers = vec![trigger("a", 'O')], &OPTIONS), "not refused");
    let options = RefillOptions { fire_triggers: true, may_alter: false, ..OPTIONS };
    let not_owned = |facts: &mut RewriteFacts| {
        facts.triggers = vec![trigger("a", 'O')];
        facts.is_owned = false;
    };
    assert_eq!(refused(not_owned, &options), "not refused");
}

#[test]
fn a_refusal_says_why_and_what_to_do() {
    let names = || vec!["public.a".to_owned(), "public.b".to_owned()];
    let key = ForeignKey { name: "orders_user".into(), schema: "shop".into(), table: "orders".into() };
    let triggers = |facts: &mut RewriteFacts| facts.triggers = vec![trigger("audit", 'O'), trigger("b", 'A')];
    let not_granted = RefillOptions { may_alter: false, ..OPTIONS };
    let messages = [
        refused(|facts| facts.kind = 'v', &OPTIONS),
        refused(|facts| facts.kind = 'p', &OPTIONS),
        refused(|facts| facts.persistence = 't', &OPTIONS),
        refused(|facts| facts.parents = names(), &OPTIONS),
        refused(|facts| facts.children = names(), &OPTIONS),
        refused(|facts| facts.references = vec![key.clone()], &OPTIONS),
        refused(|facts| facts.publications = names(), &OPTIONS),
        refused(|facts| facts.rules = names(), &OPTIONS),
        refused(|facts| facts.guarded = true, &OPTIONS),
        refused(|facts| facts.may_truncate = false, &OPTIONS),
        refused(triggers, &not_granted),
        refused(
            |facts| {
                triggers(facts);
                facts.is_owned = false;
            },
            &OPTIONS,
        ),
        refused(|facts| facts.isolation = "repeatable read".into(), &OPTIONS),
    ];
    assert_snapshot!(messages.join("\n"), @r#"
    public."Users" is a view, and only an ordinary table has contents that can be replaced
    public."Users" is partitioned, and its rows are in its partitions; change them by key with `open-update` on public."Users"
    public."Users" is temporary; TRUNCATE it and write its rows with `open-writer`
    public."Users" is a part of public.a, public.b, which other sessions read it through; change its rows by key with `open-update`
    public.a, public.b inherit from public."Users", and their rows are rows of it; change them by key with `open-update`
    rows of other tables point at those of public."Users" (`orders_user` of shop.orders), and a foreign key does not hold while they are gone; change them by key with `open-update`, or drop these constraints before and add them again after
    public."Users" is published to logical replication (public.a, public.b), and subscribers would get every row anew, or lose all of them where TRUNCATE alone is published; change the rows by key with `open-update`, or take the table out of the publication and let the subscribers copy it again
    public."Users" has rules (public.a, public.b), which decide what becomes of an INSERT; change its rows by key with `open-update`, or drop the rules before
    row-level security applies to the migration's user on public."Users": rows that it cannot read would be lost; run it as the table's owner without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS, or change rows by key with `open-update`
    the migration's user may not truncate public."Users"; run it as a member of `app`, which owns the table, or grant TRUNCATE on it
    public."Users" has triggers (`audit`, `b`), and switching them off meanwhile needs a grant; add `ddl = ["public.\"Users\""]` to [capabilities], or let them fire (`fire-triggers`)
    public."Users" has triggers (`audit`, `b`), which only its owner can switch off; run it as a member of `app`, or let them fire (`fire-triggers`)
    the transaction's isolation level is repeatable read: rows that others committed since it began would be lost; with `read committed` they are read
    "#);
}

#[test]
fn what_is_no_table_is_refused_by_what_it_is() {
    for (kind, what) in
        [('m', "a materialized view"), ('f', "a foreign table"), ('S', "a sequence"), ('c', "no table")]
    {
        let facts = RewriteFacts { kind, ..users() };
        let table = facts.label();
        assert_eq!(refusal(&facts, &OPTIONS), Some(RewriteRefusal::NotATable { table, what }));
    }
}
