//! Statements that PostgreSQL runs outside of any transaction only, and what of
//! them must be known to go on after one that was interrupted.

use pg_query::protobuf::{
    AlterTableStmt, AlterTableType, DefElem, DropStmt, IndexStmt, RangeVar, ReindexObjectType, ReindexStmt,
    VariableSetKind, VariableSetStmt,
};
use pg_query::{Node, NodeEnum, ParserOptions};

use super::{Name, PolicyError, split};
use crate::revision::TransactionMode;

/// How a statement of a step without a transaction is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Course {
    /// In a transaction of its own.
    Transaction,
    /// The same; and what it sets is set again for each statement after it.
    Setting,
    /// By itself: PostgreSQL refuses it inside a transaction.
    Alone(Alone),
}

/// A statement that PostgreSQL refuses inside a transaction. A name whose schema
/// is empty is looked up in the search path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alone {
    /// CREATE INDEX CONCURRENTLY.
    CreateIndex {
        /// The table.
        table: Name,
        /// The index, which is in the table's schema.
        index: String,
    },
    /// DROP INDEX CONCURRENTLY.
    DropIndex {
        /// The index.
        index: Name,
    },
    /// REINDEX.
    Reindex {
        /// What is built anew.
        scope: ReindexScope,
        /// Whether an attempt that failed leaves indexes behind.
        concurrently: bool,
    },
    /// ALTER TABLE … DETACH PARTITION … CONCURRENTLY.
    Detach {
        /// The partitioned table.
        table: Name,
        /// The partition.
        partition: Name,
    },
    /// VACUUM and CLUSTER: what was done in part is done again.
    Repeatable,
}

/// What REINDEX builds anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReindexScope {
    /// One index.
    Index(Name),
    /// The indexes of one table.
    Table(Name),
    /// The indexes of all tables of one schema.
    Schema(String),
}

const OUTSIDE: &str = "PostgreSQL runs it outside of any transaction only, and this revision runs in one: put it into \
    a revision of kind `sql` with `transaction = \"none\"` in its migration.toml";
const SERVER: &str = "it is a matter of the whole server, and not of one database's migrations";
const NAMELESS: &str = "an index that is built concurrently needs a name here: by it a half-built one is found after \
    an interruption";
const SHORT_LIVED: &str =
    "with `transaction = \"none\"` each statement has a transaction of its own, with which this would end";
const SET_LOCAL: &str = "with `transaction = \"none\"` each statement has a transaction of its own, with which this \
    would end; SET without LOCAL holds until the end of the script";
const TEMPORARY: &str = "with `transaction = \"none\"` a script may go on in another session, in which a temporary table is not there";

/// Why a statement cannot be a part of a step with these transactions, with the
/// name of its kind; none if it can, as far as this goes.
pub(super) fn reason(node: &NodeEnum, transactions: TransactionMode) -> Option<(&'static str, &'static str)> {
    match node {
        NodeEnum::CreatedbStmt(_) => return Some(("CREATE DATABASE", SERVER)),
        NodeEnum::DropdbStmt(_) => return Some(("DROP DATABASE", SERVER)),
        NodeEnum::CreateTableSpaceStmt(_) => return Some(("CREATE TABLESPACE", SERVER)),
        NodeEnum::DropTableSpaceStmt(_) => return Some(("DROP TABLESPACE", SERVER)),
        _ => {}
    }
    match transactions {
        TransactionMode::Revision => outside(node).map(|what| (what, OUTSIDE)),
        TransactionMode::None => unfit(node),
    }
}

