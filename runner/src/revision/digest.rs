//! Digests: which bytes ran, and what the author wrote.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written as `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// A text that is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no digest; `sha256:` and 64 hexadecimal digits are expected")]
pub struct DigestError(String);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest's own bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        text.strip_prefix("sha256:")
            .and_then(|digits| hex::decode_to_slice(digits, &mut bytes).ok())
            .map(|()| Self(bytes))
            .ok_or(DigestError(text))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// Computes a revision's *source digest*: manifest and SQL or crate sources.
///
/// It says whether an author edited an applied revision, so line endings do not
/// count (a checkout on Windows is no edit), nor does the order in which the
/// file system lists the files.
pub struct SourceDigest(Vec<(String, [u8; 32])>);

impl SourceDigest {
    /// Begins without files.
    #[expect(clippy::new_without_default, reason = "a digest of nothing is never wanted")]
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a file. `path` is relative to the revision's folder, with `/`.
    pub fn add(&mut self, path: &str, contents: &[u8]) {
        let digest = match contents.contains(&b'\r') {
            false => Sha256::digest(contents),
            true => Sha256::digest(without_carriage_returns(contents)),
        };
        self.0.push((path.to_owned(), digest.into()));
    }

    /// The digest over all files.
    pub fn finish(mut self) -> Digest {
        self.0.sort();
        let mut hasher = Sha256::new();
        for (path, digest) in &self.0 {
            // The length before the path keeps two lists of files apart.
            hasher.update((path.len() as u64).to_be_bytes());
            hasher.update(path.as_bytes());
            hasher.update(digest);
        }
        Digest(hasher.finalize().into())
    }
}

/// Turns CR LF into LF, and leaves a CR by itself alone.
fn without_carriage_returns(contents: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(contents.len());
    for (at, byte) in contents.iter().enumerate() {
        if *byte != b'\r' || contents.get(at + 1) != Some(&b'\n') {
            result.push(*byte);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(files: &[(&str, &[u8])]) -> Digest {
        let mut digest = SourceDigest::new();
        files.iter().for_each(|(path, contents)| digest.add(path, contents));
        digest.finish()
    }

    #[test]
    fn digests_survive_being_written_down() {
        let digest = Digest::of(b"abc");
        assert_eq!(
            digest.to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
        assert!(Digest::try_from("sha256:00".to_owned()).is_err());
    }

    #[test]
    fn line_endings_and_order_are_no_edit() {
        let one = source(&[("a", b"x\ny\n"), ("b", b"z")]);
        assert_eq!(one, source(&[("b", b"z"), ("a", b"x\r\ny\r\n")]));
        assert_ne!(one, source(&[("a", b"x\ny\n"), ("b", b"Z")]));
        assert_ne!(one, source(&[("a", b"x\ny\n"), ("c", b"z")]));
        assert_ne!(source(&[("a", b"\r")]), source(&[("a", b"")]));
    }
}
