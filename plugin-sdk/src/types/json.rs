//! `json` and `jsonb`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{FieldError, FromField, PgType, ToField, oid};

/// The binary format of `jsonb` is the text behind this byte.
pub(crate) const JSONB_VERSION: u8 = 1;

/// A `json` or `jsonb` document as text, never serialised again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Json(pub String);

/// A `json` or `jsonb` document as a value of a type of your own, through serde.
///
/// ```
/// use plugin_sdk::prelude::*;
/// use plugin_sdk::serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(crate = "plugin_sdk::serde")]
/// struct Address {
///     city: String,
/// }
///
/// #[derive(FromRow)]
/// struct Customer {
///     address: JsonOf<Address>,
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonOf<T>(pub T);

fn is_json(ty: PgType<'_>) -> bool {
    matches!(ty.oid, oid::JSON | oid::JSONB)
}

fn document<'a>(ty: PgType<'_>, bytes: &'a [u8]) -> Result<&'a [u8], FieldError> {
    match (ty.oid, bytes) {
        (oid::JSONB, [JSONB_VERSION, document @ ..]) => Ok(document),
        (oid::JSONB, _) => Err(FieldError::new("is jsonb of a version that is not 1")),
        (_, document) => Ok(document),
    }
}

/// Appends a document in the format of `json` or `jsonb`.
pub(crate) fn encode_document(ty: PgType<'_>, document: &[u8], out: &mut Vec<u8>) {
    if ty.oid == oid::JSONB {
        out.push(JSONB_VERSION);
    }
    out.extend_from_slice(document);
}

impl FromField<'_> for Json {
    fn reads(ty: PgType<'_>) -> bool {
        is_json(ty)
    }

    fn readable() -> String {
        "json or jsonb".to_owned()
    }

    fn from_bytes(ty: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        let text = std::str::from_utf8(document(ty, bytes)?);
        text.map(|text| Self(text.to_owned())).map_err(|_| FieldError::new("is not UTF-8"))
    }
}

impl ToField for Json {
    const OID: u32 = oid::JSONB;

    fn writes(ty: PgType<'_>) -> bool {
        is_json(ty)
    }

    fn writable() -> String {
        "json or jsonb".to_owned()
    }

    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        encode_document(ty, self.0.as_bytes(), out);
        Ok(())
    }
}

impl<T: DeserializeOwned> FromField<'_> for JsonOf<T> {
    fn reads(ty: PgType<'_>) -> bool {
        is_json(ty)
    }

    fn readable() -> String {
        "json or jsonb".to_owned()
    }

    fn from_bytes(ty: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        let value = serde_json::from_slice(document(ty, bytes)?);
        value.map(Self).map_err(|error| FieldError::new(format!("is JSON of another shape: {error}")))
    }
}

impl<T: Serialize> ToField for JsonOf<T> {
    const OID: u32 = oid::JSONB;

    fn writes(ty: PgType<'_>) -> bool {
        is_json(ty)
    }

    fn writable() -> String {
        "json or jsonb".to_owned()
    }

    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        let document = serde_json::to_vec(&self.0)
            .map_err(|error| FieldError::new(format!("cannot be written as JSON: {error}")))?;
        encode_document(ty, &document, out);
        Ok(())
    }
}