/// What only runs outside of a transaction.
fn outside(node: &NodeEnum) -> Option<&'static str> {
    Some(match node {
        NodeEnum::IndexStmt(index) if index.concurrent => "CREATE INDEX CONCURRENTLY",
        NodeEnum::DropStmt(drop) if drop.concurrent => "DROP INDEX CONCURRENTLY",
        NodeEnum::ReindexStmt(reindex) if is_concurrent(reindex) => "REINDEX CONCURRENTLY",
        NodeEnum::ReindexStmt(reindex) if reindex.kind() == ReindexObjectType::ReindexObjectSchema => {
            "REINDEX SCHEMA"
        }
        NodeEnum::ReindexStmt(reindex) => return whole_database(reindex),
        NodeEnum::VacuumStmt(vacuum) if vacuum.is_vacuumcmd => "VACUUM",
        NodeEnum::ClusterStmt(cluster) if cluster.relation.is_none() => "CLUSTER without a table",
        NodeEnum::AlterTableStmt(alter) if detach(alter).is_some() => {
            "ALTER TABLE … DETACH PARTITION … CONCURRENTLY"
        }
        _ => return None,
    })
}

/// What does not fit into a step whose statements have transactions of their own.
fn unfit(node: &NodeEnum) -> Option<(&'static str, &'static str)> {
    match node {
        NodeEnum::IndexStmt(index) if index.concurrent && index.idxname.is_empty() => {
            Some(("CREATE INDEX CONCURRENTLY without a name", NAMELESS))
        }
        NodeEnum::DropStmt(drop) if drop.concurrent && drop.objects.len() != 1 => {
            Some(("DROP INDEX CONCURRENTLY of several indexes", "PostgreSQL drops one at a time"))
        }
        NodeEnum::ReindexStmt(reindex) => whole_database(reindex).map(|what| (what, SERVER)),
        NodeEnum::VariableSetStmt(set) if set.is_local => Some(("SET LOCAL", SET_LOCAL)),
        NodeEnum::VariableSetStmt(set) if is_of_transaction(set) => Some(("SET TRANSACTION", SHORT_LIVED)),
        NodeEnum::ConstraintsSetStmt(_) => Some(("SET CONSTRAINTS", SHORT_LIVED)),
        NodeEnum::LockStmt(_) => Some(("LOCK TABLE", SHORT_LIVED)),
        NodeEnum::CreateStmt(create) if is_temporary(create.relation.as_ref()) => {
            Some(("CREATE TEMPORARY TABLE", TEMPORARY))
        }
        NodeEnum::CreateTableAsStmt(create)
            if is_temporary(create.into.as_ref().and_then(|into| into.rel.as_ref())) =>
        {
            Some(("CREATE TEMPORARY TABLE AS", TEMPORARY))
        }
        NodeEnum::SelectStmt(select)
            if is_temporary(select.into_clause.as_ref().and_then(|into| into.rel.as_ref())) =>
        {
            Some(("SELECT INTO TEMPORARY", TEMPORARY))
        }
        NodeEnum::ViewStmt(view) if is_temporary(view.view.as_ref()) => {
            Some(("CREATE TEMPORARY VIEW", TEMPORARY))
        }
        NodeEnum::CreateSeqStmt(create) if is_temporary(create.sequence.as_ref()) => {
            Some(("CREATE TEMPORARY SEQUENCE", TEMPORARY))
        }
        _ => None,
    }
}

/// How one statement, which was let through, is run where it has a transaction of
/// its own or none.
pub fn course(statement: &str) -> Result<Course, PolicyError> {
    let parsed = pg_query::parse(statement, ParserOptions::DEFAULT)
        .map_err(|error| split::syntax_error(statement, &error))?;
    let [raw] = parsed.protobuf.stmts.as_slice() else {
        return Err(PolicyError::NotOne { found: parsed.protobuf.stmts.len() });
    };
    let node = raw.stmt.as_ref().and_then(|node| node.node.as_ref());
    Ok(node.map_or(Course::Transaction, course_of))
}

fn course_of(node: &NodeEnum) -> Course {
    let alone = match node {
        NodeEnum::VariableSetStmt(_) => return Course::Setting,
        NodeEnum::IndexStmt(index) if index.concurrent => created(index),
        NodeEnum::DropStmt(drop) if drop.concurrent => dropped(drop),
        NodeEnum::ReindexStmt(reindex) => rebuilt(reindex),
        NodeEnum::VacuumStmt(vacuum) if vacuum.is_vacuumcmd => Some(Alone::Repeatable),
        NodeEnum::ClusterStmt(_) => Some(Alone::Repeatable),
        NodeEnum::AlterTableStmt(alter) => detach(alter),
        _ => None,
    };
    alone.map_or(Course::Transaction, Course::Alone)
}

