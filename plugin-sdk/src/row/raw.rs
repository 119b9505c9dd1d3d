//! Rows whose columns are known only when the migration runs.

use crate::bindings::types::Column;
use crate::codec::Span;
use crate::types::{FieldError, FromField, ToField};
use crate::{Error, Result, write_value};

/// One row of a query whose columns are known only when the migration runs, such as
/// those that its parameters name: what [`Reader::for_each`](crate::Reader::for_each)
/// gives. Its fields are still the bytes that came, and reading one costs no more
/// than in a struct.
#[derive(Clone, Copy)]
pub struct RawRow<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
    columns: &'a [Column],
}

impl<'a> RawRow<'a> {
    pub(crate) fn new(bytes: &'a [u8], spans: &'a [Span], columns: &'a [Column]) -> Self {
        Self { bytes, spans, columns }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &'a [Column] {
        self.columns
    }

    /// Reads the field of that number, counted from 0.
    ///
    /// # Errors
    ///
    /// Names the column that does not fit the type, and a number that is too high.
    #[inline]
    pub fn get<T: FromField<'a>>(&self, index: usize) -> Result<T> {
        let column = self.column(index)?;
        let ty = column.pg_type();
        let value = match self.spans[index].of(self.bytes) {
            _ if !T::reads(ty) => Err(FieldError::wrong_type(ty, &T::readable())),
            Some(bytes) => T::from_bytes(ty, bytes),
            None => T::from_null(),
        };
        value.map_err(|error| Error::of_column(column.name.clone(), " ".to_owned(), error.to_string()))
    }

    fn column(&self, index: usize) -> Result<&'a Column> {
        self.columns.get(index).ok_or_else(|| {
            Error::message(format!("there is no column {index}; there are {}", self.columns.len()))
        })
    }
}

/// The fields of one row, to be written in the order of the writer's columns: what
/// [`Writer::write_fields`](crate::Writer::write_fields) lends.
pub struct RawFields<'w> {
    columns: &'w [Column],
    written: usize,
    out: &'w mut Vec<u8>,
}

impl<'w> RawFields<'w> {
    pub(crate) fn new(columns: &'w [Column], out: &'w mut Vec<u8>) -> Self {
        // No table has more columns than fit: PostgreSQL allows 1,600.
        out.extend_from_slice(&(columns.len() as i16).to_be_bytes());
        Self { columns, written: 0, out }
    }

    /// Writes the next field as it was read from a column of the same type.
    ///
    /// # Errors
    ///
    /// Names both columns where their types differ.
    #[inline]
    pub fn copy(&mut self, row: &RawRow<'_>, index: usize) -> Result<()> {
        let (from, to) = (row.column(index)?, self.column()?);
        if from.type_oid != to.type_oid {
            return Err(Error::message(format!(
                "the column `{}` of type {} cannot be copied to `{}` of type {}",
                from.name,
                from.pg_type(),
                to.name,
                to.pg_type()
            )));
        }
        let span = row.spans[index];
        self.out.extend_from_slice(span.framed_to(span, row.bytes));
        self.written += 1;
        Ok(())
    }

    /// Writes the next field.
    ///
    /// # Errors
    ///
    /// Names the column that the value does not fit.
    #[inline]
    pub fn put<T: ToField>(&mut self, value: &T) -> Result<()> {
        let column = self.column()?;
        let ty = column.pg_type();
        let written = match T::writes(ty) || value.is_null() {
            true => write_value(value, ty, self.out),
            false => Err(Error::message(FieldError::wrong_type(ty, &T::writable()))),
        };
        written.map_err(|error| Error::of_column(column.name.clone(), " ".to_owned(), error.to_string()))?;
        self.written += 1;
        Ok(())
    }

    /// Fails unless each column got its field.
    pub(crate) fn finish(self) -> Result<()> {
        match self.columns.get(self.written) {
            None => Ok(()),
            Some(column) => Err(Error::message(format!("no field was written for `{}`", column.name))),
        }
    }

    fn column(&self) -> Result<&'w Column> {
        let count = self.columns.len();
        self.columns
            .get(self.written)
            .ok_or_else(|| Error::message(format!("more fields were written than the {count} columns")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use crate::mock::Mock;
    use crate::prelude::*;
    use crate::row;

    fn mock() -> Mock {
        let mock = Mock::new();
        let columns = [("id", "int8"), ("name", "text")];
        mock.on_query("select id, name from t")
            .returns(&columns, [row![1_i64, "Ada"], row![2_i64, Value::Null]]);
        mock.table("public.copy", &[("id", "int8"), ("old", "text"), ("new", "text")]);
        mock
    }

    #[test]
    fn fields_are_copied_and_written_by_number() {
        let mock = mock();
        let tx = mock.transaction();
        let mut writer = tx.writer("public.copy", &[]).unwrap();
        let read = tx.reader("select id, name from t", &[]).unwrap().for_each(|row| {
            let name: Option<&str> = row.get(1)?;
            writer.write_fields(|fields| {
                fields.copy(&row, 0)?;
                fields.copy(&row, 1)?;
                fields.put(&name.map(str::to_uppercase))
            })
        });
        read.unwrap();
        writer.finish().unwrap();
        assert_eq!(
            mock.written_values("public.copy"),
            [row![1_i64, "Ada", "ADA"], row![2_i64, Value::Null, Value::Null]]
        );
    }

    #[test]
    fn what_does_not_fit_is_named_and_nothing_of_it_is_written() {
        let mock = mock();
        let tx = mock.transaction();
        let mut writer = tx.writer("public.copy", &[]).unwrap();
        let mut errors = Vec::new();
        let mut fail = |error: Result<()>| errors.push(error.unwrap_err().to_string());
        let read = tx.reader("select id, name from t", &[]).unwrap().for_each(|row| {
            fail(row.get::<i64>(1).map(drop));
            fail(row.get::<i64>(2).map(drop));
            fail(writer.write_fields(|fields| fields.copy(&row, 1)));
            fail(writer.write_fields(|fields| fields.put(&"x")));
            fail(writer.write_fields(|fields| fields.put(&1_i64)));
            Err(Error::message("enough"))
        });
        assert_eq!(read.unwrap_err().to_string(), "row 1: enough");
        assert_eq!(
            errors,
            [
                "the column `name` is of type text, expected int2, int4 or int8",
                "there is no column 2; there are 2",
                "the column `name` of type text cannot be copied to `id` of type int8",
                "the column `id` is of type int8, expected text, varchar, char(n), name, citext or an enum",
                "no field was written for `old`",
            ]
        );
        writer.finish().unwrap();
        assert!(mock.written_values("public.copy").is_empty());
    }
}
