//! Secrets: how a manifest names them, and how they are kept out of everything
//! that is shown.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// The fewest characters of a secret. Hiding a shorter one would take ordinary
/// words out of every message, and guess-work would bring it back.
pub const MIN_SECRET: usize = 6;

/// The fewest characters of a line that is hidden by itself: a server's message
/// may repeat one line of a key that has several.
const MIN_LINE: usize = 12;

/// Where PostgreSQL clips a value that it shows in "Failing row contains", in
/// bytes; see `ExecBuildSlotValueDescription` in its sources.
const CLIPPED: usize = 64;

/// What stands where a secret was.
pub const HIDDEN: &str = "«secret»";

/// Where a secret is: a parameter's value in a manifest, in the place of the
/// secret itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretRef {
    /// `{ env = "PII_KEY" }`: an environment variable of the runner.
    Env(String),
    /// `{ file = "secrets/pii.key" }`: a file, relative to `runner.toml`; one
    /// newline at its end does not belong to the secret.
    File(String),
}

impl SecretRef {
    /// Reads a parameter's value: a table with the one key `env` or `file`.
    pub fn of(value: &Value) -> Option<Self> {
        let table = value.as_object().filter(|table| table.len() == 1)?;
        let (key, name) = table.iter().next()?;
        let name = name.as_str()?.to_owned();
        match key.as_str() {
            "env" => Some(Self::Env(name)),
            "file" => Some(Self::File(name)),
            _ => None,
        }
    }

    /// The variable's name, or the file's path.
    pub fn name(&self) -> &str {
        match self {
            Self::Env(name) | Self::File(name) => name,
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
        }
    }
}

/// Hides secrets in texts. Never shows them itself.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first: a secret may hold another one.
    hidden: Arc<[String]>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} texts)", self.hidden.len())
    }
}

impl Redactor {
    /// Hides these secrets, in each form in which a message repeats a value:
    /// as it is, as a literal of SQL, as JSON, as Rust's `Debug`, line by line,
    /// and its bytes in hexadecimal, as the server shows `bytea`.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut hidden: Vec<String> = secrets.into_iter().flat_map(|secret| forms(&secret)).collect();
        hidden.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        hidden.dedup();
        Self { hidden: hidden.into() }
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.hidden.is_empty()
    }

    /// The text without the secrets.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in self.hidden.iter() {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
            }
        }
        text
    }

    /// Hides the secrets of a text in place.
    pub fn hide_in(&self, text: &mut String) {
        if let Cow::Owned(hidden) = self.hide(text) {
            *text = hidden;
        }
    }

    /// Hides the secrets of a text in which a place is known, in characters from
    /// 1, and returns where that place is then.
    pub fn hide_with_place(&self, text: &mut String, place: Option<u32>) -> Option<u32> {
        let place = place.map(|place| {
            let before: String = text.chars().take((place as usize).saturating_sub(1)).collect();
            let hidden = self.hide(&before);
            u32::try_from(hidden.chars().count() + 1).unwrap_or(u32::MAX)
        });
        self.hide_in(text);
        place
    }
}

fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    let json = Value::from(secret).to_string();
    forms.push(json[1..json.len() - 1].to_owned());
    let debug = format!("{secret:?}");
    forms.push(debug[1..debug.len() - 1].to_owned());
    forms.push(secret.replace('\'', "''"));
    forms.push(secret.replace('\\', "\\\\").replace('\'', "''"));
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    forms.extend(secret.lines().filter(|line| line.chars().count() >= MIN_LINE).map(str::to_owned));
    let cut: Vec<String> = forms.iter().filter_map(|form| clipped(form)).collect();
    forms.extend(cut);
    forms.retain(|form| form.chars().count() >= MIN_SECRET);
    forms
}

/// The beginning of a longer text, as the server shows a value of a row that
/// violates a constraint.
fn clipped(text: &str) -> Option<String> {
    let end = (0..=CLIPPED.min(text.len())).rev().find(|at| text.is_char_boundary(*at))?;
    (end < text.len()).then(|| text[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redactor(secret: &str) -> Redactor {
        Redactor::new([secret.to_owned()])
    }

    #[test]
    fn a_reference_is_a_table_with_one_key() {
        assert_eq!(SecretRef::of(&json!({ "env": "KEY" })), Some(SecretRef::Env("KEY".into())));
        assert_eq!(SecretRef::of(&json!({ "file": "a/b" })), Some(SecretRef::File("a/b".into())));
        assert_eq!(SecretRef::of(&json!({ "env": "KEY", "file": "a" })), None);
        assert_eq!(SecretRef::of(&json!({ "env": 1 })), None);
        assert_eq!(SecretRef::of(&json!("env")), None);
    }

    #[test]
    fn every_form_of_a_secret_is_hidden() {
        let hides = redactor("hun'ter\\2\n\"x\"");
        for shown in [
            "a hun'ter\\2\n\"x\" b",
            "a hun''ter\\2\n\"x\" b",
            "a hun''ter\\\\2\n\"x\" b",
            r#"a hun'ter\\2\n\"x\" b"#,
            "a 68756e277465725c320a227822 b",
        ] {
            assert_eq!(hides.hide(shown), "a «secret» b");
        }
        assert_eq!(hides.hide("nothing of it"), "nothing of it");
        assert_eq!(format!("{hides:?}"), "Redactor(5 texts)");
    }

    #[test]
    fn a_secret_inside_another_one_leaves_no_rest() {
        let hides = Redactor::new(["hunter2".to_owned(), "my-hunter2-key".to_owned()]);
        assert_eq!(hides.hide("my-hunter2-key, hunter2"), "«secret», «secret»");
    }

    #[test]
    fn lines_of_a_long_secret_are_hidden_one_by_one() {
        let hides = redactor("-----BEGIN KEY-----\nMIIBVgIBADANBg\nQ==\n-----END KEY-----");
        assert_eq!(hides.hide("line 2: MIIBVgIBADANBg"), "line 2: «secret»");
        assert_eq!(hides.hide("Q=="), "Q==", "too short to be hidden alone");
    }

    #[test]
    fn the_beginning_of_a_long_secret_is_hidden() {
        let token = format!("ey{}", "J0eXAi".repeat(20));
        let shown = format!("Failing row contains (null, {}...).", &token[..64]);
        assert_eq!(redactor(&token).hide(&shown), "Failing row contains (null, «secret»...).");
    }

    #[test]
    fn a_place_stays_where_it_was() {
        let mut text = "select 'hunter2', x".to_owned();
        assert_eq!(redactor("hunter2").hide_with_place(&mut text, Some(19)), Some(20));
        assert_eq!(text, "select '«secret»', x");
    }
}
