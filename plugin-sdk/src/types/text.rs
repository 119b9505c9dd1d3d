//! Text and bytes.

use std::borrow::Cow;

use super::{FieldError, FromField, PgType, ToField, expect_type, oid};

const TEXT_TYPES: &str = "text, varchar, char(n), name, citext or an enum";

impl<'a> FromField<'a> for &'a str {
    fn reads(ty: PgType<'_>) -> bool {
        ty.is_text()
    }

    fn readable() -> String {
        TEXT_TYPES.to_owned()
    }

    #[inline]
    fn from_bytes(ty: PgType<'_>, bytes: &'a [u8]) -> Result<Self, FieldError> {
        let text = std::str::from_utf8(bytes).map_err(|_| FieldError::new("is not UTF-8"))?;
        // A type made by a user may be anything. PostgreSQL's text has no NUL,
        // other binary formats usually have.
        if ty.is_user_defined() && text.contains('\0') {
            return Err(FieldError::new(format!("is of type {ty}, which is not text")));
        }
        Ok(text)
    }
}

/// A type that text is read into by copying it.
macro_rules! owned_text {
    ($($rust:ty),*) => {$(
        impl FromField<'_> for $rust {
            fn reads(ty: PgType<'_>) -> bool {
                <&str>::reads(ty)
            }

            fn readable() -> String {
                <&str>::readable()
            }

            #[inline]
            fn from_bytes(ty: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
                <&str>::from_bytes(ty, bytes).map(Into::into)
            }
        }
    )*};
}

owned_text!(String, Box<str>);

/// Borrowed when it is read; what a row is written from may own its text or borrow
/// it.
impl<'a> FromField<'a> for Cow<'a, str> {
    fn reads(ty: PgType<'_>) -> bool {
        <&str>::reads(ty)
    }

    fn readable() -> String {
        <&str>::readable()
    }

    #[inline]
    fn from_bytes(ty: PgType<'_>, bytes: &'a [u8]) -> Result<Self, FieldError> {
        <&str>::from_bytes(ty, bytes).map(Cow::Borrowed)
    }
}

/// Text of one character, such as `char(1)`.
impl FromField<'_> for char {
    fn reads(ty: PgType<'_>) -> bool {
        <&str>::reads(ty)
    }

    fn readable() -> String {
        <&str>::readable()
    }

    fn from_bytes(ty: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        let text = <&str>::from_bytes(ty, bytes)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(FieldError::new(format!("is `{text}`, expected one character"))),
        }
    }
}

impl ToField for str {
    const OID: u32 = oid::TEXT;

    fn writes(ty: PgType<'_>) -> bool {
        ty.is_text()
    }

    fn writable() -> String {
        TEXT_TYPES.to_owned()
    }

    #[inline]
    fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        out.extend_from_slice(self.as_bytes());
        Ok(())
    }
}

/// A type that text is written from.
macro_rules! text_to_field {
    ($($rust:ty),*) => {$(
        impl ToField for $rust {
            const OID: u32 = oid::TEXT;

            fn writes(ty: PgType<'_>) -> bool {
                str::writes(ty)
            }

            fn writable() -> String {
                str::writable()
            }

            #[inline]
            fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
                str::encode(self, ty, out)
            }
        }
    )*};
}

text_to_field!(String, Box<str>, Cow<'_, str>);

impl ToField for char {
    const OID: u32 = oid::TEXT;

    fn writes(ty: PgType<'_>) -> bool {
        str::writes(ty)
    }

    fn writable() -> String {
        str::writable()
    }

    #[inline]
    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        self.encode_utf8(&mut [0; 4]).encode(ty, out)
    }
}

impl<'a> FromField<'a> for &'a [u8] {
    fn reads(ty: PgType<'_>) -> bool {
        ty.oid == oid::BYTEA
    }

    fn readable() -> String {
        "bytea".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &'a [u8]) -> Result<Self, FieldError> {
        Ok(bytes)
    }
}

impl FromField<'_> for Vec<u8> {
    fn reads(ty: PgType<'_>) -> bool {
        ty.oid == oid::BYTEA
    }

    fn readable() -> String {
        "bytea".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        Ok(bytes.to_vec())
    }
}

impl ToField for [u8] {
    const OID: u32 = oid::BYTEA;

    fn writes(ty: PgType<'_>) -> bool {
        expect_type(ty, oid::BYTEA)
    }

    fn writable() -> String {
        "bytea".to_owned()
    }

    fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        out.extend_from_slice(self);
        Ok(())
    }
}

impl ToField for Vec<u8> {
    const OID: u32 = oid::BYTEA;

    fn writes(ty: PgType<'_>) -> bool {
        <[u8]>::writes(ty)
    }

    fn writable() -> String {
        <[u8]>::writable()
    }

    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        self.as_slice().encode(ty, out)
    }
}
