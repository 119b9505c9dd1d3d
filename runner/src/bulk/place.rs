//! Where in a COPY an error was.

/// The row of a COPY, and the column, that an error belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1, in this COPY.
    pub row: u64,
    /// The column's plain name, where it is known.
    pub column: Option<String>,
}

/// Reads the server's context, `COPY stage, line 3, column name`, whatever its
/// language is. `table` is the plain name of the table that rows are copied to.
pub fn place_of(context: &str, table: &str) -> Option<Place> {
    let mut places = context.lines().filter_map(|line| place_in_line(line, table));
    places.next()
}

fn place_in_line(line: &str, table: &str) -> Option<Place> {
    let rest = line.strip_prefix("COPY ")?.split_once(table)?.1.strip_prefix(", ")?;
    let (row, column) = match rest.split_once(", ") {
        Some((row, column)) => (row, Some(column)),
        None => (rest, None),
    };
    let digits: String = row.chars().filter(char::is_ascii_digit).collect();
    // The word for `column` comes first; a text's value would come last.
    let column = column.and_then(|column| column.split_once(' ')).map(|(_, name)| name.to_owned());
    Some(Place { row: digits.parse().ok()?, column })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_and_the_column_are_read() {
        let place = |row, column: Option<&str>| Some(Place { row, column: column.map(str::to_owned) });
        for (context, expected) in [
            ("COPY st, line 3, column my name", place(3, Some("my name"))),
            ("COPY st, line 12", place(12, None)),
            ("COPY st, Zeile 12, Spalte a", place(12, Some("a"))),
            ("PL/pgSQL function f() line 3 at RAISE\nCOPY st, line 4, column a, b", place(4, Some("a, b"))),
            ("COPY other, line 3", None),
            ("SQL statement \"COPY st, line 1\"", None),
            ("", None),
        ] {
            assert_eq!(place_of(context, "st"), expected, "{context}");
        }
    }
}
