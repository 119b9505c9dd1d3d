//! What comes before the parser: limits that keep a text from costing more than
//! it is worth, and the division of a script into its statements.

use super::PolicyError;

/// The longest statement that is parsed under a policy, in bytes. The parser
/// needs about 1,000 times as much memory.
pub(super) const MAX_STATEMENT: usize = 256 * 1024;

/// How deep comments may nest: the lexers, ours and the server's, take a time
/// that is quadratic in it, and in the server no time-out interrupts them.
pub(super) const MAX_COMMENT_DEPTH: usize = 16;

/// One statement of a script, with what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// Where it begins in the whole text, in bytes.
    pub(super) offset: usize,
}

/// Divides a script at its semicolons, in one pass and without the parser.
///
/// Nothing depends on the division being right: each piece is parsed by itself,
/// and all of the statements in it are checked. A wrong one is a syntax error at
/// worst.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, PolicyError> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    let (mut found, mut start) = (Vec::new(), 0);
    let mut state = State::default();
    while let Some(token) = reader.next()? {
        if state.is_end(token) {
            found.push(Piece { text: &text[start..reader.at - 1], offset: start });
            start = reader.at;
            state = State::default();
        }
    }
    found.push(Piece { text: &text[start..], offset: start });
    found.retain(|piece| !piece.text.trim().is_empty());
    Ok(found)
}

/// Refuses comments that nest too deeply.
pub(super) fn check_comments(text: &str) -> Result<(), PolicyError> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    while reader.next()?.is_some() {}
    Ok(())
}

/// What matters for the division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a [u8]),
    Semicolon,
    Open,
    Close,
    Other,
}

/// Where in a statement the reader is: a semicolon inside brackets, or inside
/// the body of `BEGIN ATOMIC … END`, ends nothing.
#[derive(Default)]
struct State {
    words: usize,
    is_routine: bool,
    brackets: usize,
    blocks: usize,
}

impl State {
    fn is_end(&mut self, token: Token<'_>) -> bool {
        match token {
            Token::Semicolon => return self.brackets == 0 && self.blocks == 0,
            Token::Open => self.brackets += 1,
            Token::Close => self.brackets = self.brackets.saturating_sub(1),
            Token::Word(word) => self.word(word),
            Token::Other => {}
        }
        false
    }

    fn word(&mut self, word: &[u8]) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        self.words += 1;
        // CREATE [OR REPLACE] FUNCTION
        if (2..=4).contains(&self.words) && (is("function") || is("procedure")) {
            self.is_routine = true;
        }
        if self.is_routine && (is("begin") || (self.blocks > 0 && is("case"))) {
            self.blocks += 1;
        } else if self.is_routine && is("end") {
            self.blocks = self.blocks.saturating_sub(1);
        }
    }
}

