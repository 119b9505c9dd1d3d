//! What a statement is called: the names of nodes, and the command tags with
//! which the server answers.

use pg_query::NodeEnum;
use pg_query::protobuf::{AlterTableType, ObjectType, VariableSetKind};

macro_rules! names {
    ($node:expr, $($kind:ident)*) => {
        match $node {
            $(NodeEnum::$kind(_) => stringify!($kind),)*
        }
    };
}

/// The name of a node's kind, as in `RangeVar`.
#[rustfmt::skip]
pub(super) fn node_name(node: &NodeEnum) -> &'static str {
    names!(node,
            Alias RangeVar TableFunc IntoClause Var Param Aggref GroupingFunc WindowFunc
            WindowFuncRunCondition MergeSupportFunc SubscriptingRef FuncExpr NamedArgExpr OpExpr
            DistinctExpr NullIfExpr ScalarArrayOpExpr BoolExpr SubLink SubPlan AlternativeSubPlan
            FieldSelect FieldStore RelabelType CoerceViaIo ArrayCoerceExpr ConvertRowtypeExpr CollateExpr
            CaseExpr CaseWhen CaseTestExpr ArrayExpr RowExpr RowCompareExpr CoalesceExpr MinMaxExpr
            SqlvalueFunction XmlExpr JsonFormat JsonReturning JsonValueExpr JsonConstructorExpr
            JsonIsPredicate JsonBehavior JsonExpr JsonTablePath JsonTablePathScan JsonTableSiblingJoin
            NullTest BooleanTest MergeAction CoerceToDomain CoerceToDomainValue SetToDefault CurrentOfExpr
            NextValueExpr InferenceElem ReturningExpr TargetEntry RangeTblRef JoinExpr FromExpr
            OnConflictExpr Query TypeName ColumnRef ParamRef AExpr TypeCast CollateClause RoleSpec FuncCall
            AStar AIndices AIndirection AArrayExpr ResTarget MultiAssignRef SortBy WindowDef RangeSubselect
            RangeFunction RangeTableFunc RangeTableFuncCol RangeTableSample ColumnDef TableLikeClause
            IndexElem DefElem LockingClause XmlSerialize PartitionElem PartitionSpec PartitionBoundSpec
            PartitionRangeDatum PartitionCmd RangeTblEntry RtepermissionInfo RangeTblFunction
            TableSampleClause WithCheckOption SortGroupClause GroupingSet WindowClause RowMarkClause
            WithClause InferClause OnConflictClause CtesearchClause CtecycleClause CommonTableExpr
            MergeWhenClause ReturningOption ReturningClause TriggerTransition JsonOutput JsonArgument
            JsonFuncExpr JsonTablePathSpec JsonTable JsonTableColumn JsonKeyValue JsonParseExpr
            JsonScalarExpr JsonSerializeExpr JsonObjectConstructor JsonArrayConstructor
            JsonArrayQueryConstructor JsonAggConstructor JsonObjectAgg JsonArrayAgg RawStmt InsertStmt
            DeleteStmt UpdateStmt MergeStmt SelectStmt SetOperationStmt ReturnStmt PlassignStmt
            CreateSchemaStmt AlterTableStmt AlterTableCmd AtalterConstraint ReplicaIdentityStmt
            AlterCollationStmt AlterDomainStmt GrantStmt ObjectWithArgs AccessPriv GrantRoleStmt
            AlterDefaultPrivilegesStmt CopyStmt VariableSetStmt VariableShowStmt CreateStmt Constraint
            CreateTableSpaceStmt DropTableSpaceStmt AlterTableSpaceOptionsStmt AlterTableMoveAllStmt
            CreateExtensionStmt AlterExtensionStmt AlterExtensionContentsStmt CreateFdwStmt AlterFdwStmt
            CreateForeignServerStmt AlterForeignServerStmt CreateForeignTableStmt CreateUserMappingStmt
            AlterUserMappingStmt DropUserMappingStmt ImportForeignSchemaStmt CreatePolicyStmt
            AlterPolicyStmt CreateAmStmt CreateTrigStmt CreateEventTrigStmt AlterEventTrigStmt
            CreatePlangStmt CreateRoleStmt AlterRoleStmt AlterRoleSetStmt DropRoleStmt CreateSeqStmt
            AlterSeqStmt DefineStmt CreateDomainStmt CreateOpClassStmt CreateOpClassItem CreateOpFamilyStmt
            AlterOpFamilyStmt DropStmt TruncateStmt CommentStmt SecLabelStmt DeclareCursorStmt
            ClosePortalStmt FetchStmt IndexStmt CreateStatsStmt StatsElem AlterStatsStmt CreateFunctionStmt
            FunctionParameter AlterFunctionStmt DoStmt InlineCodeBlock CallStmt CallContext RenameStmt
            AlterObjectDependsStmt AlterObjectSchemaStmt AlterOwnerStmt AlterOperatorStmt AlterTypeStmt
            RuleStmt NotifyStmt ListenStmt UnlistenStmt TransactionStmt CompositeTypeStmt CreateEnumStmt
            CreateRangeStmt AlterEnumStmt ViewStmt LoadStmt CreatedbStmt AlterDatabaseStmt
            AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt DropdbStmt AlterSystemStmt ClusterStmt
            VacuumStmt VacuumRelation ExplainStmt CreateTableAsStmt RefreshMatViewStmt CheckPointStmt
            DiscardStmt LockStmt ConstraintsSetStmt ReindexStmt CreateConversionStmt CreateCastStmt
            CreateTransformStmt PrepareStmt ExecuteStmt DeallocateStmt DropOwnedStmt ReassignOwnedStmt
            AlterTsdictionaryStmt AlterTsconfigurationStmt PublicationTable PublicationObjSpec
            CreatePublicationStmt AlterPublicationStmt CreateSubscriptionStmt AlterSubscriptionStmt
            DropSubscriptionStmt Integer Float Boolean String BitString List IntList OidList AConst
    )
}

