//! ${message}

use plugin_sdk::prelude::*;

/// ${message}
#[derive(Params)]
pub struct ${type};

impl Migration for ${type} {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let rows = tx.execute("SELECT 1", &[])?;
        info!("{rows} rows");
        Ok(())
    }

    // Without a `downgrade` the revision cannot be taken back.
}

plugin_sdk::export!(${type});
