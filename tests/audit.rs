//! The audit of effects, on a real server: what a step did that its manifest
//! does not grant.
//!
//! Every case runs twice: with a second session that sees the committed state,
//! and with the cursor that stands in for it. Both must say the same.

use runner::audit::{self, AuditError, Before, EffectKind};
use runner::db::{Connection, Location, PostgresSession, connect};
use runner::revision::Capabilities;

use crate::support::Database;

/// Two schemas: `app` is what steps are for, `secret` is what they must leave
/// alone.
const FIXTURE: &str = "
    CREATE SCHEMA app; CREATE SCHEMA secret;
    CREATE TABLE app.parent (id int PRIMARY KEY, v text);
    CREATE TABLE app.users (id serial PRIMARY KEY, email text);
    CREATE TABLE secret.child (id int PRIMARY KEY, parent_id int REFERENCES app.parent ON DELETE CASCADE);
    CREATE TABLE secret.t (id int PRIMARY KEY, v text);
    CREATE TABLE secret.log (line text);
    CREATE SEQUENCE secret.seq;
    CREATE FUNCTION secret.note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO secret.log VALUES (new.email); RETURN new; END $$;
    CREATE FUNCTION app.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
    CREATE VIEW app.door AS SELECT * FROM secret.t;
    CREATE TABLE app.ruled (id int);
    CREATE RULE copy AS ON INSERT TO app.ruled DO ALSO INSERT INTO secret.t VALUES (new.id, 'copied');
    CREATE TABLE app.measure (at date, v int) PARTITION BY RANGE (at);
    CREATE TABLE secret.measure_old PARTITION OF app.measure FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    INSERT INTO app.parent VALUES (1, 'one'), (2, 'two');
    INSERT INTO secret.child VALUES (1, 1), (2, 1), (3, 1), (4, 2);
    INSERT INTO secret.t VALUES (1, 'keep');";

/// Everything in `app`, and nothing else.
const APP: &str = r#"
    read = ["app"]
    write = ["app"]
    truncate = ["app"]
    ddl = ["app"]
    drop = ["app"]
    rls = ["app"]
    code = "vetted"
"#;

/// Waits for an answer of the library.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

fn fixture() -> Database {
    let database = Database::of_superuser();
    database.rows(FIXTURE);
    database
}

fn granted(lines: &str) -> Capabilities {
    toml::from_str(lines).expect("capabilities")
}

async fn open(database: &Database) -> Connection {
    let location = Location::parse(&database.url).expect("a location");
    connect(&location, "audit").await.expect("connects")
}

