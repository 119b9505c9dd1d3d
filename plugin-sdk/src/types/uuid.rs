//! `uuid`.

use std::fmt;
use std::str::FromStr;

use super::{FieldError, FromField, PgType, ToField, expect_type, fixed, oid};

/// A `uuid`: sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The two halves, as the interface carries them.
    pub(crate) fn halves(self) -> (u64, u64) {
        let whole = u128::from_be_bytes(self.0);
        ((whole >> 64) as u64, whole as u64)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Uuid {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let digits: String = text.chars().filter(|character| *character != '-').collect();
        match u128::from_str_radix(&digits, 16) {
            Ok(whole) if digits.len() == 32 && !digits.starts_with('+') => Ok(Self(whole.to_be_bytes())),
            _ => Err(FieldError::new(format!("`{text}` is not a UUID"))),
        }
    }
}

impl FromField<'_> for Uuid {
    fn reads(ty: PgType<'_>) -> bool {
        ty.oid == oid::UUID
    }

    fn readable() -> String {
        "uuid".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        fixed(bytes).map(Self)
    }
}

impl ToField for Uuid {
    const OID: u32 = oid::UUID;

    fn writes(ty: PgType<'_>) -> bool {
        expect_type(ty, oid::UUID)
    }

    fn writable() -> String {
        "uuid".to_owned()
    }

    fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}
