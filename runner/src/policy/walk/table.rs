//! Tables, indexes and statistics: CREATE and ALTER.

use pg_query::protobuf::{
    AlterStatsStmt, AlterTableCmd, AlterTableStmt, AlterTableType, CreateStatsStmt, CreateStmt, IndexStmt,
    ObjectType, OnCommitAction, PartitionCmd,
};
use pg_query::{Node, NodeEnum};

use super::{Walk, Walker};
use crate::policy::kind;
use crate::policy::need::{Name, Right};
use crate::policy::own::Kind;

const DDL: &[Right] = &[Right::Ddl];
const DROP: &[Right] = &[Right::Drop];
const RLS: &[Right] = &[Right::Rls];

impl Walker<'_> {
    pub(super) fn table_statement(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::CreateStmt(create) => self.create_table(create),
            NodeEnum::AlterTableStmt(alter) => self.alter_table(alter),
            NodeEnum::IndexStmt(index) => self.create_index(index),
            NodeEnum::CreateStatsStmt(create) => self.create_statistics(create),
            NodeEnum::AlterStatsStmt(alter) => self.alter_statistics(alter),
            _ => self.unknown(),
        }
    }

    fn create_table(&mut self, create: &mut CreateStmt) -> Walk {
        let name = self.target_of(&mut create.relation, DDL)?;
        self.check_new_relation(&name.name)?;
        if !matches!(create.oncommit(), OnCommitAction::Undefined | OnCommitAction::OncommitNoop) {
            return self.refuse("ON COMMIT is for temporary tables");
        }
        self.no_tablespace(&create.tablespacename)?;
        self.table_method(&create.access_method)?;
        self.storage_options(&create.options)?;
        for parent in &mut create.inh_relations {
            match &mut parent.node {
                // A child's rows are the parent's too.
                Some(NodeEnum::RangeVar(parent)) => drop(self.target(parent, DDL)?),
                _ => return self.unknown(),
            }
        }
        self.maybe_type(&mut create.of_typename)?;
        // The new table's own constraints may refer to it.
        let made = name.clone();
        if let Some(bound) = &mut create.partbound {
            self.partition_bound(bound)?;
        }
        if let Some(spec) = &mut create.partspec {
            self.each(&mut spec.part_params)?;
        }
        self.making = Some(made);
        self.each(&mut create.table_elts)?;
        self.each(&mut create.constraints)?;
        self.each(&mut create.nnconstraints)?;
        self.making = None;
        if !create.if_not_exists {
            self.made(Kind::Relation, &name);
        }
        Ok(())
    }

    fn alter_table(&mut self, alter: &mut AlterTableStmt) -> Walk {
        match alter.objtype() {
            ObjectType::ObjectTable
            | ObjectType::ObjectIndex
            | ObjectType::ObjectView
            | ObjectType::ObjectMatview
            | ObjectType::ObjectSequence
            | ObjectType::ObjectType => {}
            _ => return self.refuse("such an object is not a migration's to alter"),
        }
        let Some(relation) = &mut alter.relation else { return self.unknown() };
        let name = self.complete(relation)?;
        for command in &mut alter.cmds {
            match &mut command.node {
                Some(NodeEnum::AlterTableCmd(command)) => {
                    self.node = "AlterTableCmd";
                    self.deeper(|walker| walker.alter_command(&name, command))?;
                }
                _ => return self.unknown(),
            }
        }
        Ok(())
    }

    fn alter_command(&mut self, table: &Name, command: &mut AlterTableCmd) -> Walk {
        self.no_cascade(command.behavior())?;
        self.need_object(Kind::Relation, rights_for(command.subtype()), table)?;
        match command.subtype() {
            AlterTableType::AtAddColumn
            | AlterTableType::AtColumnDefault
            | AlterTableType::AtSetExpression
            | AlterTableType::AtAddConstraint
            | AlterTableType::AtAlterColumnType => self.maybe(&mut command.def),
            AlterTableType::AtDropNotNull
            | AlterTableType::AtSetNotNull
            | AlterTableType::AtDropExpression
            | AlterTableType::AtDropColumn
            | AlterTableType::AtDropConstraint
            | AlterTableType::AtValidateConstraint
            | AlterTableType::AtDropIdentity
            | AlterTableType::AtEnableRowSecurity
            | AlterTableType::AtForceRowSecurity
            // Numbers and words.
            | AlterTableType::AtSetStatistics
            | AlterTableType::AtSetStorage
            | AlterTableType::AtSetCompression
            | AlterTableType::AtAlterConstraint => Ok(()),
            AlterTableType::AtSetOptions | AlterTableType::AtResetOptions => {
                self.options(list_of(command), &["n_distinct", "n_distinct_inherited"])
            }
            AlterTableType::AtSetRelOptions | AlterTableType::AtResetRelOptions => {
                self.storage_options(list_of(command))
            }
            AlterTableType::AtAddIdentity | AlterTableType::AtSetIdentity => self.identity(command),
            AlterTableType::AtAttachPartition
            | AlterTableType::AtDetachPartition
            | AlterTableType::AtDetachPartitionFinalize => self.partition(command),
            other => self.refuse(format!(
                "`{}` touches what is not the migration's: owners, triggers, row security, inheritance or storage",
                kind::alteration(other)
            )),
        }
    }

    fn identity(&mut self, command: &mut AlterTableCmd) -> Walk {
        match command.def.as_deref_mut().and_then(|def| def.node.as_mut()) {
            Some(NodeEnum::Constraint(constraint)) => self.constraint(constraint),
            Some(NodeEnum::List(list)) => self.sequence_options(&mut list.items),
            _ => self.unknown(),
        }
    }

    fn partition(&mut self, command: &mut AlterTableCmd) -> Walk {
        match command.def.as_deref_mut().and_then(|def| def.node.as_mut()) {
            Some(NodeEnum::PartitionCmd(PartitionCmd { name: Some(name), bound, concurrent })) => {
                self.concurrently(*concurrent)?;
                self.target(name, DDL)?;
                bound.as_mut().map_or(Ok(()), |bound| self.partition_bound(bound))
            }
            _ => self.unknown(),
        }
    }

    fn create_index(&mut self, index: &mut IndexStmt) -> Walk {
        let table = self.target_of(&mut index.relation, DDL)?;
        self.concurrently(index.concurrent)?;
        self.check_new_relation(&index.idxname)?;
        self.no_tablespace(&index.table_space)?;
        self.index_method(&index.access_method)?;
        self.storage_options(&index.options)?;
        self.each(&mut index.index_params)?;
        self.each(&mut index.index_including_params)?;
        self.maybe(&mut index.where_clause)?;
        if !index.idxname.is_empty() && !index.if_not_exists {
            self.made(Kind::Relation, &Name::new(table.schema, &index.idxname));
        }
        Ok(())
    }

    fn create_statistics(&mut self, create: &mut CreateStatsStmt) -> Walk {
        for relation in &mut create.relations {
            match &mut relation.node {
                Some(NodeEnum::RangeVar(relation)) => drop(self.target(relation, DDL)?),
                _ => return self.unknown(),
            }
        }
        self.strings(&create.stat_types)?;
        self.each(&mut create.exprs)?;
        if create.defnames.is_empty() {
            return Ok(());
        }
        let name = self.qualify(&mut create.defnames)?;
        self.need_object(Kind::Statistics, DDL, &name)?;
        if !create.if_not_exists {
            self.made(Kind::Statistics, &name);
        }
        Ok(())
    }

    fn alter_statistics(&mut self, alter: &mut AlterStatsStmt) -> Walk {
        let name = self.qualify(&mut alter.defnames)?;
        self.need_object(Kind::Statistics, DDL, &name)?;
        self.maybe(&mut alter.stxstattarget)
    }
}

fn rights_for(kind: AlterTableType) -> &'static [Right] {
    match kind {
        AlterTableType::AtDropColumn | AlterTableType::AtDropConstraint => DROP,
        AlterTableType::AtEnableRowSecurity | AlterTableType::AtForceRowSecurity => RLS,
        _ => DDL,
    }
}

fn list_of(command: &AlterTableCmd) -> &[Node] {
    match command.def.as_deref().and_then(|def| def.node.as_ref()) {
        Some(NodeEnum::List(list)) => &list.items,
        _ => &[],
    }
}
