//! `migration.toml`: parse and validate.

use std::fmt;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::without_passwords;
use super::{Capabilities, Digest, Label, PluginUse, Requirement, RevisionId};

/// A revision's manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The revision's id.
    pub revision: RevisionId,
    /// The revisions that come directly before it. None for a base, two or more
    /// for a merge.
    pub parents: Vec<RevisionId>,
    /// One line for people.
    pub message: String,
    /// Names for the branch that begins here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// Revisions of other branches, by id or label, that must be applied before; or
    /// versions of other packages, as in `billing@^1.2` (see [`Requirement`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// The version since which it is part of its package. Where it is not said, the
    /// newest of its parents'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Version>,
    /// What runs it. A migration.toml says `plugin` instead, where that does.
    #[serde(default = "Kind::where_none_is_said")]
    pub kind: Kind,
    /// The plugin that runs it, for kind `plugin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginUse>,
    /// How it is wrapped in transactions.
    #[serde(default)]
    pub transaction: TransactionMode,
    /// When it was written; for people only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Where it is from, if another tool's revision was made into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// The component's parameters.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// What it may do. Without the table the SQL of a project's own revision may
    /// do whatever the login may; code may do nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}

impl Manifest {
    /// What its statements are held to; none for a revision of kind `sql` that
    /// declares nothing: its text is the project's own, and whoever reviews it
    /// sees all of it.
    pub fn grants(&self) -> Option<Capabilities> {
        match (&self.capabilities, self.kind) {
            (Some(capabilities), _) => Some(capabilities.clone()),
            (None, Kind::Sql) => None,
            (None, Kind::Rust | Kind::Plugin | Kind::Imported) => Some(Capabilities::default()),
        }
    }
}

/// What runs a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `upgrade.sql` and `downgrade.sql`, by the component that the runner
    /// carries with it.
    Sql,
    /// A Rust crate of its own.
    Rust,
    /// A component that other projects may use too.
    Plugin,
    /// Nothing: another tool ran it. It can be stamped and not be run.
    Imported,
}

impl Kind {
    /// The kind of a manifest that names none: its plugin runs it.
    fn where_none_is_said() -> Self {
        Self::Plugin
    }

    /// The name as the manifest spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Rust => "rust",
            Self::Plugin => "plugin",
            Self::Imported => "imported",
        }
    }
}

/// `[imported]`: the revision of another tool that this one was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// The other tool.
    pub tool: Tool,
    /// Its file, relative to its project.
    pub file: String,
    /// The file's digest; says whether it was edited since.
    pub digest: Digest,
    /// Why there is nothing to run, for kind `imported`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A tool whose revisions can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// Alembic, of SQLAlchemy.
    Alembic,
}

/// How a revision is wrapped in transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransactionMode {
    /// One transaction a revision.
    #[default]
    Revision,
    /// None: each statement is a step of its own in the ledger's eyes. For what
    /// PostgreSQL refuses inside a transaction; of kind `sql` only.
    None,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where only the file is known.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset in a text.
    pub fn of(file: &Path, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl Place {
    /// The place of the line that begins with `key`; the beginning of the text
    /// if none does.
    pub fn of_key(file: &Path, text: &str, key: &str) -> Self {
        Self::of(file, text, key_offset(text, key))
    }
}

impl Place {
    /// The place of a line under `[capabilities]`.
    pub fn of_grant(file: &Path, text: &str, capability: &str) -> Self {
        let table = key_offset(text, "[capabilities]");
        Self::of(file, text, table + key_offset(&text[table..], capability))
    }
}

impl Place {
    /// The place of a quoted text in the value of a key, which may have several
    /// lines; that of the key if it is spelt another way.
    pub fn of_text(file: &Path, text: &str, key: &str, quoted: &str) -> Self {
        let key = key_offset(text, key);
        let found = ['"', '\''].iter().find_map(|quote| text[key..].find(&format!("{quote}{quoted}{quote}")));
        Self::of(file, text, key + found.unwrap_or_default())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file.display()),
            line => write!(f, "{}:{line}:{}", self.file.display(), self.column),
        }
    }
}

