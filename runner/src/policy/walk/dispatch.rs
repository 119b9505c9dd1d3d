//! Which part of the walk a node belongs to. Every kind of node is named here,
//! so that a new version of the grammar does not compile until somebody has
//! decided what its new nodes are.

use pg_query::protobuf::ReturnStmt;
use pg_query::{Node, NodeEnum};

use super::{Walk, Walker};
use crate::policy::kind;

/// What a node is to the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Expression,
    Json,
    /// What stands in FROM.
    From,
    /// A part of a statement or of an expression.
    Clause,
    /// A constant.
    Value,
    /// A statement that can stand in another.
    Query,
    /// A statement that stands alone.
    Statement,
    /// Checked where it belongs, and refused elsewhere.
    Inner,
    /// The parser makes none of it.
    Planned,
    /// Refused wherever it is.
    Refused,
}

/// The table. There is no arm for "all others".
#[rustfmt::skip]
fn part_of(node: &NodeEnum) -> Part {
    match node {
        NodeEnum::AExpr(_) | NodeEnum::BoolExpr(_) | NodeEnum::ColumnRef(_) | NodeEnum::FuncCall(_)
        | NodeEnum::NamedArgExpr(_) | NodeEnum::TypeCast(_) | NodeEnum::CollateClause(_)
        | NodeEnum::AIndirection(_) | NodeEnum::AArrayExpr(_) | NodeEnum::RowExpr(_)
        | NodeEnum::CoalesceExpr(_) | NodeEnum::MinMaxExpr(_) | NodeEnum::CaseExpr(_)
        | NodeEnum::CaseWhen(_) | NodeEnum::NullTest(_) | NodeEnum::BooleanTest(_) | NodeEnum::SubLink(_)
        | NodeEnum::GroupingFunc(_) | NodeEnum::MultiAssignRef(_) | NodeEnum::MergeSupportFunc(_)
        | NodeEnum::ParamRef(_) | NodeEnum::SetToDefault(_) | NodeEnum::SqlvalueFunction(_) => Part::Expression,
        NodeEnum::JsonObjectConstructor(_) | NodeEnum::JsonArrayConstructor(_)
        | NodeEnum::JsonArrayQueryConstructor(_) | NodeEnum::JsonObjectAgg(_) | NodeEnum::JsonArrayAgg(_)
        | NodeEnum::JsonIsPredicate(_) | NodeEnum::JsonKeyValue(_) | NodeEnum::JsonValueExpr(_)
        | NodeEnum::JsonArgument(_) | NodeEnum::JsonBehavior(_) | NodeEnum::JsonFuncExpr(_)
        | NodeEnum::JsonParseExpr(_) | NodeEnum::JsonScalarExpr(_) | NodeEnum::JsonSerializeExpr(_)
        | NodeEnum::JsonTable(_) | NodeEnum::JsonTableColumn(_) | NodeEnum::JsonTablePathSpec(_)
        | NodeEnum::JsonOutput(_) | NodeEnum::JsonFormat(_) | NodeEnum::JsonReturning(_) => Part::Json,
        NodeEnum::RangeVar(_) | NodeEnum::JoinExpr(_) | NodeEnum::RangeSubselect(_)
        | NodeEnum::RangeFunction(_) | NodeEnum::RangeTableSample(_) => Part::From,
        NodeEnum::ResTarget(_) | NodeEnum::SortBy(_) | NodeEnum::WindowDef(_) | NodeEnum::GroupingSet(_)
        | NodeEnum::MergeWhenClause(_) | NodeEnum::List(_) | NodeEnum::TypeName(_) | NodeEnum::IndexElem(_)
        | NodeEnum::PartitionElem(_) | NodeEnum::StatsElem(_) | NodeEnum::PartitionRangeDatum(_)
        | NodeEnum::ColumnDef(_) | NodeEnum::Constraint(_) | NodeEnum::TableLikeClause(_) => Part::Clause,
        NodeEnum::AConst(_) | NodeEnum::Integer(_) | NodeEnum::Float(_) | NodeEnum::Boolean(_)
        | NodeEnum::String(_) | NodeEnum::BitString(_) | NodeEnum::AStar(_) => Part::Value,
        NodeEnum::SelectStmt(_) | NodeEnum::InsertStmt(_) | NodeEnum::DeleteStmt(_)
        | NodeEnum::UpdateStmt(_) | NodeEnum::MergeStmt(_) | NodeEnum::ReturnStmt(_)
        | NodeEnum::PlassignStmt(_) => Part::Query,
        NodeEnum::TruncateStmt(_) | NodeEnum::LockStmt(_) | NodeEnum::CreateSchemaStmt(_)
        | NodeEnum::AlterTableStmt(_) | NodeEnum::AlterDomainStmt(_) | NodeEnum::GrantStmt(_)
        | NodeEnum::VariableSetStmt(_) | NodeEnum::CreateStmt(_) | NodeEnum::CreateExtensionStmt(_)
        | NodeEnum::CreatePolicyStmt(_) | NodeEnum::AlterPolicyStmt(_) | NodeEnum::CreateTrigStmt(_)
        | NodeEnum::CreateSeqStmt(_) | NodeEnum::AlterSeqStmt(_) | NodeEnum::CreateDomainStmt(_)
        | NodeEnum::DropStmt(_) | NodeEnum::CommentStmt(_) | NodeEnum::IndexStmt(_)
        | NodeEnum::CreateStatsStmt(_) | NodeEnum::AlterStatsStmt(_) | NodeEnum::CreateFunctionStmt(_)
        | NodeEnum::AlterFunctionStmt(_) | NodeEnum::DoStmt(_) | NodeEnum::CallStmt(_)
        | NodeEnum::RenameStmt(_) | NodeEnum::AlterObjectSchemaStmt(_) | NodeEnum::CompositeTypeStmt(_)
        | NodeEnum::CreateEnumStmt(_) | NodeEnum::CreateRangeStmt(_) | NodeEnum::AlterEnumStmt(_)
        | NodeEnum::ViewStmt(_) | NodeEnum::ExplainStmt(_) | NodeEnum::CreateTableAsStmt(_)
        | NodeEnum::RefreshMatViewStmt(_) | NodeEnum::ConstraintsSetStmt(_) => Part::Statement,
        NodeEnum::XmlExpr(_) | NodeEnum::CurrentOfExpr(_) | NodeEnum::RoleSpec(_) | NodeEnum::AIndices(_)
        | NodeEnum::RangeTableFunc(_) | NodeEnum::RangeTableFuncCol(_) | NodeEnum::DefElem(_)
        | NodeEnum::LockingClause(_) | NodeEnum::XmlSerialize(_) | NodeEnum::PartitionSpec(_)
        | NodeEnum::PartitionBoundSpec(_) | NodeEnum::PartitionCmd(_) | NodeEnum::WithClause(_)
        | NodeEnum::InferClause(_) | NodeEnum::OnConflictClause(_) | NodeEnum::CtesearchClause(_)
        | NodeEnum::CtecycleClause(_) | NodeEnum::CommonTableExpr(_) | NodeEnum::ReturningOption(_)
        | NodeEnum::ReturningClause(_) | NodeEnum::TriggerTransition(_) | NodeEnum::JsonAggConstructor(_)
        | NodeEnum::AlterTableCmd(_) | NodeEnum::AtalterConstraint(_) | NodeEnum::ObjectWithArgs(_)
        | NodeEnum::AccessPriv(_) | NodeEnum::CreateOpClassItem(_) | NodeEnum::FunctionParameter(_)
        | NodeEnum::VacuumRelation(_) | NodeEnum::PublicationTable(_) | NodeEnum::PublicationObjSpec(_) => Part::Inner,
        NodeEnum::Alias(_) | NodeEnum::TableFunc(_) | NodeEnum::IntoClause(_) | NodeEnum::Var(_)
        | NodeEnum::Param(_) | NodeEnum::Aggref(_) | NodeEnum::WindowFunc(_)
        | NodeEnum::WindowFuncRunCondition(_) | NodeEnum::SubscriptingRef(_) | NodeEnum::FuncExpr(_)
        | NodeEnum::OpExpr(_) | NodeEnum::DistinctExpr(_) | NodeEnum::NullIfExpr(_)
        | NodeEnum::ScalarArrayOpExpr(_) | NodeEnum::SubPlan(_) | NodeEnum::AlternativeSubPlan(_)
        | NodeEnum::FieldSelect(_) | NodeEnum::FieldStore(_) | NodeEnum::RelabelType(_)
        | NodeEnum::CoerceViaIo(_) | NodeEnum::ArrayCoerceExpr(_) | NodeEnum::ConvertRowtypeExpr(_)
        | NodeEnum::CollateExpr(_) | NodeEnum::CaseTestExpr(_) | NodeEnum::ArrayExpr(_)
        | NodeEnum::RowCompareExpr(_) | NodeEnum::JsonConstructorExpr(_) | NodeEnum::JsonExpr(_)
        | NodeEnum::JsonTablePath(_) | NodeEnum::JsonTablePathScan(_) | NodeEnum::JsonTableSiblingJoin(_)
        | NodeEnum::MergeAction(_) | NodeEnum::CoerceToDomain(_) | NodeEnum::CoerceToDomainValue(_)
        | NodeEnum::NextValueExpr(_) | NodeEnum::InferenceElem(_) | NodeEnum::ReturningExpr(_)
        | NodeEnum::TargetEntry(_) | NodeEnum::RangeTblRef(_) | NodeEnum::FromExpr(_)
        | NodeEnum::OnConflictExpr(_) | NodeEnum::Query(_) | NodeEnum::RangeTblEntry(_)
        | NodeEnum::RtepermissionInfo(_) | NodeEnum::RangeTblFunction(_) | NodeEnum::TableSampleClause(_)
        | NodeEnum::WithCheckOption(_) | NodeEnum::SortGroupClause(_) | NodeEnum::WindowClause(_)
        | NodeEnum::RowMarkClause(_) | NodeEnum::SetOperationStmt(_) | NodeEnum::RawStmt(_)
        | NodeEnum::InlineCodeBlock(_) | NodeEnum::CallContext(_) | NodeEnum::IntList(_)
        | NodeEnum::OidList(_) => Part::Planned,
        NodeEnum::ReplicaIdentityStmt(_) | NodeEnum::AlterCollationStmt(_) | NodeEnum::GrantRoleStmt(_)
        | NodeEnum::AlterDefaultPrivilegesStmt(_) | NodeEnum::CopyStmt(_) | NodeEnum::VariableShowStmt(_)
        | NodeEnum::CreateTableSpaceStmt(_) | NodeEnum::DropTableSpaceStmt(_)
        | NodeEnum::AlterTableSpaceOptionsStmt(_) | NodeEnum::AlterTableMoveAllStmt(_)
        | NodeEnum::AlterExtensionStmt(_) | NodeEnum::AlterExtensionContentsStmt(_)
        | NodeEnum::CreateFdwStmt(_) | NodeEnum::AlterFdwStmt(_) | NodeEnum::CreateForeignServerStmt(_)
        | NodeEnum::AlterForeignServerStmt(_) | NodeEnum::CreateForeignTableStmt(_)
        | NodeEnum::CreateUserMappingStmt(_) | NodeEnum::AlterUserMappingStmt(_)
        | NodeEnum::DropUserMappingStmt(_) | NodeEnum::ImportForeignSchemaStmt(_)
        | NodeEnum::CreateAmStmt(_) | NodeEnum::CreateEventTrigStmt(_) | NodeEnum::AlterEventTrigStmt(_)
        | NodeEnum::CreatePlangStmt(_) | NodeEnum::CreateRoleStmt(_) | NodeEnum::AlterRoleStmt(_)
        | NodeEnum::AlterRoleSetStmt(_) | NodeEnum::DropRoleStmt(_) | NodeEnum::DefineStmt(_)
        | NodeEnum::CreateOpClassStmt(_) | NodeEnum::CreateOpFamilyStmt(_) | NodeEnum::AlterOpFamilyStmt(_)
        | NodeEnum::SecLabelStmt(_) | NodeEnum::DeclareCursorStmt(_) | NodeEnum::ClosePortalStmt(_)
        | NodeEnum::FetchStmt(_) | NodeEnum::AlterObjectDependsStmt(_) | NodeEnum::AlterOwnerStmt(_)
        | NodeEnum::AlterOperatorStmt(_) | NodeEnum::AlterTypeStmt(_) | NodeEnum::RuleStmt(_)
        | NodeEnum::NotifyStmt(_) | NodeEnum::ListenStmt(_) | NodeEnum::UnlistenStmt(_)
        | NodeEnum::TransactionStmt(_) | NodeEnum::LoadStmt(_) | NodeEnum::CreatedbStmt(_)
        | NodeEnum::AlterDatabaseStmt(_) | NodeEnum::AlterDatabaseRefreshCollStmt(_)
        | NodeEnum::AlterDatabaseSetStmt(_) | NodeEnum::DropdbStmt(_) | NodeEnum::AlterSystemStmt(_)
        | NodeEnum::ClusterStmt(_) | NodeEnum::VacuumStmt(_) | NodeEnum::CheckPointStmt(_)
        | NodeEnum::DiscardStmt(_) | NodeEnum::ReindexStmt(_) | NodeEnum::CreateConversionStmt(_)
        | NodeEnum::CreateCastStmt(_) | NodeEnum::CreateTransformStmt(_) | NodeEnum::PrepareStmt(_)
        | NodeEnum::ExecuteStmt(_) | NodeEnum::DeallocateStmt(_) | NodeEnum::DropOwnedStmt(_)
        | NodeEnum::ReassignOwnedStmt(_) | NodeEnum::AlterTsdictionaryStmt(_)
        | NodeEnum::AlterTsconfigurationStmt(_) | NodeEnum::CreatePublicationStmt(_)
        | NodeEnum::AlterPublicationStmt(_) | NodeEnum::CreateSubscriptionStmt(_)
        | NodeEnum::AlterSubscriptionStmt(_) | NodeEnum::DropSubscriptionStmt(_) => Part::Refused,
    }
}

