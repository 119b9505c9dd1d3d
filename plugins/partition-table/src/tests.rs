#![allow(clippy::unwrap_used, reason = "these are tests")]

use plugin_sdk::mock::Mock;
use plugin_sdk::row;

use crate::bounds::{Period, Range, ranges, starts_sql};
use crate::catalog::{OBSTACLES, UNIQUE_WITHOUT};
use crate::rebuild::KIND;
use crate::{PartitionTable, catalog};
use plugin_sdk::Migration;

fn plugin(period: Period) -> PartitionTable {
    PartitionTable {
        table: "public.events".to_owned(),
        column: "at".to_owned(),
        period,
        ahead: 1,
        default_partition: true,
        grantees: vec![],
        references: vec![],
        trigger_functions: vec![],
    }
}

/// A table of which the catalogs say nothing but these obstacles, and that these
/// unique keys lack the column.
fn events(time_type: &str, kind: &str, obstacles: &[&str], without: &[&str]) -> Mock {
    let mock = Mock::new();
    mock.table("\"public\".\"events\"", &[("id", "int4"), ("at", time_type)]).key("at");
    mock.on_prefix("LOCK TABLE").affects(0);
    mock.on_query(KIND).returns(&[("relkind", "text")], [row![kind]]);
    mock.on_query(OBSTACLES).returns(&[("obstacle", "text")], obstacles.iter().map(|text| row![*text]));
    mock.on_query(UNIQUE_WITHOUT).returns(&[("relname", "text")], without.iter().map(|name| row![*name]));
    let parts = [catalog::KEYS, catalog::INDEXES, catalog::FOREIGN_KEYS, catalog::TRIGGERS, catalog::GRANTS];
    for query in parts.into_iter().chain([catalog::SEQUENCES]) {
        mock.on_query(query).returns(&COLUMNS, []);
    }
    mock.on_query(catalog::COMMENT).returns(&[("description", "text")], []);
    mock
}

/// All columns of all queries of the catalogs: no row is read.
const COLUMNS: [(&str, &str); 30] = [
    ("name", "text"),
    ("kind", "text"),
    ("columns", "text"),
    ("deferrable", "bool"),
    ("deferred", "bool"),
    ("definition", "text"),
    ("target", "text"),
    ("target_columns", "text"),
    ("match_type", "text"),
    ("on_update", "text"),
    ("on_delete", "text"),
    ("validated", "bool"),
    ("timing", "text"),
    ("events", "text"),
    ("orientation", "text"),
    ("condition", "text"),
    ("action", "text"),
    ("grantee", "text"),
    ("privileges", "text"),
    ("is_grantable", "bool"),
    ("column_name", "text"),
    ("link", "text"),
    ("identity", "text"),
    ("sequence", "text"),
    ("start_value", "int8"),
    ("increment_by", "int8"),
    ("min_value", "int8"),
    ("max_value", "int8"),
    ("cache_size", "int8"),
    ("cycle", "bool"),
];

#[test]
fn ranges_follow_each_other_and_begin_in_utc() {
    let mock = Mock::new();
    let plugin = plugin(Period::Month);
    let starts = ["2024-12-01", "2025-01-01", "2025-02-01"].map(|start| row![start]);
    for time_type in ["timestamptz", "date"] {
        mock.on_query(&starts_sql(&plugin, time_type)).returns(&[("start", "text")], starts.clone());
    }
    let range =
        |name: &str, from: &str, to: &str| Range { name: name.into(), from: from.into(), to: to.into() };
    assert_eq!(
        ranges(mock.transaction(), &plugin, "timestamptz").unwrap(),
        [
            range("2024_12", "2024-12-01 00:00:00+00", "2025-01-01 00:00:00+00"),
            range("2025_01", "2025-01-01 00:00:00+00", "2025-02-01 00:00:00+00"),
        ]
    );
    assert_eq!(
        ranges(mock.transaction(), &plugin, "date").unwrap()[1],
        range("2025_01", "2025-01-01", "2025-02-01")
    );
}

#[test]
fn what_cannot_be_done_is_said_before_anything_changes() {
    let said = |mock: Mock| {
        let error = mock.upgrade(&plugin(Period::Day)).unwrap_err().to_string();
        let statements = mock.statements();
        assert!(
            statements.iter().all(|sent| !sent.sql.contains("TABLE \"public\".\"events_rebuilt\"")),
            "{error}"
        );
        error
    };
    assert_eq!(
        said(events("date", "r", &["it has row-level security", "the view or rule of v depends on it"], &[])),
        "public.events cannot become a table of another kind: it has row-level security, the view or rule of v \
         depends on it"
    );
    let key = said(events("date", "r", &[], &["events_pkey"]));
    assert!(key.starts_with("`events_pkey` of public.events does not"), "{key}");
    assert!(said(events("text", "r", &[], &[])).ends_with("is of type text, and no time"));
    assert_eq!(said(events("date", "p", &[], &[])), "public.events is partitioned already");
}

#[test]
fn going_down_needs_a_partitioned_table() {
    let mock = events("date", "r", &[], &[]);
    let error = mock.downgrade(&plugin(Period::Day)).unwrap_err().to_string();
    assert_eq!(error, "public.events is not partitioned any more");
}

#[test]
fn what_it_asks_for_is_what_its_parameters_name() {
    let asked = PartitionTable::capabilities();
    let targets = |name: &str| {
        let requests = asked.iter().filter(|request| request.name == name);
        requests.flat_map(|request| request.targets.clone()).collect::<Vec<_>>()
    };
    assert_eq!(targets("drop"), ["${table}", "${table}_*"]);
    assert_eq!(targets("grant"), ["${grantees}"]);
}
