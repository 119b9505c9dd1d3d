//! The names of new revisions' folders: `[migrations] file_template`.
//!
//! Pure: names in, names out. The tokens are Alembic's, spelt `{year}`.

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use crate::revision::RevisionId;

/// How the folder of a new revision is named. `/` makes folders in folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FolderTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Token(Token),
}

/// What a name can be made of. Numbers of the calendar have a fixed width, so
/// that names are in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Rev,
    Slug,
    Epoch,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

const TOKENS: [(&str, Token); 9] = [
    ("rev", Token::Rev),
    ("slug", Token::Slug),
    ("epoch", Token::Epoch),
    ("year", Token::Year),
    ("month", Token::Month),
    ("day", Token::Day),
    ("hour", Token::Hour),
    ("minute", Token::Minute),
    ("second", Token::Second),
];

/// Why a text is no template of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FolderTemplateError {
    /// There is nothing, or nothing between two `/`.
    #[error("a folder's name cannot be empty: `file_template` neither begins nor ends with `/`")]
    Empty,
    /// A token that does not exist.
    #[error("`file_template` knows no token `{{{0}}}`; there are {known}", known = known_tokens())]
    UnknownToken(String),
    /// A brace that opens or closes nothing.
    #[error("a `{0}` in `file_template` is half of a token, as in `{{rev}}`")]
    Brace(char),
    /// A token as it is spelt in alembic.ini.
    #[error("`{0}` is how alembic.ini spells a token; here it is `{{year}}`, always with its zeros")]
    Alembic(String),
    /// A character that not every file system takes, or a step upwards.
    #[error("`file_template` holds {0:?}, which cannot be part of a folder's name")]
    NotAName(String),
}

/// A name that would not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`file_template` makes {name:?} of this revision, which cannot be a folder's name")]
pub struct FolderNameError {
    /// The name, or the part of it between two `/`.
    pub name: String,
}

impl Default for FolderTemplate {
    fn default() -> Self {
        let text = "{year}{month}{day}_{hour}{minute}{second}_{rev}_{slug}";
        Self::try_from(text.to_owned()).expect("the default is a template")
    }
}

impl TryFrom<String> for FolderTemplate {
    type Error = FolderTemplateError;

    fn try_from(text: String) -> Result<Self, FolderTemplateError> {
        if let Some(at) = text.find("%(") {
            let end = text[at..].find(char::is_alphabetic).and_then(|_| text[at..].find(')'));
            return Err(FolderTemplateError::Alembic(
                text[at..end.map_or(text.len(), |end| at + end + 1)].into(),
            ));
        }
        let template = Self { parts: parts(&text)? };
        template.check_text()?;
        Ok(template)
    }
}

impl From<FolderTemplate> for String {
    fn from(template: FolderTemplate) -> Self {
        let written = |part: Part| match part {
            Part::Text(text) => text,
            Part::Token(token) => {
                let name = TOKENS.iter().find(|(_, known)| *known == token).map(|(name, _)| name);
                format!("{{{}}}", name.expect("every token has a name"))
            }
        };
        template.parts.into_iter().map(written).collect()
    }
}

fn parts(text: &str) -> Result<Vec<Part>, FolderTemplateError> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        if rest[at..].starts_with('}') {
            return Err(FolderTemplateError::Brace('}'));
        }
        let end = rest[at..].find('}').ok_or(FolderTemplateError::Brace('{'))? + at;
        let name = &rest[at + 1..end];
        let token = TOKENS.iter().find(|(known, _)| *known == name);
        let (_, token) = token.ok_or_else(|| FolderTemplateError::UnknownToken(name.to_owned()))?;
        parts.push(Part::Text(rest[..at].to_owned()));
        parts.push(Part::Token(*token));
        rest = &rest[end + 1..];
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

fn known_tokens() -> String {
    TOKENS.map(|(name, _)| format!("`{{{name}}}`")).join(", ")
}

impl FolderTemplate {
    /// How many folders are above a revision's own: 0 without `/`.
    pub fn depth(&self) -> usize {
        let slashes = |part: &Part| match part {
            Part::Text(text) => text.matches('/').count(),
            Part::Token(_) => 0,
        };
        self.parts.iter().map(slashes).sum()
    }

