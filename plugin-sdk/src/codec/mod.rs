//! The layout of rows and values as bytes: COPY BINARY without header and
//! trailer, which is what readers give and writers take.

#[cfg(not(target_family = "wasm"))]
mod decode;
mod encode;
mod tuple;

#[cfg(not(target_family = "wasm"))]
pub(crate) use decode::decode_value;
pub(crate) use encode::encode_value;
pub(crate) use tuple::{LENGTH_BYTES, Span, next_tuple, write_field, write_null};

#[cfg(test)]
mod tests;
