//! How bulk changes are made.

use serde::{Deserialize, Serialize};

/// How bulk changes are made: the table `[data]` of `runner.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Bytes of rows that wait in a temporary table before they are applied,
    /// even if more are to come; 1 GiB unless set otherwise. What is to replace
    /// a whole table waits until it is complete.
    pub stage_bytes: u64,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { stage_bytes: 1 << 30 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default() {
        let config: DataConfig = toml::from_str("").expect("parses");
        assert_eq!(config, DataConfig { stage_bytes: 1_073_741_824 });
        assert!(toml::from_str::<DataConfig>("stage = 5").is_err());
    }
}
