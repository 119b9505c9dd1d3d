//! The patterns of a manifest's grants: `app.users`, `app.*`, `!app.secret`.

use std::fmt;

/// One pattern over `schema.name`, over a whole schema, or over a single name.
///
/// A part in double quotes stands for itself; elsewhere `*` stands for any run
/// of characters. A pattern that begins with `!` takes away what the patterns
/// before it granted, as in .gitignore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    takes_away: bool,
    first: Part,
    second: Option<Part>,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no pattern: {reason}; write `schema`, `schema.name` or `schema.*`, with `!` before it to take away"
)]
pub struct PatternError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    text: String,
    is_quoted: bool,
}

impl Part {
    fn fits(&self, name: &str) -> bool {
        match self.is_quoted {
            true => self.text == name,
            false => glob_fits(&self.text, name),
        }
    }

    fn is_literal(&self) -> bool {
        self.is_quoted || !self.text.contains('*')
    }

    fn is_everything(&self) -> bool {
        !self.is_quoted && !self.text.is_empty() && self.text.bytes().all(|byte| byte == b'*')
    }
}

impl Pattern {
    /// Parses what a manifest says.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let wrong = |reason| PatternError { text: text.to_owned(), reason };
        let (takes_away, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (first, rest) = part(rest).map_err(wrong)?;
        let Some(rest) = rest else { return Ok(Self { takes_away, first, second: None }) };
        match part(rest).map_err(wrong)? {
            (second, None) => Ok(Self { takes_away, first, second: Some(second) }),
            (_, Some(_)) => Err(wrong("it has more than two parts")),
        }
    }

    /// Whether it takes away.
    pub fn takes_away(&self) -> bool {
        self.takes_away
    }

    /// Whether it has one part only.
    pub fn is_one_name(&self) -> bool {
        self.second.is_none()
    }

    /// The schema, and the name in it, that it spells out; none if it takes away
    /// or stands for several.
    pub fn literal(&self) -> Option<(&str, Option<&str>)> {
        let second = self.second.as_ref();
        let is_literal = self.first.is_literal() && second.is_none_or(Part::is_literal);
        (is_literal && !self.takes_away)
            .then(|| (self.first.text.as_str(), second.map(|part| part.text.as_str())))
    }

    /// Whether an object fits. A pattern of one part fits all that is in the
    /// schema.
    pub fn fits_object(&self, schema: &str, name: &str) -> bool {
        self.first.fits(schema) && self.second.as_ref().is_none_or(|second| second.fits(name))
    }

    /// Whether a single name fits, as of a role; only a pattern of one part can.
    pub fn fits_name(&self, name: &str) -> bool {
        self.second.is_none() && self.first.fits(name)
    }

    /// Whether it names the schema itself, spelt out.
    pub fn is_schema(&self, schema: &str) -> bool {
        self.first.is_literal() && self.fits_name(schema)
    }

    /// Whether it says the schema's name without a `*`, whatever is in it.
    pub fn spells_schema(&self, schema: &str) -> bool {
        self.first.is_literal() && self.first.fits(schema)
    }

    /// Whether it fits something in the schema.
    pub fn touches_schema(&self, schema: &str) -> bool {
        self.first.fits(schema)
    }