impl Walker<'_> {
    /// A statement, where statements may stand by themselves.
    pub(super) fn statement(&mut self, node: &mut Node) -> Walk {
        let Some(inner) = &mut node.node else { return self.refuse("the statement is empty") };
        self.node = kind::node_name(inner);
        self.deeper(|walker| match part_of(inner) {
            Part::Query => walker.query(inner),
            Part::Statement => walker.stand_alone(inner),
            Part::Refused => walker.refused(inner),
            Part::Expression
            | Part::Json
            | Part::From
            | Part::Clause
            | Part::Value
            | Part::Inner
            | Part::Planned => walker.unknown(),
        })
    }

    /// A node inside a statement.
    pub(super) fn node(&mut self, node: &mut Node) -> Walk {
        let Some(inner) = &mut node.node else { return self.refuse("the syntax tree has a hole") };
        self.deeper(|walker| {
            walker.node = kind::node_name(inner);
            match part_of(inner) {
                Part::Expression => walker.expression(inner),
                Part::Json => walker.json(inner),
                Part::From => walker.table_item(inner),
                Part::Clause => walker.clause(inner),
                Part::Value => Ok(()),
                Part::Query => walker.query(inner),
                Part::Inner
                    if matches!(
                        inner,
                        NodeEnum::XmlExpr(_) | NodeEnum::XmlSerialize(_) | NodeEnum::RangeTableFunc(_)
                    ) =>
                {
                    walker.refuse("XML's functions reach outside the database")
                }
                Part::Inner | Part::Planned => walker.unknown(),
                Part::Statement | Part::Refused => walker.refuse("such a statement stands alone"),
            }
        })
    }

    fn query(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::SelectStmt(select) => self.select(select),
            NodeEnum::ReturnStmt(statement) => self.return_value(statement),
            NodeEnum::PlassignStmt(assignment) => {
                self.indirection(&mut assignment.indirection)?;
                assignment.val.as_deref_mut().map_or(Ok(()), |select| self.select(select))
            }
            other => self.dml(other),
        }
    }

    fn return_value(&mut self, statement: &mut ReturnStmt) -> Walk {
        self.maybe(&mut statement.returnval)
    }

    fn clause(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::ResTarget(target) => self.result(target),
            NodeEnum::SortBy(sort) => self.sort(sort),
            NodeEnum::WindowDef(window) => self.window(window),
            NodeEnum::GroupingSet(set) => self.each(&mut set.content),
            NodeEnum::MergeWhenClause(when) => self.merge_when(when),
            NodeEnum::List(list) => self.list(&mut list.items),
            NodeEnum::TypeName(name) => self.type_name(name),
            NodeEnum::IndexElem(element) => self.index_element(element),
            NodeEnum::PartitionElem(element) => self.partition_element(element),
            NodeEnum::PartitionRangeDatum(datum) => self.maybe(&mut datum.value),
            NodeEnum::StatsElem(element) => self.maybe(&mut element.expr),
            NodeEnum::ColumnDef(column) => self.column_definition(column),
            NodeEnum::Constraint(constraint) => self.constraint(constraint),
            NodeEnum::TableLikeClause(like) => self.table_like(like),
            _ => self.unknown(),
        }
    }

    #[rustfmt::skip]
    fn stand_alone(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::TruncateStmt(_) | NodeEnum::LockStmt(_) => self.dml(node),
            NodeEnum::CreateStmt(_) | NodeEnum::AlterTableStmt(_) | NodeEnum::IndexStmt(_)
            | NodeEnum::CreateStatsStmt(_) | NodeEnum::AlterStatsStmt(_) => self.table_statement(node),
            NodeEnum::ViewStmt(_) | NodeEnum::CreateTableAsStmt(_) | NodeEnum::RefreshMatViewStmt(_)
            | NodeEnum::CreateSchemaStmt(_) | NodeEnum::CreateSeqStmt(_) | NodeEnum::AlterSeqStmt(_)
            | NodeEnum::CreateDomainStmt(_) | NodeEnum::AlterDomainStmt(_) | NodeEnum::CompositeTypeStmt(_)
            | NodeEnum::CreateEnumStmt(_) | NodeEnum::CreateRangeStmt(_) | NodeEnum::AlterEnumStmt(_)
            | NodeEnum::CreateExtensionStmt(_) => self.define(node),
            NodeEnum::DropStmt(_) | NodeEnum::CommentStmt(_) | NodeEnum::RenameStmt(_)
            | NodeEnum::AlterObjectSchemaStmt(_) => self.object_statement(node),
            NodeEnum::GrantStmt(_) | NodeEnum::CreatePolicyStmt(_) | NodeEnum::AlterPolicyStmt(_) => self.privilege(node),
            NodeEnum::CreateTrigStmt(trigger) => self.create_trigger(trigger),
            NodeEnum::CreateFunctionStmt(_) | NodeEnum::AlterFunctionStmt(_) | NodeEnum::DoStmt(_)
            | NodeEnum::CallStmt(_) => self.code(node),
            NodeEnum::VariableSetStmt(_) | NodeEnum::ExplainStmt(_) | NodeEnum::ConstraintsSetStmt(_) => self.session(node),
            _ => self.unknown(),
        }
    }

    /// A statement that nothing allows, or only a step without a transaction.
    fn refused(&mut self, node: &mut NodeEnum) -> Walk {
        if self.is_by_statement() && self.maintain(node)? {
            return Ok(());
        }
        let why = crate::policy::refuse::reason(node)
            .map_or("no capability allows it: it reaches beyond the migration's own tables", |(_, why)| why);
        self.refuse(why)
    }

    /// What has no business to be here.
    pub(super) fn unknown<T>(&self) -> Walk<T> {
        self.refuse(format!("`{}` is not known here", self.node))
    }
}
