//! How many rows a statement touches, where its text alone tells.

use pg_query::protobuf::{InsertStmt, SelectStmt};
use pg_query::{NodeEnum, ParserOptions};

/// The number of rows that a statement touches, if the text alone tells: an
/// INSERT of rows that it spells out, or a statement that never touches rows.
///
/// A trigger can make it another number. Whoever relies on it checks it
/// afterwards.
pub fn rows_touched(text: &str) -> Option<u64> {
    let parsed = pg_query::parse(text, ParserOptions::DEFAULT).ok()?;
    let [raw] = parsed.protobuf.stmts.as_slice() else { return None };
    match raw.stmt.as_ref()?.node.as_ref()? {
        NodeEnum::InsertStmt(insert) => inserted(insert),
        // Their number depends on what is there.
        NodeEnum::SelectStmt(_)
        | NodeEnum::UpdateStmt(_)
        | NodeEnum::DeleteStmt(_)
        | NodeEnum::MergeStmt(_)
        | NodeEnum::CreateTableAsStmt(_)
        | NodeEnum::RefreshMatViewStmt(_)
        | NodeEnum::ExplainStmt(_)
        | NodeEnum::VariableShowStmt(_)
        | NodeEnum::ExecuteStmt(_)
        | NodeEnum::FetchStmt(_)
        | NodeEnum::CopyStmt(_)
        | NodeEnum::CallStmt(_) => None,
        _ => Some(0),
    }
}

/// The rows of VALUES; one for DEFAULT VALUES.
fn inserted(insert: &InsertStmt) -> Option<u64> {
    if insert.on_conflict_clause.is_some() || insert.with_clause.is_some() {
        return None;
    }
    let Some(source) = &insert.select_stmt else { return Some(1) };
    match source.node.as_ref()? {
        NodeEnum::SelectStmt(select) if is_bare_values(select) => Some(select.values_lists.len() as u64),
        _ => None,
    }
}

fn is_bare_values(select: &SelectStmt) -> bool {
    !select.values_lists.is_empty()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.with_clause.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_text_spells_out_is_counted() {
        for (sql, expected) in [
            ("insert into t values (1, 'a'), ($1, $2)", Some(2)),
            ("insert into t (a) values (1) returning a", Some(1)),
            ("insert into t default values", Some(1)),
            ("insert into t values (1) on conflict do nothing", None),
            ("insert into t values (1), (2) limit 1", None),
            ("insert into t select 1", None),
            ("with x as (select 1) insert into t values (1)", None),
            ("update t set a = 1", None),
            ("delete from t", None),
            ("select 1", None),
            ("create table t as select 1", None),
            ("create table t (a int)", Some(0)),
            ("drop table t", Some(0)),
            ("do $$ begin end $$", Some(0)),
            ("select 1; select 2", None),
            ("not sql", None),
        ] {
            assert_eq!(rows_touched(sql), expected, "{sql}");
        }
    }
}
