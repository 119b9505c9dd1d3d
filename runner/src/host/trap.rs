//! Why a guest was stopped.

use wasmtime::{Error, Trap, WasmBacktrace};

use super::error::{CallError, Constraint};
use super::limits::Limits;
use super::state::State;

/// Finds out which limit a guest ran into, or how it crashed.
pub(super) fn classify(error: &Error, state: &State) -> CallError {
    if let Some(lost) = state.work.lost() {
        return lost;
    }
    match constraint(error, state) {
        Some(constraint) => CallError::Limit { constraint },
        None => CallError::Trap { message: error.root_cause().to_string(), backtrace: backtrace(error) },
    }
}

fn constraint(error: &Error, state: &State) -> Option<Constraint> {
    if let Some(constraint) = error.downcast_ref::<Constraint>() {
        return Some(*constraint);
    }
    let trap = error.downcast_ref::<Trap>();
    match trap {
        Some(Trap::StackOverflow) => Some(Constraint::Stack),
        // A guest that was refused memory gives up: Rust aborts, others trap.
        Some(Trap::UnreachableCodeReached) => state.memory.refused(),
        Some(_) => None,
        None => {
            from_message(&error.root_cause().to_string(), &state.limits).or_else(|| state.memory.refused())
        }
    }
}

/// Some limits of wasmtime are known by their message alone; a test for each
/// says when a message changes.
fn from_message(message: &str, limits: &Limits) -> Option<Constraint> {
    let counted = message.strip_prefix("resource limit exceeded: ");
    if let Some(what) = counted {
        return match what.split(' ').next() {
            Some("instance") => Some(Constraint::Instances { limit: limits.instances as u64 }),
            Some("memory") => Some(Constraint::Memories { limit: limits.memories as u64 }),
            Some("table") => Some(Constraint::Tables { limit: limits.tables as u64 }),
            _ => None,
        };
    }
    match message {
        handles if handles.contains("store handle limit exceeded") => {
            Some(Constraint::Handles { limit: limits.handles as u64 })
        }
        fuel if fuel.contains("fuel allocated for hostcalls has been exhausted") => {
            Some(Constraint::CallBytes { limit: limits.call_bytes as u64 })
        }
        _ => None,
    }
}

fn backtrace(error: &Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    backtrace
        .frames()
        .iter()
        .map(|frame| match frame.func_name() {
            Some(name) => name.to_owned(),
            None => format!("function {}", frame.func_index()),
        })
        .collect()
}
