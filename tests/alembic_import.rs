//! Coming from Alembic, with Alembic itself beside us.

use std::path::PathBuf;

use crate::support::{Database, Project, alembic_command, filters};

macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        let value = $value;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(value, @$expected) });
    };
}

/// What Alembic's own template holds, as far as it matters here.
const ENV_PY: &str = r#"import os
from alembic import context
from sqlalchemy import create_engine, pool

url = os.environ["ALEMBIC_URL"].replace("postgresql:", "postgresql+psycopg2:")


def run_migrations_offline():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online():
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


run_migrations_offline() if context.is_offline_mode() else run_migrations_online()
"#;

/// Two bases, a branch with a label, a merge, and what depends on the label.
const FIRST: [(&str, &str, &str, &str); 6] = [
    (
        "a1_listings",
        "revision = 'a1'\ndown_revision = None\nbranch_labels = ('main',)\ndepends_on = None",
        r#"
    op.create_table(
        "listings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.Text, nullable=False, server_default="none; -- yet"),
        sa.Column("mood", sa.Enum("good", "bad", name="mood")),
    )
    op.execute("INSERT INTO listings (title) VALUES ('100%\ta''b') -- not the last")
    op.bulk_insert(sa.table("listings", sa.column("title", sa.Text)), [{"title": "x"}, {"title": "y: :z"}])"#,
        "\n    op.drop_table('listings')\n    op.execute('DROP TYPE mood')",
    ),
    (
        "b2_terms",
        "revision: str = 'b2'\ndown_revision: Union[str, None] = 'a' '1'\nbranch_labels = ['search']\ndepends_on = None",
        "\n    op.create_table('terms', sa.Column('id', sa.BigInteger, sa.Identity(), primary_key=True))",
        "\n    op.drop_table('terms')",
    ),
    (
        "c3_price",
        "revision = 'c3'\ndown_revision = ('a1')\nbranch_labels = None\ndepends_on = 'a1'",
        r#"
    op.add_column("listings", sa.Column("price", sa.Numeric(10, 2)))
    bind = op.get_bind()
    bind.execute(sa.text("UPDATE listings SET price = 7 WHERE title LIKE '100%'"))
    op.create_index("listings_price", "listings", ["price"], postgresql_where=sa.text("price > 0"))"#,
        "\n    op.drop_column('listings', 'price')",
    ),
    (
        "d4_merge",
        "revision = 'd4'\ndown_revision = ('b2', 'c3')\nbranch_labels = None\ndepends_on = None",
        "\n    pass",
        "\n    pass",
    ),
    (
        "r1_reports",
        "revision = 'r1'\ndown_revision = None\nbranch_labels = ('reports',)\ndepends_on = 'search'",
        r#"
    op.create_table(
        "reports",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("term", sa.BigInteger, sa.ForeignKey("terms.id", name="of_term")),
    )"#,
        "\n    op.drop_table('reports')",
    ),
    (
        "r2_function",
        "revision = 'r2'\ndown_revision = 'r1'\nbranch_labels = None\ndepends_on = ('c3',)",
        r#"
    op.execute("CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$")
    op.alter_column("reports", "id", type_=sa.BigInteger(), comment="it's a number")"#,
        r#"
    op.alter_column("reports", "id", type_=sa.Integer(), comment=None, existing_comment="it's a number")
    op.execute("DROP FUNCTION one()")"#,
    ),
];

/// What comes later: a data migration in Python, and one after it.
const LATER: [(&str, &str, &str, &str); 2] = [
    (
        "e5_data",
        "revision = 'e5'\ndown_revision = 'd4'",
        r#"
    bind = op.get_bind()
    for row in bind.execute(sa.text("SELECT id, title FROM listings ORDER BY id")).fetchall():
        bind.execute(sa.text("UPDATE listings SET title = :title WHERE id = :id"), {"id": row.id, "title": row.title[::-1]})"#,
        "\n    pass",
    ),
    (
        "f6_check",
        "revision = 'f6'\ndown_revision = 'e5'",
        "\n    op.create_check_constraint('priced', 'listings', 'price >= 0')",
        "\n    op.drop_constraint('priced', 'listings')",
    ),
];

