//! The templates that a new revision's files are copied from: built in, or the
//! project's own.

use std::path::{Path, PathBuf};

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::revision::{Kind, Label, Manifest, ManifestError, PluginName, RevisionId};

use super::folder_name::{FolderNameError, slug};
use super::scan::{MANIFEST_FILE, files_below, read_text};
use super::tokens::{UnknownToken, substitute};
use super::{Project, ScanError};

/// What the files of a new revision are copied from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// A revision of kind `sql`.
    Sql,
    /// A revision of kind `rust`.
    Rust,
    /// A revision that brings branches together; of kind `sql`.
    Merge,
    /// A revision of kind `plugin`.
    Plugin,
}

/// What a new revision is made of.
#[derive(Clone, Debug)]
pub struct NewRevision {
    /// Its id, without the package: the folder says which one it is.
    pub id: RevisionId,
    /// One line of text.
    pub message: String,
    /// What its files are copied from.
    pub template: Template,
    /// The revisions before it.
    pub parents: Vec<RevisionId>,
    /// The labels that begin here.
    pub labels: Vec<Label>,
    /// Revisions of other branches that must come before it, by id or label.
    pub depends_on: Vec<String>,
    /// When it is made, on the clock that its names are to show.
    pub created: Zoned,
    /// What runs it, for the template `plugin`.
    pub plugin: Option<PluginTexts>,
    /// What `plugin-sdk` is in a new workspace's Cargo.toml, as TOML.
    pub sdk: String,
}

/// A plugin, as the manifest of a revision that it runs has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginTexts {
    /// Its name.
    pub name: PluginName,
    /// The tables of the manifest: its parameters and what it asks for.
    pub usage: String,
}

