//! Random nonces from the host.

use plugin_sdk::Result;
use plugin_sdk::host;

/// Bytes of a nonce of GCM.
pub const NONCE_BYTES: usize = 12;

/// How many nonces one call of the host brings: below its limit of 65,536 bytes.
const NONCES_A_CALL: usize = 4096;

/// One nonce a value, fetched many at a time.
#[derive(Default)]
pub struct Nonces {
    bytes: Vec<u8>,
}

impl Nonces {
    /// A nonce that was not given out before.
    ///
    /// # Errors
    ///
    /// The host's, where the manifest does not grant `random`.
    pub fn next(&mut self) -> Result<[u8; NONCE_BYTES]> {
        if self.bytes.is_empty() {
            self.bytes = host::random_bytes((NONCES_A_CALL * NONCE_BYTES) as u32)?;
        }
        let mut nonce = [0; NONCE_BYTES];
        let rest = self.bytes.len() - NONCE_BYTES;
        nonce.copy_from_slice(&self.bytes[rest..]);
        self.bytes.truncate(rest);
        Ok(nonce)
    }
}
