//! Tuples: a 16-bit count of fields, then for each field a 32-bit length (-1 for
//! NULL) and the value. All big-endian.

use crate::{Error, Result};

/// The bytes of the length before each field.
pub(crate) const LENGTH_BYTES: usize = 4;

/// Where a field's value lies among the bytes of a batch.
///
/// Places and not slices, so that the list of them can be used again for the
/// next row whatever the lifetime of the batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    /// The end, or [`Span::NULL`].
    end: usize,
}

impl Span {
    const NULL: usize = usize::MAX;

    /// A place that is replaced before it is looked at.
    const UNKNOWN: Self = Self { start: 0, end: Self::NULL };

    /// The value; none if it is NULL.
    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        if self.end == Self::NULL {
            return None;
        }
        bytes.get(self.start..self.end)
    }

    /// The bytes from this field to `last`, their lengths included, as they stand
    /// in the tuple.
    #[inline]
    pub(crate) fn framed_to(self, last: Self, bytes: &[u8]) -> &[u8] {
        let end = if last.end == Self::NULL { last.start } else { last.end };
        &bytes[self.start - LENGTH_BYTES..end]
    }
}

/// Finds the fields of the tuple at `position` and moves the position behind it;
/// false at the end of the batch.
///
/// # Errors
///
/// Fails when the bytes are not tuples of that many columns.
pub(crate) fn next_tuple(
    bytes: &[u8],
    position: &mut usize,
    columns: usize,
    spans: &mut Vec<Span>,
) -> Result<bool> {
    if *position == bytes.len() {
        return Ok(false);
    }
    let rest = bytes.get(*position..).ok_or_else(broken)?;
    let count = i16::from_be_bytes(*rest.first_chunk::<2>().ok_or_else(broken)?);
    if usize::try_from(count) != Ok(columns) {
        return Err(wrong_count(columns, count));
    }
    let mut at = *position + 2;
    spans.resize(columns, Span::UNKNOWN);
    for span in spans.iter_mut() {
        let head = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).ok_or_else(broken)?;
        let start = at + LENGTH_BYTES;
        at = match i32::from_be_bytes(*head) {
            -1 => {
                *span = Span { start, end: Span::NULL };
                start
            }
            length => {
                let length = usize::try_from(length).map_err(|_| broken())?;
                let end = start.checked_add(length).filter(|end| *end <= bytes.len());
                let end = end.ok_or_else(broken)?;
                *span = Span { start, end };
                end
            }
        };
    }
    *position = at;
    Ok(true)
}

/// Appends one field: its length, and what `encode` appends.
///
/// # Errors
///
/// What `encode` returns, or a value larger than PostgreSQL allows.
#[inline]
pub(crate) fn write_field<E: Into<Error>>(
    out: &mut Vec<u8>,
    encode: impl FnOnce(&mut Vec<u8>) -> std::result::Result<(), E>,
) -> Result<()> {
    let at = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    encode(out).map_err(Into::into)?;
    let length = i32::try_from(out.len() - at - LENGTH_BYTES)
        .map_err(|_| Error::message("a value is larger than PostgreSQL allows"))?;
    out[at..at + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Appends one field that is NULL.
#[inline]
pub(crate) fn write_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i32).to_be_bytes());
}

#[cold]
fn broken() -> Error {
    Error::message("the host sent a batch that ends inside a row")
}

#[cold]
fn wrong_count(expected: usize, found: i16) -> Error {
    Error::message(format!("the host sent a row of {found} columns instead of {expected}"))
}
