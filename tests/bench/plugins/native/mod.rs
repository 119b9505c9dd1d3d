//! Peers in native Rust: the plan of a plugin as one would write it with
//! tokio-postgres for this one table, with the plugin's own code for a value.

mod encrypt;
mod normalize;
mod peer;
mod repair;

pub use encrypt::{decrypt_column, decrypted, encrypt_column};
pub use normalize::normalize_text;
pub use repair::repair_text;
