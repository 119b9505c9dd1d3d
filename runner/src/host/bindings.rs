//! What wasmtime generates from the interface in `wit/0.1.1`.

use super::state::Fault;
use super::{reader, savepoint, transaction, writer};

wasmtime::component::bindgen!({
    world: "plugin",
    path: "../wit/0.1.1",
    imports: {
        "runner:migration/host": trappable,
        default: async | trappable,
    },
    exports: { default: async },
    trappable_error_type: { "runner:migration/types.error" => Fault },
    with: {
        "runner:migration/sql.transaction": transaction::Lent,
        "runner:migration/sql.savepoint": savepoint::Savepoint,
        "runner:migration/sql.batch-reader": reader::Reader,
        "runner:migration/sql.batch-writer": writer::Writer,
    },
});

pub use self::runner::migration::{host, sql, types};
