//! Rows that row-level security hides from a migration.

use plugin_sdk::prelude::*;

use crate::names::{TableName, literal};

/// How the statement of [`refuse_hidden_rows`] begins: what a test of a plugin expects.
pub const ROW_SECURITY: &str = "select pg_catalog.row_security_active(";

/// Refuses a table of which row-level security may hide rows from the migration: they
/// would be passed over, and nobody would hear of it. Needs the capability `read` or
/// `write` on the table.
///
/// # Errors
///
/// Names the table, and says what to do; and the server's error.
pub fn refuse_hidden_rows(tx: &Transaction, table: &TableName) -> Result<()> {
    let found: Option<(bool,)> = tx.query_opt(&format!("{ROW_SECURITY}{})", literal(&table.sql())), &[])?;
    ensure!(
        !found.is_some_and(|(is_active,)| is_active),
        "row-level security applies to the migration's user on {table}: rows that it cannot see would be passed \
         over; run it as the table's owner without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use plugin_sdk::mock::Mock;
    use plugin_sdk::row;

    use super::*;

    #[test]
    fn a_table_with_hidden_rows_is_refused() {
        let table = TableName::parse("public.Users").unwrap();
        let checked = |is_active: bool| {
            let mock = Mock::new();
            mock.on_query("select pg_catalog.row_security_active('\"public\".\"Users\"')")
                .returns(&[("row_security_active", "bool")], [row![is_active]]);
            refuse_hidden_rows(mock.transaction(), &table).map_err(|error| error.to_string())
        };
        assert_eq!(checked(false), Ok(()));
        let said = checked(true).unwrap_err();
        assert!(
            said.starts_with("row-level security applies to the migration's user on public.Users: "),
            "{said}"
        );
    }
}
