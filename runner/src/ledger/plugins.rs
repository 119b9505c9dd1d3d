//! Which applied revisions a plugin ran. Writes nothing.

use serde::Serialize;

use crate::db::{PostgresSession, quote_literal};
use crate::revision::{Digest, PluginName, PluginUse, RevisionId};

use super::schema::is_absent;
use super::{Ledger, LedgerError};

/// An applied revision that a plugin ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginApplied {
    /// The revision.
    pub revision: RevisionId,
    /// The plugin's version.
    pub version: Option<String>,
    /// The digest of the component.
    pub component_digest: Option<Digest>,
}

impl Ledger {
    /// The applied revisions that a plugin ran, by id; none where there is no
    /// ledger.
    pub async fn plugin_applied(
        &self,
        session: &mut PostgresSession,
        plugin: &PluginName,
    ) -> Result<Vec<PluginApplied>, LedgerError> {
        let sql = format!(
            "SELECT revision, plugin, 'sha256:' || encode(component_digest, 'hex') \
             FROM (SELECT *, manifest::jsonb ->> 'plugin' AS plugin FROM {}.revision) revision \
             WHERE split_part(plugin, '@', 1) = {} ORDER BY revision",
            self.schema,
            quote_literal(plugin.as_str()),
        );
        let rows = match session.batch(&sql).await {
            Ok(rows) => rows,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        rows.into_iter().map(applied).collect()
    }
}

fn applied(row: Vec<Option<String>>) -> Result<PluginApplied, LedgerError> {
    let mut fields = row.into_iter();
    let mut next = || fields.next().flatten();
    let name = next().unwrap_or_default();
    let damaged = |reason: String| LedgerError::Damaged { revision: name.clone(), reason };
    let plugin = next().and_then(|text| PluginUse::try_from(text).ok());
    let digest = next().map(Digest::try_from).transpose();
    Ok(PluginApplied {
        revision: RevisionId::new(name.as_str()).map_err(|error| damaged(error.to_string()))?,
        version: plugin.and_then(|plugin| plugin.version),
        component_digest: digest.map_err(|error| damaged(error.to_string()))?,
    })
}
