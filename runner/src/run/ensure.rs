//! Making the ledger's tables, and nothing else.

use crate::db::AdvisoryLock;

use super::{Migrator, RunError};

impl Migrator {
    /// Makes the ledger's tables, or upgrades them, under the lock. Says whether
    /// anything was done; takes no lock if nothing is to be done.
    pub async fn ensure_version(&self) -> Result<bool, RunError> {
        let connection = self.connect_bare().await?;
        let result = async {
            let session = connection.session();
            if self.ledger.is_current(&mut *session.lock().await).await? {
                return Ok(false);
            }
            let lock = AdvisoryLock::for_schema(self.ledger.schema_name());
            // The end of the session releases it.
            self.acquire(&connection, lock).await?;
            self.ledger.ensure(&mut *session.lock().await).await?;
            Ok(true)
        }
        .await;
        self.close(connection).await;
        result
    }
}
