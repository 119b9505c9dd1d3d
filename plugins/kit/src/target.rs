//! The table that a plugin works on.

use plugin_sdk::prelude::*;
use plugin_sdk::types::FromField;
use plugin_sdk::{TableColumn, TableDescription};

use crate::names::{TableName, ident};
use crate::row_security::refuse_hidden_rows;

/// A table that is there, with what the plugin needs to know about it.
pub struct Target {
    /// Its name.
    pub name: TableName,
    description: TableDescription,
}

impl Target {
    /// Looks a table up.
    ///
    /// # Errors
    ///
    /// The server's error where there is no such table, and a name that is none.
    pub fn find(tx: &Transaction, table: &str) -> Result<Self> {
        let name = TableName::parse(table)?;
        let description = tx
            .describe_table(&name.sql())
            .with_context(|| format!("the table {name} could not be looked at"))?;
        Ok(Self { name, description })
    }

    /// The same for a table whose rows can all be seen and told apart.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find), for a table without a key, and where row-level security
    /// may hide rows.
    pub fn find_keyed(tx: &Transaction, table: &str) -> Result<Self> {
        let target = Self::find(tx, table)?;
        ensure!(
            !target.key().is_empty(),
            "{} has no primary key and no unique index over columns that cannot be NULL: without one its rows \
             cannot be told apart",
            target.name
        );
        refuse_hidden_rows(tx, &target.name)?;
        Ok(target)
    }

    /// The columns by which a row is found.
    pub fn key(&self) -> &[String] {
        &self.description.key
    }

    /// Whether the table has such a column.
    pub fn has_column(&self, name: &str) -> bool {
        self.description.columns.iter().any(|column| column.column.name == name)
    }

    /// A column.
    ///
    /// # Errors
    ///
    /// Names the columns that there are.
    pub fn column(&self, name: &str) -> Result<&TableColumn> {
        let columns = &self.description.columns;
        columns.iter().find(|column| column.column.name == name).with_context(|| {
            let names: Vec<_> = columns.iter().map(|column| column.column.name.as_str()).collect();
            format!("{} has no column `{name}`; it has `{}`", self.name, names.join("`, `"))
        })
    }

    /// A column that can be written.
    ///
    /// # Errors
    ///
    /// Fails for a column that is not there, is computed by the server, or belongs to
    /// the key.
    pub fn writable(&self, name: &str) -> Result<&TableColumn> {
        let column = self.column(name)?;
        ensure!(!column.generated, "the column `{name}` of {} is computed by the server", self.name);
        ensure!(
            !self.key().iter().any(|key| key == name),
            "the column `{name}` is the key of {}, by which its rows are found: it cannot be changed",
            self.name
        );
        Ok(column)
    }

    /// Columns that hold text and can be written.
    ///
    /// # Errors
    ///
    /// Names the column that does not, or that is named twice; and an empty list.
    pub fn check_texts(&self, names: &[String]) -> Result<()> {
        ensure!(!names.is_empty(), "no column of {} is named", self.name);
        for (place, name) in names.iter().enumerate() {
            let ty = self.writable(name)?.column.pg_type();
            ensure!(<&str>::reads(ty), "the column `{name}` of {} is of type {ty}, not text", self.name);
            ensure!(!names[..place].contains(name), "the column `{name}` is named twice");
        }
        Ok(())
    }

    /// Columns that are not there yet.
    ///
    /// # Errors
    ///
    /// Names the column that is there already, or that is named twice.
    pub fn check_new(&self, names: &[&str]) -> Result<()> {
        for (place, name) in names.iter().enumerate() {
            ensure!(!self.has_column(name), "{} has a column `{name}` already", self.name);
            ensure!(!names[..place].contains(name), "the column `{name}` is named twice");
            ensure!(!name.is_empty(), "a column without a name");
        }
        Ok(())
    }

    /// Locks the table against other writers until the transaction ends, so that what
    /// is read from now on cannot change. Needs the capability `lock`.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub fn lock(&self, tx: &Transaction) -> Result<()> {
        tx.execute(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", self.name.sql()), &[])?;
        Ok(())
    }

    /// Says in SQL that a row of the table and a row of another one that has the key
    /// as `key_…` belong together.
    pub fn joins(&self, row: &str, other: &str) -> String {
        let same = |key: &String| format!("{row}.{} = {other}.{}", ident(key), ident(&format!("key_{key}")));
        self.key().iter().map(same).collect::<Vec<_>>().join(" AND ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use plugin_sdk::mock::Mock;
    use plugin_sdk::row;

    use super::*;
    use crate::row_security::ROW_SECURITY;

    fn mock() -> Mock {
        let mock = Mock::new();
        mock.table("\"public\".\"users\"", &[("id", "int8"), ("name", "text"), ("age", "int4")])
            .key("id")
            .generated("age");
        mock.on_prefix(ROW_SECURITY).returns(&[("is_active", "bool")], [row![false]]);
        mock.table("\"public\".\"log\"", &[("line", "text")]);
        mock
    }

    fn said<T>(result: Result<T>) -> String {
        result.err().expect("it fails").to_string()
    }

    #[test]
    fn columns_are_checked_by_name_and_type() {
        let mock = mock();
        let users = Target::find_keyed(mock.transaction(), "public.users").unwrap();
        let check =
            |names: &[&str]| users.check_texts(&names.iter().map(|&name| name.into()).collect::<Vec<_>>());
        check(&["name"]).unwrap();
        assert_eq!(said(check(&[])), "no column of public.users is named");
        assert_eq!(said(check(&["name", "name"])), "the column `name` is named twice");
        assert_eq!(said(check(&["nmae"])), "public.users has no column `nmae`; it has `id`, `name`, `age`");
        assert_eq!(said(check(&["age"])), "the column `age` of public.users is computed by the server");
        assert!(said(check(&["id"])).starts_with("the column `id` is the key of public.users"));
        assert_eq!(said(users.check_new(&["name"])), "public.users has a column `name` already");
        assert_eq!(said(users.check_new(&["a", "a"])), "the column `a` is named twice");
    }

    #[test]
    fn a_table_without_a_key_is_refused() {
        let mock = mock();
        assert!(said(Target::find_keyed(mock.transaction(), "public.log")).contains("has no primary key"));
    }
}
