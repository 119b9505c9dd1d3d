//! How much a guest may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of one component and of one call.
///
/// A wall clock limit is not among them: whoever awaits the call may drop it at
/// any time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Milliseconds of processor time that the guest's own code may take; time
    /// in calls of the host does not count.
    pub guest_time_ms: u64,
    /// Bytes of all linear memories together.
    pub memory_bytes: u64,
    /// Core instances. A Python component alone needs 48.
    pub instances: usize,
    /// Linear memories.
    pub memories: usize,
    /// Tables.
    pub tables: usize,
    /// Elements of all tables together.
    pub table_elements: usize,
    /// Handles (savepoints, readers, writers) that are open at the same time.
    pub handles: usize,
    /// Bytes that one call may hand over to the host.
    pub call_bytes: usize,
    /// Bytes of rows that one statement may send, whoever reads them: more of
    /// them end the connection.
    pub statement_bytes: u64,
    /// Rows that `query` may return.
    pub query_rows: usize,
    /// Bytes that `query` may return.
    pub query_bytes: usize,
    /// Calls of the host.
    pub host_calls: u64,
    /// Statements that are sent to the server; a script has many in one call.
    pub statements: u64,
    /// Bytes of log messages; what goes beyond them is dropped.
    pub log_bytes: usize,
    /// Bytes of a component.
    pub component_bytes: usize,
    /// Bytes of one function body in a component. The compiler's time grows
    /// with the square of it; the largest of CPython has 427 KB.
    pub function_bytes: usize,
    /// Milliseconds that the compilation of one component may take.
    pub compile_time_ms: u64,
    /// Bytes of address space of the compiling process.
    pub compile_memory_bytes: u64,
}

impl Limits {
    /// The processor time of the guest's own code.
    pub fn guest_time(&self) -> Duration {
        Duration::from_millis(self.guest_time_ms)
    }

    /// The time of one compilation.
    pub fn compile_time(&self) -> Duration {
        Duration::from_millis(self.compile_time_ms)
    }
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Self {
            guest_time_ms: 60_000,
            memory_bytes: 256 * MIB as u64,
            instances: 64,
            memories: 2,
            tables: 4,
            table_elements: 100_000,
            handles: 64,
            call_bytes: 64 * MIB,
            statement_bytes: 1024 * MIB as u64,
            query_rows: 100_000,
            query_bytes: 64 * MIB,
            host_calls: 1_000_000,
            statements: 1_000_000,
            log_bytes: MIB,
            component_bytes: 64 * MIB,
            function_bytes: 512 * KIB,
            compile_time_ms: 60_000,
            compile_memory_bytes: 8 * 1024 * MIB as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default() {
        let limits: Limits = serde_json::from_str(r#"{"guest_time_ms": 5}"#).expect("parses");
        assert_eq!(limits, Limits { guest_time_ms: 5, ..Limits::default() });
        assert!(serde_json::from_str::<Limits>(r#"{"guest_time": 5}"#).is_err());
    }
}
