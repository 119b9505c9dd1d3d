//! The tokens of templates: `${message}` in a file becomes the revision's message.
//!
//! Pure: text in, text out. Only `${` with a name and `}` is a token, so that
//! braces, `format!` strings and dollar quotes need no escape.

use std::path::Path;

use crate::revision::Place;

/// A token in a template's file that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: there is no token `${{{token}}}`")]
pub struct UnknownToken {
    /// Where it is.
    pub place: Place,
    /// Its name.
    pub token: String,
}

/// Puts values in the place of a text's tokens. `value` knows them by name;
/// `file` is for messages only.
pub fn substitute(
    file: &Path,
    text: &str,
    value: impl Fn(&str) -> Option<String>,
) -> Result<String, UnknownToken> {
    let (mut result, mut copied) = (String::with_capacity(text.len()), 0);
    for (at, _) in text.match_indices("${") {
        let Some(name) = token_name(&text[at + 2..]) else {
            continue;
        };
        let value = value(name)
            .ok_or_else(|| UnknownToken { place: Place::of(file, text, at), token: name.to_owned() })?;
        result.push_str(&text[copied..at]);
        result.push_str(&value);
        copied = at + "${}".len() + name.len();
    }
    result.push_str(&text[copied..]);
    Ok(result)
}

/// The name between `${` and `}`, if that is what follows.
fn token_name(rest: &str) -> Option<&str> {
    let (name, _) = rest.split_once('}')?;
    let letters = |character: char| character.is_ascii_alphanumeric() || character == '_';
    (name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(letters)).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> Result<String, UnknownToken> {
        substitute(Path::new("templates/sql/upgrade.sql"), text, |name| match name {
            "message" => Some("say ${revision}".into()),
            "dollar" => Some("$".into()),
            _ => None,
        })
    }

    #[test]
    fn tokens_are_replaced_once_and_everything_else_stays() {
        let cases = [
            ("-- ${message}${message}\n", "-- say ${revision}say ${revision}\n"),
            ("format!(\"{x:?} {{}}\")", "format!(\"{x:?} {{}}\")"),
            (
                "SELECT $${\"a\": 1}$$::jsonb, $1, ${}, ${1}, ${a b}, ${",
                "SELECT $${\"a\": 1}$$::jsonb, $1, ${}, ${1}, ${a b}, ${",
            ),
            ("${dollar}{message}", "${message}"),
            ("ü${message}ü", "üsay ${revision}ü"),
        ];
        for (text, expected) in cases {
            assert_eq!(filled(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn an_unknown_token_is_named_with_its_place() {
        let error = filled("-- ${message}\n-- é ${mesage}\n").expect_err("unknown");
        insta::assert_snapshot!(error, @"templates/sql/upgrade.sql:2:6: there is no token `${mesage}`");
    }

    proptest! {
        #[test]
        fn a_text_without_a_token_stays_as_it_is(text in "[${} a-z\\PC]{0,20}") {
            let named = text.match_indices("${").any(|(at, _)| token_name(&text[at + 2..]).is_some());
            if !named {
                prop_assert_eq!(filled(&text), Ok(text));
            }
        }
    }
}