/// Why a TOML file of ours cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ManifestError {
    /// Where it is wrong.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ManifestError {
    /// Makes the error of the TOML parser one of ours: with the file's name and,
    /// for an unknown key, the nearest known one.
    pub fn from_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        let (message, hint) = match unknown_key(error.message()) {
            Some((key, known)) => (format!("unknown key `{key}`"), nearest(&key, &known)),
            None => (without_values(&error.message().replace('\n', " ")), None),
        };
        Self { place: Place::of(file, text, offset), message, hint }
    }
}

/// Leaves out the text that is of the wrong type, which serde repeats: it may be the
/// database's URL, or a password alone.
fn without_values(message: &str) -> String {
    let text = ["invalid type: string \"", "invalid value: string \""];
    let cut = text.iter().find_map(|begins| {
        let (_, expected) = message.strip_prefix(begins)?.rsplit_once("\", expected ")?;
        Some(format!("{}, expected {expected}", begins.trim_end_matches(" \"")))
    });
    cut.unwrap_or_else(|| without_passwords(message))
}

/// Reads serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let mut quoted = rest.split('`').step_by(2).map(str::to_owned);
    let key = quoted.next()?;
    Some((key, rest.split('`').skip(2).step_by(2).map(str::to_owned).collect()))
}

/// The hint that names the known key that is most like the unknown one.
fn nearest(key: &str, known: &[String]) -> Option<String> {
    let likeness = |candidate: &String| strsim::jaro_winkler(key, candidate);
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    Some(match likeness(best) >= 0.75 {
        true => format!("Did you mean `{best}`?"),
        false => format!("Known keys: {}.", known.join(", ")),
    })
}

impl Manifest {
    /// Parses a manifest. `file` is for messages only.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ManifestError> {
        let manifest: Self =
            toml::from_str(text).map_err(|error| ManifestError::from_toml(file, text, &error))?;
        manifest.validate(file, text)?;
        Ok(manifest)
    }

    fn validate(&self, file: &Path, text: &str) -> Result<(), ManifestError> {
        let wrong = |key: &str, message: String, hint: &str| ManifestError {
            place: Place::of_key(file, text, key),
            message,
            hint: Some(hint.to_owned()),
        };
        if self.message.trim().is_empty() || self.message.contains('\n') {
            return Err(wrong(
                "message",
                "`message` must be one line of text".into(),
                "Say what the revision does.",
            ));
        }
        if let Some(twice) = first_duplicate(&self.parents) {
            return Err(wrong("parents", format!("parent `{twice}` is named twice"), "Name it once."));
        }
        if let Some(twice) = first_duplicate(&self.labels) {
            return Err(wrong("labels", format!("label `{twice}` is written twice"), "Write it once."));
        }
        if let Some(twice) = first_duplicate(&self.depends_on) {
            return Err(wrong("depends_on", format!("`{twice}` is named twice"), "Name it once."));
        }
        for entry in self.depends_on.iter().filter(|entry| Requirement::is_meant(entry)) {
            if let Err(error) = entry.parse::<Requirement>() {
                return Err(ManifestError {
                    place: Place::of_text(file, text, "depends_on", entry),
                    message: error.to_string(),
                    hint: Some("A range is written as in `billing@1.2` or `billing@>=1.2, <2`.".into()),
                });
            }
        }
        if self.parents.contains(&self.revision) {
            let message = format!("revision `{}` names itself as its parent", self.revision);
            return Err(wrong("parents", message, "A base has `parents = []`."));
        }
        self.check_plugin().map_err(|(key, message, hint)| wrong(key, message, hint))?;
        if self.kind == Kind::Imported && self.imported.is_none() {
            let message = "a revision of kind `imported` has no [imported]".into();
            let hint = "It says which revision of another tool this is; `runner import` writes it.";
            return Err(wrong("kind", message, hint));
        }
        if let Some(Err(error)) = self.capabilities.as_ref().map(|granted| granted.check(&[])) {
            return Err(ManifestError {
                place: Place::of_grant(file, text, error.capability()),
                message: error.to_string(),
                hint: None,
            });
        }
        if self.transaction == TransactionMode::None && self.kind != Kind::Sql {
            let message = format!(
                "`transaction = \"none\"` is for kind `sql`, and this is of kind `{}`: what a component does is \
                 whole because it is done in the runner's transaction",
                self.kind.as_str()
            );
            let hint = "Put the statements that need it into a revision of kind `sql`.";
            return Err(wrong("transaction", message, hint));
        }
        if self.kind == Kind::Sql && !self.params.is_empty() {
            let hint = "Write the values into upgrade.sql and downgrade.sql.";
            return Err(wrong("[params]", "a revision of kind `sql` takes no parameters".into(), hint));
        }
        Ok(())
    }
}

