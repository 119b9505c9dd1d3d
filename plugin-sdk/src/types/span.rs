//! `interval`.

use super::{FieldError, FromField, PgType, ToField, expect_type, fixed, oid};

/// An `interval`: three parts that PostgreSQL keeps apart, because months and
/// days have no fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Interval {
    /// Whole months.
    pub months: i32,
    /// Whole days.
    pub days: i32,
    /// The rest, in microseconds.
    pub micros: i64,
}

impl FromField<'_> for Interval {
    fn reads(ty: PgType<'_>) -> bool {
        ty.oid == oid::INTERVAL
    }

    fn readable() -> String {
        "interval".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        let bytes: [u8; 16] = fixed(bytes)?;
        let micros = i64::from_be_bytes(fixed(&bytes[..8])?);
        let days = i32::from_be_bytes(fixed(&bytes[8..12])?);
        let months = i32::from_be_bytes(fixed(&bytes[12..])?);
        Ok(Self { months, days, micros })
    }
}

impl ToField for Interval {
    const OID: u32 = oid::INTERVAL;

    fn writes(ty: PgType<'_>) -> bool {
        expect_type(ty, oid::INTERVAL)
    }

    fn writable() -> String {
        "interval".to_owned()
    }

    fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        out.extend_from_slice(&self.micros.to_be_bytes());
        out.extend_from_slice(&self.days.to_be_bytes());
        out.extend_from_slice(&self.months.to_be_bytes());
        Ok(())
    }
}