/// PostgreSQL's lexer, as far as comments and strings go, with
/// `standard_conforming_strings` on, as the session has it.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, PolicyError> {
        let rest = &self.text[self.at..];
        let Some(first) = rest.first() else { return Ok(None) };
        let token = match first {
            b'-' if rest.starts_with(b"--") => self.skip_line(),
            b'/' if rest.starts_with(b"/*") => self.skip_comment()?,
            b'\'' => self.skip_string(false),
            b'"' => self.skip_to(b'"'),
            b'$' => self.skip_dollars(),
            b';' => self.step(Token::Semicolon),
            b'(' | b'[' => self.step(Token::Open),
            b')' | b']' => self.step(Token::Close),
            letter if is_letter(*letter) => self.word(),
            digit if digit.is_ascii_digit() => self.number(),
            _ => self.step(Token::Other),
        };
        Ok(Some(token))
    }

    fn step(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        token
    }

    fn skip_line(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        Token::Other
    }

    fn skip_comment(&mut self) -> Result<Token<'a>, PolicyError> {
        let mut depth = 0;
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if rest.starts_with(b"/*") {
                (depth, self.at) = (depth + 1, self.at + 2);
            } else if rest.starts_with(b"*/") {
                (depth, self.at) = (depth - 1, self.at + 2);
            } else {
                self.at += 1;
            }
            if depth > MAX_COMMENT_DEPTH {
                return Err(PolicyError::Gate {
                    why: format!("its comments nest more than {MAX_COMMENT_DEPTH} deep"),
                });
            }
            if depth == 0 {
                break;
            }
        }
        Ok(Token::Other)
    }

    fn skip_string(&mut self, has_escapes: bool) -> Token<'a> {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += match byte {
                b'\\' if has_escapes => 2,
                b'\'' => {
                    self.at += 1;
                    break;
                }
                _ => 1,
            };
        }
        self.at = self.at.min(self.text.len());
        Token::Other
    }

    fn skip_to(&mut self, end: u8) -> Token<'a> {
        let rest = &self.text[self.at + 1..];
        self.at += rest.iter().position(|byte| *byte == end).map_or(rest.len() + 1, |at| at + 2);
        Token::Other
    }

    /// A string in dollars, or a parameter.
    fn skip_dollars(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let inner = rest[1..].iter().position(|byte| !(is_letter(*byte) || byte.is_ascii_digit()));
        let tag = match inner {
            Some(length) if rest[1 + length] == b'$' && !rest[1].is_ascii_digit() => &rest[..length + 2],
            _ => return self.step(Token::Other),
        };
        let body = &rest[tag.len()..];
        let end = find(body, tag).map_or(rest.len(), |at| tag.len() + at + tag.len());
        self.at += end;
        Token::Other
    }

    fn word(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let ends = |byte: &u8| !(is_letter(*byte) || byte.is_ascii_digit() || *byte == b'$');
        let word = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
        self.at += word.len();
        if word.eq_ignore_ascii_case(b"e") && self.text.get(self.at) == Some(&b'\'') {
            return self.skip_string(true);
        }
        Token::Word(word)
    }

    fn number(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        Token::Other
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|window| window == sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_divided_at_their_semicolons() {
        let atomic =
            "create function f() returns int begin atomic select case when a then 1 end; select 2; end";
        for (sql, expected) in [
            ("a; b;; -- c;\n d", vec!["a", " b", " -- c;\n d"]),
            (
                "a ';' b; \"x;y\" $$ ; $$ $t$ ; $$ $t$; E'\\';'; '\\'; c",
                vec!["a ';' b", " \"x;y\" $$ ; $$ $t$ ; $$ $t$", " E'\\';'", " '\\'", " c"],
            ),
            ("/* a; /* b; */ c; */ d; e", vec!["/* a; /* b; */ c; */ d", " e"]),
            ("rule (a; b); c", vec!["rule (a; b)", " c"]),
            (atomic, vec![atomic]),
            ("select $1;select 1e5;a$b$;c", vec!["select $1", "select 1e5", "a$b$", "c"]),
            ("select 'open; b", vec!["select 'open; b"]),
        ] {
            let found: Vec<_> = pieces(sql).expect("divides").iter().map(|piece| piece.text).collect();
            assert_eq!(found, expected, "{sql}");
        }
    }

    #[test]
    fn pieces_know_where_they_are() {
        let sql = "é; select 1;\nselect 2";
        for piece in pieces(sql).expect("divides") {
            assert_eq!(&sql[piece.offset..piece.offset + piece.text.len()], piece.text);
        }
    }

    #[test]
    fn comments_that_nest_too_deeply_are_refused_at_once() {
        let nested = |depth: usize| "/*".repeat(depth) + &"*/".repeat(depth);
        assert!(check_comments(&nested(16)).is_ok());
        assert!(check_comments(&nested(17)).is_err());
        assert!(check_comments(&"/*".repeat(100_000)).is_err());
        assert!(check_comments(&format!("select '{}'", nested(100))).is_ok());
        assert!(check_comments(&"/* a */".repeat(100)).is_ok());
    }
}
