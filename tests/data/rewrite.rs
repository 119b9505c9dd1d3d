//! Replacing a table's contents: what stays, what is checked, and what is
//! refused. On the library.

use runner::audit;
use runner::bulk::rewrite::{RefillError, RefillOptions, Refilled, RewriteRefusal, facts, refill, refusal};
use runner::bulk::{Stage, StagedColumn};
use runner::db::{Connection, Location, PostgresSession, connect};
use runner::revision::Capabilities;

use crate::support::{Database, execute};

/// A table with everything that a table can have, and enough rows for its
/// indexes to be made anew.
const FIXTURE: &str = r#"
    CREATE SCHEMA app;
    CREATE TABLE app.city (id int PRIMARY KEY, name text);
    INSERT INTO app.city SELECT i, 'city ' || i FROM generate_series(1, 10) i;
    CREATE TABLE app.log (line text);
    CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO app.log VALUES (tg_name || ' ' || tg_op); RETURN new; END $$;
    CREATE TABLE app."Users" (
        id bigint GENERATED ALWAYS AS IDENTITY,
        "Full name" text NOT NULL,
        mail text NOT NULL,
        mail_host text GENERATED ALWAYS AS (split_part(mail, '@', 2)) STORED,
        city_id int DEFAULT 1,
        number int NOT NULL,
        gone int,
        CONSTRAINT users_pkey PRIMARY KEY (id) INCLUDE (city_id),
        CONSTRAINT users_number UNIQUE (number) WITH (fillfactor = 80),
        CONSTRAINT users_late UNIQUE (id, number) DEFERRABLE,
        CONSTRAINT users_city FOREIGN KEY (city_id) REFERENCES app.city,
        CONSTRAINT users_range EXCLUDE USING btree (number WITH =),
        CONSTRAINT users_mail CHECK (mail <> '')
    ) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.3);
    ALTER TABLE app."Users" DROP COLUMN gone;
    INSERT INTO app."Users" ("Full name", mail, city_id, number)
        SELECT 'First' || i || ' Last', 'M' || i || '@Example.ORG', 1 + i % 10, i FROM generate_series(1, 12000) i;
    CREATE INDEX "by Mail" ON app."Users" (mail text_pattern_ops DESC) INCLUDE (number) WITH (fillfactor = 70);
    CREATE UNIQUE INDEX by_lower ON app."Users" (lower(mail), number) WHERE number > 5;
    CREATE INDEX by_hash ON app."Users" USING hash (city_id);
    CREATE INDEX clustered ON app."Users" ("Full name" COLLATE "C");
    ALTER TABLE app."Users" CLUSTER ON clustered;
    ALTER INDEX app.by_lower ALTER COLUMN 1 SET STATISTICS 500;
    COMMENT ON INDEX app."by Mail" IS 'it''s \ the index';
    COMMENT ON INDEX app.users_number IS 'an index';
    COMMENT ON CONSTRAINT users_number ON app."Users" IS 'a constraint';
    COMMENT ON TABLE app."Users" IS 'all users';
    ALTER TABLE app."Users" ALTER COLUMN mail SET STATISTICS 300, ALTER COLUMN mail SET STORAGE EXTERNAL;
    CREATE STATISTICS app.together (dependencies) ON city_id, number FROM app."Users";
    CREATE VIEW app.grouped AS SELECT id, "Full name", count(*) FROM app."Users" GROUP BY id;
    CREATE MATERIALIZED VIEW app.kept AS SELECT count(*) FROM app."Users";
    CREATE TRIGGER t_origin AFTER INSERT OR UPDATE ON app."Users" FOR EACH ROW EXECUTE FUNCTION app.note();
    CREATE TRIGGER t_always AFTER TRUNCATE ON app."Users" EXECUTE FUNCTION app.note();
    CREATE TRIGGER "t Replica" BEFORE INSERT ON app."Users" FOR EACH ROW EXECUTE FUNCTION app.note();
    CREATE TRIGGER t_off BEFORE INSERT ON app."Users" FOR EACH ROW EXECUTE FUNCTION app.note();
    CREATE CONSTRAINT TRIGGER t_late AFTER INSERT ON app."Users" DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION app.note();
    ALTER TABLE app."Users" ENABLE ALWAYS TRIGGER t_always;
    ALTER TABLE app."Users" ENABLE REPLICA TRIGGER "t Replica";
    ALTER TABLE app."Users" DISABLE TRIGGER t_off;
    CREATE POLICY own ON app."Users" USING (number > 0);
    ALTER TABLE app."Users" ENABLE ROW LEVEL SECURITY;
    GRANT SELECT ON app."Users" TO pg_monitor; GRANT UPDATE (mail) ON app."Users" TO PUBLIC;
    ANALYZE app."Users";"#;

