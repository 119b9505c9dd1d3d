//! Writing rows from structs and tuples.

use super::FieldSpec;
use crate::bindings::types::Column;
use crate::codec::LENGTH_BYTES;
use crate::types::{PgType, readable};
use crate::{Error, Result};

/// A row that can be written. Derive it for structs; tuples have it already, by
/// the order of the columns.
#[diagnostic::on_unimplemented(
    message = "a row cannot be written from `{Self}`",
    label = "needs `#[derive(ToRow)]`",
    note = "a single column is written as a tuple of one: `writer.write(&(7_i64,))`"
)]
pub trait ToRow {
    /// The struct's name, for error messages.
    const NAME: &'static str;

    /// The fields, in the order of their numbers.
    fn fields() -> Vec<FieldSpec>;

    /// Appends the field of that number, with its length.
    ///
    /// # Errors
    ///
    /// Says why the value does not fit the column.
    fn write_field(&self, number: usize, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<()>;

    /// The names of the columns that the fields are written to.
    fn columns() -> Vec<&'static str> {
        Self::fields().iter().map(FieldSpec::column_name).collect()
    }
}

/// The rows of a struct whatever they borrow from: what `#[derive(ToRow)]` adds, so
/// that a [transform](crate::Transaction::transform) can write what borrows from
/// the row that was read.
#[diagnostic::on_unimplemented(
    message = "a row cannot be written from `{Self}`",
    label = "needs `#[derive(ToRow)]`",
    note = "the struct's fields are the columns that are written, by their names"
)]
pub trait WriteRow {
    /// The row that borrows from one batch.
    type Of<'a>: ToRow;
}

impl<T: ToRow> ToRow for &T {
    const NAME: &'static str = T::NAME;

    fn fields() -> Vec<FieldSpec> {
        T::fields()
    }

    #[inline]
    fn write_field(&self, number: usize, ty: PgType<'_>, out: &mut Vec<u8>) -> Result<()> {
        T::write_field(self, number, ty, out)
    }
}

/// The error of a value that does not fit its column.
#[cold]
pub(crate) fn unwritable<T: ToRow>(column: &Column, error: &Error) -> Error {
    let link = format!(", written from `{}`, ", T::NAME);
    Error::of_column(column.name.clone(), link, error.to_string())
}

/// Which field each column is written from.
pub(crate) struct WritePlan {
    fields: Vec<usize>,
    /// Where the code is that describes the row. Two types of rows share it only
    /// if they have the same fields, and then they share the plan too.
    key: usize,
}

impl WritePlan {
    /// Matches the columns of a writer with a struct's fields, one to one.
    pub(crate) fn of<T: ToRow>(columns: &[Column]) -> Result<Self> {
        let specs = T::fields();
        let mut fields = vec![usize::MAX; columns.len()];
        for (number, spec) in specs.iter().enumerate() {
            fields[spec.resolve(T::NAME, number, columns)?] = number;
        }
        match fields.iter().position(|field| *field == usize::MAX) {
            None => Ok(Self { fields, key: Self::key::<T>() }),
            Some(index) => {
                let (owner, column) = (T::NAME, &columns[index].name);
                Err(Error::message(format!("`{owner}` has no field for the column `{column}`")))
            }
        }
    }

    /// Whether the plan was made for that type.
    pub(crate) fn is_for<T: ToRow>(&self) -> bool {
        self.key == Self::key::<T>()
    }

    /// Appends one tuple.
    pub(crate) fn write<T: ToRow>(&self, row: &T, columns: &[Column], out: &mut Vec<u8>) -> Result<()> {
        // No table has more columns than fit: PostgreSQL allows 1,600.
        out.extend_from_slice(&(self.fields.len() as i16).to_be_bytes());
        for (number, column) in self.fields.iter().zip(columns) {
            row.write_field(*number, column.pg_type(), out)
                .map_err(|error| unwritable::<T>(column, &error))?;
        }
        Ok(())
    }

    /// The fields of the first columns as text, for an error: `NULL` where one
    /// cannot be written.
    pub(crate) fn first_values<T: ToRow>(&self, row: &T, columns: &[Column]) -> Vec<(String, String)> {
        let mut bytes = Vec::new();
        let text = |(column, number): (&Column, &usize)| {
            bytes.clear();
            let written = row.write_field(*number, column.pg_type(), &mut bytes);
            let value = written.ok().and_then(|()| bytes.get(LENGTH_BYTES..));
            let value = value.filter(|_| !bytes.starts_with(&(-1_i32).to_be_bytes()));
            (column.name.clone(), readable(column.pg_type(), value))
        };
        columns.iter().zip(&self.fields).map(text).collect()
    }

    fn key<T: ToRow>() -> usize {
        T::fields as fn() -> Vec<FieldSpec> as usize
    }
}
