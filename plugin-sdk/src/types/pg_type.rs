//! The type of a column, as the codecs need to know it.

use std::fmt;

use super::oid;
use crate::bindings::types::Column;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PgType<'a> {
    /// The type's identifier, as in `pg_type.oid`; 0 where only the name is
    /// known.
    pub oid: u32,
    /// The type's name, as in `pg_type.typname`: `_int4` is an array of `int4`.
    pub name: &'a str,
}

impl<'a> PgType<'a> {
    /// One of PostgreSQL's own types, by its identifier.
    pub(crate) fn built_in(oid: u32) -> Option<PgType<'static>> {
        let (oid, _, name) = oid::BUILT_IN.iter().find(|(element, ..)| *element == oid)?;
        Some(PgType { oid: *oid, name })
    }

    /// One of PostgreSQL's own types, or an array of one, by its name.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn built_in_by_name(name: &'a str) -> Option<Self> {
        let element = name.strip_prefix('_').unwrap_or(name);
        let (scalar, array, _) = oid::BUILT_IN.iter().find(|(.., known)| *known == element)?;
        let oid = if element.len() == name.len() { *scalar } else { *array };
        Some(PgType { oid, name })
    }

    /// Whether it is a type that PostgreSQL does not bring along, such as an
    /// enum.
    pub fn is_user_defined(self) -> bool {
        self.oid == 0 || self.oid >= oid::FIRST_USER_DEFINED
    }

    /// The type of the elements, if this is an array.
    pub fn element(self) -> Option<PgType<'a>> {
        let built_in = oid::BUILT_IN.iter().find(|(_, array, _)| *array == self.oid);
        if let Some((element, _, name)) = built_in {
            return Some(PgType { oid: *element, name });
        }
        let name = self.name.strip_prefix('_').filter(|_| self.is_user_defined())?;
        Some(PgType { oid: 0, name })
    }

    /// Whether it is one of the types that text is read from and written to as
    /// it is.
    pub(crate) fn is_text(self) -> bool {
        let built_in = [oid::TEXT, oid::VARCHAR, oid::BPCHAR, oid::NAME, oid::CHAR, oid::UNKNOWN, oid::XML];
        built_in.contains(&self.oid) || (self.is_user_defined() && self.element().is_none())
    }
}

impl fmt::Display for PgType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element() {
            Some(element) => write!(f, "{}[]", element.name),
            None => f.write_str(self.name),
        }
    }
}

impl Column {
    /// The column's type.
    pub fn pg_type(&self) -> PgType<'_> {
        PgType { oid: self.type_oid, name: &self.type_name }
    }
}
