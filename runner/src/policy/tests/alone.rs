//! Steps without a transaction: what may be in them, and how it is run.

use super::*;
use crate::revision::TransactionMode;

fn by_statement(grants: &Capabilities, sql: &str) -> Result<Vec<Checked>, PolicyError> {
    policy(grants).wrapped(TransactionMode::None).statements(sql)
}

fn table(rights: &[&str]) -> Capabilities {
    let list = |right: &str| if rights.contains(&right) { list(&["app.t", "app.t_a"]) } else { Vec::new() };
    Capabilities {
        ddl: list("ddl"),
        drop: list("drop"),
        set_local: rights.contains(&"set_local"),
        ..Capabilities::default()
    }
}

/// The right, the statement, and the names in what is sent.
const MAINTENANCE: [(&str, &str, &str); 12] = [
    ("ddl", "CREATE INDEX CONCURRENTLY t_a ON t (a)", "INDEX CONCURRENTLY t_a ON app.t "),
    ("drop", "DROP INDEX CONCURRENTLY t_a", "INDEX CONCURRENTLY app.t_a"),
    ("ddl", "REINDEX INDEX CONCURRENTLY t_a", "REINDEX (CONCURRENTLY) INDEX app.t_a"),
    ("ddl", "REINDEX (VERBOSE) TABLE t", "TABLE app.t"),
    ("ddl", "VACUUM t", "app.t"),
    ("ddl", "VACUUM (FULL, ANALYZE) t (a), t", ", app.t"),
    ("ddl", "CLUSTER t USING t_a", "app.t USING t_a"),
    ("ddl", "CLUSTER t", "CLUSTER app.t"),
    ("ddl", "ALTER TABLE t DETACH PARTITION t_a CONCURRENTLY", "app.t DETACH PARTITION app.t_a CONCURRENTLY"),
    ("ddl", "ALTER TABLE t DETACH PARTITION t_a FINALIZE", "app.t DETACH PARTITION app.t_a FINALIZE"),
    ("set_local", "SET lock_timeout = '2s'", "lock_timeout"),
    ("ddl", "ALTER TYPE t ADD VALUE 'x'", "app.t ADD VALUE 'x'"),
];

#[test]
fn maintenance_needs_its_grant_and_is_sent_with_whole_names() {
    for (right, sql, sent) in MAINTENANCE {
        let found = by_statement(&table(&[right]), sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(found[0].text().contains(sent), "{sql}: {}", found[0].text());
        let refused = by_statement(&Capabilities::default(), sql).expect_err(sql);
        assert!(refused.grant().is_some(), "{sql}: {refused}");
    }
}

#[test]
fn what_names_no_table_goes_beyond_any_grant() {
    for sql in ["VACUUM", "CLUSTER", "REINDEX SCHEMA app", "REINDEX DATABASE app", "ALTER SYSTEM SET a = 1"] {
        let refused = by_statement(&everything(), sql).expect_err(sql);
        assert!(refused.grant().is_none(), "{sql}: {refused}");
    }
}

#[test]
fn a_step_in_a_transaction_is_told_where_they_belong() {
    for sql in ["CREATE INDEX CONCURRENTLY i ON t (a)", "VACUUM t", "DROP INDEX CONCURRENTLY i", "CLUSTER"] {
        for policy in [policy(&everything()), Policy::unrestricted()] {
            let refused = policy.wrapped(TransactionMode::Revision).statements(sql).expect_err(sql);
            assert!(refused.to_string().contains("transaction = \"none\""), "{sql}: {refused}");
        }
    }
    for sql in ["CLUSTER t", "REINDEX TABLE t", "ANALYZE t", "ALTER TYPE t ADD VALUE 'x'"] {
        assert!(Policy::unrestricted().statements(sql).is_ok(), "{sql}");
    }
}

#[test]
fn how_a_statement_is_run_is_read_from_its_text() {
    let alone = |sql: &str| match course(sql) {
        Ok(Course::Alone(alone)) => alone,
        other => panic!("{sql}: {other:?}"),
    };
    let create = Alone::CreateIndex { table: Name::new("app", "t"), index: "I".into() };
    assert_eq!(alone("CREATE UNIQUE INDEX CONCURRENTLY \"I\" ON app.t (a)"), create);
    let drop = Alone::DropIndex { index: Name::new("", "i") };
    assert_eq!(alone("DROP INDEX CONCURRENTLY IF EXISTS i"), drop);
    for (sql, concurrently) in [
        ("REINDEX TABLE CONCURRENTLY t", true),
        ("REINDEX (CONCURRENTLY) TABLE t", true),
        ("REINDEX (CONCURRENTLY off) TABLE t", false),
        ("REINDEX TABLE t", false),
    ] {
        let scope = ReindexScope::Table(Name::new("", "t"));
        assert_eq!(alone(sql), Alone::Reindex { scope, concurrently }, "{sql}");
    }
    let detach = Alone::Detach { table: Name::new("", "t"), partition: Name::new("s", "p") };
    assert_eq!(alone("ALTER TABLE t DETACH PARTITION s.p CONCURRENTLY"), detach);
    assert_eq!(alone("VACUUM t"), Alone::Repeatable);
    assert_eq!(course("SET ROLE x"), Ok(Course::Setting));
    for sql in
        ["ANALYZE t", "CREATE INDEX i ON t (a)", "ALTER TABLE t DETACH PARTITION p FINALIZE", "SELECT 1"]
    {
        assert_eq!(course(sql), Ok(Course::Transaction), "{sql}");
    }
}
