//! What belongs to a table, and the statements that give it to another one.

use plugin_kit::{ForeignKeyRules, ident, literal};
use plugin_sdk::prelude::*;

/// A primary key or a unique constraint.
#[derive(Debug, Clone, FromRow)]
pub struct Key {
    name: String,
    kind: String,
    columns: String,
    deferrable: bool,
    deferred: bool,
    definition: String,
}

/// An index that is no constraint's.
#[derive(Debug, Clone, FromRow)]
pub struct Index {
    name: String,
    definition: String,
}

/// A foreign key to another table.
#[derive(Debug, Clone, FromRow)]
pub struct ForeignKey {
    name: String,
    columns: String,
    target: String,
    target_columns: String,
    match_type: String,
    on_update: String,
    on_delete: String,
    deferrable: bool,
    deferred: bool,
    validated: bool,
}

/// A trigger.
#[derive(Debug, Clone, FromRow)]
pub struct Trigger {
    name: String,
    timing: String,
    events: String,
    orientation: String,
    condition: Option<String>,
    action: String,
}

/// What a role may do.
#[derive(Debug, Clone, FromRow)]
pub struct Grant {
    grantee: String,
    privileges: String,
    is_grantable: bool,
}

/// A sequence that belongs to a column.
#[derive(Debug, Clone, FromRow)]
pub struct Sequence {
    column_name: String,
    link: String,
    identity: String,
    sequence: String,
    start_value: i64,
    increment_by: i64,
    min_value: i64,
    max_value: i64,
    cache_size: i64,
    cycle: bool,
}

impl Key {
    /// The statement that adds it; `table` is as SQL spells it.
    ///
    /// # Errors
    ///
    /// A constraint whose index has more than its columns: this would be lost.
    pub fn add_sql(&self, table: &str) -> Result<String> {
        let more = [" INCLUDE (", " NULLS NOT DISTINCT", " WITH ("];
        if let Some(more) = more.iter().find(|more| self.definition.contains(*more)) {
            bail!(
                "the constraint `{}` has{} …, which cannot be carried over",
                self.name,
                more.trim_end_matches(" (")
            );
        }
        let kind = if self.kind == "p" { "PRIMARY KEY" } else { "UNIQUE" };
        let defer = match (self.deferrable, self.deferred) {
            (false, _) => "",
            (true, false) => " DEFERRABLE",
            (true, true) => " DEFERRABLE INITIALLY DEFERRED",
        };
        Ok(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {} {kind} ({}){defer}",
            ident(&self.name),
            self.columns
        ))
    }
}

impl Index {
    /// The statement that makes it. The catalogs have it for the table's name, and
    /// with `ONLY` where the table was partitioned.
    ///
    /// # Errors
    ///
    /// A definition that is not understood.
    pub fn create_sql(&self) -> Result<String> {
        let unknown = || format!("the definition of the index `{}` is not understood", self.name);
        let (before, after) = self.definition.split_once(" ON ").with_context(unknown)?;
        let after = after.strip_prefix("ONLY ").unwrap_or(after);
        Ok(format!("{before} ON {after}"))
    }
}

impl ForeignKey {
    /// The statement that adds it.
    ///
    /// # Errors
    ///
    /// Rules that are not known, and one that was never checked: a partitioned table
    /// cannot have it.
    pub fn add_sql(&self, table: &str) -> Result<String> {
        ensure!(
            self.validated,
            "the foreign key `{}` is NOT VALID, which a partitioned table cannot have",
            self.name
        );
        let rules = ForeignKeyRules {
            match_type: &self.match_type,
            on_update: &self.on_update,
            on_delete: &self.on_delete,
            deferrable: self.deferrable,
            deferred: self.deferred,
            validated: true,
        };
        let Self { columns, target, target_columns, .. } = self;
        Ok(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {} FOREIGN KEY ({columns}) REFERENCES {target} ({target_columns}){}",
            ident(&self.name),
            rules.sql()?
        ))
    }
}

impl Trigger {
    /// The statement that makes it.
    pub fn create_sql(&self, table: &str) -> String {
        let Self { timing, events, orientation, action, .. } = self;
        let condition =
            self.condition.as_ref().map(|condition| format!(" WHEN ({condition})")).unwrap_or_default();
        let name = ident(&self.name);
        format!(
            "CREATE TRIGGER {name} {timing} {events} ON {table} FOR EACH {orientation}{condition} {action}"
        )
    }
}

