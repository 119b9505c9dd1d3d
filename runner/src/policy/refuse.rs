//! Which kinds of statement no migration may send.

use pg_query::NodeEnum;

/// The name of a statement's kind and the reason why it is refused, or none if
/// it may be sent.
///
/// These are the statements that would leave the host's transaction, take over
/// the names that the host uses in the session, or break the connection.
pub(super) fn reason(node: &NodeEnum) -> Option<(&'static str, &'static str)> {
    const TRANSACTION: &str = "the runner owns the transaction; use a savepoint of the `transaction` handle";
    const SESSION: &str = "it would change the session beyond the transaction";
    const NAMES: &str = "the runner owns the session's statement and cursor names; use a reader";
    match node {
        NodeEnum::TransactionStmt(_) => Some(("a transaction statement", TRANSACTION)),
        NodeEnum::CopyStmt(_) => Some(("COPY", "use a writer (`open-writer`) or a reader (`open-reader`)")),
        NodeEnum::PrepareStmt(_) => Some(("PREPARE", NAMES)),
        NodeEnum::ExecuteStmt(_) => Some(("EXECUTE", NAMES)),
        NodeEnum::DeallocateStmt(_) => Some(("DEALLOCATE", NAMES)),
        NodeEnum::DeclareCursorStmt(_) => Some(("DECLARE CURSOR", NAMES)),
        NodeEnum::FetchStmt(_) => Some(("FETCH", NAMES)),
        NodeEnum::ClosePortalStmt(_) => Some(("CLOSE", NAMES)),
        NodeEnum::DiscardStmt(_) => Some(("DISCARD", SESSION)),
        NodeEnum::ListenStmt(_) => Some(("LISTEN", SESSION)),
        NodeEnum::UnlistenStmt(_) => Some(("UNLISTEN", SESSION)),
        NodeEnum::LoadStmt(_) => Some(("LOAD", SESSION)),
        NodeEnum::AlterSystemStmt(_) => Some(("ALTER SYSTEM", "it would change the whole server")),
        _ => None,
    }
}
