//! From a value to its pseudonym: HMAC-SHA-256, and what is made of its 32 bytes.

use std::borrow::Cow;
use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use plugin_sdk::prelude::*;
use sha2::Sha256;

/// The fewest bytes of a key.
const MIN_KEY: usize = 16;

/// Digits before the `@`: 80 bits, so that a billion addresses do not collide.
const EMAIL_DIGITS: usize = 20;

/// What a value is turned into.
pub type Hash = [u8; 32];

/// The keyed function.
#[derive(Clone)]
pub struct Hasher {
    keyed: Hmac<Sha256>,
    ignores_case: bool,
}

impl Hasher {
    /// Takes a key.
    ///
    /// # Errors
    ///
    /// Says that it is too short, without the key.
    pub fn new(key: &str) -> Result<Self> {
        ensure!(key.len() >= MIN_KEY, "the key has {} characters, and needs {MIN_KEY} at least", key.len());
        let keyed =
            Hmac::new_from_slice(key.as_bytes()).map_err(|_| Error::message("the key cannot be used"))?;
        Ok(Self { keyed, ignores_case: false })
    }

    /// The same, with values that differ in case alone taken for the same or not.
    pub fn of_case(&self, ignores_case: bool) -> Self {
        Self { ignores_case, ..self.clone() }
    }

    /// The value's bytes in UTF-8, through the keyed function.
    pub fn hash(&self, value: &str) -> Hash {
        let value = match self.ignores_case {
            true => Cow::Owned(value.to_lowercase()),
            false => Cow::Borrowed(value),
        };
        let mut keyed = self.keyed.clone();
        keyed.update(value.as_bytes());
        keyed.finalize().into_bytes().into()
    }
}

/// What pseudonyms look like, with its settings.
pub enum Shape {
    /// So many hexadecimal digits.
    Hex(usize),
    /// A UUID of version 8.
    Uuid,
    /// A number in a range.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// An address in this domain.
    Email(String),
    /// One of these names.
    Name(Vec<String>),
}

impl Shape {
    /// The pseudonym as text.
    pub fn text(&self, hash: &Hash) -> String {
        match self {
            Self::Hex(digits) => hex(hash, *digits),
            Self::Uuid => uuid(hash).to_string(),
            Self::Integer { min, max } => in_range(hash, *min, *max).to_string(),
            Self::Email(domain) => format!("{}@{domain}", hex(hash, EMAIL_DIGITS)),
            Self::Name(names) => names[(number(hash) % names.len() as u128) as usize].clone(),
        }
    }

    /// The pseudonym as a number.
    ///
    /// # Errors
    ///
    /// Every format but `integer` has none.
    pub fn integer(&self, hash: &Hash) -> Result<i64> {
        match self {
            Self::Integer { min, max } => Ok(in_range(hash, *min, *max)),
            _ => bail!("only the format `integer` makes numbers"),
        }
    }
}

/// The first 16 bytes as a UUID of version 8, which is for what the other versions
/// are not (RFC 9562, 5.8).
pub fn uuid(hash: &Hash) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid(bytes)
}

fn hex(hash: &Hash, digits: usize) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(digits);
    text
}

/// The first 16 bytes as a number: so many that the remainder of a division prefers
/// no number that anybody could notice.
fn number(hash: &Hash) -> u128 {
    hash[..16].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn in_range(hash: &Hash, min: i64, max: i64) -> i64 {
    let count = (i128::from(max) - i128::from(min)) as u128 + 1;
    (i128::from(min) + (number(hash) % count) as i128) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(value: &str) -> Hash {
        Hasher::new("0123456789abcdef").expect("long enough").hash(value)
    }

    #[test]
    fn the_hash_is_hmac_sha_256() {
        // printf 'Hi There' | openssl dgst -sha256 -hmac 0123456789abcdef
        assert_eq!(
            hex(&hash("Hi There"), 64),
            "158c003136e2dd83b253c011902a1f6403c7ac22f0292a999a60674cb59e2849"
        );
    }

    #[test]
    fn shapes_are_made_of_the_first_bytes() {
        let all = [0xff; 32];
        assert_eq!(Shape::Hex(5).text(&all), "fffff");
        assert_eq!(Shape::Uuid.text(&all), "ffffffff-ffff-8fff-bfff-ffffffffffff");
        assert_eq!(Shape::Email("x.test".into()).text(&all), format!("{}@x.test", "f".repeat(20)));
        assert_eq!(Shape::Integer { min: 0, max: i64::MAX }.integer(&all).expect("a number"), i64::MAX);
        assert_eq!(Shape::Integer { min: i64::MIN, max: i64::MAX }.text(&all), i64::MAX.to_string());
        assert_eq!(Shape::Integer { min: -3, max: -1 }.text(&[0; 32]), "-3");
        assert_eq!(Shape::Name(vec!["Ada".into(), "Grace".into()]).text(&all), "Grace");
    }

    #[test]
    fn numbers_stay_in_their_range_and_fill_it() {
        let shape = Shape::Integer { min: 18, max: 20 };
        let found: std::collections::BTreeSet<String> =
            (0..100).map(|number| shape.text(&hash(&number.to_string()))).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["18", "19", "20"]);
    }

    #[test]
    fn case_counts_unless_it_is_ignored() {
        let hasher = Hasher::new("0123456789abcdef").expect("long enough");
        assert_ne!(hasher.hash("Ada@X.org"), hasher.hash("ada@x.org"));
        assert_eq!(hasher.of_case(true).hash("Ada@X.org"), hasher.hash("ada@x.org"));
    }

    #[test]
    fn a_short_key_is_refused_and_not_shown() {
        let error = Hasher::new("hunter2").err().expect("an error").to_string();
        assert_eq!(error, "the key has 7 characters, and needs 16 at least");
    }
}