    /// Whether it fits all that is in the schema.
    pub fn covers_schema(&self, schema: &str) -> bool {
        self.first.fits(schema) && self.second.as_ref().is_none_or(Part::is_everything)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.takes_away {
            f.write_str("!")?;
        }
        write!(f, "{}", self.first)?;
        match &self.second {
            Some(second) => write!(f, ".{second}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_quoted {
            true => f.write_str(&quoted(&self.text)),
            false => f.write_str(&self.text),
        }
    }
}

/// An object's name as a pattern spells it.
pub fn object_pattern(schema: &str, name: &str) -> String {
    format!("{}.{}", name_pattern(schema), name_pattern(name))
}

/// A single name as a pattern spells it: in quotes where it holds what a pattern
/// would take for something else.
pub fn name_pattern(name: &str) -> String {
    let is_special = |letter: char| matches!(letter, '*' | '.' | '"' | '!') || letter.is_whitespace();
    match name.is_empty() || name.chars().any(is_special) {
        true => quoted(name),
        false => name.to_owned(),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Takes one part off the beginning; what follows its dot, if there is one.
fn part(text: &str) -> Result<(Part, Option<&str>), &'static str> {
    let Some(inner) = text.strip_prefix('"') else {
        let (plain, rest) = match text.split_once('.') {
            Some((plain, rest)) => (plain, Some(rest)),
            None => (text, None),
        };
        if plain.is_empty() {
            return Err("a part of it is empty");
        }
        if plain.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return Err("a name with a space in it needs double quotes");
        }
        if plain.contains(['!', '"']) {
            return Err("a name with `!` or a quote in it needs double quotes");
        }
        return Ok((Part { text: plain.to_owned(), is_quoted: false }, rest));
    };
    let mut name = String::new();
    let mut rest = inner;
    loop {
        let (before, after) = rest.split_once('"').ok_or("a quote is not closed")?;
        name.push_str(before);
        match (after.strip_prefix('"'), after.strip_prefix('.')) {
            (Some(more), _) => {
                name.push('"');
                rest = more;
            }
            (None, Some(next)) => return Ok((Part { text: name, is_quoted: true }, Some(next))),
            (None, None) if after.is_empty() => return Ok((Part { text: name, is_quoted: true }, None)),
            (None, None) => return Err("something follows the closing quote"),
        }
    }
}

/// Whether a plain glob fits a text: `*` stands for any run of characters.
pub(super) fn glob_fits(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|tail| {
            // The last star takes all that the text's end leaves; trying each
            // place for it would take a time that grows with every star.
            if !rest.contains('*') {
                return tail.ends_with(rest);
            }
            let next = rest.split('*').next().unwrap_or_default();
            match next.is_empty() {
                true => glob_fits(rest, tail),
                false => tail.find(next).is_some_and(|at| glob_fits(rest, &tail[at..])),
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn globs_are_plain() {
        for (glob, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "ab", true),
            ("*_log", "audit_log", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("a**b", "ab", true),
            ("*a*", "bab", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("é*", "éa", true),
        ] {
            assert_eq!(glob_fits(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn a_glob_with_many_stars_is_quick() {
        let glob = "*a".repeat(2_000) + "b";
        assert!(!glob_fits(&glob, &"a".repeat(20_000)));
    }

    #[test]
    fn a_star_does_not_reach_over_the_dot() {
        assert!(pattern("public.*").fits_object("public", "users"));
        assert!(!pattern("public.*").fits_object("publicity", "users"));
        assert!(!pattern("p*s").fits_object("public", "users"));
        assert!(pattern("*.users").fits_object("app", "users"));
        assert!(pattern("app").fits_object("app", "users"));
        assert!(!pattern("app").fits_object("application", "users"));
    }

    #[test]
    fn quotes_take_away_the_meaning_of_dots_and_stars() {
        assert!(pattern("\"a.b\".c").fits_object("a.b", "c"));
        assert!(!pattern("\"a.b\".c").fits_object("a", "b.c"));
        assert!(!pattern("app.\"*\"").fits_object("app", "users"));
        assert!(pattern("app.\"*\"").fits_object("app", "*"));
        for (schema, name) in [("app", "users"), ("a.b", "c\"d"), ("*", "!x"), ("Ä b", "")] {
            assert!(pattern(&object_pattern(schema, name)).fits_object(schema, name), "{schema} {name}");
        }
    }

    #[test]
    fn a_schema_is_named_only_by_its_whole_name() {
        assert!(pattern("app").is_schema("app"));
        assert!(!pattern("app.*").is_schema("app"));
        assert!(!pattern("*").is_schema("app"));
        assert!(!pattern("ap*").is_schema("app"));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for text in ["", "!", ".", "a.", ".a", "a.b.c", "\"a", "\"a\"b", "a b", "!!a", "a\nb"] {
            let error = Pattern::parse(text).expect_err(text);
            assert!(error.to_string().contains("write `schema`"), "{error}");
        }
        for text in ["a", "!a.b", "\"x y\".*", "*.*"] {
            assert_eq!(pattern(text).to_string(), text);
        }
    }
}
