//! What an encrypted value looks like.
//!
//! `enc1:`, the name of the key, `:`, and then nonce (12 bytes), ciphertext and tag
//! (16 bytes): as they are in bytea, in base64 in text. All that stands before the
//! nonce is the cipher's associated data, so that nobody can give a value to another
//! key's name unnoticed.

use aes_gcm::Nonce;
use aes_gcm::aead::{Aead, Payload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plugin_sdk::prelude::*;

use crate::key::{Key, is_id};
use crate::nonces::NONCE_BYTES;

/// How every encrypted value begins; the number is that of the layout.
const MARK: &str = "enc1:";

/// A value that is encrypted.
pub struct Envelope {
    /// The mark and the key's name, up to the second colon.
    header: String,
    /// Nonce, ciphertext and tag.
    body: Vec<u8>,
}

impl Envelope {
    /// Reads an encrypted text; none where the text does not claim to be one.
    ///
    /// # Errors
    ///
    /// Says that it is damaged, without the text.
    pub fn of_text(text: &str) -> Result<Option<Self>> {
        let Some((header, body)) = split(text.as_bytes()) else { return Ok(None) };
        match STANDARD.decode(body) {
            Ok(body) => Ok(Some(Self { header, body })),
            Err(_) => Err(damaged()),
        }
    }

    /// Reads encrypted bytes; none where they do not claim to be any.
    ///
    /// # Errors
    ///
    /// None so far: damage shows when the envelope is opened.
    pub fn of_bytes(bytes: &[u8]) -> Result<Option<Self>> {
        Ok(split(bytes).map(|(header, body)| Self { header, body: body.to_vec() }))
    }

    /// Whether it names this key.
    pub fn is_of(&self, key: &Key) -> bool {
        self.header == header(key)
    }

    /// The value of a text column.
    pub fn into_text(self) -> String {
        let mut text = self.header;
        STANDARD.encode_string(self.body, &mut text);
        text
    }

    /// The value of a bytea column.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.header.into_bytes();
        bytes.extend(self.body);
        bytes
    }
}

/// Encrypts a value. The nonce must never be used twice with one key.
///
/// # Errors
///
/// A value of more than 64 GiB, which PostgreSQL cannot hold.
pub fn seal(key: &Key, nonce: [u8; NONCE_BYTES], plain: &[u8]) -> Result<Envelope> {
    let header = header(key);
    let payload = Payload { msg: plain, aad: header.as_bytes() };
    let sealed = key.cipher().encrypt(&Nonce::from(nonce), payload);
    let mut body = nonce.to_vec();
    body.extend(sealed.map_err(|_| Error::message("the value is too long to be encrypted"))?);
    Ok(Envelope { header, body })
}

/// Decrypts a value with the key that it names.
///
/// # Errors
///
/// Says that it is damaged or was encrypted with another key, without the value.
pub fn open(key: &Key, envelope: &Envelope) -> Result<Vec<u8>> {
    let (nonce, sealed) = envelope.body.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
    let payload = Payload { msg: sealed, aad: envelope.header.as_bytes() };
    key.cipher().decrypt(&Nonce::from(*nonce), payload).map_err(|_| {
        Error::message(format!(
            "the value cannot be decrypted with the key `{0}`: it is damaged, or was encrypted with another \
             key of the name `{0}`",
            key.id()
        ))
    })
}

fn header(key: &Key) -> String {
    format!("{MARK}{}:", key.id())
}

/// The header, and what is behind it.
fn split(value: &[u8]) -> Option<(String, &[u8])> {
    let rest = value.strip_prefix(MARK.as_bytes())?;
    let end = rest.iter().position(|byte| *byte == b':')?;
    let id = str::from_utf8(&rest[..end]).ok().filter(|id| is_id(id))?;
    Some((format!("{MARK}{id}:"), &rest[end + 1..]))
}

fn damaged() -> Error {
    Error::message("the encrypted value is damaged: its end is missing or is no base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, byte: u8) -> Key {
        Key::new(id, &format!("{byte:02x}").repeat(32)).expect("a key")
    }

    /// Test case 14 of the paper that proposes GCM (McGrew and Viega), whose key,
    /// nonce and text are zeros: without associated data, so the cipher alone.
    #[test]
    fn the_cipher_is_aes_256_gcm() {
        let sealed = key("k", 0).cipher().encrypt(&Nonce::from([0; 12]), &[0; 16][..]).expect("encrypts");
        let digits: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    }

    #[test]
    fn what_was_sealed_opens_with_its_key_alone() {
        let sealed = seal(&key("k1", 7), [9; 12], "Grüße".as_bytes()).expect("seals");
        let text = sealed.into_text();
        assert!(text.starts_with("enc1:k1:"), "{text}");
        let read = Envelope::of_text(&text).expect("is sound").expect("is one");
        assert!(read.is_of(&key("k1", 7)) && !read.is_of(&key("k2", 7)));
        assert_eq!(open(&key("k1", 7), &read).expect("opens"), "Grüße".as_bytes());
        let error = open(&key("k1", 8), &read).expect_err("another key").to_string();
        assert!(error.contains("damaged, or was encrypted with another key of the name `k1`"), "{error}");
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let key = key("k1", 7);
        let bytes = seal(&key, [9; 12], b"secret").expect("seals").into_bytes();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let opened = Envelope::of_bytes(&changed)
                .expect("reads")
                .map(|envelope| envelope.is_of(&key) && open(&key, &envelope).is_ok());
            assert_ne!(opened, Some(true), "byte {at}");
        }
    }

    #[test]
    fn ordinary_values_are_no_envelopes() {
        for text in ["", "enc1", "enc1:", "enc1:no name:", "enc1::x", "encrypted"] {
            assert!(Envelope::of_text(text).expect("reads").is_none(), "{text}");
        }
        assert!(Envelope::of_text("enc1:k1:no base64").is_err());
    }
}
