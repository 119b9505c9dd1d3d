//! `alembic.ini` and `[tool.alembic]` of pyproject.toml, as far as they say
//! where the revisions are.

use std::path::Path;

use configparser::ini::Ini;

/// How often one setting may refer to another.
const MAX_REFERENCES: usize = 10;

/// The settings of an Alembic project.
#[derive(Debug, Default)]
pub struct Settings {
    ini: Option<Ini>,
    section: String,
    toml: toml::Table,
    /// What `%(here)s` stands for in the one and in the other.
    here: (String, String),
}

/// A setting, which a TOML file may write as a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// One text.
    Text(String),
    /// Several.
    List(Vec<String>),
}

impl Settings {
    /// Reads the texts of the two files. The error is for people.
    pub fn parse(
        ini: Option<(&Path, &str)>,
        toml: Option<(&Path, &str)>,
        section: &str,
    ) -> Result<Self, String> {
        let mut settings = Self { section: section.to_lowercase(), ..Self::default() };
        if let Some((file, text)) = ini {
            settings.ini = Some(parse_ini(text).map_err(|error| format!("{}: {error}", file.display()))?);
            settings.here.0 = here(file);
        }
        if let Some((file, text)) = toml {
            let table: toml::Table = text.parse().map_err(|error| format!("{}: {error}", file.display()))?;
            settings.toml = tool_alembic(&table).cloned().unwrap_or_default();
            settings.here.1 = here(file);
        }
        Ok(settings)
    }

    /// A setting, with its references filled in. As in Alembic the .ini file
    /// goes before the TOML file.
    pub fn get(&self, name: &str) -> Result<Option<Setting>, String> {
        if let Some(text) = self.in_ini(name) {
            return self.filled(&text, MAX_REFERENCES).map(|text| Some(Setting::Text(text)));
        }
        let here = |text: &str| text.replace("%(here)s", &self.here.1).replace("%%", "%");
        Ok(match self.toml.get(name) {
            None => None,
            Some(toml::Value::Array(items)) => {
                Some(Setting::List(items.iter().filter_map(toml::Value::as_str).map(here).collect()))
            }
            Some(toml::Value::String(text)) => Some(Setting::Text(here(text))),
            Some(other) => Some(Setting::Text(other.to_string())),
        })
    }

    /// A setting that is one text.
    pub fn text(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.get(name)?.map(|setting| match setting {
            Setting::Text(text) => text,
            Setting::List(list) => list.concat(),
        }))
    }

    /// Whether there is a section or a table of that name.
    pub fn has_section(&self, name: &str) -> bool {
        let in_ini = self.ini.as_ref().is_some_and(|ini| ini.get_map_ref().contains_key(name));
        in_ini || self.toml.contains_key(name)
    }

    /// A list: of a TOML file as it is, else split as Alembic does.
    pub fn list(&self, name: &str) -> Result<Vec<String>, String> {
        let text = match self.get(name)? {
            None => return Ok(Vec::new()),
            Some(Setting::List(list)) => return Ok(list),
            Some(Setting::Text(text)) => text,
        };
        let separator = match self.in_ini("path_separator") {
            Some(separator) => Some(separator),
            None if name == "version_locations" => self.in_ini("version_path_separator"),
            None => None,
        };
        let parts: Vec<&str> = match separator.as_deref() {
            None => text.split([' ', ',', '\n']).collect(),
            Some("os" | ":") => text.split(':').collect(),
            Some("space") => text.split(' ').collect(),
            Some("newline") => text.lines().collect(),
            Some(";") => text.split(';').collect(),
            Some(other) => {
                return Err(format!("`path_separator` is `{other}`; os, space, newline, : or ; is expected"));
            }
        };
        Ok(parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn in_ini(&self, name: &str) -> Option<String> {
        let ini = self.ini.as_ref()?;
        ini.get(&self.section, name).or_else(|| ini.get("default", name))
    }

    /// Fills in `%(name)s`, and makes `%%` a `%`.
    fn filled(&self, text: &str, depth: usize) -> Result<String, String> {
        let depth = depth.checked_sub(1).ok_or("a setting refers to itself")?;
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            filled.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                filled.push('%');
                rest = after;
                continue;
            }
            let reference = after.strip_prefix('(').and_then(|after| after.split_once(")s"));
            let (name, after) = reference.ok_or_else(|| format!("`{text}` holds a single `%`"))?;
            match name {
                "here" => filled.push_str(&self.here.0),
                name => {
                    let value = self.in_ini(name).ok_or_else(|| format!("`%({name})s` is not set"))?;
                    filled.push_str(&self.filled(&value, depth)?);
                }
            }
            rest = after;
        }
        Ok(filled + rest)
    }
}

