//! Lists of columns.

/// The name of a column, or a list of names: `"id"`, `["tenant", "id"]`.
///
/// Plain names, without quotes: the runner quotes them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name columns",
    label = "expected `\"id\"` or `[\"tenant\", \"id\"]`"
)]
pub trait ColumnNames {
    /// The names, in order.
    fn into_names(self) -> Vec<String>;
}

impl ColumnNames for &str {
    fn into_names(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl ColumnNames for &String {
    fn into_names(self) -> Vec<String> {
        vec![self.clone()]
    }
}

impl<S: AsRef<str>, const N: usize> ColumnNames for [S; N] {
    fn into_names(self) -> Vec<String> {
        self.as_slice().into_names()
    }
}

impl<S: AsRef<str>, const N: usize> ColumnNames for &[S; N] {
    fn into_names(self) -> Vec<String> {
        self.as_slice().into_names()
    }
}

impl<S: AsRef<str>> ColumnNames for &[S] {
    fn into_names(self) -> Vec<String> {
        self.iter().map(|name| name.as_ref().to_owned()).collect()
    }
}

impl<S: AsRef<str>> ColumnNames for &Vec<S> {
    fn into_names(self) -> Vec<String> {
        self.as_slice().into_names()
    }
}

impl ColumnNames for Vec<String> {
    fn into_names(self) -> Vec<String> {
        self
    }
}
