//! Texts that somebody else wrote, made safe for a terminal, and made to fit.
//!
//! Messages of revisions, logs of migrations and errors of servers are
//! controlled by whoever wrote them. Printed raw, they could move the cursor,
//! rewrite lines that were printed before, or set the terminal's title.

use std::fmt::{self, Write as _};

use unicode_width::UnicodeWidthChar as _;
use unicode_width::UnicodeWidthStr as _;

/// A text whose control characters are shown as escapes.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a> {
    text: &'a str,
    keeps_lines: bool,
}

/// One line: control characters are shown as escapes, `\n` too.
pub fn printable(text: &str) -> Printable<'_> {
    Printable { text, keeps_lines: false }
}

/// Several lines: line ends and tabs stay as they are, other control characters
/// are shown as escapes.
pub fn printable_lines(text: &str) -> Printable<'_> {
    Printable { text, keeps_lines: true }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.text.chars() {
            let stays = self.keeps_lines && matches!(character, '\n' | '\t');
            if !stays && is_unsafe(character) {
                write!(f, "{}", character.escape_debug())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Whether a character does something other than to appear: control characters,
/// those that end lines or turn the direction of what follows, and two that no
/// XML may hold.
fn is_unsafe(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends_line = matches!(character, '\u{2028}' | '\u{2029}');
    character.is_control() || turns || ends_line || matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// The text, cut to a number of columns of a terminal.
pub fn shortened(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut shortened = String::new();
    let mut used = 1; // for the ellipsis
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > columns {
            break;
        }
        shortened.push(character);
    }
    shortened.truncate(shortened.trim_end().len());
    shortened.push('…');
    shortened
}

/// The text in lines of at most so many columns, cut after so many lines.
pub fn wrapped(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> =
        textwrap::wrap(text.trim(), columns).into_iter().map(std::borrow::Cow::into_owned).collect();
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = shortened(&format!("{last} …"), columns);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_turns_text_is_shown_as_an_escape() {
        let cases = [
            ("create orders", "create orders"),
            ("naïve 茶の間 ✅ Ã", "naïve 茶の間 ✅ Ã"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{9b}31mb\u{7f}", "a\\u{9b}31mb\\u{7f}"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{202e}evil\u{2066}\u{2028}\u{ffff}", "\\u{202e}evil\\u{2066}\\u{2028}\\u{ffff}"),
        ];
        for (text, expected) in cases {
            assert_eq!(printable(text).to_string(), expected, "{text:?}");
        }
        assert_eq!(printable_lines("a\n\tb\u{1b}\rc").to_string(), "a\n\tb\\u{1b}\\rc");
    }

    #[test]
    fn texts_are_cut_by_columns_and_not_by_bytes() {
        assert_eq!(shortened("create orders", 13), "create orders");
        assert_eq!(shortened("create orders", 8), "create…");
        assert_eq!(shortened("茶の間を作る", 7), "茶の間…");
        assert_eq!(shortened("é", 1), "é");
    }

    #[test]
    fn lines_are_cut_after_the_last() {
        assert_eq!(wrapped("create the selling side of it", 12, 3), ["create the", "selling side", "of it"]);
        assert_eq!(wrapped("create the selling side of it", 12, 2), ["create the", "selling sid…"]);
        assert_eq!(wrapped("aaaaaaaa", 5, 3), ["aaaaa", "aaa"]);
    }
}