/// Reads what Python's configparser writes: no comments within a line, and
/// values that go on where the next line is indented.
fn parse_ini(text: &str) -> Result<Ini, String> {
    let mut defaults = Ini::new().defaults();
    defaults.multiline = true;
    defaults.enable_inline_comments = false;
    let mut ini = Ini::new_from_defaults(defaults);
    ini.read(text.to_owned())?;
    Ok(ini)
}

fn tool_alembic(table: &toml::Table) -> Option<&toml::Table> {
    table.get("tool")?.get("alembic")?.as_table()
}

/// Whether a pyproject.toml is one of Alembic's.
pub fn is_alembic_toml(text: &str) -> bool {
    text.parse::<toml::Table>().is_ok_and(|table| tool_alembic(&table).is_some())
}

fn here(file: &Path) -> String {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().unwrap_or(&absolute).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(ini: &str, toml: &str) -> Settings {
        let ini = (!ini.is_empty()).then_some((Path::new("/app/alembic.ini"), ini));
        let toml = (!toml.is_empty()).then_some((Path::new("/app/pyproject.toml"), toml));
        Settings::parse(ini, toml, "alembic").expect("parses")
    }

    #[test]
    fn references_and_lines_that_go_on_are_read_as_python_does() {
        let settings = settings(
            "[DEFAULT]\nbase = %(here)s/db\n[alembic]\n# a comment\nscript_location = %(base)s/100%% ; no comment\n\
             path_separator = newline\nversion_locations =\n    %(here)s/a\n    b\n\n[post_write_hooks]\n",
            "",
        );
        let text = settings.text("script_location").expect("sound");
        assert_eq!(text.as_deref(), Some("/app/db/100% ; no comment"));
        assert_eq!(settings.list("version_locations").expect("sound"), ["/app/a", "b"]);
        assert!(settings.has_section("post_write_hooks"));
        assert_eq!(settings.text("timezone"), Ok(None));
    }

    #[test]
    fn lists_are_split_as_the_separator_says() {
        for (separator, text, expected) in [
            ("", "a, b c", vec!["a", "b", "c"]),
            ("path_separator = os", "a b:c", vec!["a b", "c"]),
            ("version_path_separator = ;", "a;b", vec!["a", "b"]),
            ("path_separator = space", "a  b", vec!["a", "b"]),
        ] {
            let settings = settings(&format!("[alembic]\n{separator}\nversion_locations = {text}\n"), "");
            assert_eq!(settings.list("version_locations").expect("sound"), expected, "{separator}");
        }
        let wrong = settings("[alembic]\npath_separator = |\nversion_locations = a|b\n", "");
        assert!(wrong.list("version_locations").is_err());
    }

    #[test]
    fn a_setting_that_cannot_be_filled_in_is_an_error() {
        for text in ["%(nothing)s", "100%", "%(script_location)s"] {
            let settings = settings(&format!("[alembic]\nscript_location = {text}\n"), "");
            assert!(settings.text("script_location").is_err(), "{text}");
        }
    }

    #[test]
    fn the_ini_file_goes_before_the_toml_file() {
        let toml = "[tool.alembic]\nscript_location = \"%(here)s/b\"\nversion_locations = [\"%(here)s/v\", \"w\"]\n\
                    recursive_version_locations = true\n";
        let both = settings("[alembic]\nscript_location = a\n", toml);
        assert_eq!(both.text("script_location").expect("sound").as_deref(), Some("a"));
        assert_eq!(both.list("version_locations").expect("sound"), ["/app/v", "w"]);
        assert_eq!(both.text("recursive_version_locations").expect("sound").as_deref(), Some("true"));
        assert_eq!(settings("", toml).text("script_location").expect("sound").as_deref(), Some("/app/b"));
        assert!(is_alembic_toml(toml) && !is_alembic_toml("[tool.x]\n"));
    }
}
