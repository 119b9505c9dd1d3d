//! Parameters from the command line: `-x key=value`.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde_json::Value;

/// One parameter that takes the place of what the manifests say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    key: String,
    text: String,
}

/// Why a text is no parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// There is no `=`.
    #[error("`{0}` is no parameter: `key=value` is expected")]
    NoValue(String),
    /// There is nothing before the `=`.
    #[error("`{0}` names no parameter before the `=`")]
    NoKey(String),
}

impl FromStr for Override {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, OverrideError> {
        match text.split_once('=') {
            None => Err(OverrideError::NoValue(text.to_owned())),
            Some(("", _)) => Err(OverrideError::NoKey(text.to_owned())),
            Some((key, value)) => Ok(Self { key: key.to_owned(), text: value.to_owned() }),
        }
    }
}

/// Parameters that are given to every component that knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    overrides: Vec<Override>,
    used: BTreeSet<usize>,
}

impl Overrides {
    pub(super) fn new(overrides: Vec<Override>) -> Self {
        Self { overrides, used: BTreeSet::new() }
    }

    /// Sets what the schema of a component's parameters knows.
    pub(super) fn apply(&mut self, schema: &Value, params: &mut Value) {
        let (Some(properties), Some(params)) = (schema["properties"].as_object(), params.as_object_mut())
        else {
            return;
        };
        for (number, Override { key, text }) in self.overrides.iter().enumerate() {
            if let Some(property) = properties.get(key) {
                params.insert(key.clone(), value(property, text));
                self.used.insert(number);
            }
        }
    }

    /// The keys that no component knew.
    pub(super) fn unused(&self) -> Vec<String> {
        let unused = self.overrides.iter().enumerate().filter(|(number, _)| !self.used.contains(number));
        unused.map(|(_, Override { key, .. })| key.clone()).collect()
    }
}

/// The text as the schema wants it: as it is where a string fits, otherwise as
/// TOML writes numbers, booleans, arrays and tables. What fits neither way is
/// left to the check of all parameters, which names the place.
fn value(schema: &Value, text: &str) -> Value {
    let string = Value::String(text.to_owned());
    let fits = |value: &Value| jsonschema::is_valid(schema, value);
    let parsed = || {
        let mut table: toml::Table = format!("value = {text}").parse().ok()?;
        serde_json::to_value(table.remove("value")?).ok()
    };
    match parsed() {
        Some(parsed) if fits(&parsed) || !fits(&string) => parsed,
        _ => string,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(schema: Value, text: &str) -> Value {
        let mut params = json!({ "batch": 1 });
        let schema = json!({ "properties": { "batch": schema } });
        let parsed = format!("batch={text}").parse().expect("a parameter");
        Overrides::new(vec![parsed]).apply(&schema, &mut params);
        params["batch"].clone()
    }

    #[test]
    fn values_have_the_type_that_the_schema_wants() {
        assert_eq!(applied(json!({ "type": "integer" }), "500"), json!(500));
        assert_eq!(applied(json!({ "type": "string" }), "500"), json!("500"));
        assert_eq!(applied(json!({ "type": "string" }), "a=b 'c'"), json!("a=b 'c'"));
        assert_eq!(applied(json!({ "type": "boolean" }), "true"), json!(true));
        assert_eq!(applied(json!({ "type": "array" }), "[\"a\", \"b\"]"), json!(["a", "b"]));
        assert_eq!(applied(json!({ "type": "integer" }), "many"), json!("many"), "refused by the check");
    }

    #[test]
    fn what_no_component_knows_is_told() {
        let parse = |text: &str| text.parse::<Override>();
        let mut overrides = Overrides::new(vec![parse("a=1").expect("one"), parse("b=2").expect("one")]);
        overrides.apply(&json!({ "properties": { "b": {} } }), &mut json!({}));
        assert_eq!(overrides.unused(), ["a"]);
        insta::assert_snapshot!(parse("a").expect_err("no value"), @"`a` is no parameter: `key=value` is expected");
        insta::assert_snapshot!(parse("=1").expect_err("no key"), @"`=1` names no parameter before the `=`");
    }
}
