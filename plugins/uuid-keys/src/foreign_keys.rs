//! The foreign keys that point at a table, and how they are made anew.

use plugin_kit::{ForeignKeyRules, TableName, ident, literal};
use plugin_sdk::prelude::*;

/// The foreign keys that point at a column, without those that partitions have of
/// their partitioned table. The number 2606 is that of `pg_constraint`.
pub(crate) const FOREIGN_KEYS: &str = "\
select held.conname::text as name, space.nspname::text as schema, owner.relname::text as table_name,
    (select attribute.attname::text from pg_catalog.pg_attribute attribute
        where attribute.attrelid = owner.oid and attribute.attnum = held.conkey[1]) as column_name,
    (select kind.typname::text from pg_catalog.pg_attribute attribute
        join pg_catalog.pg_type kind on kind.oid = attribute.atttypid
        where attribute.attrelid = owner.oid and attribute.attnum = held.conkey[1]) as type_name,
    cardinality(held.conkey)::int4 as columns, held.confupdtype::text as on_update,
    held.confdeltype::text as on_delete, held.confmatchtype::text as match_type,
    held.condeferrable as deferrable, held.condeferred as deferred, held.convalidated as validated,
    owner.relkind = 'p' as is_partitioned, said.description as comment
from pg_catalog.pg_class target
join pg_catalog.pg_namespace around on around.oid = target.relnamespace
join pg_catalog.pg_attribute key on key.attrelid = target.oid
join pg_catalog.pg_constraint held on held.confrelid = target.oid and held.contype = 'f'
    and key.attnum = any (held.confkey) and held.conparentid = 0
join pg_catalog.pg_class owner on owner.oid = held.conrelid
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
left join pg_catalog.pg_description said on said.objoid = held.oid and said.classoid = 2606
where around.nspname = $1 and target.relname = $2 and key.attname = $3
order by 2, 3, 1";

/// A foreign key of one column.
#[derive(Debug, Clone, FromRow)]
pub struct ForeignKey {
    name: String,
    schema: String,
    table_name: String,
    /// The column that refers.
    pub column_name: String,
    type_name: String,
    columns: i32,
    on_update: String,
    on_delete: String,
    match_type: String,
    deferrable: bool,
    deferred: bool,
    validated: bool,
    /// Whether the table that refers is partitioned.
    is_partitioned: bool,
    comment: Option<String>,
}

impl ForeignKey {
    /// Finds those that point at a table's column.
    ///
    /// # Errors
    ///
    /// One of a partitioned table, one that has several columns, and one whose column has another type than the
    /// key: a downgrade could not tell what it was.
    pub fn pointing_at(
        tx: &Transaction,
        table: &TableName,
        column: &str,
        key_type: &str,
    ) -> Result<Vec<Self>> {
        let found: Vec<Self> = tx.query_as(FOREIGN_KEYS, params![table.schema(), table.name(), column])?;
        for key in &found {
            ensure!(
                !key.is_partitioned,
                "{} is partitioned, and its foreign key `{}` points at {table}: the partitions' indexes and \
                 foreign keys would change without being named. Drop the foreign key in a revision before this \
                 one, change the column there too by the mapping table, and add it again",
                key.table(),
                key.name
            );
            ensure!(
                key.columns == 1,
                "the foreign key `{}` of {} has {} columns: only those of one column can be changed",
                key.name,
                key.table(),
                key.columns
            );
            ensure!(
                key.type_name == key_type,
                "the column `{}` of {} is of type {}, and the key that it refers to of type {key_type}: give it \
                 that type in a revision before this one",
                key.column_name,
                key.table(),
                key.type_name
            );
        }
        Ok(found)
    }

    /// Schema, table and column that refer.
    pub fn place(&self) -> (&str, &str, &str) {
        (&self.schema, &self.table_name, &self.column_name)
    }

    /// Whether this is its name.
    pub fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// The table that refers.
    pub fn table(&self) -> String {
        format!("{}.{}", self.schema, self.table_name)
    }

    /// The same as SQL spells it.
    pub fn table_sql(&self) -> String {
        format!("{}.{}", ident(&self.schema), ident(&self.table_name))
    }

    /// The statement that drops it.
    pub fn drop_sql(&self) -> String {
        format!("ALTER TABLE {} DROP CONSTRAINT {}", self.table_sql(), ident(&self.name))
    }

    /// The statement that makes it as it was.
    ///
    /// # Errors
    ///
    /// An action that is not known.
    pub fn add_sql(&self, target: &TableName, target_column: &str) -> Result<String> {
        let rules = ForeignKeyRules {
            match_type: &self.match_type,
            on_update: &self.on_update,
            on_delete: &self.on_delete,
            deferrable: self.deferrable,
            deferred: self.deferred,
            validated: self.validated,
        };
        Ok(format!(
            "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}){}",
            self.table_sql(),
            ident(&self.name),
            ident(&self.column_name),
            target.sql(),
            ident(target_column),
            rules.sql()?
        ))
    }

    /// The statement that gives it its comment again; none where it has none.
    pub fn comment_sql(&self) -> Option<String> {
        let comment = literal(self.comment.as_ref()?);
        Some(format!("COMMENT ON CONSTRAINT {} ON {} IS {comment}", ident(&self.name), self.table_sql()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_key_is_made_with_all_that_it_had() {
        let key = ForeignKey {
            name: "items_order_id_fkey".to_owned(),
            schema: "shop".to_owned(),
            table_name: "items".to_owned(),
            column_name: "order_id".to_owned(),
            type_name: "int8".to_owned(),
            columns: 1,
            on_update: "c".to_owned(),
            on_delete: "n".to_owned(),
            match_type: "s".to_owned(),
            deferrable: true,
            deferred: true,
            validated: false,
            is_partitioned: false,
            comment: Some("whose".to_owned()),
        };
        let orders = TableName::parse("shop.orders").expect("a name");
        assert_eq!(
            key.add_sql(&orders, "id").expect("known actions"),
            "ALTER TABLE \"shop\".\"items\" ADD CONSTRAINT \"items_order_id_fkey\" FOREIGN KEY (\"order_id\") \
             REFERENCES \"shop\".\"orders\" (\"id\") ON UPDATE CASCADE ON DELETE SET NULL \
             DEFERRABLE INITIALLY DEFERRED NOT VALID"
        );
        assert_eq!(
            key.comment_sql().as_deref(),
            Some("COMMENT ON CONSTRAINT \"items_order_id_fkey\" ON \"shop\".\"items\" IS 'whose'")
        );
        assert_eq!(ForeignKey { comment: None, ..key }.comment_sql(), None);
    }
}