impl Grant {
    /// The statement that grants it.
    ///
    /// # Errors
    ///
    /// What a migration cannot grant: to everybody, or with the right to pass it on.
    pub fn sql(&self, table: &str) -> Result<String> {
        let Self { grantee, privileges, is_grantable } = self;
        ensure!(
            grantee != "PUBLIC" && !is_grantable,
            "privileges are granted to {grantee}{}, which a migration may not grant anew",
            if *is_grantable { " with the right to pass them on" } else { "" }
        );
        Ok(format!("GRANT {privileges} ON {table} TO {}", ident(grantee)))
    }
}

impl Sequence {
    /// Whether it goes with its table, as an identity's does.
    pub fn is_identity(&self) -> bool {
        self.link == "i"
    }

    /// The query for where it stands.
    pub fn state_sql(&self) -> String {
        format!("select last_value, is_called from {}", self.sequence)
    }

    /// The statement that gives a sequence which is not an identity's to the column of
    /// another table.
    pub fn own_sql(&self, table: &str) -> String {
        format!("ALTER SEQUENCE {} OWNED BY {table}.{}", self.sequence, self.column_name)
    }

    /// The statement that makes the identity.
    pub fn add_identity_sql(&self, table: &str) -> String {
        let Self { column_name, start_value, increment_by, min_value, max_value, cache_size, .. } = self;
        let when = if self.identity == "a" { "ALWAYS" } else { "BY DEFAULT" };
        let cycle = if self.cycle { " CYCLE" } else { "" };
        format!(
            "ALTER TABLE {table} ALTER COLUMN {column_name} ADD GENERATED {when} AS IDENTITY \
             (START WITH {start_value} INCREMENT BY {increment_by} MINVALUE {min_value} \
             MAXVALUE {max_value} CACHE {cache_size}{cycle})"
        )
    }

    /// The statement that lets it go on where it stood.
    pub fn set_sql(&self, (last_value, is_called): (i64, bool)) -> String {
        format!("select setval({}, {last_value}, {is_called})", literal(&self.sequence))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    #[test]
    fn an_index_of_a_partitioned_table_is_made_without_only() {
        let index = |definition: &str| Index { name: "i".to_owned(), definition: definition.to_owned() };
        let plain = "CREATE UNIQUE INDEX i ON public.t USING btree (a) WHERE (b > 0)";
        assert_eq!(index(plain).create_sql().unwrap(), plain);
        let only = "CREATE UNIQUE INDEX i ON ONLY public.t USING btree (a) WHERE (b > 0)";
        assert_eq!(index(only).create_sql().unwrap(), plain);
    }

    #[test]
    fn a_trigger_is_put_together() {
        let trigger = Trigger {
            name: "touch".to_owned(),
            timing: "BEFORE".to_owned(),
            events: "INSERT OR UPDATE OF a".to_owned(),
            orientation: "ROW".to_owned(),
            condition: Some("(new.a > 0)".to_owned()),
            action: "EXECUTE FUNCTION public.touch()".to_owned(),
        };
        assert_eq!(
            trigger.create_sql("public.t"),
            "CREATE TRIGGER \"touch\" BEFORE INSERT OR UPDATE OF a ON public.t FOR EACH ROW \
             WHEN ((new.a > 0)) EXECUTE FUNCTION public.touch()"
        );
    }

    #[test]
    fn what_a_migration_cannot_grant_is_refused() {
        let grant = |grantee: &str, is_grantable| Grant {
            grantee: grantee.to_owned(),
            privileges: "INSERT, SELECT".to_owned(),
            is_grantable,
        };
        assert_eq!(grant("app", false).sql("t").unwrap(), "GRANT INSERT, SELECT ON t TO \"app\"");
        assert!(grant("PUBLIC", false).sql("t").is_err());
        assert!(
            grant("app", true).sql("t").unwrap_err().to_string().contains("with the right to pass them on")
        );
    }

    #[test]
    fn a_constraint_with_more_than_its_columns_is_refused() {
        let key = |definition: &str| Key {
            name: "t_pkey".to_owned(),
            kind: "p".to_owned(),
            columns: "id, at".to_owned(),
            deferrable: true,
            deferred: false,
            definition: definition.to_owned(),
        };
        let plain = key("CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id, at)");
        assert_eq!(
            plain.add_sql("t").unwrap(),
            "ALTER TABLE t ADD CONSTRAINT \"t_pkey\" PRIMARY KEY (id, at) DEFERRABLE"
        );
        let more = key("CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id, at) INCLUDE (b)");
        let error = more.add_sql("t").unwrap_err().to_string();
        assert_eq!(error, "the constraint `t_pkey` has INCLUDE …, which cannot be carried over");
    }
}