/// What a dump does not tell of the table.
const BESIDE_THE_DUMP: &str = "
    SELECT oid, relowner::regrole, relacl, reloptions, relreplident, relrowsecurity, reltoastrelid
        FROM pg_class WHERE oid = 'app.\"Users\"'::regclass;
    SELECT oid, tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'app.\"Users\"'::regclass ORDER BY oid;
    SELECT i.indexrelid::regclass, c.relowner::regrole, c.reloptions, c.reltablespace, i.indisclustered,
        i.indisvalid, i.indisready, (SELECT array_agg(a.attstattarget ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = i.indexrelid), obj_description(c.oid), pg_get_indexdef(c.oid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = 'app.\"Users\"'::regclass ORDER BY c.relname;
    SELECT conname, contype, condeferrable, condeferred, convalidated, conislocal, coninhcount, connoinherit,
        conindid::regclass, obj_description(oid), pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'app.\"Users\"'::regclass ORDER BY conname;
    SELECT last_value, is_called FROM app.\"Users_id_seq\";
    SELECT count(*) FROM pg_depend WHERE refobjid = 'app.\"Users\"'::regclass;
    SELECT deptype, count(*) FROM pg_depend d, pg_constraint k WHERE d.refobjid = k.oid
        AND k.conrelid = 'app.\"Users\"'::regclass GROUP BY deptype ORDER BY 1;";

const COLUMNS: [&str; 5] = ["id", "Full name", "mail", "city_id", "number"];
const CONTENTS: &str = r#"SELECT md5(string_agg(u::text, ';' ORDER BY id)) FROM app."Users" u"#;

const OPTIONS: RefillOptions =
    RefillOptions { fire_triggers: false, may_alter: true, may_rebuild_indexes: true, rows: 12_000 };

/// Waits for an answer of the library.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

async fn open(url: &str) -> Connection {
    connect(&Location::parse(url).expect("a location"), "rewrite").await.expect("connects")
}

async fn batch(session: &mut PostgresSession, sql: &str) {
    session.batch(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn fixture() -> Database {
    let database = Database::new();
    database.rows(FIXTURE);
    database
}

fn state(database: &Database) -> String {
    format!("{}\n{}", database.dump_schema("app"), database.rows(BESIDE_THE_DUMP).join("\n"))
}

fn oid(database: &Database, index: &str) -> String {
    database.value(&format!("SELECT '{index}'::regclass::oid"))
}

/// A stage with these columns.
fn staged(columns: &[&str]) -> Stage {
    let column =
        |name: &&str| StagedColumn { name: (*name).to_owned(), cast: None, identity_always: *name == "id" };
    Stage::of_columns(columns.iter().map(column).collect())
}

/// What fills a stage, here still called `stage`: the table's rows, all mail addresses in lower case.
const LOWER: &str = r#"CREATE TEMP TABLE stage AS
    SELECT id, "Full name", lower(mail) AS mail, city_id, number FROM app."Users" ORDER BY id"#;

/// Refills a table from what `stage` makes, and commits.
fn rewrite_as(
    url: &str,
    table: &str,
    stage: &str,
    columns: &[&str],
    options: RefillOptions,
) -> Result<Refilled, RefillError> {
    wait(async {
        let connection = open(url).await;
        let session = connection.session();
        let mut session = session.lock().await;
        batch(&mut session, &format!("BEGIN; {stage}")).await;
        let to = staged(columns);
        batch(&mut session, &format!("ALTER TABLE pg_temp.stage RENAME TO {}", to.name())).await;
        let answer = refill(&mut *session, table, &to, &options).await;
        let end = if answer.is_ok() { "COMMIT" } else { "ROLLBACK" };
        batch(&mut session, end).await;
        answer
    })
}

fn rewrite(database: &Database, stage: &str, options: RefillOptions) -> Result<Refilled, RefillError> {
    rewrite_as(&database.url, "app.\"Users\"", stage, &COLUMNS, options)
}

/// The same for a small table `t (a int)`.
fn small(database: &Database, stage: &str, options: RefillOptions) -> Result<Refilled, RefillError> {
    rewrite_as(&database.url, "t", stage, &["a"], options)
}

fn sqlstate(error: &RefillError) -> &str {
    error.db().and_then(|error| error.sqlstate()).unwrap_or_default()
}

#[test]
fn everything_but_the_rows_stays() {
    let database = fixture();
    let before = state(&database);
    let expected =
        database.rows(&format!(r#"BEGIN; UPDATE app."Users" SET mail = lower(mail); {CONTENTS}; ROLLBACK"#));
    let (plain, key, constraint) = (
        oid(&database, "app.\"by Mail\""),
        oid(&database, "app.users_pkey"),
        oid(&database, "app.users_number"),
    );
    database.rows("TRUNCATE app.log");
    let counts = rewrite(&database, LOWER, OPTIONS).expect("refills");
    assert_eq!(counts, Refilled { deleted: 12_000, inserted: 12_000 });
    assert_eq!(state(&database), before);
    assert_eq!(database.rows(CONTENTS), expected);
    assert_ne!(oid(&database, "app.\"by Mail\""), plain, "the index was made anew");
    assert_ne!(oid(&database, "app.users_number"), constraint, "so was that of a constraint");
    assert_eq!(oid(&database, "app.users_pkey"), key, "a view groups by the primary key");
    assert_eq!(database.rows("SELECT * FROM app.log"), [""; 0], "no trigger fired");
    database.rows(r#"INSERT INTO app."Users" ("Full name", mail, number) VALUES ('n', 'n@x', 0)"#);
    assert_eq!(database.value(r#"SELECT id FROM app."Users" WHERE number = 0"#), "12001");
    assert_eq!(database.value("SELECT count(*) FROM app.grouped"), "12001");
}

#[test]
fn a_primary_key_that_nothing_needs_is_made_anew() {
    let database = fixture();
    database.rows("DROP VIEW app.grouped");
    let (before, key) = (state(&database), oid(&database, "app.users_pkey"));
    rewrite(&database, LOWER, OPTIONS).expect("refills");
    assert_eq!(state(&database), before);
    assert_ne!(oid(&database, "app.users_pkey"), key);
}

#[test]
fn without_the_right_and_with_few_rows_the_indexes_are_the_same_objects() {
    let database = fixture();
    let before = (state(&database), oid(&database, "app.\"by Mail\""));
    for options in
        [RefillOptions { may_rebuild_indexes: false, ..OPTIONS }, RefillOptions { rows: 9, ..OPTIONS }]
    {
        rewrite(&database, LOWER, options).expect("refills");
        assert_eq!((state(&database), oid(&database, "app.\"by Mail\"")), before);
    }
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let database = fixture();
    let before = (state(&database), database.value(CONTENTS));
    for (change, state_of_error) in [
        ("UPDATE stage SET id = 7 WHERE id = 8", "23505"),
        ("UPDATE stage SET number = 7 WHERE id = 8", "23P01"),
        ("UPDATE stage SET mail = '' WHERE id = 11999", "23514"),
        ("UPDATE stage SET city_id = 99 WHERE id = 11999", "23503"),
        ("UPDATE stage SET mail = NULL WHERE id = 3", "23502"),
    ] {
        let error = rewrite(&database, &format!("{LOWER}; {change}"), OPTIONS).expect_err("fails");
        assert_eq!(sqlstate(&error), state_of_error, "{change}: {error:?}");
        assert_eq!((state(&database), database.value(CONTENTS)), before, "{change}");
    }
}

#[test]
fn an_empty_stage_empties_the_table() {
    let database = fixture();
    let before = state(&database);
    let none = format!("{LOWER}; TRUNCATE stage");
    let counts = rewrite(&database, &none, RefillOptions { rows: 0, ..OPTIONS }).expect("refills");
    assert_eq!(counts, Refilled { deleted: 12_000, inserted: 0 });
    assert_eq!(state(&database), before);
}

#[test]
fn triggers_fire_if_asked_and_what_they_keep_back_is_counted() {
    let database = fixture();
    database.rows(
        "CREATE FUNCTION app.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF new.number % 3 = 0 THEN RETURN NULL; END IF; RETURN new; END $$; \
         CREATE TRIGGER t_keep BEFORE INSERT ON app.\"Users\" FOR EACH ROW EXECUTE FUNCTION app.keep(); \
         TRUNCATE app.log",
    );
    let before = state(&database);
    let options = RefillOptions { fire_triggers: true, may_alter: false, ..OPTIONS };
    let counts = rewrite(&database, LOWER, options).expect("refills");
    assert_eq!(counts, Refilled { deleted: 12_000, inserted: 8_000 });
    assert_eq!(state(&database), before);
    assert_eq!(
        database.rows("SELECT line, count(*) FROM app.log GROUP BY line ORDER BY line"),
        ["t_always TRUNCATE|1", "t_late INSERT|8000", "t_origin INSERT|8000"]
    );
}

#[test]
fn deferred_constraints_are_checked_and_do_not_stand_in_the_way() {
    let database = fixture();
    database.rows("ALTER TABLE app.\"Users\" ALTER CONSTRAINT users_city DEFERRABLE INITIALLY DEFERRED");
    let before = state(&database);
    // The step's own rows have checks pending when the table is refilled.
    let pending = r#"INSERT INTO app."Users" ("Full name", mail, number) VALUES ('n', 'n@x', 0)"#;
    let counts = rewrite(&database, &format!("{pending}; {LOWER}"), OPTIONS).expect("refills");
    assert_eq!(counts, Refilled { deleted: 12_001, inserted: 12_001 });
    database.rows(r#"SELECT setval('app."Users_id_seq"', 12000)"#);
    assert_eq!(state(&database), before);
    let wrong = format!("{LOWER}; UPDATE stage SET city_id = 99 WHERE id = 11999");
    assert_eq!(sqlstate(&rewrite(&database, &wrong, OPTIONS).expect_err("fails")), "23503");
}

#[test]
fn a_table_that_references_itself_is_checked_as_a_whole() {
    let database = Database::new();
    database.rows("CREATE TABLE t (a int PRIMARY KEY, up int REFERENCES t); INSERT INTO t VALUES (1, 1)");
    let stage = |up: &str| {
        format!("CREATE TEMP TABLE stage AS SELECT i AS a, {up} AS up FROM generate_series(1, 20000) i")
    };
    let options = RefillOptions { rows: 20_000, ..OPTIONS };
    let columns = ["a", "up"];
    // Each points at the one after it, which is inserted later.
    let counts = rewrite_as(&database.url, "t", &stage("least(i + 1, 20000)"), &columns, options);
    assert_eq!(counts.expect("refills"), Refilled { deleted: 1, inserted: 20_000 });
    let error = rewrite_as(&database.url, "t", &stage("i + 1"), &columns, options).expect_err("fails");
    assert_eq!(sqlstate(&error), "23503");
}

#[test]
fn a_member_of_the_owner_may_do_it_and_everything_stays_the_owners() {
    let database = fixture();
    let before = state(&database);
    let member = format!("member_of_{}", database.name);
    execute(&database.superuser_url, &format!("CREATE ROLE {member} LOGIN IN ROLE owner")).expect("makes it");
    let url = database.url.replace("//owner@", &format!("//{member}@"));
    rewrite_as(&url, "app.\"Users\"", LOWER, &COLUMNS, OPTIONS).expect("refills");
    assert_eq!(state(&database), before);
}

/// Each case on a database of its own: what is done as a superuser to the table
/// `t (a int)`, then the name of what is refilled, and the refusal's beginning.
#[test]
fn what_would_do_harm_is_refused() {
    let plain = RefillOptions { rows: 1, ..OPTIONS };
    let not_granted = RefillOptions { may_alter: false, ..plain };
    let note = "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$; \
                CREATE TRIGGER n BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();";
    let note_update = note.replace("INSERT ON", "UPDATE ON");
    let disowned = format!("{note} ALTER TABLE t OWNER TO postgres; GRANT ALL ON t TO owner");
    let cases: [(&str, &str, RefillOptions, &str); 20] = [
        ("SELECT", "t", plain, ""),
        (&note_update, "t", not_granted, ""),
        ("ALTER TABLE t SET UNLOGGED", "t", plain, ""),
        (
            "CREATE TABLE o (t int CONSTRAINT o_t REFERENCES t)",
            "t",
            plain,
            "rows of other tables point at those of public.t (`o_t` of public.o)",
        ),
        ("CREATE VIEW v AS SELECT a FROM t", "v", plain, "public.v is a view"),
        ("CREATE TABLE p (a int) PARTITION BY RANGE (a)", "p", plain, "public.p is partitioned"),
        (
            "CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE q PARTITION OF p DEFAULT",
            "q",
            plain,
            "public.q is a part of public.p",
        ),
        ("CREATE TABLE c () INHERITS (t)", "t", plain, "public.c inherit from"),
        ("CREATE TABLE c () INHERITS (t)", "c", plain, "public.c is a part of public.t"),
        (
            "CREATE PUBLICATION one FOR TABLE t",
            "t",
            plain,
            "public.t is published to logical replication (one)",
        ),
        (
            "CREATE PUBLICATION every FOR ALL TABLES",
            "t",
            plain,
            "public.t is published to logical replication (every)",
        ),
        (
            "CREATE PUBLICATION s FOR TABLES IN SCHEMA public",
            "t",
            plain,
            "public.t is published to logical replication (s)",
        ),
        ("CREATE RULE r AS ON INSERT TO t DO ALSO NOTHING", "t", plain, "public.t has rules (r)"),
        ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "t", plain, ""),
        (
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "t",
            plain,
            "row-level security applies",
        ),
        (
            "ALTER TABLE t OWNER TO postgres; GRANT SELECT ON t TO owner",
            "t",
            plain,
            "the migration's user may not truncate",
        ),
        (note, "t", not_granted, "public.t has triggers (`n`), and switching them off"),
        (&disowned, "t", plain, "public.t has triggers (`n`), which only its owner"),
        (&disowned, "t", RefillOptions { fire_triggers: true, ..plain }, ""),
        ("SELECT", "gone", plain, "no such relation"),
    ];
    for (change, table, options, expected) in cases {
        let database = Database::new();
        database.rows("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
        execute(&database.superuser_url, change).unwrap_or_else(|error| panic!("{change}: {error}"));
        let stage = "CREATE TEMP TABLE stage AS SELECT 3 AS a";
        let answer = rewrite_as(&database.url, table, stage, &["a"], options);
        let case = format!("{table} after {change}: {answer:?}");
        match (answer, expected) {
            (Ok(counts), "") => assert_eq!(counts, Refilled { deleted: 2, inserted: 1 }, "{case}"),
            (Err(RefillError::Refused(refusal)), expected) => {
                assert!(
                    !expected.is_empty() && refusal.to_string().starts_with(expected),
                    "{refusal}, {case}"
                );
            }
            (Err(error), "no such relation") => assert_eq!(sqlstate(&error), "42P01", "{case}"),
            _ => panic!("{case}"),
        }
    }
}

#[test]
fn a_refusal_comes_before_the_first_row_too() {
    let database = Database::new();
    database.rows("CREATE TABLE t (a int PRIMARY KEY)");
    wait(async {
        let connection = open(&database.url).await;
        let session = connection.session();
        let mut session = session.lock().await;
        batch(&mut session, "BEGIN ISOLATION LEVEL REPEATABLE READ").await;
        let known = facts(&mut *session, "t").await.expect("is there");
        let level = "repeatable read".to_owned();
        assert_eq!(refusal(&known, &OPTIONS), Some(RewriteRefusal::OldSnapshot { level }));
    });
}

#[test]
fn a_reader_that_is_open_is_named_as_the_reason() {
    let database = Database::new();
    database.rows("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)");
    let stage = "CREATE TEMP TABLE stage AS SELECT 3 AS a; DECLARE c CURSOR FOR SELECT a FROM t; FETCH c";
    let error = small(&database, stage, OPTIONS).expect_err("fails");
    insta::assert_snapshot!(error, @"public.t is still in use by the migration itself; close the readers of it before the writer is finished");
    assert_eq!(sqlstate(&error), "55006");
}

#[test]
fn an_event_trigger_sees_no_index_go() {
    let database = Database::new();
    database.rows("CREATE TABLE t (a int PRIMARY KEY)");
    let event = "CREATE FUNCTION never() RETURNS event_trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'no'; END $$; CREATE EVENT TRIGGER never ON sql_drop EXECUTE FUNCTION never()";
    execute(&database.superuser_url, event).expect("makes it");
    let stage = "CREATE TEMP TABLE stage AS SELECT i AS a FROM generate_series(1, 20000) i";
    let options = RefillOptions { rows: 20_000, ..OPTIONS };
    assert_eq!(small(&database, stage, options).expect("refills"), Refilled { deleted: 0, inserted: 20_000 });
}

/// What docs/rewrite.md says of other sessions.
#[test]
fn an_older_snapshot_finds_the_table_empty_afterwards() {
    let database = Database::new();
    database.rows(
        "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2); CREATE TABLE other (a int)",
    );
    wait(async {
        let connection = open(&database.url).await;
        let session = connection.session();
        let mut session = session.lock().await;
        batch(&mut session, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM other").await;
        let (url, stage) = (database.url.clone(), "CREATE TEMP TABLE stage AS SELECT 3 AS a");
        let other = tokio::task::spawn_blocking(move || rewrite_as(&url, "t", stage, &["a"], OPTIONS));
        other.await.expect("ends").expect("refills");
        let rows = session.batch("SELECT count(*) FROM t").await.expect("answers");
        assert_eq!(rows, [[Some("0".to_owned())]]);
    });
}

/// The alarms of a step that refills the table, with or without a second
/// session that sees the committed state.
fn alarms(database: &Database, grants: &str, observed: bool) -> Vec<String> {
    let granted: Capabilities = toml::from_str(grants).expect("capabilities");
    wait(async {
        let (guest, control) = (open(&database.url).await, open(&database.url).await);
        let (guest, control) = (guest.session(), control.session());
        let (mut guest, mut control) = (guest.lock().await, control.lock().await);
        batch(&mut guest, "BEGIN; SELECT pg_current_xact_id()").await;
        let observer = observed.then_some(&mut *control);
        let before = audit::before(&mut guest, observer, false).await.expect("looks");
        batch(&mut guest, LOWER).await;
        let stage = staged(&COLUMNS);
        batch(&mut guest, &format!("ALTER TABLE pg_temp.stage RENAME TO {}", stage.name())).await;
        refill(&mut *guest, "app.\"Users\"", &stage, &OPTIONS).await.expect("refills");
        batch(&mut guest, "SET CONSTRAINTS ALL IMMEDIATE").await;
        let observer = observed.then_some(&mut *control);
        let effects = audit::effects(&mut guest, observer, &before, &granted).await.expect("audits");
        batch(&mut guest, "ROLLBACK").await;
        effects.iter().map(ToString::to_string).collect()
    })
}

#[test]
fn writing_and_truncating_are_the_grants_that_the_audit_asks_for() {
    let database = fixture();
    database.rows("DROP VIEW app.grouped");
    let enough = "write = ['app.\"Users\"']\ntruncate = ['app.\"Users\"']";
    for observed in [true, false] {
        assert_eq!(alarms(&database, enough, observed), [""; 0], "observed: {observed}");
        insta::allow_duplicates! {
            let only = |grants| alarms(&database, grants, observed).join("\n");
            insta::assert_snapshot!(
                only("write = ['app.\"Users\"']"),
                @"table app.Users was changed, which `ddl` does not grant"
            );
            insta::assert_snapshot!(
                only("truncate = ['app.\"Users\"']"),
                @"12000 rows inserted in app.Users, which `write` does not grant (through view app.kept)"
            );
        }
    }
}
