//! How a foreign key is written anew.

use plugin_sdk::prelude::*;

/// What stands behind `REFERENCES table (columns)`, as `pg_constraint` has it.
#[derive(Debug, Clone)]
pub struct ForeignKeyRules<'a> {
    /// `confmatchtype`.
    pub match_type: &'a str,
    /// `confupdtype`.
    pub on_update: &'a str,
    /// `confdeltype`.
    pub on_delete: &'a str,
    /// `condeferrable`.
    pub deferrable: bool,
    /// `condeferred`.
    pub deferred: bool,
    /// `convalidated`.
    pub validated: bool,
}

impl ForeignKeyRules<'_> {
    /// The rules as SQL, with a space before each.
    ///
    /// # Errors
    ///
    /// An action that is not known.
    pub fn sql(&self) -> Result<String> {
        let mut sql = String::new();
        if self.match_type == "f" {
            sql.push_str(" MATCH FULL");
        }
        for (event, action) in [("UPDATE", self.on_update), ("DELETE", self.on_delete)] {
            if let Some(action) = action_sql(action)? {
                sql.push_str(&format!(" ON {event} {action}"));
            }
        }
        if self.deferrable {
            sql.push_str(if self.deferred { " DEFERRABLE INITIALLY DEFERRED" } else { " DEFERRABLE" });
        }
        if !self.validated {
            sql.push_str(" NOT VALID");
        }
        Ok(sql)
    }
}

/// None for NO ACTION, which need not be written.
fn action_sql(letter: &str) -> Result<Option<&'static str>> {
    Ok(match letter {
        "a" => None,
        "r" => Some("RESTRICT"),
        "c" => Some("CASCADE"),
        "n" => Some("SET NULL"),
        "d" => Some("SET DEFAULT"),
        other => bail!("the catalogs have an action `{other}` of a foreign key, which is not known"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    #[test]
    fn rules_are_written_as_they_were() {
        let rules = ForeignKeyRules {
            match_type: "f",
            on_update: "c",
            on_delete: "n",
            deferrable: true,
            deferred: true,
            validated: false,
        };
        let all = " MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED NOT VALID";
        assert_eq!(rules.sql().unwrap(), all);
        assert!(ForeignKeyRules { on_delete: "z", ..rules }.sql().is_err());
        let none = ForeignKeyRules {
            match_type: "s",
            on_update: "a",
            on_delete: "a",
            deferrable: false,
            deferred: false,
            validated: true,
        };
        assert_eq!(none.sql().unwrap(), "");
    }
}
