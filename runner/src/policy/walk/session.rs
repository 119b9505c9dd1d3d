//! SET LOCAL, SET CONSTRAINTS and EXPLAIN.

use pg_query::NodeEnum;
use pg_query::protobuf::{ConstraintsSetStmt, ExplainStmt, VariableSetKind, VariableSetStmt, a_const};

use super::{Walk, Walker};
use crate::policy::need::Need;

impl Walker<'_> {
    pub(super) fn session(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::VariableSetStmt(set) => self.set(set),
            NodeEnum::ConstraintsSetStmt(set) => self.set_constraints(set),
            NodeEnum::ExplainStmt(explain) => self.explain(explain),
            _ => self.unknown(),
        }
    }

    /// Only the two time-outs, for the transaction, within the host's bounds; for
    /// the rest of the script where each statement has a transaction of its own.
    fn set(&mut self, set: &mut VariableSetStmt) -> Walk {
        self.see(set.location);
        let is_timeout = matches!(set.name.as_str(), "lock_timeout" | "statement_timeout");
        let is_fit = set.is_local != self.is_by_statement();
        if !is_timeout || !is_fit || set.kind() != VariableSetKind::VarSetValue {
            let set = if self.is_by_statement() { "SET" } else { "SET LOCAL" };
            return self.refuse(format!(
                "only {set} lock_timeout and statement_timeout may be set; the session belongs to the runner",
            ));
        }
        self.need(Need::SetLocal)?;
        let milliseconds = match set.args.as_slice() {
            [value] => milliseconds(value.node.as_ref()),
            _ => None,
        };
        let most = self.context.max_timeout_ms;
        match milliseconds {
            Some(value) if (1..=most).contains(&value) => Ok(()),
            Some(_) => self.refuse(format!("`{}` must be between 1 and {most} milliseconds", set.name)),
            None => self.refuse(format!("`{}` takes a number of milliseconds, or a text as '2s'", set.name)),
        }
    }

    fn set_constraints(&mut self, set: &mut ConstraintsSetStmt) -> Walk {
        for name in &mut set.constraints {
            match &mut name.node {
                // A constraint's name, looked up in its schema.
                Some(NodeEnum::RangeVar(name)) => {
                    let name = self.complete(name)?;
                    self.check_schema(&name.schema, false)?;
                }
                _ => return self.unknown(),
            }
        }
        self.need(Need::SomeChange)
    }

    fn explain(&mut self, explain: &mut ExplainStmt) -> Walk {
        for option in &explain.options {
            let option = self.option(option)?;
            if !matches!(
                option.defname.as_str(),
                "verbose" | "costs" | "settings" | "summary" | "format" | "generic_plan" | "memory"
            ) {
                return self
                    .refuse(format!("EXPLAIN's `{}` runs the statement, or looks further", option.defname));
            }
        }
        let Some(query) = explain.query.as_deref_mut() else { return self.unknown() };
        let made = self.changes.len();
        let result = self.statement(query);
        // It only says what it would make.
        self.changes.truncate(made);
        result
    }
}

/// A time-out as the server reads it: a number of milliseconds, or a text with a
/// unit.
fn milliseconds(node: Option<&NodeEnum>) -> Option<u64> {
    let NodeEnum::AConst(constant) = node? else { return None };
    match constant.val.as_ref()? {
        a_const::Val::Ival(number) => u64::try_from(number.ival).ok(),
        a_const::Val::Sval(text) => {
            let text = text.sval.trim();
            let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
            let unit: u64 = match text[digits..].trim() {
                "" | "ms" => 1,
                "s" => 1_000,
                "min" => 60_000,
                "h" => 3_600_000,
                _ => return None,
            };
            text[..digits].parse::<u64>().ok()?.checked_mul(unit)
        }
        _ => None,
    }
}
