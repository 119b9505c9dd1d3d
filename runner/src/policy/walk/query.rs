//! SELECT, what stands in FROM, and the scopes of common table expressions.

use pg_query::protobuf::{CommonTableExpr, RangeFunction, RangeTableSample, SelectStmt, WithClause};
use pg_query::{Node, NodeEnum};

use super::{Use, Walk, Walker};

impl Walker<'_> {
    pub(super) fn select(&mut self, select: &mut SelectStmt) -> Walk {
        if select.into_clause.is_some() {
            self.node = "IntoClause";
            return self.refuse("SELECT INTO makes a table; write CREATE TABLE … AS");
        }
        let scope = self.ctes.len();
        let result = self.select_in_scope(select);
        self.ctes.truncate(scope);
        result
    }

    fn select_in_scope(&mut self, select: &mut SelectStmt) -> Walk {
        self.with_clause(&mut select.with_clause)?;
        let usage = match select.locking_clause.is_empty() {
            true => self.usage,
            false => Use::Lock,
        };
        self.using(usage, |walker| {
            walker.each(&mut select.from_clause)?;
            for side in [&mut select.larg, &mut select.rarg].into_iter().flatten() {
                walker.deeper(|walker| walker.select(side))?;
            }
            Ok(())
        })?;
        // DISTINCT without ON has one empty item.
        for item in select.distinct_clause.iter_mut().filter(|item| item.node.is_some()) {
            self.node(item)?;
        }
        self.each(&mut select.target_list)?;
        self.maybe(&mut select.where_clause)?;
        self.each(&mut select.group_clause)?;
        self.maybe(&mut select.having_clause)?;
        self.each(&mut select.window_clause)?;
        self.each(&mut select.values_lists)?;
        self.each(&mut select.sort_clause)?;
        self.maybe(&mut select.limit_offset)?;
        self.maybe(&mut select.limit_count)
        // The locking clause names aliases of FROM, which has been walked.
    }

    /// Opens the scope of a WITH; whoever calls closes it.
    ///
    /// Without RECURSIVE a name is known to what follows it only: in
    /// `WITH t AS (SELECT * FROM t)` the inner `t` is the real table. Whoever
    /// means that can say its schema, and whoever does not is told.
    pub(super) fn with_clause(&mut self, clause: &mut Option<WithClause>) -> Walk {
        let Some(clause) = clause else { return Ok(()) };
        let mut names = Vec::new();
        for cte in &clause.ctes {
            match &cte.node {
                Some(NodeEnum::CommonTableExpr(cte)) => names.push(cte.ctename.clone()),
                _ => return self.unknown(),
            }
        }
        if clause.recursive {
            self.ctes.extend(names.iter().cloned());
        }
        let shadowed = self.not_yet.len();
        self.not_yet.extend(names.iter().cloned());
        let result = clause.ctes.iter_mut().zip(names).try_for_each(|(cte, name)| {
            if let Some(NodeEnum::CommonTableExpr(cte)) = &mut cte.node {
                self.cte(cte)?;
            }
            self.ctes.push(name);
            Ok(())
        });
        self.not_yet.truncate(shadowed);
        result
    }

    fn cte(&mut self, cte: &mut CommonTableExpr) -> Walk {
        self.see(cte.location);
        let usage = match self.usage {
            Use::Lock => Use::Read,
            other => other,
        };
        self.using(usage, |walker| walker.maybe(&mut cte.ctequery))?;
        match cte.cycle_clause.as_deref_mut() {
            Some(cycle) => {
                self.maybe(&mut cycle.cycle_mark_value)?;
                self.maybe(&mut cycle.cycle_mark_default)
            }
            None => Ok(()),
        }
    }

    /// What stands in FROM, USING or the like.
    pub(super) fn table_item(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::RangeVar(relation) => self.source(relation),
            NodeEnum::JoinExpr(join) => {
                self.maybe(&mut join.larg)?;
                self.maybe(&mut join.rarg)?;
                self.maybe(&mut join.quals)
            }
            NodeEnum::RangeSubselect(select) => self.maybe(&mut select.subquery),
            NodeEnum::RangeFunction(function) => self.table_function(function),
            NodeEnum::RangeTableSample(sample) => self.sample(sample),
            _ => self.unknown(),
        }
    }

    /// A function, or several in ROWS FROM: each is a pair of a call and the
    /// definitions of its columns.
    fn table_function(&mut self, function: &mut RangeFunction) -> Walk {
        for pair in &mut function.functions {
            let Some(NodeEnum::List(pair)) = &mut pair.node else { return self.unknown() };
            for item in pair.items.iter_mut().filter(|item| item.node.is_some()) {
                self.node(item)?;
            }
        }
        self.each(&mut function.coldeflist)
    }

    fn sample(&mut self, sample: &mut RangeTableSample) -> Walk {
        self.see(sample.location);
        let method = self.strings(&sample.method)?;
        match method.last().map(String::as_str) {
            Some("bernoulli" | "system") if method.len() == 1 || method[0] == "pg_catalog" => {}
            _ => return self.refuse("only the sampling methods BERNOULLI and SYSTEM may be used"),
        }
        self.maybe(&mut sample.relation)?;
        self.each(&mut sample.args)?;
        self.maybe(&mut sample.repeatable)
    }

    /// A list of expressions.
    pub(super) fn list(&mut self, items: &mut [Node]) -> Walk {
        for item in items.iter_mut().filter(|item| item.node.is_some()) {
            self.node(item)?;
        }
        Ok(())
    }
}
