//! Which row an error is about.

/// Names a row by its number, from 1, and by its key: `row 7 of public.users
/// (id = 7)`.
pub(crate) fn row_place(number: u64, table: &str, key: &[(String, String)]) -> String {
    let row = format!("row {number} of {table}");
    let (names, values): (Vec<_>, Vec<_>) = key.iter().cloned().unzip();
    match names.len() {
        0 => row,
        1 => format!("{row} ({} = {})", names[0], values[0]),
        _ => format!("{row} (({}) = ({}))", names.join(", "), values.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_by_number_and_key() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(row_place(7, "t", &[]), "row 7 of t");
        assert_eq!(row_place(7, "t", &[pair("id", "9")]), "row 7 of t (id = 9)");
        assert_eq!(row_place(7, "t", &[pair("a", "1"), pair("b", "x")]), "row 7 of t ((a, b) = (1, x))");
    }
}
