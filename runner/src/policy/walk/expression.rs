//! Expressions.

use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, ColumnRef, SortBy, SubLink, WindowDef};

use super::{Use, Walk, Walker};

impl Walker<'_> {
    pub(super) fn expression(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::AExpr(expression) => self.operation(expression),
            NodeEnum::BoolExpr(expression) => self.each(&mut expression.args),
            NodeEnum::ColumnRef(column) => self.column(column),
            NodeEnum::FuncCall(call) => self.call(call),
            NodeEnum::NamedArgExpr(argument) => self.maybe(&mut argument.arg),
            NodeEnum::TypeCast(cast) => {
                self.see(cast.location);
                self.maybe_type(&mut cast.type_name)?;
                self.maybe(&mut cast.arg)
            }
            NodeEnum::CollateClause(clause) => {
                self.collation(&clause.collname)?;
                self.maybe(&mut clause.arg)
            }
            NodeEnum::AIndirection(indirection) => {
                self.maybe(&mut indirection.arg)?;
                self.node = "A_Indirection";
                self.indirection(&mut indirection.indirection)
            }
            NodeEnum::AArrayExpr(array) => self.each(&mut array.elements),
            NodeEnum::RowExpr(row) => self.each(&mut row.args),
            NodeEnum::CoalesceExpr(expression) => self.each(&mut expression.args),
            NodeEnum::MinMaxExpr(expression) => self.each(&mut expression.args),
            NodeEnum::CaseExpr(case) => {
                self.maybe(&mut case.arg)?;
                self.each(&mut case.args)?;
                self.maybe(&mut case.defresult)
            }
            NodeEnum::CaseWhen(when) => {
                self.maybe(&mut when.expr)?;
                self.maybe(&mut when.result)
            }
            NodeEnum::NullTest(test) => self.maybe(&mut test.arg),
            NodeEnum::BooleanTest(test) => self.maybe(&mut test.arg),
            NodeEnum::SubLink(link) => self.sub_link(link),
            NodeEnum::GroupingFunc(grouping) => self.each(&mut grouping.args),
            NodeEnum::MultiAssignRef(reference) => self.maybe(&mut reference.source),
            NodeEnum::MergeSupportFunc(_) => self.since(17, "merge_action()"),
            // A parameter, DEFAULT, and CURRENT_DATE and its like hold nothing.
            NodeEnum::ParamRef(_) | NodeEnum::SetToDefault(_) | NodeEnum::SqlvalueFunction(_) => Ok(()),
            _ => self.unknown(),
        }
    }

    fn operation(&mut self, expression: &mut AExpr) -> Walk {
        self.see(expression.location);
        self.operator(&expression.name)?;
        self.maybe(&mut expression.lexpr)?;
        self.maybe(&mut expression.rexpr)
    }

    /// `a`, `t.a`, `s.t.a`: what follows a dot may be a call.
    fn column(&mut self, column: &mut ColumnRef) -> Walk {
        self.see(column.location);
        for field in column.fields.iter().skip(1) {
            match &field.node {
                Some(NodeEnum::String(name)) => self.field(&name.sval)?,
                Some(NodeEnum::AStar(_)) => {}
                _ => return self.unknown(),
            }
        }
        match column.fields.first().and_then(|field| field.node.as_ref()) {
            Some(NodeEnum::String(_) | NodeEnum::AStar(_)) => Ok(()),
            _ => self.unknown(),
        }
    }

    fn sub_link(&mut self, link: &mut SubLink) -> Walk {
        self.see(link.location);
        if !link.oper_name.is_empty() {
            self.operator(&link.oper_name)?;
        }
        self.maybe(&mut link.testexpr)?;
        // What is locked is in FROM, not in an expression.
        let usage = match self.usage {
            Use::Lock => Use::Read,
            other => other,
        };
        self.using(usage, |walker| walker.maybe(&mut link.subselect))
    }

    pub(super) fn sort(&mut self, sort: &mut SortBy) -> Walk {
        self.see(sort.location);
        if !sort.use_op.is_empty() {
            self.operator(&sort.use_op)?;
        }
        self.maybe(&mut sort.node)
    }

    pub(super) fn window(&mut self, window: &mut WindowDef) -> Walk {
        self.each(&mut window.partition_clause)?;
        self.each(&mut window.order_clause)?;
        self.maybe(&mut window.start_offset)?;
        self.maybe(&mut window.end_offset)
    }

    /// What an older server would take for something else, such as a call of a
    /// function of that name.
    pub(super) fn since(&mut self, major: u32, what: &str) -> Walk {
        match self.facts.major() >= major {
            true => Ok(()),
            false => self.refuse(format!(
                "{what} came with PostgreSQL {major}, and this server has version {}, which reads it otherwise",
                self.facts.major()
            )),
        }
    }
}