/// A project of ours with a project of Alembic's beside it.
struct Both {
    project: Project,
    /// What Alembic migrates.
    reference: Database,
}

impl Both {
    fn new(database: &Database) -> Self {
        let both = Self { project: Project::new(database), reference: Database::new() };
        both.project
            .write("old/alembic.ini", "[alembic]\nscript_location = %(here)s/db\nprepend_sys_path = .\n");
        both.project.write("old/db/env.py", ENV_PY);
        both.project.write("old/db/versions/__init__.py", "not a revision (\n");
        both
    }

    fn with(database: &Database, revisions: &[(&str, &str, &str, &str)]) -> Self {
        let both = Self::new(database);
        revisions.iter().for_each(|revision| both.revision(revision));
        both
    }

    fn revision(&self, (name, attributes, upgrade, downgrade): &(&str, &str, &str, &str)) {
        let hour = char::from(name.as_bytes()[1]);
        let text = format!(
            "\"\"\"{}\n\nRevision ID: x\nCreate Date: 2024-01-02 0{hour}:00:00.123456\n\n\"\"\"\n\
             from typing import Union\nfrom alembic import op\nimport sqlalchemy as sa\n\n{attributes}\n\n\
             def upgrade() -> None:{upgrade}\n\n\ndef downgrade() -> None:{downgrade}\n",
            name.replace('_', " "),
        );
        self.project.write(&format!("old/db/versions/{name}.py"), text);
    }

    /// Runs Alembic, on the reference or on another database.
    fn alembic(&self, url: &str, args: &[&str]) {
        let mut command = alembic_command("alembic");
        command.args(args).current_dir(self.project.path("old")).env("ALEMBIC_URL", url);
        let output = command.output().expect("Alembic runs");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs our import, with Alembic, which must succeed.
    fn import(&self, more: &[&str]) -> String {
        let program = program();
        let program = program.to_str().expect("a path in UTF-8");
        let mut command = self.project.command(&["import", "alembic", "old", "--alembic", program]);
        let output = command.args(more).env("ALEMBIC_URL", "postgresql://nobody@127.0.0.1:1/none").output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn folders(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.project.path("migrations")).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.project.path(path)).expect("a file")
    }
}

fn program() -> PathBuf {
    alembic_command("alembic").get_program().into()
}

/// The dump without what Alembic keeps for itself.
fn dump(database: &Database) -> String {
    database.rows("DROP TABLE IF EXISTS alembic_version");
    database.dump()
}

