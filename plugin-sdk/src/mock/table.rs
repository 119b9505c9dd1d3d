//! Tables of the mock, and what bulk writers do to them.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::control::db_error;
use super::state::{ResultSet, split_tuples, values_of};
use crate::Value;
use crate::bindings::sql::{
    Counts, DeleteOptions, TableColumn, TableDescription, UpdateOptions, UpsertOptions,
};
use crate::bindings::types::{Column, Error};
use crate::codec::{next_tuple, write_null};

/// A table: its columns, its rows, and what else a test has said about it.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) set: ResultSet,
    pub(super) key: Vec<String>,
    pub(super) generated: Vec<String>,
}

/// What becomes of the rows of a bulk writer.
#[derive(Clone)]
pub(super) enum Job {
    Insert,
    Update(UpdateOptions),
    Upsert(UpsertOptions),
    Delete(DeleteOptions),
    Rewrite,
}

/// The fields of a row in binary format.
type Fields = Vec<Option<Vec<u8>>>;

impl Table {
    pub(super) fn new(name: &str, columns: Vec<Column>) -> Self {
        let set = ResultSet { columns, tuples: vec![] };
        Self { name: name.to_owned(), set, key: vec![], generated: vec![] }
    }

    pub(super) fn describe(&self) -> TableDescription {
        let (schema, name) = self.name.split_once('.').unwrap_or(("public", &self.name));
        let columns = self.set.columns.iter().map(|column| TableColumn {
            column: column.clone(),
            nullable: !self.key.contains(&column.name),
            generated: self.generated.contains(&column.name),
        });
        TableDescription {
            schema: schema.to_owned(),
            name: name.to_owned(),
            columns: columns.collect(),
            key: self.key.clone(),
            estimated_rows: Some(self.set.tuples.len() as u64),
        }
    }

    /// The columns of those names; all that can be written where there are none.
    pub(super) fn columns(&self, names: &[String]) -> Vec<Column> {
        let find = |name: &String| {
            let column = self.set.columns.iter().find(|column| column.name == *name);
            column
                .cloned()
                .unwrap_or_else(|| panic!("the mock's table `{}` has no column `{name}`", self.name))
        };
        match names {
            [] => {
                let writable = |column: &&Column| !self.generated.contains(&column.name);
                self.set.columns.iter().filter(writable).cloned().collect()
            }
            names => names.iter().map(find).collect(),
        }
    }

    /// The key that a writer was opened with, which has to be the table's.
    pub(super) fn check_key(&self, key: &[String]) -> Result<Vec<String>, Error> {
        let is_same =
            |key: &[String]| key.len() == self.key.len() && key.iter().all(|name| self.key.contains(name));
        match (key, self.key.is_empty()) {
            ([], true) => Err(key_error(format!(
                "{} has no primary key; a test declares one with `mock.table(…).key(…)`",
                self.name
            ))),
            ([], false) => Ok(self.key.clone()),
            (key, _) if is_same(key) => Ok(key.to_vec()),
            (key, _) => Err(key_error(format!("({}) is not a key of {}", key.join(", "), self.name))),
        }
    }

    /// Sorts rows as `order by` does, for the types that keys have.
    pub(super) fn sort(&self, set: &mut ResultSet, order: &[String]) {
        let places: Vec<usize> = order.iter().map(|name| place(&set.columns, name)).collect();
        let columns = set.columns.clone();
        set.tuples.sort_by_cached_key(|tuple| {
            let values = values_of(tuple, &columns);
            SortKey(places.iter().map(|place| values[*place].clone()).collect())
        });
    }

