//! What the database knows of a plugin.

use crate::ledger::PluginApplied;
use crate::revision::PluginName;
use crate::run::{Migrator, RunError};

impl Migrator {
    /// The applied revisions that a plugin ran. Takes no lock and writes nothing.
    pub async fn plugin_applied(&self, plugin: &PluginName) -> Result<Vec<PluginApplied>, RunError> {
        let connection = self.connect_bare().await?;
        let applied = self.ledger.plugin_applied(&mut *connection.session().lock().await, plugin).await;
        connection.close().await;
        Ok(applied?)
    }
}
