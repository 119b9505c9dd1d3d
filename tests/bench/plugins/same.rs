//! Whether two databases have the same schema and rows.

use super::catalogue::Same;
use super::support::execute;

/// Columns, constraints, indexes and triggers, in an order of their own.
const SCHEMA: &str = "
    SELECT 'column', table_name, column_name, data_type || ' ' || is_nullable, coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(pg_trigger.oid), translate(prosrc, chr(34), '')
    FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
    WHERE NOT tgisinternal AND pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'partition', relname, '', pg_get_expr(relpartbound, oid), '' FROM pg_class WHERE relispartition
        AND relkind = 'r'
    ORDER BY 1, 2, 3";

/// The tables that hold rows.
const TABLES: &str = "
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1";

/// What is to be the same, as lines.
pub fn all(url: &str, same: Same) -> Vec<String> {
    let ask = |sql: &str| execute(url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut lines = ask(SCHEMA);
    match same {
        Same::Contents(but) => {
            for table in ask(TABLES) {
                lines.push(format!("{table}: {}", ask(&rows(&table, but)).concat()));
            }
        }
        Same::Query(sql) => lines.extend(ask(sql)),
        Same::Native(answer) => lines.push(answer(url)),
    }
    lines
}

/// One value for all rows of a table, whatever the order of its columns.
fn rows(table: &str, but: &[&str]) -> String {
    let but = but.iter().map(|column| format!(" - '{column}'")).collect::<String>();
    format!(
        "SELECT count(*), sum(hashtextextended((to_jsonb(every){but})::text, 0)::numeric) FROM public.{table} AS every"
    )
}
