//! Reading rows into structs and tuples.

use crate::bindings::types::Column;
use crate::codec::{Span, next_tuple};
use crate::types::{FieldError, FromField, PgType, ToField};
use crate::{Error, Result};

/// A row that can be read. Derive it for structs; tuples have it already, by the
/// order of the columns.
///
/// The lifetime is that of the batch: a field may be a `&'a str` or `&'a [u8]`
/// that points into it.
#[diagnostic::on_unimplemented(
    message = "a row cannot be read into `{Self}`",
    label = "needs `#[derive(FromRow)]`",
    note = "a single column is read as a tuple of one: `query_as::<(i64,)>`",
    note = "a struct that borrows from the batch is read with `Reader::next_batch`, not with \
            `query_as` or `Reader::rows`"
)]
pub trait FromRow<'a>: Sized {
    /// The struct's name, for error messages.
    const NAME: &'static str;

    /// The fields, in the order in which [`from_row`](Self::from_row) asks for
    /// them.
    fn fields() -> Vec<FieldSpec>;

    /// Reads a row whose columns were matched with the fields.
    ///
    /// # Errors
    ///
    /// Names the field and the column that do not fit.
    fn from_row(row: &RowView<'_, 'a>) -> Result<Self>;
}

/// The rows of a struct whatever they borrow from: what `#[derive(FromRow)]` adds,
/// so that `User` and `User<'_>` can both stand between the angle brackets of
/// [`Transaction::read`](crate::Transaction::read).
#[diagnostic::on_unimplemented(
    message = "a row cannot be read into `{Self}`",
    label = "needs `#[derive(FromRow)]`",
    note = "a single column is read as a tuple of one: `tx.read::<(i64,)>(…)`"
)]
pub trait ReadRow {
    /// The row that borrows from one batch.
    type Of<'a>: FromRow<'a>;

    /// Takes the row for one that lives no longer than the reference to it.
    #[doc(hidden)]
    fn shorten<'short, 'row: 'short>(row: &'short Self::Of<'row>) -> &'short Self::Of<'short>;
}

/// A row that owns what it read, so that it can leave the loop: what
/// `#[derive(FromRow)]` adds to structs without a lifetime.
#[diagnostic::on_unimplemented(
    message = "`{Self}` borrows its text from the batch: a `for` loop would keep it for too long",
    label = "read it with `.for_each(|row| …)`, or let its fields own their text (`String`)"
)]
pub trait OwnedRow: for<'a> FromRow<'a> {}

/// What a struct says about one of its fields.
pub struct FieldSpec {
    field: &'static str,
    /// None takes the column at the field's place.
    pub(crate) column: Option<&'static str>,
    rust_type: &'static str,
    takes: fn() -> String,
    accepts: fn(PgType<'_>) -> bool,
}

impl FieldSpec {
    /// A field that is read.
    pub fn read<'a, T: FromField<'a>>(
        field: &'static str,
        column: Option<&'static str>,
        rust_type: &'static str,
    ) -> Self {
        Self { field, column, rust_type, takes: T::readable, accepts: T::reads }
    }

    /// A field that is written.
    pub fn write<T: ToField>(
        field: &'static str,
        column: Option<&'static str>,
        rust_type: &'static str,
    ) -> Self {
        Self { field, column, rust_type, takes: T::writable, accepts: T::writes }
    }

    /// The name of the column that the field belongs to.
    pub(crate) fn column_name(&self) -> &'static str {
        self.column.unwrap_or(self.field)
    }

    /// Finds the field's column.
    pub(crate) fn find(&self, owner: &str, place: usize, columns: &[Column]) -> Result<usize> {
        let index = match self.column {
            None => Some(place).filter(|place| *place < columns.len()),
            Some(name) => columns.iter().position(|column| column.name == name),
        };
        index.ok_or_else(|| self.missing(owner, self.column_name(), columns))
    }

    /// Finds the column of that name, and checks that the types fit.
    pub(crate) fn resolve_named(&self, owner: &str, name: &str, columns: &[Column]) -> Result<usize> {
        let index = columns.iter().position(|column| column.name == name);
        let index = index.ok_or_else(|| self.missing(owner, name, columns))?;
        match (self.accepts)(columns[index].pg_type()) {
            true => Ok(index),
            false => Err(self.mismatch(owner, &columns[index])),
        }
    }

