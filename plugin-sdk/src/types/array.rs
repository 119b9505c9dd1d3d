//! Arrays.

use super::{FieldError, FromField, PgType, ToField, fixed};
use crate::bindings::types::{ArrayDim, ArrayValue};

impl<'a, T: FromField<'a>> FromField<'a> for Vec<T> {
    fn reads(ty: PgType<'_>) -> bool {
        ty.element().is_some_and(T::reads)
    }

    fn readable() -> String {
        format!("an array of {}", T::readable())
    }

    fn from_bytes(ty: PgType<'_>, bytes: &'a [u8]) -> Result<Self, FieldError> {
        let array = RawArray::parse(bytes)?;
        let element = ty.element().unwrap_or(PgType { oid: array.element_oid, ..ty });
        if array.dims.len() > 1 {
            let message = format!("is an array of {} dimensions, expected one", array.dims.len());
            return Err(FieldError::new(message));
        }
        let read = |bytes: Option<&'a [u8]>| match bytes {
            Some(bytes) => T::from_bytes(element, bytes),
            None => T::from_null(),
        };
        array.elements.into_iter().map(read).collect()
    }
}

impl<T: ToField> ToField for Vec<T> {
    const OID: u32 = 0;

    fn writes(ty: PgType<'_>) -> bool {
        // The format carries the identifier of the elements' type, which a
        // column of a user's type does not tell.
        ty.element().is_some_and(|element| element.oid != 0 && T::writes(element))
    }

    fn writable() -> String {
        format!("an array of {} (arrays of enums and other new types cannot be written)", T::writable())
    }

    fn encode(&self, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        let element = ty.element().ok_or_else(|| FieldError::wrong_type(ty, &Self::writable()))?;
        write_array(&array_value(self, element)?, out)
    }
}

/// A list as an array of one dimension, or of none if it is empty.
pub(crate) fn array_value<T: ToField>(items: &[T], element: PgType<'_>) -> Result<ArrayValue, FieldError> {
    let encode = |item: &T| {
        let mut bytes = Vec::new();
        item.encode(element, &mut bytes)?;
        Ok((!item.is_null()).then_some(bytes))
    };
    let elements = items.iter().map(encode).collect::<Result<Vec<_>, FieldError>>()?;
    let len = length(elements.len())?.unsigned_abs();
    let dims = if len == 0 { vec![] } else { vec![ArrayDim { len, lower_bound: 1 }] };
    Ok(ArrayValue { element_oid: element.oid, dims, elements })
}

/// Appends an array in PostgreSQL's binary format.
pub(crate) fn write_array(array: &ArrayValue, out: &mut Vec<u8>) -> Result<(), FieldError> {
    let has_null = array.elements.iter().any(Option::is_none);
    out.extend_from_slice(&length(array.dims.len())?.to_be_bytes());
    out.extend_from_slice(&i32::from(has_null).to_be_bytes());
    out.extend_from_slice(&array.element_oid.to_be_bytes());
    for dim in &array.dims {
        out.extend_from_slice(&dim.len.to_be_bytes());
        out.extend_from_slice(&dim.lower_bound.to_be_bytes());
    }
    for element in &array.elements {
        match element {
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(bytes) => {
                out.extend_from_slice(&length(bytes.len())?.to_be_bytes());
                out.extend_from_slice(bytes);
            }
        }
    }
    Ok(())
}

/// Reads an array in PostgreSQL's binary format.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn read_array(bytes: &[u8]) -> Result<ArrayValue, FieldError> {
    let RawArray { element_oid, dims, elements } = RawArray::parse(bytes)?;
    let elements = elements.into_iter().map(|element| element.map(<[u8]>::to_vec)).collect();
    Ok(ArrayValue { element_oid, dims, elements })
}

struct RawArray<'a> {
    element_oid: u32,
    dims: Vec<ArrayDim>,
    elements: Vec<Option<&'a [u8]>>,
}

impl<'a> RawArray<'a> {
    /// PostgreSQL allows six dimensions.
    const MAX_DIMS: i32 = 6;

    fn parse(mut bytes: &'a [u8]) -> Result<Self, FieldError> {
        let dim_count = take_i32(&mut bytes)?;
        if !(0..=Self::MAX_DIMS).contains(&dim_count) {
            return Err(broken());
        }
        let _has_null = take_i32(&mut bytes)?;
        let element_oid = take_i32(&mut bytes)?.cast_unsigned();
        let mut dims = Vec::new();
        for _ in 0..dim_count {
            let len = u32::try_from(take_i32(&mut bytes)?).map_err(|_| broken())?;
            dims.push(ArrayDim { len, lower_bound: take_i32(&mut bytes)? });
        }
        // The bytes end the loop, not the dimensions: those may promise more
        // elements than there is memory.
        let mut elements = Vec::new();
        while !bytes.is_empty() {
            elements.push(take_field(&mut bytes)?);
        }
        let promised = dims.iter().map(|dim| u64::from(dim.len)).try_fold(1, u64::checked_mul);
        let expected = if dims.is_empty() { Some(0) } else { promised };
        match expected == Some(elements.len() as u64) {
            true => Ok(Self { element_oid, dims, elements }),
            false => Err(broken()),
        }
    }
}

fn take_i32(bytes: &mut &[u8]) -> Result<i32, FieldError> {
    let (head, tail) = bytes.split_at_checked(4).ok_or_else(broken)?;
    *bytes = tail;
    Ok(i32::from_be_bytes(fixed(head)?))
}

fn take_field<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, FieldError> {
    let len = take_i32(bytes)?;
    if len == -1 {
        return Ok(None);
    }
    let len = usize::try_from(len).map_err(|_| broken())?;
    let (head, tail) = bytes.split_at_checked(len).ok_or_else(broken)?;
    *bytes = tail;
    Ok(Some(head))
}

fn length(len: usize) -> Result<i32, FieldError> {
    i32::try_from(len).map_err(|_| FieldError::new("is larger than PostgreSQL allows"))
}

#[cold]
fn broken() -> FieldError {
    FieldError::new("is not an array in PostgreSQL's binary format")
}