/// What a statement is called, for people.
pub(super) fn words(node: &NodeEnum) -> &'static str {
    match node {
        NodeEnum::CreateTableAsStmt(_) => "CREATE TABLE AS",
        NodeEnum::CopyStmt(_) => "COPY",
        NodeEnum::RuleStmt(_) => "CREATE RULE",
        NodeEnum::DefineStmt(_) => "CREATE",
        NodeEnum::VacuumStmt(_) => "VACUUM",
        NodeEnum::NotifyStmt(_) => "NOTIFY",
        NodeEnum::VariableShowStmt(_) => "SHOW",
        NodeEnum::AlterOwnerStmt(_) => "ALTER … OWNER",
        NodeEnum::GrantRoleStmt(_) => "GRANT",
        other => tags(other).first().copied().unwrap_or_else(|| node_name(other)),
    }
}

/// The command tags with which the server may answer a statement that a policy
/// lets through, without the numbers of rows. Empty where it is not known.
///
/// See PostgreSQL's manual, "Message Formats", `CommandComplete`.
pub(super) fn tags(node: &NodeEnum) -> &'static [&'static str] {
    match node {
        NodeEnum::SelectStmt(_) => &["SELECT"],
        NodeEnum::InsertStmt(_) => &["INSERT"],
        NodeEnum::UpdateStmt(_) => &["UPDATE"],
        NodeEnum::DeleteStmt(_) => &["DELETE"],
        NodeEnum::MergeStmt(_) => &["MERGE"],
        NodeEnum::TruncateStmt(_) => &["TRUNCATE TABLE"],
        NodeEnum::LockStmt(_) => &["LOCK TABLE"],
        NodeEnum::CreateStmt(_) => &["CREATE TABLE"],
        NodeEnum::IndexStmt(_) => &["CREATE INDEX"],
        NodeEnum::CreateStatsStmt(_) => &["CREATE STATISTICS"],
        NodeEnum::AlterStatsStmt(_) => &["ALTER STATISTICS"],
        NodeEnum::AlterTableStmt(alter) => altered(alter.objtype()),
        NodeEnum::ViewStmt(_) => &["CREATE VIEW"],
        // The number of rows, unless nothing was made or filled.
        NodeEnum::CreateTableAsStmt(create) if create.objtype() == ObjectType::ObjectMatview => {
            &["CREATE MATERIALIZED VIEW", "SELECT"]
        }
        NodeEnum::CreateTableAsStmt(_) => &["SELECT", "CREATE TABLE AS"],
        NodeEnum::ReindexStmt(_) => &["REINDEX"],
        NodeEnum::ClusterStmt(_) => &["CLUSTER"],
        NodeEnum::VacuumStmt(vacuum) if vacuum.is_vacuumcmd => &["VACUUM"],
        NodeEnum::RefreshMatViewStmt(_) => &["REFRESH MATERIALIZED VIEW"],
        NodeEnum::CreateSchemaStmt(_) => &["CREATE SCHEMA"],
        NodeEnum::CreateSeqStmt(_) => &["CREATE SEQUENCE"],
        NodeEnum::AlterSeqStmt(_) => &["ALTER SEQUENCE"],
        NodeEnum::CreateDomainStmt(_) => &["CREATE DOMAIN"],
        NodeEnum::AlterDomainStmt(_) => &["ALTER DOMAIN"],
        NodeEnum::CompositeTypeStmt(_) | NodeEnum::CreateEnumStmt(_) | NodeEnum::CreateRangeStmt(_) => {
            &["CREATE TYPE"]
        }
        NodeEnum::AlterEnumStmt(_) => &["ALTER TYPE"],
        NodeEnum::CreateExtensionStmt(_) => &["CREATE EXTENSION"],
        NodeEnum::CreatePolicyStmt(_) => &["CREATE POLICY"],
        NodeEnum::AlterPolicyStmt(_) => &["ALTER POLICY"],
        NodeEnum::CreateTrigStmt(_) => &["CREATE TRIGGER"],
        NodeEnum::CreateFunctionStmt(create) if create.is_procedure => &["CREATE PROCEDURE"],
        NodeEnum::CreateFunctionStmt(_) => &["CREATE FUNCTION"],
        NodeEnum::AlterFunctionStmt(alter) => altered(alter.objtype()),
        NodeEnum::DoStmt(_) => &["DO"],
        NodeEnum::CallStmt(_) => &["CALL"],
        NodeEnum::CommentStmt(_) => &["COMMENT"],
        NodeEnum::DropStmt(drop) => dropped(drop.remove_type()),
        NodeEnum::RenameStmt(rename) => renamed(rename.rename_type(), rename.relation_type()),
        NodeEnum::AlterObjectSchemaStmt(alter) => altered(alter.object_type()),
        NodeEnum::GrantStmt(grant) if grant.is_grant => &["GRANT"],
        NodeEnum::GrantStmt(_) => &["REVOKE"],
        NodeEnum::ExplainStmt(_) => &["EXPLAIN"],
        NodeEnum::ConstraintsSetStmt(_) => &["SET CONSTRAINTS"],
        NodeEnum::VariableSetStmt(set) => match set.kind() {
            VariableSetKind::VarReset | VariableSetKind::VarResetAll => &["RESET"],
            _ => &["SET"],
        },
        _ => &[],
    }
}

