//! The tables of a manifest that uses a plugin: every parameter with what it is
//! for, and what the plugin asks for.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::host::Description;
use crate::revision::Request;

/// The widest comment, in characters.
const WIDTH: usize = 90;

/// `[params]` with every parameter, its description and its default as comments,
/// and `[capabilities]` with what the plugin asks for, as far as the defaults say
/// on what. Nothing is set: a parameter that has no default has to be.
pub fn usage(description: &Description) -> String {
    format!("{}\n{}", params(&description.params_schema), capabilities(description))
}

/// One parameter of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type, for people: `string`, `array of string`, `one of "a", "b"`.
    pub kind: String,
    /// What it is for; may have several lines.
    pub description: String,
    /// Whether it has to be set.
    pub required: bool,
    /// What it is where it is not set, as TOML.
    pub default: Option<String>,
}

impl Parameter {
    /// The parameters of a schema, by name; those that have to be set first.
    pub fn all(schema: &Value) -> Vec<Self> {
        let listed = schema["required"].as_array().into_iter().flatten();
        let required: Vec<&str> = listed.filter_map(Value::as_str).collect();
        let properties = schema["properties"].as_object().into_iter().flatten();
        let mut all: Vec<Self> = properties
            .map(|(name, property)| Self::of(name, property, required.contains(&name.as_str())))
            .collect();
        all.sort_by(|a, b| (!a.required, &a.name).cmp(&(!b.required, &b.name)));
        all
    }

    fn of(name: &str, property: &Value, required: bool) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind(property),
            description: property["description"].as_str().unwrap_or_default().to_owned(),
            required,
            default: property.get("default").and_then(toml_text),
        }
    }

    /// The lines of a manifest that tell of it.
    fn comment(&self) -> String {
        let lines = self.description.lines().flat_map(|line| textwrap::wrap(line.trim(), WIDTH));
        let told: String = lines.map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect();
        let (name, kind) = (&self.name, &self.kind);
        told + &match &self.default {
            Some(default) => format!("# {name} = {default}   # {kind}\n"),
            None if self.required => format!("# {name} =   # {kind}; has to be set\n"),
            None => format!("# {name} =   # {kind}; may be left out\n"),
        }
    }
}

fn params(schema: &Value) -> String {
    match Parameter::all(schema) {
        none if none.is_empty() => "[params]\n# It takes none.\n".into(),
        all => all.iter().map(Parameter::comment).fold("[params]\n".to_owned(), |text, lines| text + &lines),
    }
}

fn kind(property: &Value) -> String {
    if let Some(labels) = property["enum"].as_array() {
        let labels: Vec<_> = labels.iter().map(Value::to_string).collect();
        return format!("one of {}", labels.join(", "));
    }
    let name = match &property["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any value".into(),
    };
    match name.as_str() {
        "array" => format!("array of {}", kind(&property["items"])),
        "object" if property["additionalProperties"].is_object() => {
            format!("table of {}", kind(&property["additionalProperties"]))
        }
        "object" => "table".into(),
        _ => name,
    }
}

/// A value of JSON as TOML; none of a null, which TOML has not.
fn toml_text(value: &Value) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}

fn capabilities(description: &Description) -> String {
    if description.capabilities.is_empty() {
        return "[capabilities]\n# It asks for none.\n".into();
    }
    let defaults = defaults(&description.params_schema);
    let mut text = "[capabilities]\n".to_owned();
    for name in names(description) {
        let asked = description.capabilities.iter().filter(|asked| asked.name == name);
        let (mut known, mut open) = (Vec::new(), Vec::new());
        for asked in asked {
            text += &format!("# {}\n", asked.reason);
            for target in &asked.targets {
                let one = [target.clone()].to_vec();
                let request = Request { name: name.clone(), targets: one, reason: String::new() };
                match request.resolved_targets(&defaults) {
                    resolved if resolved.is_empty() => open.push(target.clone()),
                    resolved => known.extend(resolved),
                }
            }
        }
        text += &line(&name, &known, &open);
    }
    text
}

/// The names of the capabilities, each once, in the plugin's order.
fn names(description: &Description) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for asked in &description.capabilities {
        if !names.contains(&asked.name) {
            names.push(asked.name.clone());
        }
    }
    names
}

fn line(name: &str, known: &[String], open: &[String]) -> String {
    match name {
        "random" | "set_local" => return format!("{name} = true\n"),
        "code" => {
            let grant = if known.iter().any(|target| target == "vetted") { "vetted" } else { "unchecked" };
            return format!("code = \"{grant}\"\n");
        }
        _ => {}
    }
    let mut text = String::new();
    if !known.is_empty() {
        text += &format!("{name} = {known:?}\n");
    }
    if !open.is_empty() {
        let all: Vec<&String> = known.iter().chain(open).collect();
        text += &format!("# {name} = {all:?}   # ${{…}} is the value of that parameter\n");
    }
    text
}

/// The parameters that have a default, with it.
fn defaults(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let defaults =
        properties.filter_map(|(name, property)| Some((name.clone(), property.get("default")?.clone())));
    Value::Object(defaults.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::host::CapabilityRequest;

    #[test]
    fn every_parameter_is_told_and_nothing_is_set() {
        let asked = |name: &str, targets: &[&str], reason: &str| CapabilityRequest {
            name: name.into(),
            targets: targets.iter().map(|target| (*target).to_owned()).collect(),
            reason: reason.into(),
        };
        let description = Description {
            name: "x".into(),
            version: "1.0.0".into(),
            summary: "s".into(),
            params_schema: json!({ "type": "object", "required": ["table"], "properties": {
                "table": { "type": "string", "description": "The table, as `schema.table`." },
                "columns": { "type": "array", "items": { "type": "string" }, "default": ["title"] },
                "form": { "enum": ["nfc", "nfkc"], "default": "nfc", "description": "Which form." },
                "schema": { "type": "string", "default": "public" },
                "limit": { "type": ["integer", "null"] },
            }}),
            capabilities: vec![
                asked("read", &["${table}"], "reads it"),
                asked("ddl", &["${schema}"], "makes a table there"),
                asked("random", &[], "makes keys"),
                asked("read", &["audit.log"], "looks there"),
            ],
        };
        let text = usage(&description);
        insta::assert_snapshot!(text, @r#"
        [params]
        # The table, as `schema.table`.
        # table =   # string; has to be set
        # columns = ["title"]   # array of string
        # Which form.
        # form = "nfc"   # one of "nfc", "nfkc"
        # limit =   # integer or null; may be left out
        # schema = "public"   # string

        [capabilities]
        # reads it
        # looks there
        read = ["audit.log"]
        # read = ["audit.log", "${table}"]   # ${…} is the value of that parameter
        # makes a table there
        ddl = ["public"]
        # makes keys
        random = true
        "#);
        let manifest = format!("revision = \"a\"\nparents = []\nmessage = \"m\"\nplugin = \"x\"\n\n{text}");
        let manifest =
            crate::revision::Manifest::parse(std::path::Path::new("m"), &manifest).expect("parses");
        assert!(manifest.params.is_empty());
    }
}
