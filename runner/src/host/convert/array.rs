//! Arrays, whose elements stay in their type's binary format.
//!
//! The binary format: the number of dimensions, a flag for NULLs, the type of
//! the elements; for each dimension its length and its lower bound; for each
//! element its length (-1 for NULL) and its bytes. See `array_send` in
//! PostgreSQL's `arrayfuncs.c`.

use super::super::bindings::types::{ArrayDim, ArrayValue};
use super::error::ConvertError;

/// PostgreSQL's `MAXDIM`.
const MAX_DIMENSIONS: usize = 6;

pub(super) fn array_wit_to_pg(array: &ArrayValue, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    check(array)?;
    let dimensions = i32::try_from(array.dims.len()).expect("there are at most six dimensions");
    let has_null = array.elements.iter().any(Option::is_none);
    out.extend(dimensions.to_be_bytes());
    out.extend(i32::from(has_null).to_be_bytes());
    out.extend(array.element_oid.to_be_bytes());
    for dimension in &array.dims {
        out.extend(dimension.len.to_be_bytes());
        out.extend(dimension.lower_bound.to_be_bytes());
    }
    for element in &array.elements {
        match element {
            None => out.extend((-1_i32).to_be_bytes()),
            Some(data) => {
                let length = i32::try_from(data.len()).map_err(|_| ConvertError::Array("is too large"))?;
                out.extend(length.to_be_bytes());
                out.extend(data);
            }
        }
    }
    Ok(())
}

fn check(array: &ArrayValue) -> Result<(), ConvertError> {
    if array.dims.len() > MAX_DIMENSIONS {
        return Err(ConvertError::Array("has more than 6 dimensions"));
    }
    if array.dims.iter().any(|dimension| i32::try_from(dimension.len).is_err()) {
        return Err(ConvertError::Array("is too large"));
    }
    match number_of_elements(&array.dims) == Some(array.elements.len()) {
        true => Ok(()),
        false => Err(ConvertError::Array("has another number of elements than its dimensions say")),
    }
}

fn number_of_elements(dimensions: &[ArrayDim]) -> Option<usize> {
    if dimensions.is_empty() {
        return Some(0);
    }
    dimensions.iter().try_fold(1_usize, |product, dimension| product.checked_mul(dimension.len as usize))
}

pub(super) fn array_pg_to_wit(data: &[u8]) -> Result<ArrayValue, &'static str> {
    let mut rest = data;
    let dimensions = usize::try_from(take_i32(&mut rest)?).map_err(|_| "it has no dimensions")?;
    let _has_null = take_i32(&mut rest)?;
    let element_oid = take_i32(&mut rest)?.cast_unsigned();
    if dimensions > MAX_DIMENSIONS {
        return Err("it has too many dimensions");
    }
    let mut dims = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        let len = u32::try_from(take_i32(&mut rest)?).map_err(|_| "a dimension's length is negative")?;
        dims.push(ArrayDim { len, lower_bound: take_i32(&mut rest)? });
    }
    let count = number_of_elements(&dims).ok_or("it is too large")?;
    // Each element takes at least the four bytes of its length.
    if count > rest.len() / 4 {
        return Err("it is too short");
    }
    let elements = (0..count).map(|_| take_element(&mut rest)).collect::<Result<_, _>>()?;
    match rest.is_empty() {
        true => Ok(ArrayValue { element_oid, dims, elements }),
        false => Err("it is too long"),
    }
}

fn take_element(rest: &mut &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    match take_i32(rest)? {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length).map_err(|_| "an element's length is negative")?;
            let (data, after) = rest.split_at_checked(length).ok_or("it is too short")?;
            *rest = after;
            Ok(Some(data.to_vec()))
        }
    }
}

fn take_i32(rest: &mut &[u8]) -> Result<i32, &'static str> {
    let (bytes, after) = rest.split_first_chunk().ok_or("it is too short")?;
    *rest = after;
    Ok(i32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(array: &ArrayValue) -> Result<Vec<u8>, ConvertError> {
        let mut out = Vec::new();
        array_wit_to_pg(array, &mut out).map(|()| out)
    }

    fn array(lengths: &[u32], elements: Vec<Option<Vec<u8>>>) -> ArrayValue {
        let dims = lengths.iter().map(|&len| ArrayDim { len, lower_bound: -2 }).collect();
        ArrayValue { element_oid: 23, dims, elements }
    }

    #[test]
    fn arrays_come_back_as_they_were() {
        for original in [
            array(&[], vec![]),
            array(&[2], vec![Some(vec![0, 0, 0, 1]), None]),
            array(&[2, 2], vec![Some(vec![]), None, Some(vec![7]), Some(vec![8, 9])]),
        ] {
            let bytes = encoded(&original).expect("an array");
            let back = array_pg_to_wit(&bytes).expect("an array");
            assert_eq!(format!("{back:?}"), format!("{original:?}"));
            assert_eq!(encoded(&back), Ok(bytes));
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for wrong in [
            array(&[], vec![None]),
            array(&[2], vec![None]),
            array(&[1; 7], vec![None]),
            array(&[u32::MAX], vec![]),
            array(&[1 << 30, 1 << 30, 1 << 30], vec![]),
        ] {
            assert!(encoded(&wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = array_pg_to_wit(&data);
        }

        #[test]
        fn damaged_arrays_are_read_or_refused(at in 0_usize..32, byte: u8) {
            let mut bytes = encoded(&array(&[2], vec![Some(vec![1, 2, 3, 4]), None])).expect("an array");
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = array_pg_to_wit(&bytes);
        }
    }
}
