//! How one field of a row is read and written.

use std::fmt;

use super::PgType;

/// A type that a column can be read into.
///
/// It may borrow from the batch: `&str` and `&[u8]` are read without copying.
#[diagnostic::on_unimplemented(
    message = "a column cannot be read into `{Self}`",
    label = "not a type for a column",
    note = "see the table in `plugin_sdk::types`; an enum needs `#[derive(PgEnum)]`, a struct \
            around another type `#[derive(PgNewtype)]`, and JSON goes into `JsonOf<T>`",
    note = "PostgreSQL has no unsigned integers: read `u32` as `i64`, `u64` as `Numeric`"
)]
pub trait FromField<'a>: Sized {
    /// Whether values of that type can be read.
    fn reads(ty: PgType<'_>) -> bool;

    /// The types that can be read, for an error message.
    fn readable() -> String;

    /// Reads a value in the type's binary format.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the bytes.
    fn from_bytes(ty: PgType<'_>, bytes: &'a [u8]) -> Result<Self, FieldError>;

    /// Reads NULL.
    ///
    /// # Errors
    ///
    /// Fails unless the type has a place for NULL, as `Option` has.
    fn from_null() -> Result<Self, FieldError> {
        Err(FieldError::new("is NULL; the field's type would have to be an `Option`"))
    }
}

/// A type that a column can be written from.
#[diagnostic::on_unimplemented(
    message = "a column cannot be written from `{Self}`",
    label = "not a type for a column",
    note = "see the table in `plugin_sdk::types`; an enum needs `#[derive(PgEnum)]`, a struct \
            around another type `#[derive(PgNewtype)]`, and JSON comes from `JsonOf<T>`",
    note = "PostgreSQL has no unsigned integers: write `u32` as `i64`, `u64` as `Numeric`"
)]
pub trait ToField {
    /// The type that a value has where no column says otherwise, as in an array
    /// that is the parameter of a statement.
    const OID: u32;

    /// Whether values can be written to that type.
    fn writes(ty: PgType<'_>) -> bool;

    /// The types that can be written, for an error message.
    fn writable() -> String;

    /// Whether the value is NULL.
    fn is_null(&self) -> bool {
        false
    }

    /// Appends the value in the type's binary format.
    ///
    /// # Errors
    ///
    /// Says why the value does not fit the type.
    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError>;
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError(Box<str>);

impl FieldError {
    /// An error that says what is wrong, as in `is not a number`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into().into_boxed_str())
    }

    pub(crate) fn wrong_type(ty: PgType<'_>, takes: &str) -> Self {
        Self::new(format!("is of type {ty}, expected {takes}"))
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FieldError {}

/// Whether a value of the type `oid` may be written to `ty`. A type made by a
/// user may be a domain over it: the server decides.
pub(crate) fn expect_type(ty: PgType<'_>, oid: u32) -> bool {
    ty.oid == oid || (ty.is_user_defined() && ty.element().is_none())
}

/// The bytes of a value that always has the same length.
#[inline]
pub(crate) fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], FieldError> {
    bytes.try_into().map_err(|_| wrong_length(N, bytes.len()))
}

#[cold]
fn wrong_length(expected: usize, found: usize) -> FieldError {
    FieldError::new(format!("has {found} bytes where its type has {expected}"))
}

impl<'a, T: FromField<'a>> FromField<'a> for Option<T> {
    fn reads(ty: PgType<'_>) -> bool {
        T::reads(ty)
    }

    fn readable() -> String {
        T::readable()
    }

    fn from_bytes(ty: PgType<'_>, bytes: &'a [u8]) -> Result<Self, FieldError> {
        T::from_bytes(ty, bytes).map(Some)
    }

    fn from_null() -> Result<Self, FieldError> {
        Ok(None)
    }
}

impl<T: ToField> ToField for Option<T> {
    const OID: u32 = T::OID;

    fn writes(ty: PgType<'_>) -> bool {
        T::writes(ty)
    }

    fn writable() -> String {
        T::writable()
    }

    fn is_null(&self) -> bool {
        self.as_ref().is_none_or(T::is_null)
    }

    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        match self {
            Some(value) => value.encode(ty, out),
            None => Ok(()),
        }
    }
}

impl<T: ToField + ?Sized> ToField for &T {
    const OID: u32 = T::OID;

    fn writes(ty: PgType<'_>) -> bool {
        T::writes(ty)
    }

    fn writable() -> String {
        T::writable()
    }

    fn is_null(&self) -> bool {
        T::is_null(self)
    }

    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        T::encode(self, ty, out)
    }
}
