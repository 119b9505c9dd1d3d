//! What of a statement another reader of SQL would take for its own.

use pg_query::protobuf::Token;

use super::PolicyError;

/// A character that stands for itself: not a part of a string, of a quoted name
/// or of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A colon by itself, as in the slice of an array; not `::` or `:=`.
    Colon,
    /// A semicolon.
    Semicolon,
}

/// The colons and semicolons of a statement, with where they are, in bytes.
pub fn marks(text: &str) -> Result<Vec<(usize, Mark)>, PolicyError> {
    let tokens = pg_query::scan_tokens(text)
        .map_err(|error| PolicyError::Syntax { message: error.to_string(), position: None })?;
    let mark = |token: &pg_query::protobuf::ScanToken| {
        let mark = match Token::try_from(token.token) {
            Ok(Token::Ascii58) => Mark::Colon,
            Ok(Token::Ascii59) => Mark::Semicolon,
            _ => return None,
        };
        Some((usize::try_from(token.start).ok()?, mark))
    };
    Ok(tokens.iter().filter_map(mark).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_for_itself_is_found() {
        let found = |text: &str| marks(text).expect("scans");
        assert_eq!(found("select a[1:n], b::int, ':x', \":y\", $$:z;$$ -- :c;"), [(10, Mark::Colon)]);
        assert_eq!(found("select 'é', a[:n]; select 1"), [(15, Mark::Colon), (18, Mark::Semicolon)]);
        assert_eq!(found("select E'\\':;' /* : ; /* ; */ */"), []);
    }
}