#[test]
fn an_imported_project_makes_the_same_database() {
    let database = Database::new();
    let both = Both::with(&database, &FIRST);
    snapshot!(both.import(&[]), @r"
    imported  a1  20240102_010000_a1_a1_listings
    imported  r1  20240102_010000_r1_r1_reports
    imported  b2  20240102_020000_b2_b2_terms
    imported  r2  20240102_020000_r2_r2_function
    imported  c3  20240102_030000_c3_c3_price
    imported  d4  20240102_040000_d4_d4_merge

    Not carried over:
      db/versions/c3_price.py:18: it asks for the connection (`get_bind`); the SQL is what it sends without one
      db/versions/c3_price.py: `depends_on` names `a1`, which is its `down_revision` already: left out
    ");
    snapshot!(both.read("migrations/20240102_010000_a1_a1_listings/migration.toml"), @r#"
    revision = "a1"
    parents = []
    message = "a1 listings"
    labels = ["main"]
    kind = "sql"
    transaction = "revision"
    created = "2024-01-02T01:00:00"

    [imported]
    tool = "alembic"
    file = "db/versions/a1_listings.py"
    digest = "[digest]"
    "#);
    both.project.ok(&["upgrade", "heads"]);
    both.alembic(&both.reference.url, &["upgrade", "heads"]);
    assert_eq!(dump(&database), dump(&both.reference));
    both.project.ok(&["verify"]);
    both.project.ok(&["downgrade", "base"]);
    assert_eq!(
        database.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
        [""; 0]
    );
    assert_eq!(database.rows("SELECT typname FROM pg_type WHERE typname = 'mood'"), [""; 0]);
}

#[test]
fn a_database_that_alembic_migrated_half_way_is_taken_over() {
    let database = Database::new();
    let both = Both::with(&database, &FIRST);
    both.import(&[]);
    both.alembic(&database.url, &["upgrade", "b2"]);
    both.alembic(&database.url, &["upgrade", "c3"]);
    let finished = both.project.run(&["stamp", "--from-alembic", "--tag", "take over"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("\"alembic_version\" says b2, c3"), "{}", finished.stderr);
    assert!(finished.stderr.contains("3 rows added and 0 rows removed"), "{}", finished.stderr);
    assert!(finished.stderr.contains("DROP TABLE \"alembic_version\";"), "{}", finished.stderr);
    assert_eq!(
        database.value("SELECT string_agg(version_num, ' ' ORDER BY 1) FROM alembic_version"),
        "b2 c3"
    );
    both.project.ok(&["upgrade", "heads"]);
    both.alembic(&both.reference.url, &["upgrade", "heads"]);
    // The ledger is ahead now: taking over again would forget what was applied.
    let said = both.project.fails(1, &["stamp", "--from-alembic"]);
    assert!(said.contains("the ledger is ahead of \"alembic_version\""), "{said}");
    assert_eq!(dump(&database), dump(&both.reference));
    both.project.ok(&["downgrade", "base"]);
}

#[test]
fn what_reads_rows_is_marked_and_can_only_be_stamped() {
    let database = Database::new();
    let both = Both::with(&database, &FIRST);
    both.import(&[]);
    let before = both.folders();
    LATER.iter().for_each(|revision| both.revision(revision));
    snapshot!(both.import(&[]), @r#"
    marked    e5  20240102_050000_e5_e5_data
    imported  f6  20240102_060000_f6_f6_check
    skipped   a1  20240102_010000_a1_a1_listings
    skipped   b2  20240102_020000_b2_b2_terms
    skipped   c3  20240102_030000_c3_c3_price
    skipped   d4  20240102_040000_d4_d4_merge
    skipped   r1  20240102_010000_r1_r1_reports
    skipped   r2  20240102_020000_r2_r2_function

    Not carried over:
      db/versions/e5_data.py:16: it reads what the database answers to a statement
    "#);
    assert_eq!(both.folders().len(), before.len() + 2);
    snapshot!(both.read("migrations/20240102_050000_e5_e5_data/migration.toml"), @r#"
    revision = "e5"
    parents = ["d4"]
    message = "e5 data"
    kind = "imported"
    transaction = "revision"
    created = "2024-01-02T05:00:00"

    [imported]
    tool = "alembic"
    file = "db/versions/e5_data.py"
    digest = "[digest]"
    reason = "db/versions/e5_data.py:16: it reads what the database answers to a statement"
    "#);
    // The whole run is refused, before its first statement.
    let said = both.project.fails(1, &["upgrade", "heads"]);
    snapshot!(said, @r#"
    Error: revision `e5` cannot be run; nothing was changed
    Caused by:
    1: it was imported from db/versions/e5_data.py without its SQL: it can be stamped, and not be run (db/versions/e5_data.py:16: it reads what the database answers to a statement)
    Hint: Where the database has it already: `runner stamp e5`. To run it, write its upgrade.sql and set `kind = "sql"` in its migration.toml.
    "#);
    assert!(!database.has("listings") && database.value("SELECT to_regnamespace('runner') IS NULL") == "t");
    both.project.ok(&["verify"]);

    both.alembic(&database.url, &["upgrade", "e5"]);
    both.project.ok(&["stamp", "--from-alembic"]);
    both.project.ok(&["upgrade", "heads"]);
    both.alembic(&both.reference.url, &["upgrade", "heads"]);
    assert_eq!(dump(&database), dump(&both.reference));
    both.project.ok(&["verify"]);
    let said = both.project.fails(1, &["downgrade", "c3"]);
    assert!(said.contains("imported from db/versions/e5_data.py without its SQL"), "{said}");
    assert!(database.value("SELECT count(*) FROM pg_constraint WHERE conname = 'priced'") == "1");
    both.project.ok(&["downgrade", "e5"]);
}

#[test]
fn without_alembic_only_what_does_nothing_can_be_run() {
    let database = Database::new();
    let both = Both::with(&database, &FIRST);
    let said = both.project.ok(&["import", "alembic", "old/db", "--no-run"]);
    let marked = said.lines().filter(|line| line.starts_with("marked ")).count();
    assert_eq!((marked, said.lines().filter(|line| line.starts_with("imported ")).count()), (5, 1), "{said}");
    assert!(
        said.contains("db/versions/a1_listings.py: Alembic was not run, so there is no SQL of it"),
        "{said}"
    );
    let said = both.project.fails(1, &["upgrade", "heads"]);
    assert!(said.contains("runner stamp a1"), "{said}");
}

#[test]
fn a_dry_run_writes_nothing_and_an_env_py_that_fails_stops_the_import() {
    let both = Both::with(&Database::new(), &FIRST);
    let json: serde_json::Value = serde_json::from_str(&both.import(&["--dry-run", "--json"])).expect("JSON");
    assert_eq!(json["import"]["revisions"].as_array().map(Vec::len), Some(6));
    assert_eq!(json["import"]["revisions"][0]["outcome"], "imported");
    assert_eq!(json["import"]["alembic"], "1.20.1");
    assert_eq!(both.folders(), [""; 0]);

    let program = program();
    let args = ["import", "alembic", "old", "--alembic", program.to_str().expect("UTF-8")];
    let said = both.project.fails(1, &args);
    assert!(said.contains("db/env.py:5 cannot be run offline: KeyError: 'ALEMBIC_URL'"), "{said}");
    both.project.write("old/db/env.py", ENV_PY.replace("url = os", "url = \"sqlite://\" or os"));
    let said = both.project.fails(1, &args);
    assert!(said.contains("sets the project up for sqlite"), "{said}");
    let said = both.project.fails(1, &["import", "alembic", "old", "--alembic", "./no-such-program"]);
    assert!(said.contains("Alembic (`./no-such-program`) cannot be run"), "{said}");
    assert_eq!(both.folders(), [""; 0]);
}

#[test]
fn what_cannot_be_read_stops_the_import_with_a_list() {
    let both = Both::new(&Database::new());
    for (name, text) in [
        ("a.py", "revision = 'a'\ndown_revision = None\n".into()),
        ("b.py", "revision = 'b'\n\ndown_revision = make()\n".into()),
        ("c.py", "revision = 'c'\ndown_revision = (\n".into()),
        ("d.py", "# caf\u{e9}\nrevision = 'a'\ndown_revision = None\n".into()),
        ("e.py", "VERSION = 1\n".into()),
        ("notes.txt", "no revision".to_owned()),
    ] {
        both.project.write(&format!("old/db/versions/{name}"), text);
    }
    snapshot!(both.project.fails(1, &["import", "alembic", "old", "--no-run"]), @r#"
    Error: the Alembic project cannot be read
    Caused by:
    1: db/versions/b.py:3: `down_revision` is not a literal
    2: db/versions/c.py:2: there is a syntax error
    3: db/versions/e.py: there is no `down_revision`
    4: db/versions/d.py: revision `a` is also in db/versions/a.py
    Hint: Nothing was written. Write it as a literal, or put it right, and run the command again.
    "#);
    for name in ["b.py", "c.py", "d.py", "e.py"] {
        std::fs::remove_file(both.project.path(&format!("old/db/versions/{name}"))).expect("removes");
    }
    // An id that is none of ours, an unknown parent, a revision that is ours.
    both.project.write("old/db/versions/f.py", "revision = 'f g'\ndown_revision = 'x/y'\n");
    let said = both.project.fails(1, &["import", "alembic", "old", "--no-run"]);
    assert!(
        said.contains("db/versions/f.py: the revision's id cannot be carried over: `f g` holds ' '"),
        "{said}"
    );
    both.project.write("old/db/versions/f.py", "revision = 'f'\ndown_revision = 'missing'\n");
    let said = both.project.fails(1, &["import", "alembic", "old", "--no-run"]);
    assert!(said.contains("missing"), "{said}");
    std::fs::remove_file(both.project.path("old/db/versions/f.py")).expect("removes");
    both.project.sql("a", "", "SELECT 1;", "");
    let said = both.project.fails(1, &["import", "alembic", "old", "--no-run"]);
    assert!(
        said.contains("db/versions/a.py: revision `a` is in migrations/a, and was not imported"),
        "{said}"
    );
    let said = both.project.fails(1, &["import", "alembic", "migrations"]);
    assert!(said.contains("migrations is no Alembic project"), "{said}");
    assert_eq!(both.folders(), ["a"]);
}

#[test]
fn a_file_that_was_edited_after_the_import_is_a_conflict() {
    let both = Both::with(&Database::new(), &FIRST[..1]);
    both.import(&[]);
    assert!(both.import(&[]).starts_with("skipped   a1"));
    let path = "old/db/versions/a1_listings.py";
    both.project.write(path, both.read(path) + "# more\n");
    let said = both.project.fails(1, &["import", "alembic", "old", "--no-run"]);
    assert!(said.contains("this file was edited since it was imported"), "{said}");
}

#[test]
fn what_the_policy_refuses_is_marked_and_hooks_are_listed() {
    let both = Both::new(&Database::new());
    let env = ENV_PY
        .replace(
            "literal_binds=True",
            "literal_binds=True, version_table_schema='meta', on_version_apply=print",
        )
        .replace(
            "        context.run_migrations()",
            "        context.execute('SET search_path = x')\n        context.run_migrations()",
        );
    both.project.write("old/db/env.py", env);
    let ini = "[alembic]\nscript_location = %(here)s/db\ntimezone = utc\n[post_write_hooks]\nhooks = black\n";
    both.project.write("old/alembic.ini", ini);
    for revision in [
        (
            "a1_index",
            "revision = 'a1'\ndown_revision = None",
            "\n    with op.get_context().autocommit_block():\n        op.execute('CREATE INDEX CONCURRENTLY i ON t (a)')",
            "\n    raise NotImplementedError('never')",
        ),
        (
            "b2_now",
            "import datetime\nrevision = 'b2'\ndown_revision = 'a1'",
            "\n    op.execute(f\"INSERT INTO t VALUES ('{datetime.datetime.now()}')\")",
            "\n    raise NotImplementedError('never')",
        ),
        (
            "c3_offline",
            "revision = 'c3'\ndown_revision = 'b2'",
            "\n    if not op.get_context().as_sql:\n        op.execute('SELECT 1')",
            "\n    op.execute('SELECT 1')",
        ),
        ("d4_nothing", "revision = 'd4'\ndown_revision = 'c3'", "\n    op.execute('SELECT 1')", "\n    pass"),
    ] {
        both.revision(&revision);
    }
    snapshot!(both.import(&[]), @r"
    marked    a1  20240102_010000_a1_a1_index
    imported  b2  20240102_020000_b2_b2_now
    marked    c3  20240102_030000_c3_c3_offline
    imported  d4  20240102_040000_d4_d4_nothing

    Not carried over:
      alembic.ini: post_write_hooks: write the hooks into runner.toml
      alembic.ini: `timezone`: new revisions are named as runner.toml says
      db/env.py:9: the table of versions has another name: pass it to `runner stamp --from-alembic --alembic-table`
      db/env.py:9: `on_version_apply`: its callbacks are not called any more
      db/env.py: env.py itself sends: SET search_path = x;
      db/versions/a1_index.py:15: its SQL cannot be run here: COMMIT is not permitted in a migration: every revision runs in a transaction that the runner owns, so leave it out; code has savepoints of its own (TransactionStmt)
      db/versions/b2_now.py:16: it computes a value; the SQL holds what that was at the import
      db/versions/b2_now.py: no downgrade.sql: downgrade() raises an exception
      db/versions/c3_offline.py:15: it does something else where there is no database
      db/versions/d4_nothing.py: no downgrade.sql: downgrade() does nothing, which would leave behind what upgrade() made; write one if that is meant
    ");
}
