//! Rows of values, to be looked up by name or number.

use std::fmt;
use std::rc::Rc;

use super::{FromRow, Plan, decode_next};
use crate::bindings::sql;
use crate::bindings::types::Column;
use crate::codec::{encode_value, write_field, write_null};
use crate::types::{FieldError, FromField};
use crate::{Error, Result, Value};

/// One row of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Rc<[Column]>,
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(columns: Rc<[Column]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// Reads one column, by its name or number.
    ///
    /// # Errors
    ///
    /// Names the column that is missing or does not fit.
    pub fn get<T: for<'a> FromField<'a>>(&self, column: impl ColumnIndex) -> Result<T> {
        let index = column.index_in(&self.columns)?;
        self.read(index)
            .map_err(|error| Error::message(format!("the column `{}` {error}", self.columns[index].name)))
    }

    /// One value as it is, by its column's name or number; none if there is no
    /// such column.
    pub fn value(&self, column: impl ColumnIndex) -> Option<&Value> {
        self.values.get(column.index_in(&self.columns).ok()?)
    }

    /// All values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// All values, in the order of the columns.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    fn read<T: for<'a> FromField<'a>>(&self, index: usize) -> Result<T, FieldError> {
        let ty = self.columns[index].pg_type();
        if !T::reads(ty) {
            return Err(FieldError::wrong_type(ty, &T::readable()));
        }
        let mut bytes = Vec::new();
        match &self.values[index] {
            Value::Null => T::from_null(),
            value => {
                encode_value(value, ty, &mut bytes)?;
                T::from_bytes(ty, &bytes)
            }
        }
    }
}

/// A column's name, or its number from 0.
pub trait ColumnIndex: fmt::Display {
    /// The number of the column.
    ///
    /// # Errors
    ///
    /// Names the columns that there are.
    fn index_in(&self, columns: &[Column]) -> Result<usize>;
}

impl ColumnIndex for usize {
    fn index_in(&self, columns: &[Column]) -> Result<usize> {
        match *self < columns.len() {
            true => Ok(*self),
            false => {
                let count = columns.len();
                Err(Error::message(format!("there is no column {self}; there are {count}")))
            }
        }
    }
}

impl ColumnIndex for &str {
    fn index_in(&self, columns: &[Column]) -> Result<usize> {
        let index = columns.iter().position(|column| column.name == *self);
        index.ok_or_else(|| {
            let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            let names = names.join("`, `");
            Error::message(format!("there is no column `{self}`; there are `{names}`"))
        })
    }
}

/// A whole result.
pub(crate) struct RowSet {
    columns: Rc<[Column]>,
    rows: Vec<Vec<Value>>,
}

impl RowSet {
    pub(crate) fn new(rows: sql::RowSet) -> Self {
        Self { columns: rows.columns.into(), rows: rows.rows }
    }

    pub(crate) fn into_rows(self) -> Vec<Row> {
        let Self { columns, rows } = self;
        rows.into_iter().map(|values| Row::new(Rc::clone(&columns), values)).collect()
    }

    /// Reads each row by way of its bytes, so that a type is read by the same
    /// code whether it comes from a query or from a reader.
    pub(crate) fn decode<T: for<'a> FromRow<'a>>(self) -> Result<Vec<T>> {
        let plan = Plan::of::<T>(&self.columns)?;
        let (mut bytes, mut spans) = (Vec::new(), Vec::new());
        let mut decoded = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            bytes.clear();
            encode_row(row, &self.columns, &mut bytes)?;
            decoded.extend(decode_next(&bytes, &mut 0, &self.columns, &plan, &mut spans)?);
        }
        Ok(decoded)
    }
}

/// Appends a row of values as a tuple.
pub(crate) fn encode_row(row: &[Value], columns: &[Column], out: &mut Vec<u8>) -> Result<()> {
    if row.len() != columns.len() {
        let (found, expected) = (row.len(), columns.len());
        return Err(Error::message(format!("a row of {found} values for {expected} columns")));
    }
    // PostgreSQL allows 1,664 columns in a result.
    out.extend_from_slice(&(row.len() as i16).to_be_bytes());
    for (value, column) in row.iter().zip(columns) {
        match value {
            Value::Null => write_null(out),
            value => write_field(out, |out| encode_value(value, column.pg_type(), out))
                .with_column(&column.name)?,
        }
    }
    Ok(())
}

trait WithColumn {
    fn with_column(self, name: &str) -> Self;
}

impl WithColumn for Result<()> {
    fn with_column(self, name: &str) -> Self {
        self.map_err(|error| Error::message(format!("the column `{name}` {error}")))
    }
}
