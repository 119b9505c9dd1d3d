//! Passwords in texts that other programs and people write.

use super::HIDDEN;

/// The words before a value that is not to be shown.
const WORDS: [&str; 4] = ["password=", "passwd=", "password:", "sslpassword="];

/// Hides what a text most likely has of passwords: those of URLs
/// (`scheme://user:password@host`), and values after `password=`. Meant for texts
/// that we repeat and did not make, as the parser's error about a line of
/// runner.toml.
pub fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        rest = after;
        // What follows the last `@` before the path is the host; a password may
        // hold an `@` that should have been written as `%40`.
        let word = rest.split(is_end).next().unwrap_or_default();
        let Some(end) = word.rfind('@') else { continue };
        if let Some(colon) = word[..end].find(':') {
            shown.push_str(&rest[..=colon]);
            shown.push_str(HIDDEN);
            rest = &rest[end..];
        }
    }
    shown.push_str(rest);
    WORDS.iter().fold(shown, |text, word| without_values(&text, word))
}

fn is_end(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'' | '`')
}

/// Hides what follows a word: up to a blank, or to the end of the quotes.
fn without_values(text: &str, word: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.to_ascii_lowercase().find(word) {
        let (before, after) = rest.split_at(at + word.len());
        shown.push_str(before);
        let value = after.trim_start_matches(' ');
        let length = match value.chars().next() {
            Some(quote @ ('\'' | '"')) => value[1..].find(quote).map_or(value.len(), |end| end + 2),
            _ => value.find(|character: char| is_end(character) || character == '&').unwrap_or(value.len()),
        };
        if length > 0 {
            shown.push_str(HIDDEN);
        }
        rest = &value[length..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (text, expected) in [
            ("postgresql://me:hunter2@db/app", "postgresql://me:«secret»@db/app"),
            ("a \"postgres://me:hun/t@er2@db/app\" b", "a \"postgres://me:«secret»@db/app\" b"),
            ("postgresql://me@db/app?password=hunter2&x=1", "postgresql://me@db/app?password=«secret»&x=1"),
            ("host=db password='hunter 2' user=me", "host=db password=«secret» user=me"),
            ("host=db Password = x", "host=db Password = x"),
            ("https://example.org/a:b", "https://example.org/a:b"),
            ("two a://b:c@d e://f:g@h", "two a://b:«secret»@d e://f:«secret»@h"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_passwords(text), expected);
        }
    }
}