fn renamed(kind: ObjectType, of: ObjectType) -> &'static [&'static str] {
    match kind {
        ObjectType::ObjectColumn | ObjectType::ObjectAttribute => altered(of),
        ObjectType::ObjectTabconstraint => altered(ObjectType::ObjectTable),
        ObjectType::ObjectDomconstraint => altered(ObjectType::ObjectDomain),
        other => altered(other),
    }
}

fn altered(kind: ObjectType) -> &'static [&'static str] {
    match kind {
        ObjectType::ObjectTable => &["ALTER TABLE"],
        ObjectType::ObjectIndex => &["ALTER INDEX"],
        ObjectType::ObjectView => &["ALTER VIEW"],
        ObjectType::ObjectMatview => &["ALTER MATERIALIZED VIEW"],
        ObjectType::ObjectSequence => &["ALTER SEQUENCE"],
        ObjectType::ObjectType => &["ALTER TYPE"],
        ObjectType::ObjectDomain => &["ALTER DOMAIN"],
        ObjectType::ObjectFunction => &["ALTER FUNCTION"],
        ObjectType::ObjectProcedure => &["ALTER PROCEDURE"],
        ObjectType::ObjectRoutine => &["ALTER ROUTINE"],
        ObjectType::ObjectSchema => &["ALTER SCHEMA"],
        ObjectType::ObjectStatisticExt => &["ALTER STATISTICS"],
        ObjectType::ObjectPolicy => &["ALTER POLICY"],
        ObjectType::ObjectTrigger => &["ALTER TRIGGER"],
        _ => &[],
    }
}

fn dropped(kind: ObjectType) -> &'static [&'static str] {
    match kind {
        ObjectType::ObjectTable => &["DROP TABLE"],
        ObjectType::ObjectIndex => &["DROP INDEX"],
        ObjectType::ObjectView => &["DROP VIEW"],
        ObjectType::ObjectMatview => &["DROP MATERIALIZED VIEW"],
        ObjectType::ObjectSequence => &["DROP SEQUENCE"],
        ObjectType::ObjectType => &["DROP TYPE"],
        ObjectType::ObjectDomain => &["DROP DOMAIN"],
        ObjectType::ObjectFunction => &["DROP FUNCTION"],
        ObjectType::ObjectProcedure => &["DROP PROCEDURE"],
        ObjectType::ObjectRoutine => &["DROP ROUTINE"],
        ObjectType::ObjectSchema => &["DROP SCHEMA"],
        ObjectType::ObjectStatisticExt => &["DROP STATISTICS"],
        ObjectType::ObjectPolicy => &["DROP POLICY"],
        ObjectType::ObjectTrigger => &["DROP TRIGGER"],
        _ => &[],
    }
}

/// What a part of ALTER TABLE is called, for people.
pub(super) fn alteration(kind: AlterTableType) -> &'static str {
    kind.as_str_name()
}
