//! Keys and their names.

use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plugin_sdk::prelude::*;

/// Bytes of a key of AES-256.
const KEY_BYTES: usize = 32;

/// The most letters of a key's name.
const MAX_ID: usize = 64;

/// A key, and the name that is stored with what it encrypted.
pub struct Key {
    id: String,
    cipher: Aes256Gcm,
}

impl Key {
    /// Reads a key of 32 bytes: 64 hexadecimal digits, or base64.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the name or the key, without the key.
    pub fn new(id: &str, key: &str) -> Result<Self> {
        ensure!(
            is_id(id),
            "`{id}` cannot be the name of a key: 1 to {MAX_ID} letters, digits, `.`, `_` and `-`"
        );
        let bytes = key_bytes(key.trim()).context("the key is neither hexadecimal digits nor base64")?;
        let cipher = Aes256Gcm::new_from_slice(&bytes);
        let found = bytes.len();
        let cipher = cipher
            .map_err(|_| Error::message(format!("the key has {found} bytes, AES-256 needs {KEY_BYTES}")))?;
        Ok(Self { id: id.to_owned(), cipher })
    }

    /// The key's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn cipher(&self) -> &Aes256Gcm {
        &self.cipher
    }
}

/// Whether this can stand in front of a value: nothing that ends the name early.
pub fn is_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_allowed)
}

/// 64 characters of base64 are 48 bytes, so that the two spellings of a key never
/// have the same length.
fn key_bytes(key: &str) -> Option<Vec<u8>> {
    if key.len() != 2 * KEY_BYTES {
        return STANDARD.decode(key).ok();
    }
    let digits: Option<Vec<u32>> = key.chars().map(|digit| digit.to_digit(16)).collect();
    digits.map(|digits| digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        let bytes: Vec<u8> = (0..32).collect();
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(key_bytes(&digits), Some(bytes.clone()));
        assert_eq!(key_bytes("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), Some(bytes));
    }

    #[test]
    fn a_wrong_key_is_told_and_not_shown() {
        let error = |id: &str, key: &str| Key::new(id, key).err().map(|error| error.to_string());
        assert_eq!(error("k1", "c2hvcnQ=").as_deref(), Some("the key has 5 bytes, AES-256 needs 32"));
        let wrong = Some("the key is neither hexadecimal digits nor base64");
        assert_eq!(error("k1", "not a key!").as_deref(), wrong);
        assert_eq!(error("k1", &"+f".repeat(32)).as_deref(), wrong);
        assert!(error("k 1", "").is_some_and(|text| text.starts_with("`k 1` cannot be the name of a key")));
    }
}
