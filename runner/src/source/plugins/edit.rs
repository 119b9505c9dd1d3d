//! Changing `[plugins]` in `runner.toml`; comments and everything else stay.

use std::path::Path;

use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use crate::revision::PluginName;

use super::{PluginEntry, PluginSource, RegistryAddress};

/// The text with an entry added, or in the place of the one of that name. In the
/// named section, if one is given. What is from the registry `default` does not say
/// so. The error is for people.
pub fn with_plugin(
    text: &str,
    section: Option<&str>,
    name: &PluginName,
    entry: &PluginEntry,
    default: Option<&RegistryAddress>,
) -> Result<String, String> {
    let mut document = parse(text)?;
    let value = value(entry, default)?;
    plugins(&mut document, section)?.insert(name.as_str(), Item::Value(value));
    Ok(document.to_string())
}

fn value(entry: &PluginEntry, default: Option<&RegistryAddress>) -> Result<Value, String> {
    let mut value = InlineTable::new();
    if let Some(version) = &entry.version {
        // `^1.2` is what `1.2` means.
        let version = version.to_string().trim_start_matches('^').to_owned();
        let is_default = match &entry.source {
            PluginSource::Registry(address) => Some(address) == default,
            source => *source == PluginSource::DefaultRegistry,
        };
        if is_default {
            return Ok(version.into());
        }
        value.insert("version", version.into());
    }
    let utf8 = |path: &Path| match path.to_str() {
        Some(path) => Ok(path.to_owned()),
        None => Err(format!("the path {} is not UTF-8", path.display())),
    };
    match &entry.source {
        PluginSource::Path(path) => value.insert("path", utf8(path)?.into()),
        PluginSource::Layout(path) => value.insert("layout", utf8(path)?.into()),
        PluginSource::Registry(address) => value.insert("registry", address.to_string().into()),
        PluginSource::DefaultRegistry => None,
    };
    Ok(Value::InlineTable(value))
}

/// The text without an entry. A table that is empty then goes too.
pub fn without_plugin(text: &str, section: Option<&str>, name: &PluginName) -> Result<String, String> {
    let mut document = parse(text)?;
    let table = plugins(&mut document, section)?;
    table.remove(name.as_str()).ok_or_else(|| format!("it does not say where `{name}` is from"))?;
    if table.is_empty() && section.is_none() {
        document.remove("plugins");
    }
    Ok(document.to_string())
}

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())
}

/// The table of the entries, which is made if there is none.
fn plugins<'a>(document: &'a mut DocumentMut, section: Option<&str>) -> Result<&'a mut Table, String> {
    let unusual =
        || "`plugins` is written in a way that is not changed by itself; write it as [plugins]".to_owned();
    let mut table = document.as_table_mut();
    for key in section.into_iter().flat_map(|section| ["named", section]) {
        let below = table.entry(key).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        table = below.as_table_mut().ok_or_else(unusual)?;
    }
    let entries = table.entry("plugins").or_insert_with(|| Item::Table(Table::new()));
    entries.as_table_mut().ok_or_else(unusual)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# ours\n[migrations]\ndir = \"m\" # here\n\n[plugins]\n# why\na = { path = \"../a\" }\n\n[named.b.session]\nretries = 2\n";

    fn name(text: &str) -> PluginName {
        PluginName::new(text).expect("a name")
    }

    fn layout(version: &str) -> PluginEntry {
        let version = Some(version.parse().expect("a requirement"));
        PluginEntry { source: PluginSource::Layout("vendor".into()), version }
    }

    #[test]
    fn entries_are_added_and_removed_and_comments_stay() {
        let added = with_plugin(TEXT, None, &name("b"), &layout("1.2.0"), None).expect("adds");
        assert_eq!(
            added,
            TEXT.replace("../a\" }\n", "../a\" }\nb = { version = \"1.2.0\", layout = \"vendor\" }\n")
        );
        assert_eq!(without_plugin(&added, None, &name("b")).expect("removes"), TEXT);
        let none = without_plugin(TEXT, None, &name("a")).expect("removes");
        assert!(!none.contains("[plugins]") && none.contains("# here"), "{none}");
        assert!(without_plugin(TEXT, None, &name("c")).is_err());
    }

    #[test]
    fn what_is_from_the_default_registry_is_a_version_alone() {
        let address: RegistryAddress = "a.b/team".parse().expect("a registry");
        let version = Some("1.2.0".parse().expect("a requirement"));
        let entry = PluginEntry { source: PluginSource::Registry(address.clone()), version };
        let made = with_plugin("", None, &name("b"), &entry, Some(&address)).expect("adds");
        assert_eq!(made, "[plugins]\nb = \"1.2.0\"\n");
        let made = with_plugin("", None, &name("b"), &entry, None).expect("adds");
        assert_eq!(made, "[plugins]\nb = { version = \"1.2.0\", registry = \"a.b/team\" }\n");
    }

    #[test]
    fn a_table_is_made_where_there_is_none() {
        let made = with_plugin("", None, &name("b"), &layout("=1.2.0"), None).expect("adds");
        assert_eq!(made, "[plugins]\nb = { version = \"=1.2.0\", layout = \"vendor\" }\n");
        let made = with_plugin(TEXT, Some("b"), &name("b"), &layout("1"), None).expect("adds");
        assert!(
            made.ends_with("[named.b.plugins]\nb = { version = \"1\", layout = \"vendor\" }\n"),
            "{made}"
        );
        assert!(with_plugin("plugins = { a = 1 }", None, &name("b"), &layout("1"), None).is_err());
    }
}
