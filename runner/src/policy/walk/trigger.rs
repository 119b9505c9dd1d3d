//! CREATE TRIGGER.

use pg_query::protobuf::CreateTrigStmt;

use super::name::string_node;
use super::{Walk, Walker};
use crate::policy::need::{Name, Need, Right};

/// PostgreSQL's trigger functions that only work on the row.
const BUILT_IN: [&str; 3] =
    ["tsvector_update_trigger", "tsvector_update_trigger_column", "suppress_redundant_updates_trigger"];

impl Walker<'_> {
    pub(super) fn create_trigger(&mut self, trigger: &mut CreateTrigStmt) -> Walk {
        self.target_of(&mut trigger.relation, &[Right::Ddl])?;
        if trigger.isconstraint || trigger.deferrable || trigger.initdeferred || trigger.constrrel.is_some() {
            return self.refuse("a constraint trigger can be put off until the runner commits");
        }
        self.strings(&trigger.args)?;
        self.strings(&trigger.columns)?;
        self.maybe(&mut trigger.when_clause)?;
        self.node = "CreateTrigStmt";
        let function = self.trigger_function(&mut trigger.funcname)?;
        if function.schema != "pg_catalog" {
            self.check_schema(&function.schema, false)?;
            let is_new = !self.facts.had_routine(&function.schema, &function.name);
            if is_new && self.own.has_routine(&function, 0) {
                return Ok(());
            }
        }
        self.need(Need::Trigger(function))
    }

    fn trigger_function(&mut self, parts: &mut Vec<pg_query::Node>) -> Walk<Name> {
        let strings = self.strings(parts)?;
        let name = match strings.as_slice() {
            [name] if self.facts.has_function(name) => {
                parts.insert(0, string_node("pg_catalog"));
                Name::new("pg_catalog", name)
            }
            _ => self.qualify(parts)?,
        };
        if name.schema == "pg_catalog" && !BUILT_IN.contains(&name.name.as_str()) {
            return self.refuse(format!("the function `{}` is no trigger of a migration's", name.name));
        }
        Ok(name)
    }
}
