//! Truth values and numbers.

use super::{FieldError, FromField, PgType, ToField, expect_type, fixed, oid};

impl FromField<'_> for bool {
    fn reads(ty: PgType<'_>) -> bool {
        ty.oid == oid::BOOL
    }

    fn readable() -> String {
        "bool".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        Ok(fixed::<1>(bytes)?[0] != 0)
    }
}

impl ToField for bool {
    const OID: u32 = oid::BOOL;

    fn writes(ty: PgType<'_>) -> bool {
        expect_type(ty, oid::BOOL)
    }

    fn writable() -> String {
        "bool".to_owned()
    }

    fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        out.push(u8::from(*self));
        Ok(())
    }
}

/// Reads an integer of two, four or eight bytes.
#[inline]
fn integer(bytes: &[u8]) -> Result<i64, FieldError> {
    match bytes.len() {
        4 => Ok(i32::from_be_bytes(fixed(bytes)?).into()),
        2 => Ok(i16::from_be_bytes(fixed(bytes)?).into()),
        _ => Ok(i64::from_be_bytes(fixed(bytes)?)),
    }
}

/// Integers. A field may be wider than the column that it is read from, and
/// narrower than the column that it is written to: neither loses anything.
macro_rules! integer_field {
    ($rust:ty, $oid:expr, reads $($reads:path)|+ = $readable:literal, writes $($writes:path)|+ = $writable:literal) => {
        impl FromField<'_> for $rust {
            fn reads(ty: PgType<'_>) -> bool {
                matches!(ty.oid, $($reads)|+)
            }

            fn readable() -> String {
                $readable.to_owned()
            }

            #[inline]
            fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
                let value = integer(bytes)?;
                Self::try_from(value).map_err(|_| FieldError::new(format!("is {value}, which does not fit")))
            }
        }

        impl ToField for $rust {
            const OID: u32 = $oid;

            fn writes(ty: PgType<'_>) -> bool {
                matches!(ty.oid, $($writes)|+) || expect_type(ty, $oid)
            }

            fn writable() -> String {
                $writable.to_owned()
            }

            #[inline]
            fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
                // Widening only: `writes` has refused the narrower types.
                match ty.oid {
                    oid::INT2 => out.extend_from_slice(&(*self as i16).to_be_bytes()),
                    oid::INT4 => out.extend_from_slice(&(*self as i32).to_be_bytes()),
                    oid::INT8 => out.extend_from_slice(&(*self as i64).to_be_bytes()),
                    _ => out.extend_from_slice(&self.to_be_bytes()),
                }
                Ok(())
            }
        }
    };
}

integer_field!(i16, oid::INT2,
    reads oid::INT2 = "int2",
    writes oid::INT2 | oid::INT4 | oid::INT8 = "int2, int4 or int8");
integer_field!(i32, oid::INT4,
    reads oid::INT2 | oid::INT4 = "int2 or int4",
    writes oid::INT4 | oid::INT8 = "int4 or int8");
integer_field!(i64, oid::INT8,
    reads oid::INT2 | oid::INT4 | oid::INT8 = "int2, int4 or int8",
    writes oid::INT8 = "int8");

impl FromField<'_> for f32 {
    fn reads(ty: PgType<'_>) -> bool {
        ty.oid == oid::FLOAT4
    }

    fn readable() -> String {
        "float4".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        Ok(Self::from_be_bytes(fixed(bytes)?))
    }
}

impl ToField for f32 {
    const OID: u32 = oid::FLOAT4;

    fn writes(ty: PgType<'_>) -> bool {
        ty.oid == oid::FLOAT8 || expect_type(ty, oid::FLOAT4)
    }

    fn writable() -> String {
        "float4 or float8".to_owned()
    }

    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        match ty.oid {
            oid::FLOAT8 => out.extend_from_slice(&f64::from(*self).to_be_bytes()),
            _ => out.extend_from_slice(&self.to_be_bytes()),
        }
        Ok(())
    }
}

impl FromField<'_> for f64 {
    fn reads(ty: PgType<'_>) -> bool {
        matches!(ty.oid, oid::FLOAT4 | oid::FLOAT8)
    }

    fn readable() -> String {
        "float4 or float8".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        match bytes.len() {
            4 => Ok(f32::from_be_bytes(fixed(bytes)?).into()),
            _ => Ok(Self::from_be_bytes(fixed(bytes)?)),
        }
    }
}

impl ToField for f64 {
    const OID: u32 = oid::FLOAT8;

    fn writes(ty: PgType<'_>) -> bool {
        expect_type(ty, oid::FLOAT8)
    }

    fn writable() -> String {
        "float8".to_owned()
    }

    fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        out.extend_from_slice(&self.to_be_bytes());
        Ok(())
    }
}
