//! The pattern, and what of a text belongs to which column. Knows nothing of databases.

use regex_lite::Regex;

/// A pattern that has to fit a whole text, with a named group for each column.
pub struct Pattern {
    regex: Regex,
    columns: Vec<String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, also where it has no named group.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let regex = Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())?;
        let columns: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
        match columns.is_empty() {
            true => {
                Err("it has no named group: write `(?<first_name>\\S+)` for what becomes a column".into())
            }
            false => Ok(Self { regex, columns }),
        }
    }

    /// The names of the groups, which are those of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The part of the text for each column, none for a group that took no part; none
    /// at all where the pattern does not fit.
    pub fn split<'t>(&self, text: &'t str) -> Option<Vec<Option<&'t str>>> {
        let captures = self.regex.captures(text)?;
        Some(self.columns.iter().map(|name| captures.name(name).map(|part| part.as_str())).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    #[test]
    fn groups_become_columns() {
        let pattern = Pattern::new(r"(?<first>\S+)(?: (?<middle>\S+))? (?<last>\S+)").unwrap();
        assert_eq!(pattern.columns(), ["first", "middle", "last"]);
        assert_eq!(pattern.split("Ada Lovelace"), Some(vec![Some("Ada"), None, Some("Lovelace")]));
        assert_eq!(pattern.split("José M. García"), Some(vec![Some("José"), Some("M."), Some("García")]));
        // The whole text has to fit.
        assert_eq!(pattern.split("Ada"), None);
        assert_eq!(pattern.split("a b c d"), None);
    }

    #[test]
    fn alternatives_are_kept_together() {
        let pattern = Pattern::new("a(?<rest>.*)|b(?<other>.*)").unwrap();
        assert_eq!(pattern.split("xa"), None);
        assert_eq!(pattern.split("b1"), Some(vec![None, Some("1")]));
    }

    #[test]
    fn what_is_no_pattern_is_explained() {
        assert!(Pattern::new("(?<a>").is_err());
        assert!(Pattern::new("(.*)").err().unwrap().contains("no named group"));
    }
}
