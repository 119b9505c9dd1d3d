//! Every setting of a project with the value that it has, and where the value is
//! from.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::revision::{Place, without_passwords};

use super::{Config, ConfigError, Project};

/// A setting of `runner.toml`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Its table and its name, as in `session.lock_timeout`.
    pub key: String,
    /// What it is set to; null where it has no value. Passwords in it are hidden.
    pub value: Value,
    /// Where the value is from.
    pub from: SettingOrigin,
}

/// Where a setting's value is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SettingOrigin {
    /// Nobody has set it.
    Default,
    /// The file.
    File {
        /// Which.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The bundle that the project is.
    Bundle,
    /// The named section that was chosen.
    Section {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The section's name.
        name: String,
    },
}

impl Config {
    /// The settings with their values; named sections are no settings.
    fn values(&self) -> Vec<(String, Value)> {
        let mut config = self.clone();
        config.named.clear();
        let migrations = &mut config.migrations;
        if migrations.dir.is_none() && migrations.dirs.is_empty() {
            migrations.dir = Some("migrations".into());
        }
        let mut found = Vec::new();
        let whole = serde_json::to_value(&config).expect("a configuration has no keys but strings");
        flatten("", whole, &mut found);
        found.retain(|(key, _)| key != "named");
        found
    }
}

/// Tables become keys with dots; lists stay whole.
fn flatten(prefix: &str, value: Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            for (name, value) in table {
                let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                flatten(&key, value, found);
            }
        }
        other => found.push((prefix.to_owned(), hidden(other))),
    }
}

/// The value with the passwords in its texts hidden.
fn hidden(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_passwords(&text)),
        Value::Array(values) => Value::Array(values.into_iter().map(hidden).collect()),
        Value::Object(table) => table.into_iter().map(|(key, value)| (key, hidden(value))).collect(),
        other => other,
    }
}

impl Project {
    /// All settings in the order of the alphabet, with their values and where these
    /// are from. `section` is the named section that the project was loaded with.
    ///
    /// # Errors
    ///
    /// The file cannot be read any more.
    pub fn effective_settings(&self, section: Option<&str>) -> Result<Vec<Setting>, ConfigError> {
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            // A bundle is no text.
            Err(_) if self.is_bundle() => String::new(),
            Err(source) => return Err(ConfigError::Unreadable { path: self.file.clone(), source }),
        };
        let written = Written { project: self, text: &text, section };
        let table = DeTable::parse(&text).ok().map(Spanned::into_inner).unwrap_or_default();
        let setting =
            |(key, value): (String, Value)| Setting { from: written.origin(&table, &key), key, value };
        Ok(self.config.values().into_iter().map(setting).collect())
    }
}

/// What stands in the file.
struct Written<'a> {
    project: &'a Project,
    text: &'a str,
    section: Option<&'a str>,
}

impl Written<'_> {
    fn origin(&self, table: &DeTable<'_>, key: &str) -> SettingOrigin {
        let path: Vec<&str> = key.split('.').collect();
        if let Some(name) = self.section {
            let in_section: Vec<&str> = ["named", name].into_iter().chain(path.iter().copied()).collect();
            if let Some(offset) = offset_of(table, &in_section) {
                let (file, line) = self.line(offset);
                return SettingOrigin::Section { file, line, name: name.to_owned() };
            }
        }
        match offset_of(table, &path) {
            Some(offset) => {
                let (file, line) = self.line(offset);
                SettingOrigin::File { file, line }
            }
            None if is_set(&self.project.settings, &path) => SettingOrigin::Bundle,
            None => SettingOrigin::Default,
        }
    }

    fn line(&self, offset: usize) -> (PathBuf, usize) {
        let place = Place::of(&self.project.file, self.text, offset);
        (place.file, place.line)
    }
}

/// Whether a key is set at all. What no file of text has then is from a bundle.
fn is_set(table: &toml::Table, path: &[&str]) -> bool {
    match path {
        [] => false,
        [name] => table.contains_key(*name),
        [name, rest @ ..] => {
            table.get(*name).and_then(toml::Value::as_table).is_some_and(|table| is_set(table, rest))
        }
    }
}

/// Where a key stands, in bytes from the beginning of the file.
fn offset_of(table: &DeTable<'_>, path: &[&str]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let is_it = |key: &Spanned<DeString<'_>>| key.get_ref().as_ref() == *first;
    let (key, value) = table.iter().find(|(key, _)| is_it(key))?;
    match (rest, value.get_ref()) {
        ([], _) => Some(key.span().start),
        (rest, DeValue::Table(inner)) => offset_of(inner, rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_value_and_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("runner.toml");
        let text = "[session]\nretries = 1\nlock_wait = \"1m\"\n[migrations]\ntimezone = \"Europe/Berlin\"\n\
            [database]\nurl = \"postgresql://me:hunter2@db/app\"\n[[hooks]]\nname = \"f\"\ncommand = [\"f\", \"{file}\"]\n\
            files = [\"*.sql\"]\n[named.b.session]\nretries = 2\n";
        std::fs::write(&file, text).expect("writes");
        let project = Project::load_named(&file, Some("b")).expect("loads");
        let settings = project.effective_settings(Some("b")).expect("reads");
        let of = |key: &str| settings.iter().find(|setting| setting.key == key).expect(key);
        assert_eq!(of("session.retries").value, 2);
        assert!(
            matches!(&of("session.retries").from, SettingOrigin::Section { line: 13, name, .. } if name == "b")
        );
        assert!(matches!(&of("session.lock_wait").from, SettingOrigin::File { line: 3, .. }));
        assert_eq!(of("migrations.timezone").value, "Europe/Berlin");
        assert_eq!(
            (&of("migrations.dir").value, &of("migrations.dir").from),
            (&"migrations".into(), &SettingOrigin::Default)
        );
        assert_eq!(of("database.url").value, "postgresql://me:«secret»@db/app");
        assert_eq!(of("hooks").value[0]["command"][1], "{file}");
        assert_eq!(of("sandbox.owner").value, Value::Null);
    }

    #[test]
    fn what_is_shown_can_be_written_back() {
        let text = "[migrations]\nfile_template = \"{year}/{rev}_{slug}\"\ntimezone = \"local\"\n\
            dirs = [\"a\", { path = \"b\", package = \"b\", recursive = true }]\n[session]\nlock_wait = \"1h 5s\"\n\
            [[hooks]]\nname = \"f\"\ncommand = [\"f\"]\non = [\"sql\"]\ncwd = \"x\"\n[named.b.session]\nretries = 2\n";
        for text in ["", text] {
            let config: Config = toml::from_str(text).expect("parses");
            let again: Config =
                toml::from_str(&toml::to_string(&config).expect("writes")).expect("parses again");
            assert_eq!(config, again);
        }
    }
}
