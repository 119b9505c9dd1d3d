//! What is applied, or taken back, in part, and what has to wait for it.

use std::collections::BTreeSet;

use crate::db::Connection;
use crate::graph::{Point, Symbol, Target};
use crate::ledger::Partly;
use crate::plan::{Plan, PlanError};
use crate::revision::{Direction, RevisionId};

use super::prepare::Prepared;
use super::{Migrator, Options, PrepareError, RunError, State};

/// Refuses a plan that something in part stands against: nothing may be taken
/// away that what is applied in part needs, and nothing be built on what is taken
/// back in part.
pub(super) fn check(state: &State, direction: Direction, plan: &Plan) -> Result<(), RunError> {
    for partly in state.partly.values() {
        let Some(number) = state.graph.find(&partly.revision) else { continue };
        let stands_against: Vec<bool> = match (direction, partly.direction) {
            (Direction::Downgrade, Direction::Upgrade) => state.graph.needed_for([number]),
            (Direction::Upgrade, Direction::Downgrade) => state.graph.gone_with([number]),
            // It is where the plan leads to.
            (Direction::Upgrade, Direction::Upgrade) | (Direction::Downgrade, Direction::Downgrade) => {
                continue;
            }
        };
        let is_hit = |id: &RevisionId| state.graph.find(id).is_some_and(|number| stands_against[number]);
        // An upgrade that has nothing to do would say that all is well.
        let is_idle = direction == Direction::Upgrade && plan.is_empty();
        let hit = plan.steps.iter().map(|step| &step.revision).find(|id| is_hit(id));
        if let Some(step) = hit.or(is_idle.then_some(&partly.revision)) {
            return Err(RunError::Partly { partly: partly.clone(), wanted: direction, step: step.clone() });
        }
    }
    Ok(())
}

/// The revisions in part of which a stamp says where they stand: those that its
/// targets need, and those that come after them.
pub(super) fn forgotten(state: &State, targets: &[Target], purge: bool) -> Result<Vec<RevisionId>, RunError> {
    let mut settled = BTreeSet::new();
    let graph = &state.graph;
    for target in targets.iter().filter(|_| !state.partly.is_empty()) {
        let starts = graph.locate(target, Some(&state.applied_mask())).map_err(PlanError::from)?;
        let is_base = starts.is_empty()
            && matches!(target, Target::At(Point { symbol: Symbol::Base, .. }) | Target::From(..));
        let (needed, after) = (graph.needed_for(starts.iter().copied()), graph.gone_with(starts));
        for (number, id) in (0..graph.len()).map(|number| (number, &graph.node(number).id)) {
            if is_base || purge || needed[number] || after[number] {
                settled.insert(id);
            }
        }
    }
    let is_settled = |id: &&RevisionId| settled.contains(id) || (purge && graph.find(id).is_none());
    Ok(state.partly.keys().filter(is_settled).cloned().collect())
}

impl Migrator {
    /// Makes sure that the steps without a transaction can run without one, and
    /// go on where they stopped.
    pub(super) async fn check_statements(
        &self,
        connection: &Connection,
        state: &State,
        prepared: &[Prepared],
        options: &Options,
    ) -> Result<(), RunError> {
        let outside = prepared.iter().filter(|prepared| prepared.statements.is_some());
        let outside: Vec<RevisionId> = outside.map(|prepared| prepared.step.revision.clone()).collect();
        if options.single_transaction && !outside.is_empty() {
            return Err(RunError::OutsideTransaction(outside));
        }
        for prepared in prepared {
            let step = &prepared.step;
            let partly = state.partly.get(&step.revision).filter(|partly| partly.direction == step.direction);
            if let Some(partly) = partly {
                self.check_resumption(connection, prepared, partly).await?.map_err(|source| {
                    RunError::Prepare { revision: step.revision.clone(), source: Box::new(source) }
                })?;
            }
        }
        Ok(())
    }

    async fn check_resumption(
        &self,
        connection: &Connection,
        prepared: &Prepared,
        partly: &Partly,
    ) -> Result<Result<(), PrepareError>, RunError> {
        let step = &prepared.step;
        let Some(script) = &prepared.statements else {
            return Ok(Err(PrepareError::WasPartly(partly.clone())));
        };
        let session = connection.session();
        let records =
            self.ledger.statements(&mut *session.lock().await, &step.revision, step.direction).await?;
        let file = || {
            let ledgers = || format!("the ledger's {}.sql", step.direction);
            prepared.script.clone().unwrap_or_else(ledgers).into()
        };
        Ok(script.resume(&records).map(drop).map_err(|error| PrepareError::Resume {
            file: file(),
            text: script.text().to_owned(),
            error,
        }))
    }
}
