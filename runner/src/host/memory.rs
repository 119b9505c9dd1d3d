//! One budget over all of a guest's memories, and one over all of its tables.

use wasmtime::ResourceLimiter;

use super::error::Constraint;
use super::limits::Limits;

/// Counts what all linear memories take together: wasmtime's own limit is for
/// each memory.
///
/// A refusal is an ordinary answer to the guest (`memory.grow` returns -1), and
/// what the guest makes of it usually tells nothing; so it is remembered.
#[derive(Debug)]
pub(super) struct MemoryBudget {
    limit: usize,
    used: usize,
    peak: usize,
    instances: usize,
    memories: usize,
    tables: usize,
    table_elements: usize,
    elements_used: usize,
    refused: Option<Constraint>,
}

impl MemoryBudget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limit: usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX),
            used: 0,
            peak: 0,
            instances: limits.instances,
            memories: limits.memories,
            tables: limits.tables,
            table_elements: limits.table_elements,
            elements_used: 0,
            refused: None,
        }
    }

    /// The most that was in use, in bytes.
    pub(super) fn peak(&self) -> u64 {
        self.peak as u64
    }

    /// What was refused to the guest, if anything was.
    pub(super) fn refused(&self) -> Option<Constraint> {
        self.refused
    }
}

impl ResourceLimiter for MemoryBudget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if wanted > self.limit {
            self.refused = Some(Constraint::Memory { limit: self.limit as u64 });
            return Ok(false);
        }
        self.used = wanted;
        self.peak = self.peak.max(wanted);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.elements_used.saturating_add(desired.saturating_sub(current));
        if wanted > self.table_elements {
            self.refused = Some(Constraint::TableElements { limit: self.table_elements as u64 });
            return Ok(false);
        }
        self.elements_used = wanted;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
