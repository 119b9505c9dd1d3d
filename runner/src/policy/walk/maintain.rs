//! VACUUM, CLUSTER and REINDEX: for steps without a transaction.

use pg_query::NodeEnum;
use pg_query::protobuf::{ClusterStmt, ReindexObjectType, ReindexStmt, VacuumRelation, VacuumStmt};

use super::{Walk, Walker};
use crate::policy::need::Right;

const DDL: &[Right] = &[Right::Ddl];

/// Options that say how much is done, and how.
const OPTIONS: [&str; 15] = [
    "full",
    "freeze",
    "verbose",
    "analyze",
    "disable_page_skipping",
    "skip_locked",
    "index_cleanup",
    "process_main",
    "process_toast",
    "truncate",
    "parallel",
    "skip_database_stats",
    "only_database_stats",
    "buffer_usage_limit",
    "concurrently",
];

impl Walker<'_> {
    /// Walks such a statement; false if it is another one.
    pub(super) fn maintain(&mut self, node: &mut NodeEnum) -> Walk<bool> {
        match node {
            NodeEnum::VacuumStmt(vacuum) if vacuum.is_vacuumcmd => self.vacuum(vacuum)?,
            NodeEnum::ClusterStmt(cluster) => self.cluster(cluster)?,
            NodeEnum::ReindexStmt(reindex) => self.reindex(reindex)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn vacuum(&mut self, vacuum: &mut VacuumStmt) -> Walk {
        self.options(&vacuum.options, &OPTIONS)?;
        if vacuum.rels.is_empty() {
            return self.refuse("it names no table, and so would go through all of the database");
        }
        for relation in &mut vacuum.rels {
            match &mut relation.node {
                Some(NodeEnum::VacuumRelation(VacuumRelation { relation: Some(table), va_cols, .. })) => {
                    self.target(table, DDL)?;
                    self.strings(va_cols)?;
                }
                _ => return self.unknown(),
            }
        }
        Ok(())
    }

    fn cluster(&mut self, cluster: &mut ClusterStmt) -> Walk {
        self.options(&cluster.params, &OPTIONS)?;
        self.target_of(&mut cluster.relation, DDL).map(drop)
    }

    fn reindex(&mut self, reindex: &mut ReindexStmt) -> Walk {
        self.options(&reindex.params, &OPTIONS)?;
        match reindex.kind() {
            ReindexObjectType::ReindexObjectIndex | ReindexObjectType::ReindexObjectTable => {
                self.target_of(&mut reindex.relation, DDL).map(drop)
            }
            ReindexObjectType::ReindexObjectSchema
            | ReindexObjectType::ReindexObjectSystem
            | ReindexObjectType::ReindexObjectDatabase
            | ReindexObjectType::Undefined => {
                self.refuse("it names no table, and so may go beyond what is granted")
            }
        }
    }
}