    /// Applies the rows of a writer.
    pub(super) fn apply(
        &mut self,
        job: &Job,
        key: &[String],
        columns: &[Column],
        tuples: &[Vec<u8>],
    ) -> Result<Counts, Error> {
        let mut rows: Vec<Fields> = self.set.tuples.iter().map(|tuple| fields_of(tuple)).collect();
        let staged: Vec<Fields> = tuples.iter().map(|tuple| fields_of(tuple)).collect();
        let mut change = Change {
            places: columns.iter().map(|column| place(&self.set.columns, &column.name)).collect(),
            keys: key.len(),
            width: self.set.columns.len(),
            counts: Counts {
                written: tuples.len() as u64,
                inserted: 0,
                updated: 0,
                deleted: 0,
                unchanged: 0,
                missing: 0,
            },
        };
        match job {
            Job::Insert => change.insert(&mut rows, staged),
            Job::Rewrite => {
                change.counts.deleted = rows.len() as u64;
                rows.clear();
                change.insert(&mut rows, staged);
            }
            Job::Update(options) => change.update(&mut rows, staged, *options)?,
            Job::Upsert(options) => change.upsert(&mut rows, staged, *options)?,
            Job::Delete(options) => change.delete(&mut rows, staged, *options)?,
        }
        self.check_unique(&rows)?;
        self.set.tuples = rows.iter().map(tuple_of).collect();
        Ok(change.counts)
    }

    /// The server's error for a key that is there twice.
    fn check_unique(&self, rows: &[Fields]) -> Result<(), Error> {
        if self.key.is_empty() {
            return Ok(());
        }
        let places: Vec<usize> = self.key.iter().map(|name| place(&self.set.columns, name)).collect();
        let mut seen = HashMap::new();
        for row in rows {
            let key: Fields = places.iter().map(|place| row[*place].clone()).collect();
            if key.contains(&None) {
                let message =
                    format!("null value in the key of \"{}\" violates not-null constraint", self.name);
                return Err(Error::Database(db_error("23502", &message)));
            }
            if seen.insert(key, ()).is_some() {
                let message = format!("duplicate key value violates the key of \"{}\"", self.name);
                return Err(Error::Database(db_error("23505", &message)));
            }
        }
        Ok(())
    }
}

/// One application of a writer's rows.
struct Change {
    /// Where the writer's columns are in the table.
    places: Vec<usize>,
    /// How many of them, from the first, are the key.
    keys: usize,
    /// The columns of the table.
    width: usize,
    counts: Counts,
}

impl Change {
    fn insert(&mut self, rows: &mut Vec<Fields>, staged: Vec<Fields>) {
        self.counts.inserted += staged.len() as u64;
        rows.extend(staged.iter().map(|row| self.whole(row)));
    }

    fn update(
        &mut self,
        rows: &mut [Fields],
        staged: Vec<Fields>,
        options: UpdateOptions,
    ) -> Result<(), Error> {
        let index = self.index(rows, &staged)?;
        for row in staged {
            match index.get(&row[..self.keys]) {
                Some(at) => self.set(&mut rows[*at], &row, options.skip_unchanged),
                None => self.miss(&row, options.allow_missing)?,
            }
        }
        Ok(())
    }

    fn upsert(
        &mut self,
        rows: &mut Vec<Fields>,
        staged: Vec<Fields>,
        options: UpsertOptions,
    ) -> Result<(), Error> {
        let index = self.index(rows, &staged)?;
        for row in staged {
            match index.get(&row[..self.keys]) {
                Some(_) if options.keep_existing => self.counts.unchanged += 1,
                Some(at) => self.set(&mut rows[*at], &row, options.skip_unchanged),
                None => {
                    self.counts.inserted += 1;
                    rows.push(self.whole(&row));
                }
            }
        }
        Ok(())
    }

    fn delete(
        &mut self,
        rows: &mut Vec<Fields>,
        staged: Vec<Fields>,
        options: DeleteOptions,
    ) -> Result<(), Error> {
        let index = self.index(rows, &staged)?;
        let mut gone = Vec::new();
        for row in &staged {
            match index.get(&row[..self.keys]) {
                Some(at) => gone.push(*at),
                None => self.miss(row, options.allow_missing)?,
            }
        }
        self.counts.deleted += gone.len() as u64;
        let mut at = 0..;
        rows.retain(|_| at.next().is_some_and(|at| !gone.contains(&at)));
        Ok(())
    }

    /// Where each key is in the table, once the writer's own keys were found sound.
    fn index(&self, rows: &[Fields], staged: &[Fields]) -> Result<HashMap<Fields, usize>, Error> {
        let mut seen = HashMap::new();
        for row in staged {
            let key = &row[..self.keys];
            if key.contains(&None) {
                return Err(key_error("a row's key is NULL".to_owned()));
            }
            if seen.insert(key, ()).is_some() {
                return Err(key_error("two rows have the same key".to_owned()));
            }
        }
        let key = |row: &Fields| self.places[..self.keys].iter().map(|place| row[*place].clone()).collect();
        Ok(rows.iter().enumerate().map(|(at, row)| (key(row), at)).collect())
    }