    /// Finds the field's column, and checks that the types fit.
    pub(crate) fn resolve(&self, owner: &str, place: usize, columns: &[Column]) -> Result<usize> {
        let index = self.find(owner, place, columns)?;
        let ty = columns[index].pg_type();
        match (self.accepts)(ty) {
            true => Ok(index),
            false => Err(self.mismatch(owner, &columns[index])),
        }
    }

    fn missing(&self, owner: &str, column: &str, columns: &[Column]) -> Error {
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let (field, names) = (self.field, names.join("`, `"));
        Error::message(format!(
            "there is no column `{column}` for the field `{field}` of `{owner}`; there are `{names}`"
        ))
    }

    fn mismatch(&self, owner: &str, column: &Column) -> Error {
        let (field, rust, takes) = (self.field, self.rust_type, (self.takes)());
        let (name, ty) = (&column.name, column.pg_type());
        Error::message(format!(
            "the field `{field}: {rust}` of `{owner}` does not fit the column `{name}` of type \
             {ty}: it takes {takes}"
        ))
    }
}

/// Which column each field of a struct takes.
pub(crate) struct Plan {
    indexes: Vec<usize>,
    owner: &'static str,
}

impl Plan {
    /// Matches a struct's fields with the columns of a result.
    pub(crate) fn of<'a, T: FromRow<'a>>(columns: &[Column]) -> Result<Self> {
        let specs = T::fields();
        let positional = specs.iter().any(|spec| spec.column.is_none());
        if positional && specs.len() != columns.len() {
            let (expected, found) = (specs.len(), columns.len());
            return Err(Error::message(format!("a tuple of {expected} cannot be read from {found} columns")));
        }
        let resolve = |(place, spec): (usize, &FieldSpec)| spec.resolve(T::NAME, place, columns);
        let indexes = specs.iter().enumerate().map(resolve).collect::<Result<_>>()?;
        Ok(Self { indexes, owner: T::NAME })
    }

    /// Matches a row's fields with the columns of these names.
    pub(crate) fn named<'a, T: FromRow<'a>>(names: &[String], columns: &[Column]) -> Result<Self> {
        let specs = T::fields();
        let resolve = |(spec, name): (&FieldSpec, &String)| spec.resolve_named(T::NAME, name, columns);
        let indexes = specs.iter().zip(names).map(resolve).collect::<Result<_>>()?;
        Ok(Self { indexes, owner: T::NAME })
    }
}

/// One row, in the order of a struct's fields.
pub struct RowView<'r, 'a> {
    bytes: &'a [u8],
    spans: &'r [Span],
    columns: &'r [Column],
    plan: &'r Plan,
}

impl<'r, 'a> RowView<'r, 'a> {
    /// A row of columns that the plan was made for.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], spans: &'r [Span], columns: &'r [Column], plan: &'r Plan) -> Self {
        Self { bytes, spans, columns, plan }
    }
}

impl<'a> RowView<'_, 'a> {
    /// Reads the field of that number.
    ///
    /// # Errors
    ///
    /// Names the field's column and what is wrong with the value.
    #[inline]
    pub fn field<T: FromField<'a>>(&self, number: usize) -> Result<T> {
        let index = self.plan.indexes[number];
        let value = match self.spans[index].of(self.bytes) {
            Some(bytes) => T::from_bytes(self.columns[index].pg_type(), bytes),
            None => T::from_null(),
        };
        value.map_err(|error| self.misfit(index, &error))
    }

    #[cold]
    fn misfit(&self, index: usize, error: &FieldError) -> Error {
        let (owner, column) = (self.plan.owner, &self.columns[index].name);
        Error::of_column(column.clone(), format!(", read into `{owner}`, "), error.to_string())
    }
}

/// Reads the row at `position`, none at the end of the batch.
#[inline]
pub(crate) fn decode_next<'a, T: FromRow<'a>>(
    bytes: &'a [u8],
    position: &mut usize,
    columns: &[Column],
    plan: &Plan,
    spans: &mut Vec<Span>,
) -> Result<Option<T>> {
    match next_tuple(bytes, position, columns.len(), spans)? {
        false => Ok(None),
        true => T::from_row(&RowView { bytes, spans, columns, plan }).map(Some),
    }
}
