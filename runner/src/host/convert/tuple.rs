//! Tuples in the layout of COPY BINARY, without header and trailer.

use super::error::ConvertError;

/// Checks the framing of guest-controlled tuples and counts them: the server
/// would end the connection's COPY with an error that names no cause.
pub(in super::super) fn count_tuples(bytes: &[u8], columns: usize) -> Result<u64, ConvertError> {
    let mut rest = bytes;
    let mut tuple = 0;
    while !rest.is_empty() {
        tuple += 1;
        rest = skip_tuple(rest, columns).map_err(|problem| ConvertError::Tuple { tuple, problem })?;
    }
    Ok(tuple)
}

fn skip_tuple(bytes: &[u8], columns: usize) -> Result<&[u8], &'static str> {
    let (count, mut rest) = bytes.split_first_chunk().ok_or("the number of fields is cut off")?;
    if usize::try_from(i16::from_be_bytes(*count)) != Ok(columns) {
        return Err("the number of fields is not that of the writer's columns");
    }
    for _ in 0..columns {
        let (_, after) = take_field(rest)?;
        rest = after;
    }
    Ok(rest)
}

/// A field of a tuple, and what comes after it.
type Field<'a> = (Option<&'a [u8]>, &'a [u8]);

fn take_field(bytes: &[u8]) -> Result<Field<'_>, &'static str> {
    let (length, rest) = bytes.split_first_chunk().ok_or("a field's length is cut off")?;
    match i32::from_be_bytes(*length) {
        -1 => Ok((None, rest)),
        length => {
            let length = usize::try_from(length).map_err(|_| "a field's length is negative")?;
            let (data, rest) = rest.split_at_checked(length).ok_or("a field is cut off")?;
            Ok((Some(data), rest))
        }
    }
}

/// Takes a tuple of the server apart: `each` gets every field.
pub(super) fn read_tuple<'a>(
    bytes: &'a [u8],
    columns: usize,
    mut each: impl FnMut(usize, Option<&'a [u8]>) -> Result<(), ConvertError>,
) -> Result<&'a [u8], ConvertError> {
    let (count, mut rest) = bytes.split_first_chunk().ok_or(ConvertError::MalformedRow)?;
    if usize::try_from(i16::from_be_bytes(*count)) != Ok(columns) {
        return Err(ConvertError::MalformedRow);
    }
    for column in 0..columns {
        let (field, after) = take_field(rest).map_err(|_| ConvertError::MalformedRow)?;
        each(column, field)?;
        rest = after;
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::db::Tuples;

    fn tuples() -> Vec<u8> {
        let mut tuples = Tuples::default();
        tuples.push([Some(&b"ab"[..]), None].into_iter());
        tuples.push([Some(&b""[..]), Some(&b"c"[..])].into_iter());
        tuples.into_bytes()
    }

    #[test]
    fn whole_tuples_are_counted() {
        assert_eq!(count_tuples(&tuples(), 2), Ok(2));
        assert_eq!(count_tuples(&[], 2), Ok(0));
    }

    #[test]
    fn any_cut_is_noticed() {
        let whole = tuples();
        let first = 2 + 4 + 2 + 4;
        for end in 1..whole.len() {
            assert_eq!(count_tuples(&whole[..end], 2).is_ok(), end == first, "{end}");
        }
    }

    #[test]
    fn wrong_counts_and_lengths_are_refused() {
        assert!(count_tuples(&tuples(), 3).is_err());
        assert!(count_tuples(&[0xFF, 0xFF], 0).is_err(), "the trailer");
        assert!(count_tuples(&[0, 1, 0xFF, 0xFF, 0xFF, 0xFE], 1).is_err());
        assert!(count_tuples(&[0, 1, 0x7F, 0xFF, 0xFF, 0xFF], 1).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100), columns in 0_usize..4) {
            let _ = count_tuples(&bytes, columns);
        }
    }
}
