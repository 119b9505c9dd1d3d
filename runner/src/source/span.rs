//! Lengths of time in `runner.toml`: `5s`, `500ms`, `1m 30s`.

use std::fmt;

use jiff::SignedDuration;
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// Writes it as it is read.
pub(super) fn serialize<S: Serializer>(span: &SignedDuration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{span:#}"))
}

/// Reads it; a time-out cannot be negative.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    struct Span;

    impl Visitor<'_> for Span {
        type Value = SignedDuration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a length of time in quotes, as in \"5s\", \"500ms\" or \"2m\"")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<SignedDuration, E> {
            let span: SignedDuration = text.parse().map_err(|_| {
                E::custom(format_args!(
                    "`{text}` is no length of time; write it as in \"5s\", \"500ms\" or \"2m\""
                ))
            })?;
            match span.is_negative() {
                true => Err(E::custom(format_args!("`{text}` is negative; \"0s\" turns a time-out off"))),
                false => Ok(span),
            }
        }
    }

    deserializer.deserialize_str(Span)
}