    fn set(&mut self, row: &mut Fields, new: &Fields, skip_unchanged: bool) {
        let pairs = || self.places.iter().zip(new);
        if skip_unchanged && pairs().all(|(place, value)| row[*place] == *value) {
            self.counts.unchanged += 1;
            return;
        }
        for (place, value) in pairs() {
            row[*place].clone_from(value);
        }
        self.counts.updated += 1;
    }

    fn miss(&mut self, row: &Fields, allow: bool) -> Result<(), Error> {
        self.counts.missing += 1;
        match allow {
            true => Ok(()),
            false => {
                let key: Vec<_> =
                    row[..self.keys].iter().flatten().map(|field| format!("{field:02x?}")).collect();
                Err(key_error(format!("a row's key is not in the table: {}", key.join(", "))))
            }
        }
    }

    /// A row of the table, NULL in the columns that are not written.
    fn whole(&self, row: &Fields) -> Fields {
        let mut whole = vec![None; self.width];
        for (place, value) in self.places.iter().zip(row) {
            whole[*place].clone_from(value);
        }
        whole
    }
}

/// Takes bytes apart, which have to be whole tuples of the columns.
pub(super) fn check_tuples(bytes: &[u8], columns: &[Column]) -> Result<Vec<Vec<u8>>, Error> {
    split_tuples(bytes, columns).map_err(|error| Error::Conversion(error.to_string()))
}

pub(super) fn key_error(message: String) -> Error {
    Error::Other(("key".to_owned(), message))
}

/// A tuple of some of the columns of another one.
pub(super) fn project(tuple: &[u8], places: &[usize]) -> Vec<u8> {
    let fields = fields_of(tuple);
    tuple_of(&places.iter().map(|place| fields[*place].clone()).collect())
}

pub(super) fn place(columns: &[Column], name: &str) -> usize {
    let place = columns.iter().position(|column| column.name == name);
    place.unwrap_or_else(|| panic!("the mock's table has no column `{name}`"))
}

fn fields_of(tuple: &[u8]) -> Fields {
    let count = tuple.first_chunk::<2>().map_or(0, |count| i16::from_be_bytes(*count));
    let mut spans = Vec::new();
    let whole = next_tuple(tuple, &mut 0, usize::try_from(count).unwrap_or_default(), &mut spans);
    whole.expect("tuples are checked before they are kept");
    spans.iter().map(|span| span.of(tuple).map(<[u8]>::to_vec)).collect()
}

fn tuple_of(fields: &Fields) -> Vec<u8> {
    let mut tuple = (fields.len() as i16).to_be_bytes().to_vec();
    for field in fields {
        match field {
            None => write_null(&mut tuple),
            Some(bytes) => {
                tuple.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
                tuple.extend_from_slice(bytes);
            }
        }
    }
    tuple
}

/// The values of a key, in the order of their types.
#[derive(PartialEq)]
struct SortKey(Vec<Value>);

impl Eq for SortKey {}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.0.iter().zip(&other.0);
        pairs.map(|(one, two)| compare(one, two)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// Compares values of the types that keys have; others by how they print.
fn compare(one: &Value, two: &Value) -> Ordering {
    match (one, two) {
        (Value::Int2(one), Value::Int2(two)) => one.cmp(two),
        (Value::Int4(one), Value::Int4(two)) | (Value::Date(one), Value::Date(two)) => one.cmp(two),
        (Value::Int8(one), Value::Int8(two))
        | (Value::Timestamp(one), Value::Timestamp(two))
        | (Value::Timestamptz(one), Value::Timestamptz(two)) => one.cmp(two),
        (Value::Text(one), Value::Text(two)) => one.cmp(two),
        (Value::Uuid(one), Value::Uuid(two)) => one.cmp(two),
        _ => format!("{one:?}").cmp(&format!("{two:?}")),
    }
}