async fn batch(session: &mut PostgresSession, sql: &str) {
    session.batch(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The alarms after a step, which is then rolled back; `meanwhile` is what
/// another session commits during the step.
async fn run(database: &Database, lines: &str, step: &str, meanwhile: &str, observed: bool) -> Vec<String> {
    let (guest, control, other) = (open(database).await, open(database).await, open(database).await);
    let (guest, control, other) = (guest.session(), control.session(), other.session());
    let (mut guest, mut control, mut other) = (guest.lock().await, control.lock().await, other.lock().await);
    batch(&mut guest, "BEGIN; SELECT pg_current_xact_id()").await;
    let observer = observed.then_some(&mut *control);
    let before = audit::before(&mut guest, observer, false).await.expect("looks");
    batch(&mut guest, &format!("{step}; SET CONSTRAINTS ALL IMMEDIATE")).await;
    batch(&mut other, meanwhile).await;
    let observer = observed.then_some(&mut *control);
    let effects = audit::effects(&mut guest, observer, &before, &granted(lines)).await.expect("audits");
    batch(&mut guest, "ROLLBACK").await;
    let mut lines: Vec<String> = effects.iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}

/// The alarms of a step, however the state before it is seen.
fn alarms(database: &Database, lines: &str, step: &str) -> Vec<String> {
    wait(async {
        let observed = run(database, lines, step, "", true).await;
        let alone = run(database, lines, step, "", false).await;
        assert_eq!(observed, alone, "{step}");
        observed
    })
}

/// Checks that each step gives exactly the alarms that are written below it.
fn check(lines: &str, cases: &[(&str, &[&str])]) {
    let database = fixture();
    // All of them at once: one mistake mostly shows in several.
    let wrong: Vec<_> = cases
        .iter()
        .map(|(step, expected)| (step, alarms(&database, lines, step), expected))
        .filter(|(_, found, expected)| found != *expected)
        .collect();
    assert!(wrong.is_empty(), "step, found, expected: {wrong:#?}");
}

#[test]
fn what_is_granted_and_what_is_the_steps_own_is_no_alarm() {
    check(
        APP,
        &[
            ("SELECT 1", &[]),
            ("INSERT INTO app.users (email) VALUES ('a'); UPDATE app.users SET email = 'b'", &[]),
            (
                "CREATE TABLE app.n (id serial PRIMARY KEY, u int REFERENCES app.users, \
                 c text CHECK (c <> ''), d int GENERATED ALWAYS AS IDENTITY UNIQUE); \
                 INSERT INTO app.n (c) VALUES ('x'); CREATE INDEX ON app.n (c); \
                 COMMENT ON TABLE app.n IS 'n'; COMMENT ON COLUMN app.n.c IS 'c'; TRUNCATE app.n",
                &[],
            ),
            ("ALTER TABLE app.users ADD c int DEFAULT 1 CHECK (c > 0), ALTER email SET NOT NULL", &[]),
            ("ALTER TABLE app.users ALTER id TYPE bigint; ALTER TABLE app.users DROP email", &[]),
            ("ALTER TABLE app.users RENAME TO people; ALTER TABLE app.people RENAME email TO mail", &[]),
            ("DROP TABLE app.users", &[]),
            ("CREATE TABLE app.n (id int); INSERT INTO app.n VALUES (1); DROP TABLE app.n", &[]),
            ("CREATE VIEW app.v AS SELECT id FROM app.users; COMMENT ON VIEW app.v IS 'v'", &[]),
            ("CREATE OR REPLACE VIEW app.door AS SELECT id, v FROM secret.t", &[]),
            ("CREATE TYPE app.mood AS ENUM ('a'); ALTER TYPE app.mood RENAME VALUE 'a' TO 'b'", &[]),
            ("CREATE TYPE app.span AS RANGE (subtype = int4); CREATE TYPE app.pair AS (a int, b int)", &[]),
            ("CREATE DOMAIN app.short AS text CHECK (length(value) < 9)", &[]),
            ("CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION app.f()", &[]),
            (
                "CREATE FUNCTION app.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; \
              CREATE TRIGGER g BEFORE INSERT ON app.users FOR EACH ROW EXECUTE FUNCTION app.g()",
                &[],
            ),
            (
                "ALTER TABLE app.users ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.users USING (true)",
                &[],
            ),
            (
                "CREATE MATERIALIZED VIEW app.m AS SELECT id FROM app.users; REFRESH MATERIALIZED VIEW app.m",
                &[],
            ),
            (
                "CREATE STATISTICS app.s ON id, email FROM app.users; CREATE SEQUENCE app.q; SELECT nextval('app.q')",
                &[],
            ),
            (
                "CREATE TEMP TABLE passing (id int PRIMARY KEY, v text); INSERT INTO passing VALUES (1, 'x')",
                &[],
            ),
            ("TRUNCATE app.users", &[]),
        ],
    );
}

#[test]
fn rows_of_undeclared_tables_are_seen_whatever_wrote_them() {
    let database = fixture();
    database
        .rows("CREATE TRIGGER note AFTER INSERT ON app.users FOR EACH ROW EXECUTE FUNCTION secret.note()");
    let deleted = "3 rows deleted in secret.child, which `write` does not grant \
                   (a foreign key with ON DELETE CASCADE from app.parent)";
    let cases: [(&str, &[&str]); 9] = [
        ("DELETE FROM app.parent WHERE id = 1", &[deleted]),
        (
            "INSERT INTO app.users (email) VALUES ('a'), ('b')",
            &["2 rows inserted in secret.log, which `write` does not grant \
               (perhaps by trigger note on app.users, which calls secret.note())"],
        ),
        (
            "UPDATE app.door SET v = 'gone'",
            &[
                "1 row updated in secret.t, which `write` does not grant (through view app.door)",
                "secret.t was read through view app.door, which `read` does not grant",
            ],
        ),
        (
            "INSERT INTO app.ruled VALUES (7)",
            &["1 row inserted in secret.t, which `write` does not grant (through rule copy on app.ruled)"],
        ),
        (
            "DO $$ BEGIN EXECUTE 'DELETE FROM ' || 'secret.t'; END $$",
            &["1 row deleted in secret.t, which `write` does not grant (through view app.door)"],
        ),
        ("SELECT v FROM app.door", &["secret.t was read through view app.door, which `read` does not grant"]),
        (
            "SELECT nextval('secret.seq')",
            &["values of sequence secret.seq were drawn or set, which `write` does not grant"],
        ),
        // A partition of a declared table is declared, wherever it is.
        ("INSERT INTO app.measure VALUES ('2020-05-05', 1)", &[]),
        ("DELETE FROM app.parent WHERE id = 3", &[]),
    ];
    for (step, expected) in cases {
        assert_eq!(alarms(&database, APP, step), expected, "{step}");
    }
}

#[test]
fn a_table_that_is_emptied_is_told_from_one_that_is_rewritten() {
    let taken = "all rows of table secret.t were taken out (TRUNCATE), which `truncate` does not grant";
    check(
        APP,
        &[
            ("TRUNCATE secret.t", &[taken]),
            ("INSERT INTO secret.t VALUES (5, 'x'); TRUNCATE secret.t", &[taken]),
        ],
    );

    let ddl = r#"ddl = ["app", "secret"]"#;
    check(
        ddl,
        &[
            ("TRUNCATE secret.t", &[taken]),
            ("ALTER TABLE secret.child ALTER id TYPE bigint; ALTER TABLE secret.t SET UNLOGGED", &[]),
            // Nothing is lost where nothing was.
            ("ALTER TABLE secret.log ALTER line TYPE varchar(9)", &[]),
        ],
    );
}

#[test]
fn objects_outside_the_granted_schemas_are_seen() {
    check(
        APP,
        &[
            (
                "CREATE TABLE secret.n (id serial PRIMARY KEY)",
                &["table secret.n was created, which `ddl` does not grant"][..],
            ),
            ("DROP TABLE secret.log", &["table secret.log was dropped, which `drop` does not grant"]),
            (
                "DROP TABLE app.parent CASCADE",
                &["constraint child_parent_id_fkey of secret.child was dropped, which `drop` does not grant"],
            ),
            (
                "ALTER TABLE secret.t ADD c int",
                &[
                    "column c of secret.t was created, which `ddl` does not grant",
                    "table secret.t was changed, which `ddl` does not grant",
                ],
            ),
            (
                "ALTER TABLE secret.t DROP v CASCADE",
                &[
                    "column v of secret.t was dropped, which `drop` does not grant",
                    "rule copy on app.ruled was dropped, which no capability grants",
                ],
            ),
            (
                "ALTER TABLE app.users SET SCHEMA secret",
                &["table secret.users was changed, which `ddl` does not grant"],
            ),
            (
                "CREATE INDEX mine ON secret.t (v)",
                &["index secret.mine was created, which `ddl` does not grant"],
            ),
            (
                "CREATE TABLE app.n (t int REFERENCES secret.t)",
                &["constraint n_t_fkey of app.n references secret.t, which `read` does not grant"],
            ),
            (
                "COMMENT ON TABLE secret.t IS 'hello'",
                &["comment on secret.t was created, which `ddl` does not grant"],
            ),
            ("CREATE SCHEMA other", &["schema other was created, which `ddl` does not grant"]),
            (
                "CREATE TABLE app.h (LIKE secret.t); ALTER TABLE app.h INHERIT secret.t",
                &["inheritance of app.h from secret.t was created, which `ddl` does not grant"],
            ),
            (
                "CREATE TYPE secret.mood AS ENUM ('a')",
                &["type secret.mood was created, which `ddl` does not grant"],
            ),
            (
                "ALTER SEQUENCE secret.seq INCREMENT 7",
                &["options of sequence secret.seq was changed, which `ddl` does not grant"],
            ),
            (
                "CREATE POLICY p ON secret.t USING (true); ALTER TABLE secret.t ENABLE ROW LEVEL SECURITY",
                &[
                    "policy p on secret.t was created, which `rls` does not grant",
                    "the row-level security of table secret.t was switched, which `rls` does not grant",
                ],
            ),
        ],
    );
}

#[test]
fn some_effects_are_seen_in_any_schema() {
    let definer =
        "function app.f() runs with the rights of its owner (SECURITY DEFINER), which no capability grants";
    check(
        APP,
        &[
            (
                "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
                &[definer][..],
            ),
            (
                "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
              ALTER FUNCTION app.f() SECURITY DEFINER",
                &[definer],
            ),
            (
                "ALTER TABLE app.users OWNER TO pg_read_all_data",
                &["the owner of table app.users is `pg_read_all_data` now and was `postgres`, \
                 which no capability grants"],
            ),
            (
                "GRANT SELECT ON app.users TO PUBLIC",
                &["privileges on table app.users were changed for everybody, which no capability grants"],
            ),
            (
                "GRANT SELECT (email) ON app.users TO pg_monitor",
                &["privileges on column email of app.users were changed for `pg_monitor`, \
                 which `grant` does not grant"],
            ),
            (
                "CREATE TABLE app.n (id int); GRANT SELECT ON app.n TO pg_monitor",
                &["privileges on table app.n were given to `pg_monitor`, which `grant` does not grant"],
            ),
            (
                "REVOKE ALL ON app.users FROM postgres",
                &["privileges on table app.users were taken from `postgres`, which `grant` does not grant"],
            ),
            (
                "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
                &["default privileges of role postgres was created, which no capability grants"],
            ),
            (
                "ALTER ROLE postgres SET work_mem = '8MB'",
                &["setting of role postgres was created, which no capability grants"],
            ),
            (
                "CREATE ROLE audit_role_that_is_rolled_back",
                &["a role was created, changed or dropped, which no capability grants"],
            ),
            (
                "CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
                &["operator app.=== was created, which no capability grants"],
            ),
            (
                "CREATE CAST (point AS int) WITH INOUT",
                &["cast point AS integer was created, which no capability grants"],
            ),
            (
                "CREATE RULE r AS ON DELETE TO app.users DO INSTEAD NOTHING",
                &["rule r on app.users was created, which no capability grants"],
            ),
            (
                "CREATE TRIGGER t BEFORE INSERT ON app.users FOR EACH ROW EXECUTE FUNCTION app.stamp()",
                &["trigger t on app.users was created, which `trigger` does not grant"],
            ),
            (
                "ALTER TABLE app.parent DISABLE TRIGGER ALL",
                &["a constraint's trigger on app.parent was switched on or off, which no capability grants"],
            ),
            (
                "CREATE PUBLICATION p FOR TABLE app.users",
                &["publication p was created, which no capability grants"],
            ),
            (
                "CREATE FOREIGN DATA WRAPPER w",
                &["foreign-data wrapper w was created, which no capability grants"],
            ),
            (
                "SELECT lo_from_bytea(4711, 'x')",
                &[
                    "large object 4711 was created, which no capability grants",
                    "the data of a large object was written, which no capability grants",
                ],
            ),
            (
                "CREATE EXTENSION pg_trgm SCHEMA app",
                &["extension pg_trgm was created, which `extension` does not grant"],
            ),
        ],
    );
}

#[test]
fn grants_take_the_alarms_away() {
    check(
        r#"
            read = ["secret.t"]
            write = ["app", "secret.t", "secret.child", "!app.users"]
            ddl = ["other", "app"]
            extension = ["citext"]
            grant = ["pg_monitor"]
            trigger = ["app.stamp", "suppress_redundant_updates_trigger"]
        "#,
        &[
            ("DELETE FROM app.parent", &[]),
            ("UPDATE app.door SET v = 'x'", &[]),
            (
                "INSERT INTO app.users (email) VALUES ('a')",
                &["1 row inserted in app.users, which `write` does not grant"],
            ),
            ("CREATE SCHEMA other; CREATE TABLE other.t (id int)", &[]),
            ("CREATE EXTENSION citext SCHEMA app; CREATE TABLE app.n (c app.citext)", &[]),
            ("GRANT SELECT ON app.users TO pg_monitor", &[]),
            (
                "GRANT SELECT ON app.users TO pg_monitor WITH GRANT OPTION",
                &["privileges on table app.users were changed for `pg_monitor`, which no capability grants"],
            ),
            (
                "CREATE TRIGGER t BEFORE INSERT ON app.users FOR EACH ROW EXECUTE FUNCTION app.stamp(); \
              CREATE TRIGGER s BEFORE UPDATE ON app.users FOR EACH ROW \
              EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                &[],
            ),
            (
                "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                &["function app.f() was created, which `code` does not grant"],
            ),
        ],
    );
}

#[test]
fn what_a_savepoint_took_back_is_no_alarm() {
    check(
        APP,
        &[
            (
                "SAVEPOINT s; DELETE FROM app.parent WHERE id = 1; CREATE TABLE secret.n (id int); \
              DROP TABLE secret.log; TRUNCATE secret.t; ROLLBACK TO s; INSERT INTO app.parent VALUES (9)",
                &[],
            ),
            (
                "SAVEPOINT s; DROP TABLE secret.log; RELEASE s",
                &["table secret.log was dropped, which `drop` does not grant"][..],
            ),
            (
                "SAVEPOINT s; DELETE FROM secret.t; RELEASE s",
                &["1 row deleted in secret.t, which `write` does not grant (through view app.door)"],
            ),
            (
                "DO $$ BEGIN DROP TABLE secret.log; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END $$; \
              CREATE TABLE app.n (id int)",
                &[],
            ),
        ],
    );
}

#[test]
fn what_other_sessions_do_meanwhile_is_no_alarm() {
    let database = fixture();
    database.rows("CREATE TABLE secret.going (id int); CREATE FUNCTION secret.f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    let meanwhile = "CREATE TABLE secret.coming (id int); INSERT INTO secret.coming VALUES (1); \
        DELETE FROM secret.t WHERE false; ALTER TABLE secret.log ADD c int; COMMENT ON TABLE secret.t IS 'x'; \
        CREATE OR REPLACE FUNCTION secret.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 2'; \
        DROP TABLE secret.going; GRANT SELECT ON secret.t TO PUBLIC";
    let back = "DROP TABLE secret.coming; ALTER TABLE secret.log DROP c; CREATE TABLE secret.going (id int)";
    let step = "CREATE TABLE app.n (id int); COMMENT ON TABLE app.n IS 'n'; DROP TABLE app.ruled; \
        CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SAVEPOINT s; ALTER TABLE app.n ADD c int";
    for observed in [true, false] {
        let alarms = wait(run(&database, APP, step, meanwhile, observed));
        assert_eq!(alarms, Vec::<String>::new(), "observed: {observed}");
        database.rows(back);
    }
}

#[test]
fn another_session_in_the_middle_of_a_change_is_no_alarm() {
    let database = fixture();
    wait(async {
        let other = open(&database).await;
        let other = other.session();
        let mut other = other.lock().await;
        let (guest, control) = (open(&database).await, open(&database).await);
        let (guest, control) = (guest.session(), control.session());
        let (mut guest, mut control) = (guest.lock().await, control.lock().await);
        for observed in [true, false] {
            batch(&mut guest, "BEGIN; SELECT pg_current_xact_id()").await;
            let before =
                audit::before(&mut guest, observed.then_some(&mut *control), false).await.expect("looks");
            // In subtransactions of its own, and not committed.
            batch(
                &mut other,
                "BEGIN; SAVEPOINT a; DROP TABLE secret.log; SAVEPOINT b; ALTER TABLE secret.t ADD c int",
            )
            .await;
            batch(&mut guest, "CREATE TABLE app.n (id int); DROP TABLE app.ruled").await;
            let observer = observed.then_some(&mut *control);
            let effects = audit::effects(&mut guest, observer, &before, &granted(APP)).await.expect("audits");
            assert_eq!(effects, [], "observed: {observed}");
            batch(&mut other, "ROLLBACK").await;
            batch(&mut guest, "ROLLBACK").await;
        }
    });
}

#[test]
fn each_step_answers_for_itself() {
    let database = fixture();
    wait(async {
        let (guest, control) = (open(&database).await, open(&database).await);
        let (guest, control) = (guest.session(), control.session());
        let (mut guest, mut control) = (guest.lock().await, control.lock().await);
        let first = "DELETE FROM secret.t; DROP TABLE secret.log; CREATE TABLE app.n (id int); \
                     ALTER TABLE secret.child ADD c int; SELECT nextval('secret.seq')";
        for observed in [true, false] {
            // In the same transaction.
            batch(&mut guest, &format!("BEGIN; SELECT pg_current_xact_id(); {first}")).await;
            let before =
                audit::before(&mut guest, observed.then_some(&mut *control), true).await.expect("looks");
            let observer = observed.then_some(&mut *control);
            let effects = audit::effects(&mut guest, observer, &before, &granted("")).await.expect("audits");
            assert_eq!(effects, [], "observed: {observed}");
            batch(&mut guest, "INSERT INTO app.n VALUES (1); DROP TABLE secret.child").await;
            let observer = observed.then_some(&mut *control);
            let effects = audit::effects(&mut guest, observer, &before, &granted("")).await.expect("audits");
            let lines: Vec<String> = effects.iter().map(ToString::to_string).collect();
            assert_eq!(
                lines,
                [
                    "1 row inserted in app.n, which `write` does not grant",
                    "table secret.child was dropped, which `drop` does not grant",
                ],
                "observed: {observed}"
            );
            batch(&mut guest, "ROLLBACK").await;
        }
        // In a transaction of the same session that has just ended, and is not
        // yet reported to the statistics.
        batch(&mut guest, "UPDATE secret.t SET v = 'committed'").await;
        batch(&mut guest, "BEGIN").await;
        let before = audit::before(&mut guest, Some(&mut control), false).await.expect("looks");
        batch(&mut guest, "UPDATE secret.t SET v = 'x' WHERE false").await;
        let effects =
            audit::effects(&mut guest, Some(&mut control), &before, &granted("")).await.expect("audits");
        assert_eq!(effects, []);
    });
}

#[test]
fn the_search_path_cannot_mislead_the_audit() {
    let database = fixture();
    database.rows(
        "CREATE FUNCTION app.lie(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false';
         CREATE FUNCTION app.lie(text, text) RETURNS bool LANGUAGE sql AS 'SELECT false';
         CREATE FUNCTION app.lie(bigint, bigint) RETURNS bool LANGUAGE sql AS 'SELECT false';
         CREATE OPERATOR app.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = app.lie);
         CREATE OPERATOR app.= (LEFTARG = text, RIGHTARG = text, FUNCTION = app.lie);
         CREATE OPERATOR app.> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = app.lie);
         CREATE TABLE app.pg_class (oid oid, relname text)",
    );
    let step =
        "SET LOCAL search_path = app, pg_catalog; DELETE FROM secret.t; CREATE TABLE secret.n (id int)";
    let expected = [
        "1 row deleted in secret.t, which `write` does not grant (through view app.door)",
        "table secret.n was created, which `ddl` does not grant",
    ];
    assert_eq!(alarms(&database, APP, step), expected);
}

#[test]
fn what_cannot_be_audited_is_an_error() {
    let database = fixture();
    wait(async {
        let (guest, control) = (open(&database).await, open(&database).await);
        let (guest, control) = (guest.session(), control.session());
        let (mut guest, mut control) = (guest.lock().await, control.lock().await);
        batch(&mut guest, "SET track_counts = off; BEGIN; DELETE FROM secret.t").await;
        let error = audit::effects(&mut guest, Some(&mut control), &Before::default(), &granted(APP)).await;
        assert!(matches!(error, Err(AuditError::NotCounting)), "{error:?}");
        batch(&mut guest, "ROLLBACK; RESET track_counts; BEGIN").await;
        let before = audit::before(&mut guest, None, false).await.expect("looks");
        batch(&mut guest, "DROP TABLE secret.log; CLOSE ALL").await;
        let error = audit::effects(&mut guest, None, &before, &granted(APP)).await;
        assert!(matches!(&error, Err(AuditError::Db(db)) if db.sqlstate() == Some("34000")), "{error:?}");
    });
}

#[test]
fn an_ordinary_login_can_audit_itself() {
    let database = fixture();
    let name = format!("audit_{}", database.name);
    database.rows(&format!(
        "CREATE ROLE {name} LOGIN; ALTER SCHEMA app OWNER TO {name}; ALTER SCHEMA secret OWNER TO {name};
         ALTER TABLE app.parent OWNER TO {name}; ALTER TABLE secret.child OWNER TO {name};
         ALTER TABLE secret.log OWNER TO {name}"
    ));
    let url = database.url.replace("postgres@", &format!("{name}@"));
    let own = Database { name: database.name.clone(), superuser_url: database.url.clone(), url };
    let step = "DELETE FROM app.parent WHERE id = 2; DROP TABLE secret.log; CREATE TABLE app.n (id int)";
    let expected = [
        "1 row deleted in secret.child, which `write` does not grant \
         (a foreign key with ON DELETE CASCADE from app.parent)",
        "table secret.log was dropped, which `drop` does not grant",
    ];
    assert_eq!(alarms(&own, APP, step), expected);
    database.rows(&format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}"));
}

#[test]
fn an_effect_names_the_line_that_would_allow_it() {
    let database = fixture();
    wait(async {
        let (guest, control) = (open(&database).await, open(&database).await);
        let (guest, control) = (guest.session(), control.session());
        let (mut guest, mut control) = (guest.lock().await, control.lock().await);
        batch(&mut guest, "BEGIN; DELETE FROM app.parent WHERE id = 2").await;
        let effects = audit::effects(&mut guest, Some(&mut control), &Before::default(), &granted(APP)).await;
        let effects = effects.expect("audits");
        let [effect] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!((effect.kind, effect.object.as_str()), (EffectKind::Written, "secret.child"));
        assert_eq!(effect.allowed_by.as_deref(), Some(r#"write = ["secret.child"]"#));
    });
}

fn joins(database: &Database, lines: &str) -> Vec<String> {
    wait(async {
        let connection = open(database).await;
        let session = connection.session();
        let found = audit::joins(&mut *session.lock().await, &granted(lines)).await.expect("asks");
        found.iter().map(ToString::to_string).collect()
    })
}

#[test]
fn what_joins_declared_tables_with_others_is_found_before_the_step() {
    let database = fixture();
    database.rows(
        "CREATE TABLE secret.grandchild (id int REFERENCES secret.child ON DELETE SET NULL);
         CREATE TABLE secret.heir () INHERITS (app.users);
         CREATE VIEW app.sums AS SELECT count(*) FROM secret.t;
         CREATE TRIGGER note AFTER INSERT ON app.users FOR EACH ROW EXECUTE FUNCTION secret.note();
         CREATE TRIGGER off AFTER UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION secret.note();
         ALTER TABLE app.users DISABLE TRIGGER off",
    );
    let found = joins(&database, r#"write = ["app"]"#);
    let expected = [
        "secret.child has a foreign key with ON DELETE CASCADE from app.parent; to allow it: write = [\"secret.child\"]",
        "secret.grandchild has a foreign key with ON DELETE SET NULL from secret.child; to allow it: write = [\"secret.grandchild\"]",
        "secret.measure_old is a partition of app.measure in another schema, and counts as declared; to allow it: write = [\"secret.measure_old\"]",
        "secret.heir inherits from app.users: what is written there is written here; to allow it: write = [\"secret.heir\"]",
        "trigger note on app.users calls secret.note(); to allow it: call = [\"secret.note\"]",
        "rule copy on app.ruled leads to secret.t; to allow it: write = [\"secret.t\"]",
        "view app.door can be written, and leads to secret.t; to allow it: write = [\"secret.t\"]",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for one in expected {
        assert!(found.iter().any(|join| join == one), "{one:?} is not in {found:#?}");
    }

    let calling = joins(&database, "write = [\"app\"]\ncall = [\"secret.note\"]");
    assert!(!calling.iter().any(|join| join.contains("trigger note")), "the line allows it: {calling:#?}");

    let reading = joins(&database, r#"read = ["app"]"#);
    let sums = "view app.sums reads secret.t; to allow it: read = [\"secret.t\"]";
    let door = "view app.door reads secret.t; to allow it: read = [\"secret.t\"]";
    assert_eq!(reading.len(), 2, "{reading:#?}");
    assert!(reading.iter().all(|join| join == sums || join == door), "{reading:#?}");

    let all = r#"
        read = ["app", "secret"]
        write = ["app", "secret"]
        trigger = ["secret.note"]
    "#;
    assert_eq!(joins(&database, all), [""; 0]);
}

#[test]
fn grants_of_what_does_not_exist_are_found() {
    let database = fixture();
    let lines = r#"
        read = ["app.users", "app.usres", "nowhere.*", "app.nothing_*"]
        write = ["app.parent", 'app."to come"', "nowhere", "new.t", "!app.gone"]
        truncate = ["secret.\"t'x\""]
        ddl = ["new"]
    "#;
    let found = wait(async {
        let connection = open(&database).await;
        let session = connection.session();
        audit::missing(&mut *session.lock().await, &granted(lines)).await.expect("asks")
    });
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "`read` grants app.usres, which does not exist",
            "`write` grants app.\"to come\", which does not exist",
            "`write` grants nowhere, which does not exist",
            "`truncate` grants secret.\"t'x\", which does not exist",
        ]
    );
}