impl Manifest {
    /// The key that is wrong about what runs it, why, and what to do.
    fn check_plugin(&self) -> Result<(), (&'static str, String, &'static str)> {
        match (self.kind, &self.plugin) {
            (Kind::Plugin, None) => Err((
                "kind",
                "missing field `kind`".into(),
                "`kind = \"sql\"`, `kind = \"rust\"`, or `plugin = \"NAME\"` in its place, says what runs it.",
            )),
            (Kind::Plugin, Some(plugin)) => match plugin.wanted() {
                Err(error) => Err((
                    "plugin",
                    format!(
                        "`{}` asks for no versions of plugin `{}`: {error}",
                        String::from(plugin.clone()),
                        plugin.name
                    ),
                    "A range is written as in `repair-text@1.2`; `plugin = \"repair-text\"` takes any version.",
                )),
                Ok(_) => Ok(()),
            },
            (Kind::Sql | Kind::Rust | Kind::Imported, Some(plugin)) => Err((
                "plugin",
                format!("plugin `{}` cannot run a revision of kind `{}`", plugin.name, self.kind.as_str()),
                "Leave `kind` out where `plugin` is set.",
            )),
            (Kind::Sql | Kind::Rust | Kind::Imported, None) => Ok(()),
        }
    }
}

/// Where a line begins with `key`; the beginning of the text if none does.
fn key_offset(text: &str, key: &str) -> usize {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with(key) {
            return offset;
        }
        offset += line.len();
    }
    0
}