    /// Whether two revisions always get two names.
    pub fn is_unique(&self) -> bool {
        self.parts.contains(&Part::Token(Token::Rev))
    }

    /// The path of a new revision's folder, below the folder of migrations.
    pub fn render(&self, id: &RevisionId, slug: &str, created: &Zoned) -> Result<PathBuf, FolderNameError> {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Token(token) => token.push(&mut path, id, slug, created),
            }
        }
        path.split('/').map(folder_name).collect()
    }

    /// Checks what stands between the tokens, with a token as any letter.
    fn check_text(&self) -> Result<(), FolderTemplateError> {
        let text: String = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Token(_) => "x",
            })
            .collect();
        if let Some(bad) = text.chars().find(|found| found.is_control() || "\\:*?\"<>|".contains(*found)) {
            return Err(FolderTemplateError::NotAName(bad.to_string()));
        }
        for name in text.split('/') {
            match name {
                "" => return Err(FolderTemplateError::Empty),
                name if name.starts_with('.') => return Err(FolderTemplateError::NotAName(name.to_owned())),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Token {
    fn push(self, path: &mut String, id: &RevisionId, slug: &str, created: &Zoned) {
        let written = match self {
            Self::Rev => write!(path, "{id}"),
            Self::Slug => write!(path, "{slug}"),
            Self::Epoch => write!(path, "{}", created.timestamp().as_second()),
            Self::Year => write!(path, "{:04}", created.year()),
            Self::Month => write!(path, "{:02}", created.month()),
            Self::Day => write!(path, "{:02}", created.day()),
            Self::Hour => write!(path, "{:02}", created.hour()),
            Self::Minute => write!(path, "{:02}", created.minute()),
            Self::Second => write!(path, "{:02}", created.second()),
        };
        written.expect("a string takes everything");
    }
}

/// One folder's name, without what an empty slug leaves at its end. A name that
/// begins with a dot is hidden, and may lead upwards.
fn folder_name(name: &str) -> Result<&str, FolderNameError> {
    match name.trim_end_matches(['_', '-', '.', ' ']) {
        "" => Err(FolderNameError { name: name.to_owned() }),
        hidden if hidden.starts_with('.') => Err(FolderNameError { name: name.to_owned() }),
        trimmed => Ok(trimmed),
    }
}

/// A message as part of a file's name, as Alembic makes it: its words in lower
/// case, joined by `_`; as many whole words as fit into `longest` characters.
pub fn slug(message: &str, longest: usize) -> String {
    let words = message.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    let (mut slug, mut length) = (String::new(), 0);
    for word in words.map(str::to_lowercase) {
        let joined = length + usize::from(length > 0) + word.chars().count();
        if length == 0 {
            slug = word.chars().take(longest).collect();
        } else if joined <= longest {
            slug.push('_');
            slug.push_str(&word);
        }
        length = joined;
        if length > longest {
            break;
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(text: &str) -> Result<FolderTemplate, FolderTemplateError> {
        FolderTemplate::try_from(text.to_owned())
    }

    fn rendered(text: &str, id: &str, slug: &str) -> Result<String, FolderNameError> {
        let id = RevisionId::new(id).expect("an id");
        let created = "2026-01-02T03:04:05+01:00[Europe/Berlin]".parse().expect("a time");
        let path = template(text).expect("a template").render(&id, slug, &created)?;
        Ok(path.display().to_string())
    }

    #[test]
    fn every_token_has_its_value_and_its_zeros() {
        let cases = [
            ("{rev}_{slug}", "ab12_add_users"),
            ("{year}{month}{day}_{hour}{minute}{second}_{rev}", "20260102_030405_ab12"),
            ("{epoch}-{slug}", "1767319445-add_users"),
            ("{year}/{month}/v{rev}", "2026/01/vab12"),
        ];
        for (text, expected) in cases {
            assert_eq!(rendered(text, "ab12", "add_users").as_deref(), Ok(expected));
        }
        assert_eq!(template("{year}/{month}/v{rev}").expect("a template").depth(), 2);
        assert_eq!(FolderTemplate::default().depth(), 0);
        assert!(
            FolderTemplate::default().is_unique() && !template("{slug}").expect("a template").is_unique()
        );
    }

    #[test]
    fn a_name_does_not_end_in_what_an_empty_slug_leaves() {
        assert_eq!(rendered("{rev}_{slug}", "ab12", "").as_deref(), Ok("ab12"));
        assert_eq!(rendered("{slug}_/{rev}", "ab12", "").map_err(|error| error.name), Err("_".into()));
    }

    #[test]
    fn no_name_leads_upwards_or_is_hidden() {
        for id in ["..", ".", "...", ".hidden"] {
            assert!(rendered("{rev}", id, "x").is_err(), "{id}");
            assert!(rendered("{year}/{rev}_{slug}", id, "").is_err(), "{id}");
        }
    }

    #[test]
    fn templates_that_are_none_are_refused() {
        let error = |text: &str| template(text).expect_err("no template").to_string();
        insta::assert_snapshot!(error("{revv}_{slug}"), @"`file_template` knows no token `{revv}`; there are `{rev}`, `{slug}`, `{epoch}`, `{year}`, `{month}`, `{day}`, `{hour}`, `{minute}`, `{second}`");
        insta::assert_snapshot!(error("{rev"), @"a `{` in `file_template` is half of a token, as in `{rev}`");
        insta::assert_snapshot!(error("rev}"), @"a `}` in `file_template` is half of a token, as in `{rev}`");
        insta::assert_snapshot!(error("%(year)d_%(month).2d_%(rev)s"), @"`%(year)` is how alembic.ini spells a token; here it is `{year}`, always with its zeros");
        insta::assert_snapshot!(error("{rev}/"), @"a folder's name cannot be empty: `file_template` neither begins nor ends with `/`");
        insta::assert_snapshot!(error("{year}/../{rev}"), @r#"`file_template` holds "..", which cannot be part of a folder's name"#);
        insta::assert_snapshot!(error("{rev}\n"), @r#"`file_template` holds "\n", which cannot be part of a folder's name"#);
        for text in ["", "/{rev}", "a//{rev}", ".{rev}", "a\\{rev}", "%("] {
            assert!(template(text).is_err(), "{text}");
        }
    }

    #[test]
    fn slugs_are_whole_words_in_lower_case() {
        assert_eq!(slug("Add e-mail index!", 40), "add_e_mail_index");
        assert_eq!(slug("Größe der Überschrift", 40), "größe_der_überschrift");
        assert_eq!(slug("", 40), "");
        assert_eq!(slug(" -- ", 40), "");
        assert_eq!(slug("a/../b", 40), "a_b");
        assert_eq!(
            slug("a very long message that says everything there is to say", 40),
            "a_very_long_message_that_says_everything"
        );
        assert_eq!(slug("one two three", 8), "one_two");
        assert_eq!(slug("one twothree x", 8), "one", "no word after one that did not fit");
        assert_eq!(slug("incomprehensibilities", 5), "incom");
    }

    proptest! {
        #[test]
        fn no_template_panics_and_no_name_leaves_its_folder(
            text in "\\PC{0,12}|(\\{(rev|slug|year)\\}|[./_%({}a-z]){0,6}",
            message in "\\PC{0,20}",
            longest in 1usize..12,
        ) {
            let slug = slug(&message, longest);
            prop_assert!(slug.chars().count() <= longest && !slug.contains(['/', '.', ' ']));
            if let Ok(template) = template(&text) {
                let id = RevisionId::new("..").expect("an id");
                let created = "2026-01-02T03:04:05Z[UTC]".parse().expect("a time");
                if let Ok(path) = template.render(&id, &slug, &created) {
                    prop_assert_eq!(path.components().count(), template.depth() + 1);
                    let plain = |part| matches!(part, std::path::Component::Normal(_));
                    prop_assert!(path.components().all(plain), "{}", path.display());
                }
            }
        }
    }
}