fn created(index: &IndexStmt) -> Option<Alone> {
    Some(Alone::CreateIndex { table: relation(index.relation.as_ref()?), index: index.idxname.clone() })
}

fn dropped(drop: &DropStmt) -> Option<Alone> {
    let [Node { node: Some(NodeEnum::List(parts)) }] = drop.objects.as_slice() else { return None };
    let part = |node: &Node| match &node.node {
        Some(NodeEnum::String(text)) => Some(text.sval.clone()),
        _ => None,
    };
    let parts: Vec<String> = parts.items.iter().filter_map(part).collect();
    let index = match parts.as_slice() {
        [name] => Name::new("", name),
        [.., schema, name] => Name::new(schema, name),
        [] => return None,
    };
    Some(Alone::DropIndex { index })
}

fn rebuilt(reindex: &ReindexStmt) -> Option<Alone> {
    let of = |relation_: &Option<RangeVar>| relation_.as_ref().map(relation);
    let scope = match reindex.kind() {
        ReindexObjectType::ReindexObjectIndex => ReindexScope::Index(of(&reindex.relation)?),
        ReindexObjectType::ReindexObjectTable => ReindexScope::Table(of(&reindex.relation)?),
        ReindexObjectType::ReindexObjectSchema => ReindexScope::Schema(reindex.name.clone()),
        ReindexObjectType::ReindexObjectSystem
        | ReindexObjectType::ReindexObjectDatabase
        | ReindexObjectType::Undefined => return None,
    };
    Some(Alone::Reindex { scope, concurrently: is_concurrent(reindex) })
}

fn detach(alter: &AlterTableStmt) -> Option<Alone> {
    let table = relation(alter.relation.as_ref()?);
    alter.cmds.iter().find_map(|command| {
        let Some(NodeEnum::AlterTableCmd(command)) = &command.node else { return None };
        match command.def.as_deref().and_then(|def| def.node.as_ref()) {
            Some(NodeEnum::PartitionCmd(partition))
                if command.subtype() == AlterTableType::AtDetachPartition && partition.concurrent =>
            {
                let partition = relation(partition.name.as_ref()?);
                Some(Alone::Detach { table: table.clone(), partition })
            }
            _ => None,
        }
    })
}

fn relation(relation: &RangeVar) -> Name {
    Name::new(&relation.schemaname, &relation.relname)
}

fn is_temporary(relation: Option<&RangeVar>) -> bool {
    relation.is_some_and(|relation| relation.relpersistence == "t" || relation.schemaname == "pg_temp")
}

/// CONCURRENTLY, or an option of that name which is not switched off.
fn is_concurrent(reindex: &ReindexStmt) -> bool {
    let is_off = |option: &DefElem| match option.arg.as_deref().and_then(|arg| arg.node.as_ref()) {
        Some(NodeEnum::Boolean(value)) => !value.boolval,
        Some(NodeEnum::Integer(value)) => value.ival == 0,
        Some(NodeEnum::String(word)) => matches!(word.sval.as_str(), "false" | "off"),
        _ => false,
    };
    reindex.params.iter().any(|param| match &param.node {
        Some(NodeEnum::DefElem(option)) => option.defname == "concurrently" && !is_off(option),
        _ => false,
    })
}

fn whole_database(reindex: &ReindexStmt) -> Option<&'static str> {
    match reindex.kind() {
        ReindexObjectType::ReindexObjectSystem => Some("REINDEX SYSTEM"),
        ReindexObjectType::ReindexObjectDatabase => Some("REINDEX DATABASE"),
        _ => None,
    }
}

/// SET TRANSACTION, and not SET SESSION CHARACTERISTICS.
fn is_of_transaction(set: &VariableSetStmt) -> bool {
    set.kind() == VariableSetKind::VarSetMulti && set.name.starts_with("TRANSACTION")
}