/// Why files were not made.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There is something already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// Another revision has the same name.
    #[error("{} exists already: `file_template` makes the same name of two revisions", .0.display())]
    Taken(PathBuf),
    /// The message is empty or has several lines.
    #[error("the message must be one line of text")]
    Message,
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the project's templates cannot be read.
    #[error(transparent)]
    Read(#[from] ScanError),
    /// The folder of templates that runner.toml names is not there.
    #[error("the folder of templates {} does not exist", .0.display())]
    NoFolder(PathBuf),
    /// A token that does not exist.
    #[error(transparent)]
    Token(#[from] UnknownToken),
    /// A template without a file that its revisions need.
    #[error("the template `{template}` in {} has no {file}", dir.display())]
    MissingFile {
        /// The template.
        template: &'static str,
        /// The file.
        file: &'static str,
        /// Where the template is.
        dir: PathBuf,
    },
    /// The template's manifest is none.
    #[error("the template makes a manifest that cannot be read")]
    Manifest(#[source] ManifestError),
    /// The template's manifest says something else than what was asked for.
    #[error("{} does not take over the revision's `{key}`", file.display())]
    NotTakenOver {
        /// The template's manifest.
        file: PathBuf,
        /// The key of the manifest.
        key: &'static str,
    },
    /// The folder's name would be none.
    #[error(transparent)]
    Name(#[from] FolderNameError),
    /// The folder would not be found again.
    #[error("{} would not be found again: {} is not searched deeper", dir.display(), migrations.display())]
    NotRecursive {
        /// The new folder.
        dir: PathBuf,
        /// The folder of migrations.
        migrations: PathBuf,
    },
    /// The folder would be inside another revision.
    #[error("{} would be inside the revision {}", dir.display(), revision.display())]
    Nested {
        /// The new folder.
        dir: PathBuf,
        /// The other revision's.
        revision: PathBuf,
    },
}

/// A file of a template.
pub(super) struct TemplateFile {
    /// Where it goes, below the revision's folder.
    pub(super) path: PathBuf,
    /// Where it is from, for messages.
    origin: PathBuf,
    text: String,
}

type BuiltIn = &'static [(&'static str, &'static str)];

const MANIFEST: (&str, &str) = (MANIFEST_FILE, include_str!("templates/migration.toml"));

const SQL: BuiltIn = &[
    MANIFEST,
    ("upgrade.sql", include_str!("templates/sql/upgrade.sql")),
    ("downgrade.sql", include_str!("templates/sql/downgrade.sql")),
];

const RUST: BuiltIn = &[
    (MANIFEST_FILE, include_str!("templates/rust/migration.toml")),
    ("Cargo.toml", include_str!("templates/rust/Cargo.toml")),
    ("src/lib.rs", include_str!("templates/rust/src/lib.rs")),
];

const MERGE: BuiltIn = &[
    MANIFEST,
    ("upgrade.sql", include_str!("templates/merge/upgrade.sql")),
    ("downgrade.sql", include_str!("templates/merge/downgrade.sql")),
];

const PLUGIN: BuiltIn = &[(MANIFEST_FILE, include_str!("templates/plugin.toml"))];

impl Template {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sql, Self::Rust, Self::Merge, Self::Plugin];

    /// What runs its revisions.
    pub fn kind(self) -> Kind {
        match self {
            Self::Sql | Self::Merge => Kind::Sql,
            Self::Rust => Kind::Rust,
            Self::Plugin => Kind::Plugin,
        }
    }

    /// The name of its folder among a project's templates.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Rust => "rust",
            Self::Merge => "merge",
            Self::Plugin => "plugin",
        }
    }

    /// What it is for, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Sql => "upgrade.sql and downgrade.sql",
            Self::Rust => "a Rust crate against plugin-sdk",
            Self::Merge => "a revision that brings branches together, without statements",
            Self::Plugin => "a plugin's parameters, for `runner revision --plugin`",
        }
    }

    fn built_in(self) -> BuiltIn {
        match self {
            Self::Sql => SQL,
            Self::Rust => RUST,
            Self::Merge => MERGE,
            Self::Plugin => PLUGIN,
        }
    }

    /// The project's own folder for this template, if it has one.
    pub fn folder(self, project: &Project) -> Result<Option<PathBuf>, TemplateError> {
        let Some(templates) = project.templates_dir() else {
            return Ok(None);
        };
        if !templates.is_dir() {
            return Err(TemplateError::NoFolder(templates));
        }
        Ok(Some(templates.join(self.name())).filter(|folder| folder.is_dir()))
    }

    /// Its files: the project's, else those that are built in. A project's
    /// template may leave the manifest to the one that is built in.
    pub(super) fn files(self, project: &Project) -> Result<Vec<TemplateFile>, TemplateError> {
        let Some(dir) = self.folder(project)? else {
            return Ok(self.built_in().iter().map(TemplateFile::built_in).collect());
        };
        let mut files = vec![];
        for path in files_below(&dir)? {
            let origin = dir.join(&path);
            let text = read_text(&origin)?.ok_or_else(|| TemplateError::NoFolder(dir.clone()))?;
            files.push(TemplateFile { path, origin, text });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let has = |name: &str| files.iter().any(|file| file.path == Path::new(name));
        let needed = self.built_in().iter().map(|(name, _)| *name).find(|name| *name != MANIFEST_FILE);
        if let Some(needed) = needed.filter(|needed| !has(needed)) {
            return Err(TemplateError::MissingFile { template: self.name(), file: needed, dir });
        }
        if !has(MANIFEST_FILE) {
            files.insert(0, TemplateFile::built_in(&self.built_in()[0]));
        }
        Ok(files)
    }
}

impl TemplateFile {
    fn built_in((path, text): &(&str, &str)) -> Self {
        Self { path: path.into(), origin: path.into(), text: (*text).to_owned() }
    }