fn first_duplicate<T: PartialEq>(items: &[T]) -> Option<&T> {
    items.iter().enumerate().find(|(at, item)| items[..*at].contains(item)).map(|(_, item)| item)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
revision = "8b01c7d2aa90"
parents = ["3f2a9c1b7d4e"]
message = "repair listing titles"
kind = "rust"

[params]
table = "public.listings"
columns = ["title", "description"]
batch = 5000

[capabilities]
write = ["public.listings"]
"#;

    fn parse(text: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(Path::new("migrations/x/migration.toml"), text)
    }

    fn error(text: &str) -> String {
        let error = parse(text).expect_err("should not parse");
        format!("{error}\n{}", error.hint.as_deref().unwrap_or_default())
    }

    #[test]
    fn a_good_manifest_parses() {
        let manifest = parse(GOOD).expect("parses");
        assert_eq!(manifest.revision.as_str(), "8b01c7d2aa90");
        assert_eq!(manifest.params["batch"], 5000);
        let write = manifest.grants().expect("it declares").write;
        assert_eq!(write, ["public.listings"]);
        assert_eq!(manifest.transaction, TransactionMode::Revision);
    }

    #[test]
    fn a_plugin_stands_in_the_place_of_the_kind() {
        let mut manifest =
            parse(&GOOD.replace("kind = \"rust\"", "plugin = \"repair-text\"")).expect("parses");
        assert_eq!(manifest.kind, Kind::Plugin);
        let plugin = manifest.plugin.as_mut().expect("it is set");
        assert_eq!(plugin.name.as_str(), "repair-text");
        plugin.version = Some("1.2.0".into());
        let json = serde_json::to_value(&manifest).expect("serialises");
        assert_eq!(json["plugin"], "repair-text@1.2.0", "as the ledger records it");
        assert_eq!(serde_json::from_value::<Manifest>(json).expect("deserialises"), manifest);
    }

    #[test]
    fn a_manifest_survives_being_written_down() {
        let manifest = parse(GOOD).expect("parses");
        let json = serde_json::to_string(&manifest).expect("serialises");
        assert_eq!(serde_json::from_str::<Manifest>(&json).expect("deserialises"), manifest);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
        insta::assert_snapshot!(error(&GOOD.replace("parents =", "parnets =")), @r"
        migrations/x/migration.toml:3:1: unknown key `parnets`
        Did you mean `parents`?
        ");
        insta::assert_snapshot!(error(&GOOD.replace("write =", "wrote =")), @r"
        migrations/x/migration.toml:13:1: unknown key `wrote`
        Did you mean `write`?
        ");
    }

    #[test]
    fn malformed_manifests_are_refused_with_their_place() {
        insta::assert_snapshot!(error(&GOOD.replace("[\"3f2a9c1b7d4e\"]", "[\"3f2a9c1b7d4e\"")), @"migrations/x/migration.toml:4:1: missing comma between array elements, expected `,`");
        insta::assert_snapshot!(error(&GOOD.replace("3f2a9c1b7d4e", "a@b")), @"migrations/x/migration.toml:3:11: `a@b` holds '@'; letters, digits, `_` and `.` are allowed");
        insta::assert_snapshot!(error(&GOOD.replace("3f2a9c1b7d4e", "8b01c7d2aa90")), @r"
        migrations/x/migration.toml:3:1: revision `8b01c7d2aa90` names itself as its parent
        A base has `parents = []`.
        ");
        let more = |lines: &str| error(&GOOD.replace("kind =", &format!("{lines}\nkind =")));
        insta::assert_snapshot!(more("labels = [\"a\", \"a\"]"), @r"
        migrations/x/migration.toml:5:1: label `a` is written twice
        Write it once.
        ");
        insta::assert_snapshot!(more("depends_on = [\"b\", \"b\"]"), @r"
        migrations/x/migration.toml:5:1: `b` is named twice
        Name it once.
        ");
        insta::assert_snapshot!(error(&GOOD.replace("kind = \"rust\"", "kind = \"cobol\"")), @"migrations/x/migration.toml:5:8: unknown variant `cobol`, expected one of `sql`, `rust`, `plugin`, `imported`");
        insta::assert_snapshot!(more("transaction = \"none\""), @r#"
        migrations/x/migration.toml:5:1: `transaction = "none"` is for kind `sql`, and this is of kind `rust`: what a component does is whole because it is done in the runner's transaction
        Put the statements that need it into a revision of kind `sql`.
        "#);
        insta::assert_snapshot!(error(&GOOD.replace("kind = \"rust\"", "kind = \"sql\"")), @r"
        migrations/x/migration.toml:7:1: a revision of kind `sql` takes no parameters
        Write the values into upgrade.sql and downgrade.sql.
        ");
        insta::assert_snapshot!(error(&GOOD.replace("kind = \"rust\"\n", "")), @r#"
        migrations/x/migration.toml:1:1: missing field `kind`
        `kind = "sql"`, `kind = "rust"`, or `plugin = "NAME"` in its place, says what runs it.
        "#);
        let runs = |lines: &str| error(&GOOD.replace("kind = \"rust\"", lines));
        insta::assert_snapshot!(runs("kind = \"rust\"\nplugin = \"x\""), @r"
        migrations/x/migration.toml:6:1: plugin `x` cannot run a revision of kind `rust`
        Leave `kind` out where `plugin` is set.
        ");
        insta::assert_snapshot!(runs("plugin = \"x@new\""), @r#"
        migrations/x/migration.toml:5:1: `x@new` asks for no versions of plugin `x`: unexpected character 'n' while parsing major version number
        A range is written as in `repair-text@1.2`; `plugin = "repair-text"` takes any version.
        "#);
        insta::assert_snapshot!(more("depends_on = [\"c\",\n  \"b@one\"]"), @r"
        migrations/x/migration.toml:6:3: `b@one` asks for no versions: unexpected character 'o' while parsing major version number
        A range is written as in `billing@1.2` or `billing@>=1.2, <2`.
        ");
        insta::assert_snapshot!(runs("plugin = \"X y\""), @"migrations/x/migration.toml:5:10: `X y` is no name of a plugin: lower-case letters, digits, `-` and `_` are allowed, after a letter");
        insta::assert_snapshot!(error(&GOOD.replace("repair listing titles", "")), @r"
        migrations/x/migration.toml:4:1: `message` must be one line of text
        Say what the revision does.
        ");
    }
}
