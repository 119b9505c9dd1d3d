//! From a place in the text that was sent to the one in the author's text.

use std::collections::HashMap;

/// Where in `source` the token stands that stands at `position` of `sent`, in
/// characters from 1.
///
/// The text that is sent is made from the syntax tree: its blanks and brackets
/// are others, but names and constants are where they were. The token is looked
/// for by its text; where it is there as often in both, the same one of them is
/// meant, and otherwise nothing is sure.
pub(super) fn place_of(sent: &str, source: &str, position: u32) -> Option<u32> {
    let offset = byte_offset(sent, position)?;
    let (sent_tokens, source_tokens) = (tokens(sent)?, tokens(source)?);
    let at = sent_tokens.iter().position(|token| (token.start..token.end).contains(&offset))?;
    let word = &sent_tokens[at].text;
    let nth = sent_tokens[..at].iter().filter(|token| token.text == *word).count();
    let mut count: HashMap<&str, usize> = HashMap::new();
    for token in &sent_tokens {
        *count.entry(&token.text).or_default() += 1;
    }
    let same: Vec<&Piece> = source_tokens.iter().filter(|token| token.text == *word).collect();
    match count.get(word.as_str()) == Some(&same.len()) {
        true => Some(characters(source, same.get(nth)?.start)),
        false => None,
    }
}

struct Piece {
    start: usize,
    end: usize,
    text: String,
}

/// The tokens of a text, spelt in one way.
fn tokens(text: &str) -> Option<Vec<Piece>> {
    let found = pg_query::scan_tokens(text).ok()?;
    let piece = |token: &pg_query::protobuf::ScanToken| {
        let (start, end) = (usize::try_from(token.start).ok()?, usize::try_from(token.end).ok()?);
        let text = text.get(start..end)?;
        let plain = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inner) => inner.to_owned(),
            // What holds a backslash is written with an E.
            None => match text.strip_prefix(['e', 'E']).filter(|rest| rest.starts_with('\'')) {
                Some(escaped) => escaped.replace("\\\\", "\\").to_ascii_lowercase(),
                None => text.to_ascii_lowercase(),
            },
        };
        (!text.starts_with("--") && !text.starts_with("/*")).then_some(Piece { start, end, text: plain })
    };
    Some(found.iter().filter_map(piece).collect())
}

fn byte_offset(text: &str, position: u32) -> Option<usize> {
    let index = usize::try_from(position).ok()?.checked_sub(1)?;
    text.char_indices().nth(index).map(|(offset, _)| offset)
}

/// A byte offset as PostgreSQL counts: in characters from 1.
pub(super) fn characters(text: &str, offset: usize) -> u32 {
    let before = text.get(..offset).unwrap_or(text);
    u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_again_where_it_is_sure() {
        let source = "select  /* a */ a, B\nfrom users where a = 'é' and (c)";
        let sent = "SELECT a, b FROM app.users WHERE a = 'é' AND c";
        let place = |word: &str, at: usize| {
            let offset = sent.match_indices(word).nth(at).expect("is there").0;
            let found = place_of(sent, source, characters(sent, offset))?;
            Some(source.chars().skip(found as usize - 1).take(word.chars().count()).collect::<String>())
        };
        for word in ["users", "b", "c", "'é'"] {
            assert_eq!(place(word, 0).map(|text| text.to_lowercase()), Some(word.into()));
        }
        assert_eq!(place("app", 0), None);
        assert_eq!(place_of(sent, source, 10_000), None);
        assert_eq!(place_of(sent, source, 0), None);
    }
}
