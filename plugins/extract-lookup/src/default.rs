//! A column's default, from the text that the catalogs have of it.

use plugin_sdk::prelude::*;

/// The text that a default like `'new'::order_status` stands for.
///
/// # Errors
///
/// Fails for anything but one constant: what a call gives later is in no lookup.
pub fn text_of(sql: &str) -> Result<String> {
    constant(sql).with_context(|| {
        format!("the default `{sql}` is not one constant text: drop it in a revision before this one")
    })
}

/// The value that a default of the foreign key stands for, from pairs of key and
/// value.
///
/// # Errors
///
/// Fails for anything but one key of the lookup table.
pub fn value_of(sql: &str, pairs: &[(String, String)]) -> Result<String> {
    let pair = pairs.iter().find(|(id, _)| id == sql);
    pair.map(|(_, value)| value.clone()).with_context(|| {
        format!(
            "the default `{sql}` is not one key of the lookup table: drop it in a revision before this one"
        )
    })
}

/// Reads `'it''s'::type`: a quoted text, and behind it a cast to a type by name.
fn constant(sql: &str) -> Option<String> {
    let mut rest = sql.strip_prefix('\'')?;
    let mut text = String::new();
    loop {
        let (part, after) = rest.split_once('\'')?;
        text.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                rest = more;
            }
            None => {
                rest = after;
                break;
            }
        }
    }
    let is_name = |letter: char| letter.is_alphanumeric() || " _.\"".contains(letter);
    let is_cast = rest.strip_prefix("::").is_some_and(|name| name.chars().all(is_name));
    (rest.is_empty() || is_cast).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_and_nothing_else() {
        assert_eq!(constant("'new'::text").as_deref(), Some("new"));
        assert_eq!(constant("'it''s'::character varying").as_deref(), Some("it's"));
        assert_eq!(constant("''::public.\"State\"").as_deref(), Some(""));
        for other in ["NULL::text", "upper('a'::text)", "('a'::text || 'b'::text)", "'a'::text || 'b'", "'a"]
        {
            assert_eq!(constant(other), None, "{other}");
        }
    }

    #[test]
    fn keys_are_looked_up() {
        let pairs = [("1".to_owned(), "new".to_owned())];
        assert_eq!(value_of("1", &pairs).expect("is there"), "new");
        assert!(value_of("2", &pairs).is_err());
    }
}