    /// The file's text for a revision.
    pub(super) fn filled(&self, new: &NewRevision, longest_slug: usize) -> Result<String, TemplateError> {
        let is_toml = self.path.extension().is_some_and(|extension| extension == "toml");
        let text = substitute(&self.origin, &self.text, |name| new.token(name, is_toml, longest_slug))?;
        if self.path == Path::new(MANIFEST_FILE) {
            let manifest = Manifest::parse(&self.origin, &text).map_err(TemplateError::Manifest)?;
            if let Some(key) = new.differs_from(&manifest) {
                return Err(TemplateError::NotTakenOver { file: self.origin.clone(), key });
            }
        }
        Ok(text)
    }
}

/// The tokens of templates, and what they become.
pub const TEMPLATE_TOKENS: [(&str, &str); 14] = [
    ("revision", "the id"),
    ("parents", "the ids of the revisions before it"),
    ("message", "the message"),
    ("labels", "the branch labels"),
    ("depends_on", "the ids and labels that it depends on"),
    ("kind", "`sql`, `rust` or `plugin`"),
    ("plugin", "the name of the plugin, of a revision that one runs"),
    ("usage", "the plugin's parameters and what it asks for, as tables of the manifest"),
    ("created", "the date and time, as in 2026-11-21T10:15:00Z"),
    ("slug", "the message as part of a file's name, as in add_users"),
    ("type", "the message as the name of a type, as in AddUsers"),
    ("package", "the name of the crate"),
    ("sdk", "what the crate `plugin-sdk` is, as the value of a dependency in Cargo.toml"),
    ("dollar", "a `$`, where `${` is not to begin a token"),
];

impl NewRevision {
    /// Checks that the message is one line.
    pub(super) fn check_message(&self) -> Result<(), TemplateError> {
        match self.message.trim().is_empty() || self.message.contains(['\n', '\r']) {
            true => Err(TemplateError::Message),
            false => Ok(()),
        }
    }

    /// The value of a token. In a file of TOML, a text is written so that it
    /// can stand between double quotes, and a list so that it can stand between
    /// brackets.
    fn token(&self, name: &str, is_toml: bool, longest_slug: usize) -> Option<String> {
        let text = |text: &str| if is_toml { between_quotes(text) } else { text.to_owned() };
        let list = |items: Vec<&str>| match is_toml {
            true => items.iter().map(|item| format!("\"{}\"", between_quotes(item))).collect::<Vec<_>>(),
            false => items.into_iter().map(str::to_owned).collect(),
        };
        Some(match name {
            "revision" => text(self.id.as_str()),
            "parents" => list(self.parents.iter().map(AsRef::as_ref).collect()).join(", "),
            "message" => text(&self.message),
            "labels" => list(self.labels.iter().map(AsRef::as_ref).collect()).join(", "),
            "depends_on" => list(self.depends_on.iter().map(AsRef::as_ref).collect()).join(", "),
            "kind" => self.template.kind().as_str().to_owned(),
            "plugin" => self.plugin.as_ref().map(|plugin| plugin.name.to_string()).unwrap_or_default(),
            "usage" => self.plugin.as_ref().map(|plugin| plugin.usage.clone()).unwrap_or_default(),
            "created" => self.created_text(),
            "slug" => slug(&self.message, longest_slug),
            "type" => type_name(&self.message),
            "package" => package_name(&self.id, &self.message),
            "sdk" => self.sdk.clone(),
            "dollar" => "$".to_owned(),
            _ => return None,
        })
    }

    fn created_text(&self) -> String {
        let zone = if *self.created.time_zone() == TimeZone::UTC { "Z" } else { "%:z" };
        self.created.strftime(&format!("%Y-%m-%dT%H:%M:%S{zone}")).to_string()
    }

    fn plugin_name(&self) -> Option<&PluginName> {
        self.plugin.as_ref().map(|plugin| &plugin.name)
    }

