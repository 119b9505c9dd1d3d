//! The component that runs revisions of kind `sql`.
//!
//! A revision's SQL files arrive as the parameters `upgrade` and `downgrade`. The
//! parameters are read one by one and the schema is a constant, so that no JSON
//! reader ends up in a component that every runner carries.

use plugin_sdk::prelude::*;

/// Runs a revision's SQL files.
#[derive(Debug)]
pub struct Sql {
    upgrade: String,
    /// None for a revision without a `downgrade.sql`.
    downgrade: Option<String>,
}

impl Params for Sql {
    fn summary() -> &'static str {
        "Runs a revision's SQL files."
    }

    fn schema() -> String {
        include_str!("params.schema.json").trim_end().to_owned()
    }

    fn load() -> Result<Self> {
        let upgrade = host::param("upgrade").context("parameter `upgrade`: is not set")?;
        Ok(Self { upgrade, downgrade: host::param("downgrade") })
    }
}

impl Migration for Sql {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        tx.script(&self.upgrade)
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        match &self.downgrade {
            Some(script) => tx.script(script),
            None => {
                Err(Error::irreversible("the revision has no `downgrade.sql`, or one without a statement"))
            }
        }
    }
}

plugin_sdk::export!(Sql);

#[cfg(test)]
mod tests;
