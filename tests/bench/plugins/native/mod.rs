//! Peers in native Rust: the plan of a plugin as one would write it with
//! tokio-postgres for this one table, with the plugin's own code for a value.

mod encrypt;
mod listings;
mod normalize;
mod peer;

pub use encrypt::{decrypt_column, decrypted, encrypt_column};
pub use listings::repair_text;
pub use normalize::normalize_text;
