//! The query that reads a table's rows.

use crate::Value;

/// What to read of one table.
pub(crate) struct TableRead {
    /// As SQL spells it.
    pub(crate) table: String,
    /// Plain names.
    pub(crate) columns: Vec<String>,
    /// The condition behind `where`, and its parameters.
    pub(crate) filter: Option<(String, Vec<Value>)>,
    /// The columns to sort by; none for any order.
    pub(crate) order: Vec<String>,
}

impl TableRead {
    pub(crate) fn select(&self) -> String {
        let order = match self.order.is_empty() {
            true => String::new(),
            false => format!(" order by {}", quoted(&self.order)),
        };
        format!("select {} from {}{}{order}", quoted(&self.columns), self.table, self.condition())
    }

    pub(crate) fn count(&self) -> String {
        format!("select count(*) from {}{}", self.table, self.condition())
    }

    pub(crate) fn params(&self) -> &[Value] {
        self.filter.as_ref().map_or(&[], |(_, params)| params)
    }

    /// The line breaks end a comment that the condition may end with.
    fn condition(&self) -> String {
        self.filter.as_ref().map_or_else(String::new, |(filter, _)| format!(" where (\n{filter}\n)"))
    }
}

fn quoted(names: &[String]) -> String {
    let quote = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    names.iter().map(quote).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_conditions_enclosed() {
        let mut read = TableRead {
            table: "public.users".to_owned(),
            columns: vec!["id".to_owned(), "a \"b\"".to_owned()],
            filter: None,
            order: vec![],
        };
        assert_eq!(read.select(), "select \"id\", \"a \"\"b\"\"\" from public.users");
        read.filter = Some(("a or b -- why".to_owned(), vec![]));
        read.order = vec!["id".to_owned()];
        assert_eq!(
            read.select(),
            "select \"id\", \"a \"\"b\"\"\" from public.users where (\na or b -- why\n) order by \"id\""
        );
        assert_eq!(read.count(), "select count(*) from public.users where (\na or b -- why\n)");
    }
}
