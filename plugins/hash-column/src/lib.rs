//! Puts pseudonyms in place of the values of columns: the same value always gets the
//! same pseudonym with the same key, so that joins over pseudonyms find what joins
//! over the values found.

mod column;
mod pseudonym;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Display;

use plugin_kit::{TableName, ident};
use plugin_sdk::prelude::*;
use plugin_sdk::{FromField, ToField};

use column::{CATALOGS, Kind, check};
use pseudonym::{Hasher, Shape};

/// Puts keyed pseudonyms in place of the values of columns. Cannot be taken back.
#[derive(Params)]
pub struct HashColumn {
    /// The table, as `schema.table`. It needs a primary key.
    table: String,
    /// What to put in place of what: for each column its format.
    columns: BTreeMap<String, Rule>,
    /// The key: at least 16 characters. Name a secret here, and not the key itself.
    /// Columns that are joined need the same key.
    key: String,
}

/// What the pseudonyms of a column look like.
#[derive(Params)]
pub struct Rule {
    /// What the pseudonyms look like.
    format: Format,
    /// For `hex`: how many digits, at most 64.
    #[param(default = 32)]
    digits: u32,
    /// For `integer`: the least number.
    min: Option<i64>,
    /// For `integer`: the greatest number.
    max: Option<i64>,
    /// For `email`: what stands behind the `@`.
    #[param(default = "example.invalid")]
    domain: String,
    /// For `name`: the names to choose from.
    #[param(default)]
    names: Vec<String>,
    /// Whether values that differ in upper and lower case alone get the same
    /// pseudonym.
    #[param(default)]
    ignore_case: bool,
}

/// What pseudonyms look like.
#[derive(Clone, Copy, PartialEq, Eq, Params)]
pub enum Format {
    /// Hexadecimal digits.
    Hex,
    /// A UUID of version 8.
    Uuid,
    /// A whole number from `min` to `max`.
    Integer,
    /// 20 hexadecimal digits, `@` and the domain.
    Email,
    /// One of the names.
    Name,
}

plugin_sdk::export!(HashColumn);

impl Migration for HashColumn {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let hasher = Hasher::new(&self.key)?;
        ensure!(!self.columns.is_empty(), "the parameter `columns` names no column");
        let table = TableName::parse(&self.table).context("the parameter `table`")?;
        let columns = self.columns.iter().map(|(name, rule)| Ok((name, rule, rule.shape(name)?)));
        let columns: Vec<_> = columns.collect::<Result<_>>()?;
        let kinds = columns.iter().map(|(name, _, shape)| check(tx, &table, name, shape));
        let kinds: Vec<Kind> = kinds.collect::<Result<_>>()?;
        let table = table.sql();
        for ((name, rule, shape), kind) in columns.into_iter().zip(kinds) {
            let hashed = Column { table: &table, name, shape, hasher: hasher.of_case(rule.ignore_case) };
            let rows = hashed.replace(tx, kind)?;
            info!("{}.{name}: {rows} values are pseudonyms now", self.table);
        }
        Ok(())
    }

    fn downgrade(&self, _: &Transaction) -> Result<()> {
        Err(Error::irreversible(
            "hash-column is irreversible: a pseudonym does not tell which value it stood for",
        ))
    }

    fn capabilities() -> Vec<Capability> {
        vec![
            Capability::new("read", ["${table}"], "reads the values"),
            Capability::new("write", ["${table}"], "writes the pseudonyms"),
            Capability::new("lock", ["${table}"], "keeps others from writing meanwhile"),
            Capability::new("read", CATALOGS, "looks for foreign keys on the columns"),
            Capability::new("secrets", ["key"], "is given the key"),
        ]
    }
}

impl Rule {
    /// Reads the settings of the format.
    fn shape(&self, column: &str) -> Result<Shape> {
        let problem = |what: &str| Err(Error::message(format!("the parameter `columns.{column}`: {what}")));
        match (self.format, self.min, self.max) {
            (Format::Hex, ..) if !(1..=64).contains(&self.digits) => problem("`digits` is from 1 to 64"),
            (Format::Hex, ..) => Ok(Shape::Hex(self.digits as usize)),
            (Format::Uuid, ..) => Ok(Shape::Uuid),
            (Format::Integer, Some(min), Some(max)) if min < max => Ok(Shape::Integer { min, max }),
            (Format::Integer, ..) => problem("`integer` needs `min` and, above it, `max`"),
            (Format::Email, ..) if self.domain.is_empty() || self.domain.contains(['@', ' ']) => {
                problem("`domain` is what stands behind the `@`")
            }
            (Format::Email, ..) => Ok(Shape::Email(self.domain.clone())),
            (Format::Name, ..) if self.names.len() < 2 => problem("`name` needs `names` to choose from"),
            (Format::Name, ..) => Ok(Shape::Name(self.names.clone())),
        }
    }
}

/// A column whose values are replaced.
struct Column<'a> {
    /// The table as SQL spells it.
    table: &'a str,
    name: &'a str,
    shape: Shape,
    hasher: Hasher,
}

impl Column<'_> {
    /// Replaces all values but NULL; gives their number.
    fn replace(&self, tx: &Transaction, kind: Kind) -> Result<u64> {
        match kind {
            Kind::Text => {
                self.replace_each(tx, |value: &String| Ok(self.shape.text(&self.hasher.hash(value))))
            }
            Kind::Int8 => self.replace_each(tx, |value: &i64| self.integer(value)),
            Kind::Int4 => self.replace_each(tx, |value: &i32| self.integer(value)),
            Kind::Int2 => self.replace_each(tx, |value: &i16| self.integer(value)),
            Kind::Uuid => self
                .replace_each(tx, |value: &Uuid| Ok(pseudonym::uuid(&self.hasher.hash(&value.to_string())))),
        }
    }

    fn replace_each<T>(&self, tx: &Transaction, pseudonym: impl Fn(&T) -> Result<T>) -> Result<u64>
    where
        T: for<'a> FromField<'a> + ToField,
    {
        let filter = format!("{} is not null", ident(self.name));
        let transform = tx.transform::<(T,), (T,)>(self.table).columns(self.name, self.name);
        let counts = transform.filter(&filter, &[]).map(|(value,)| Ok((pseudonym(value)?,)))?;
        Ok(counts.updated)
    }

    /// The pseudonym of a number: that of its decimal digits, so that it is the same
    /// in columns of other types.
    fn integer<T: TryFrom<i64> + Display>(&self, value: &T) -> Result<T> {
        let number = self.shape.integer(&self.hasher.hash(&value.to_string()))?;
        T::try_from(number).ok().with_context(|| format!("{number} does not fit the column"))
    }
}
