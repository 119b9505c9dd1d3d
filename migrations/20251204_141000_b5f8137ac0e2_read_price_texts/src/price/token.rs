//! The parts of a price's text.

/// A part of a text in small letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Digits and the marks between them, as they are written.
    Number(&'a str),
    /// Letters, or a currency's sign with the letters before it, as in `us$`.
    Word(&'a str),
    /// A dash that does not stand for decimals.
    Minus,
}

/// Currencies' signs that are no letters.
const SIGNS: [char; 7] = ['€', '$', '£', '¥', '₺', '₹', '₩'];

/// Takes a text apart. White space and other marks are passed over.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            let (token, length) = match first {
                '0'..='9' => number(rest),
                first if first.is_alphabetic() || SIGNS.contains(&first) => word(rest),
                first if is_dash(first) => (Some(Token::Minus), first.len_utf8()),
                other => (None, other.len_utf8()),
            };
            rest = &rest[length..];
            if token.is_some() {
                return token;
            }
        }
    })
}

/// Letters and the sign behind them, or a sign.
fn word(text: &str) -> (Option<Token<'_>>, usize) {
    let letters = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let sign = text[letters..].chars().next().filter(|sign| SIGNS.contains(sign));
    let length = letters + sign.map_or(0, char::len_utf8);
    (Some(Token::Word(&text[..length])), length)
}

/// Digits, marks between digits, and a mark with dashes behind it: `5.–`.
fn number(text: &str) -> (Option<Token<'_>>, usize) {
    let mut length = 0;
    loop {
        length += text[length..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - length);
        match mark(&text[length..]) {
            Some(mark) => length += mark,
            None => break,
        }
    }
    (Some(Token::Number(&text[..length])), length + dashes(&text[length..]))
}

/// The length of a mark with digits behind it. A space is one where exactly three
/// digits follow.
fn mark(text: &str) -> Option<usize> {
    let mark = text.chars().next()?;
    let behind = &text[mark.len_utf8()..];
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let is_mark = match mark {
        '.' | ',' | '\'' | '’' => digits > 0,
        mark if mark.is_whitespace() => digits == 3,
        _ => false,
    };
    is_mark.then_some(mark.len_utf8())
}

/// The length of a mark and the dashes that stand for decimals.
fn dashes(text: &str) -> usize {
    let Some(behind) = text.strip_prefix(['.', ',']) else { return 0 };
    let rest = behind.trim_start_matches(is_dash);
    if rest.len() < behind.len() { text.len() - rest.len() } else { 0 }
}

fn is_dash(character: char) -> bool {
    matches!(character, '-' | '–' | '—' | '−')
}
