//! Whether two syntax trees say the same: everything but where it stands.

use serde::ser::{self, Impossible, Serialize};
use std::hash::{DefaultHasher, Hasher};

/// A number for a tree that leaves out the places of its nodes.
pub(super) fn digest(tree: &impl Serialize) -> u64 {
    let mut hasher = Tree(DefaultHasher::new());
    match tree.serialize(&mut hasher) {
        Ok(()) => hasher.0.finish(),
        // A tree holds nothing that this cannot take in; were it so, it would be
        // like no other.
        Err(Unsupported) => u64::MAX,
    }
}

/// The fields that say where something stands.
fn is_place(field: &str) -> bool {
    matches!(
        field,
        "location"
            | "stmt_location"
            | "stmt_len"
            | "arg_location"
            | "name_location"
            | "list_start"
            | "list_end"
            | "rexpr_list_start"
            | "rexpr_list_end"
    )
}

struct Tree(DefaultHasher);

#[derive(Debug, thiserror::Error)]
#[error("a tree holds numbers, texts, lists and nodes")]
struct Unsupported;

impl ser::Error for Unsupported {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

impl Tree {
    fn mark(&mut self, kind: u8) -> Result<(), Unsupported> {
        self.0.write_u8(kind);
        Ok(())
    }
}

type Done = Result<(), Unsupported>;

impl ser::Serializer for &mut Tree {
    type Ok = ();
    type Error = Unsupported;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), Unsupported>;
    type SerializeTupleVariant = Impossible<(), Unsupported>;
    type SerializeMap = Impossible<(), Unsupported>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Unsupported>;

    fn serialize_bool(self, value: bool) -> Done {
        self.mark(u8::from(value))
    }
    fn serialize_i8(self, value: i8) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Done {
        self.0.write_i64(value);
        Ok(())
    }
    fn serialize_u8(self, value: u8) -> Done {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Done {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Done {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Done {
        self.0.write_u64(value);
        Ok(())
    }
    fn serialize_f32(self, value: f32) -> Done {
        self.serialize_f64(value.into())
    }
    fn serialize_f64(self, value: f64) -> Done {
        self.serialize_u64(value.to_bits())
    }
    fn serialize_char(self, value: char) -> Done {
        self.serialize_u32(value.into())
    }
    fn serialize_str(self, value: &str) -> Done {
        self.serialize_bytes(value.as_bytes())
    }
    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.0.write_usize(value.len());
        self.0.write(value);
        Ok(())
    }
    fn serialize_none(self) -> Done {
        self.mark(2)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.mark(3)?;
        value.serialize(self)
    }
    fn serialize_unit(self) -> Done {
        self.mark(4)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.mark(5)
    }
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Done {
        self.serialize_u32(index)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Done {
        self.0.write_u32(index);
        value.serialize(self)
    }
    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Unsupported> {
        self.0.write_usize(length.ok_or(Unsupported)?);
        Ok(self)
    }
    fn serialize_tuple(self, length: usize) -> Result<Self, Unsupported> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unsupported> {
        Err(Unsupported)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unsupported> {
        Err(Unsupported)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unsupported> {
        Err(Unsupported)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unsupported> {
        self.mark(6)?;
        Ok(self)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unsupported> {
        Err(Unsupported)
    }
}

impl ser::SerializeSeq for &mut Tree {
    type Ok = ();
    type Error = Unsupported;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(&mut **self)
    }
    fn end(self) -> Done {
        Ok(())
    }
}

impl ser::SerializeTuple for &mut Tree {
    type Ok = ();
    type Error = Unsupported;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(&mut **self)
    }
    fn end(self) -> Done {
        Ok(())
    }
}

impl ser::SerializeStruct for &mut Tree {
    type Ok = ();
    type Error = Unsupported;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        match is_place(name) {
            true => Ok(()),
            false => value.serialize(&mut **self),
        }
    }
    fn end(self) -> Done {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pg_query::ParserOptions;

    fn digest_of(sql: &str) -> u64 {
        digest(&pg_query::parse(sql, ParserOptions::DEFAULT).expect("parses").protobuf)
    }

    #[test]
    fn only_the_places_are_left_out() {
        assert_eq!(digest_of("select a+1 from t"), digest_of("  SELECT a + 1\nFROM t -- x"));
        for (left, right) in [
            ("select 1", "select 2"),
            ("select 'a'", "select 'b'"),
            ("select a", "select b"),
            ("select a", "select a, a"),
            ("select from t", "select from s.t"),
            ("select true", "select false"),
            ("select null", "select ''"),
        ] {
            assert_ne!(digest_of(left), digest_of(right), "{left}");
        }
    }
}
