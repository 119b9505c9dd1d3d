//! INSERT, UPDATE, DELETE, MERGE, TRUNCATE and LOCK.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    DeleteStmt, DropBehavior, InsertStmt, LockStmt, MergeStmt, MergeWhenClause, OnConflictClause, ResTarget,
    ReturningClause, TruncateStmt, UpdateStmt,
};

use super::{Walk, Walker};
use crate::policy::need::Right;

const WRITE: &[Right] = &[Right::Write];

impl Walker<'_> {
    /// One of the statements that change rows. Its target is never a common
    /// table expression, whatever stands in WITH.
    pub(super) fn dml(&mut self, node: &mut NodeEnum) -> Walk {
        let scope = self.ctes.len();
        let result = match node {
            NodeEnum::InsertStmt(insert) => self.insert(insert),
            NodeEnum::UpdateStmt(update) => self.update(update),
            NodeEnum::DeleteStmt(delete) => self.delete(delete),
            NodeEnum::MergeStmt(merge) => self.merge(merge),
            NodeEnum::TruncateStmt(truncate) => self.truncate(truncate),
            NodeEnum::LockStmt(lock) => self.lock(lock),
            _ => self.unknown(),
        };
        self.ctes.truncate(scope);
        result
    }

    fn insert(&mut self, insert: &mut InsertStmt) -> Walk {
        self.with_clause(&mut insert.with_clause)?;
        self.target_of(&mut insert.relation, WRITE)?;
        self.each(&mut insert.cols)?;
        self.maybe(&mut insert.select_stmt)?;
        if let Some(conflict) = insert.on_conflict_clause.as_deref_mut() {
            self.on_conflict(conflict)?;
        }
        self.returning(&mut insert.returning_clause)
    }

    fn on_conflict(&mut self, conflict: &mut OnConflictClause) -> Walk {
        if let Some(infer) = conflict.infer.as_deref_mut() {
            self.each(&mut infer.index_elems)?;
            self.maybe(&mut infer.where_clause)?;
        }
        self.each(&mut conflict.target_list)?;
        self.maybe(&mut conflict.where_clause)
    }

    fn update(&mut self, update: &mut UpdateStmt) -> Walk {
        self.with_clause(&mut update.with_clause)?;
        self.target_of(&mut update.relation, WRITE)?;
        self.each(&mut update.from_clause)?;
        self.each(&mut update.target_list)?;
        self.maybe(&mut update.where_clause)?;
        self.returning(&mut update.returning_clause)
    }

    fn delete(&mut self, delete: &mut DeleteStmt) -> Walk {
        self.with_clause(&mut delete.with_clause)?;
        self.target_of(&mut delete.relation, WRITE)?;
        self.each(&mut delete.using_clause)?;
        self.maybe(&mut delete.where_clause)?;
        self.returning(&mut delete.returning_clause)
    }

    fn merge(&mut self, merge: &mut MergeStmt) -> Walk {
        self.with_clause(&mut merge.with_clause)?;
        self.target_of(&mut merge.relation, WRITE)?;
        self.maybe(&mut merge.source_relation)?;
        self.maybe(&mut merge.join_condition)?;
        self.each(&mut merge.merge_when_clauses)?;
        self.returning(&mut merge.returning_clause)
    }

    pub(super) fn merge_when(&mut self, when: &mut MergeWhenClause) -> Walk {
        self.maybe(&mut when.condition)?;
        self.each(&mut when.target_list)?;
        self.each(&mut when.values)
    }

    fn returning(&mut self, clause: &mut Option<ReturningClause>) -> Walk {
        // Its options only name the old row and the new one.
        clause.as_mut().map_or(Ok(()), |clause| self.each(&mut clause.exprs))
    }

    /// A column that is set, or a value with a name.
    pub(super) fn result(&mut self, target: &mut ResTarget) -> Walk {
        self.see(target.location);
        self.indirection(&mut target.indirection)?;
        self.maybe(&mut target.val)
    }

    fn truncate(&mut self, truncate: &mut TruncateStmt) -> Walk {
        self.no_cascade(truncate.behavior())?;
        for relation in &mut truncate.relations {
            match &mut relation.node {
                Some(NodeEnum::RangeVar(relation)) => drop(self.target(relation, &[Right::Truncate])?),
                _ => return self.unknown(),
            }
        }
        Ok(())
    }

    fn lock(&mut self, lock: &mut LockStmt) -> Walk {
        for relation in &mut lock.relations {
            match &mut relation.node {
                Some(NodeEnum::RangeVar(relation)) => drop(self.target(relation, &[Right::Lock])?),
                _ => return self.unknown(),
            }
        }
        Ok(())
    }

    pub(super) fn no_cascade(&self, behavior: DropBehavior) -> Walk {
        match behavior {
            DropBehavior::Undefined | DropBehavior::DropRestrict => Ok(()),
            DropBehavior::DropCascade => self.refuse("CASCADE reaches what the statement does not name"),
        }
    }
}