    /// The first key in which a manifest is not this revision's.
    fn differs_from(&self, manifest: &Manifest) -> Option<&'static str> {
        let same = [
            ("revision", manifest.revision == self.id),
            ("parents", manifest.parents == self.parents),
            ("labels", manifest.labels == self.labels),
            ("depends_on", manifest.depends_on == self.depends_on),
            ("kind", manifest.kind == self.template.kind()),
            ("plugin", manifest.plugin.as_ref().map(|plugin| &plugin.name) == self.plugin_name()),
        ];
        same.iter().find(|(_, same)| !same).map(|(key, _)| *key)
    }
}

/// A text as the content of a basic string of TOML. JSON's escapes are among
/// TOML's, which has one more.
fn between_quotes(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json[1..json.len() - 1].replace('\u{7f}', "\\u007f")
}

/// `repair titles` as the name of a type: `RepairTitles`.
pub(super) fn type_name(message: &str) -> String {
    let slug = ascii_slug(message);
    let words = slug.split('_').filter(|word| !word.is_empty());
    let name: String = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name,
        _ => format!("Migration{name}"),
    }
}

fn package_name(id: &RevisionId, message: &str) -> String {
    let name = format!("migration_{id}_{}", ascii_slug(message));
    name.trim_end_matches('_').replace('.', "_")
}

/// Crates and types have ASCII names, and not too long ones.
fn ascii_slug(message: &str) -> String {
    slug(message, 40).chars().filter(char::is_ascii).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(message: &str) -> NewRevision {
        NewRevision {
            id: RevisionId::from_random(0x8b01_c7d2_aa90),
            message: message.to_owned(),
            template: Template::Sql,
            parents: vec![RevisionId::from_random(1), RevisionId::from_random(2)],
            labels: Vec::new(),
            depends_on: vec!["shop".into()],
            created: "2026-01-02T03:04:05+01:00[Europe/Berlin]".parse().expect("a time"),
            plugin: None,
            sdk: "\"0.1.0\"".into(),
        }
    }

    #[test]
    fn every_token_that_is_listed_has_a_value_and_no_other_one() {
        for (name, _) in TEMPLATE_TOKENS {
            assert!(new("m").token(name, true, 40).is_some(), "{name}");
        }
        assert_eq!(new("m").token("messages", true, 40), None);
    }

    #[test]
    fn values_are_written_as_the_file_needs_them() {
        let value = |name, is_toml| new("say \"hi\"\u{7f}\\").token(name, is_toml, 40).expect("a token");
        assert_eq!(value("message", false), "say \"hi\"\u{7f}\\");
        assert_eq!(value("message", true), "say \\\"hi\\\"\\u007f\\\\");
        assert_eq!(value("parents", false), "000000000001, 000000000002");
        assert_eq!(value("parents", true), "\"000000000001\", \"000000000002\"");
        assert_eq!(value("labels", true), "");
        assert_eq!(value("created", true), "2026-01-02T03:04:05+01:00");
    }

    #[test]
    fn crates_and_types_have_ascii_names() {
        assert_eq!(type_name("repair titles"), "RepairTitles");
        assert_eq!(type_name("2nd try"), "Migration2ndTry");
        assert_eq!(type_name("é"), "Migration");
        let package = |message| package_name(&RevisionId::new("v1.2").expect("an id"), message);
        assert_eq!(package("Größe"), "migration_v1_2_gre");
        assert_eq!(package("добавить"), "migration_v1_2");
    }

    #[test]
    fn every_built_in_template_makes_a_sound_manifest() {
        for template in Template::ALL {
            let plugin = || PluginTexts {
                name: PluginName::new("x").expect("a name"),
                usage: "[params]\n# ${table}\n".into(),
            };
            let plugin = (template == Template::Plugin).then(plugin);
            let new = NewRevision { template, plugin, ..new("say \"hi\" ${x} {y}") };
            for file in template.built_in() {
                TemplateFile::built_in(file).filled(&new, 40).expect(file.0);
            }
        }
    }
}
