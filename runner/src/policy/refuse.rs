//! Which kinds of statement no migration may send.

use pg_query::NodeEnum;
use pg_query::protobuf::TransactionStmtKind;

/// The name of a statement's kind and the reason why it is refused, or none if
/// it may be sent.
///
/// These are the statements that would leave the host's transaction, take over
/// the names that the host uses in the session, or break the connection.
pub(super) fn reason(node: &NodeEnum) -> Option<(&'static str, &'static str)> {
    const TRANSACTION: &str = "every revision runs in a transaction that the runner owns, so leave it out; \
        code has savepoints of its own";
    const SESSION: &str = "it would change the session beyond the transaction";
    const NAMES: &str = "the runner owns the session's statement and cursor names; use a reader";
    match node {
        NodeEnum::TransactionStmt(statement) => Some((transaction_statement(statement.kind()), TRANSACTION)),
        NodeEnum::CopyStmt(_) => Some(("COPY", "use INSERT, or from code a writer or a reader")),
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

fn transaction_statement(kind: TransactionStmtKind) -> &'static str {
    match kind {
        TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart => "BEGIN",
        TransactionStmtKind::TransStmtCommit => "COMMIT",
        TransactionStmtKind::TransStmtRollback => "ROLLBACK",
        TransactionStmtKind::TransStmtSavepoint => "SAVEPOINT",
        TransactionStmtKind::TransStmtRelease => "RELEASE SAVEPOINT",
        TransactionStmtKind::TransStmtRollbackTo => "ROLLBACK TO SAVEPOINT",
        TransactionStmtKind::TransStmtPrepare => "PREPARE TRANSACTION",
        TransactionStmtKind::TransStmtCommitPrepared => "COMMIT PREPARED",
        TransactionStmtKind::TransStmtRollbackPrepared => "ROLLBACK PREPARED",
        TransactionStmtKind::Undefined => "a transaction statement",
    }
}
