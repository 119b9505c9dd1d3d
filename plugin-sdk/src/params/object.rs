//! Reading a struct from a JSON object, and the schema of one: what the derive's
//! code is made of.

use std::fmt;

use serde_json::{Map, Value, json};

use super::ParamType;

/// A parameter that does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamError {
    path: String,
    message: String,
}

impl ParamError {
    /// An error about a value that does not fit. It tells the value's kind and not
    /// the value, which may be a secret.
    pub fn expected(what: &str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "a table",
        };
        Self::new(format!("expected {what}, found {found}"))
    }

    /// An error in other words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    /// The same error, inside the property of that name.
    #[must_use]
    pub fn at_key(self, key: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        let path = format!("{key}{dot}{}", self.path);
        Self { path, ..self }
    }

    /// The same error, inside the item at that place.
    #[must_use]
    pub fn at_index(self, index: usize) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        let path = format!("[{index}]{dot}{}", self.path);
        Self { path, ..self }
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "parameters: {}", self.message),
            path => write!(f, "parameter `{path}`: {}", self.message),
        }
    }
}

impl std::error::Error for ParamError {}

/// A JSON object that is being read into a struct.
pub struct Object<'a> {
    entries: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// Takes an object apart, and refuses what is not one and what holds a name
    /// that the struct does not know.
    ///
    /// # Errors
    ///
    /// Names the unknown parameter, and the known ones.
    pub fn new(value: &'a Value, known: &[&str]) -> Result<Self, ParamError> {
        let entries = value.as_object().ok_or_else(|| ParamError::expected("a table", value))?;
        match entries.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(Self { entries }),
            Some(key) if known.is_empty() => {
                Err(ParamError::new("there is no such parameter, and no other").at_key(key))
            }
            Some(key) => {
                let message = format!("there is no such parameter; there are `{}`", known.join("`, `"));
                Err(ParamError::new(message).at_key(key))
            }
        }
    }

    /// Reads one field, which must be set unless its type says otherwise.
    ///
    /// # Errors
    ///
    /// Names the field if it is missing or does not fit.
    pub fn field<T: ParamType>(&self, name: &str) -> Result<T, ParamError> {
        match self.entries.get(name) {
            Some(value) => T::from_json(value).map_err(|error| error.at_key(name)),
            None => T::missing().ok_or_else(|| ParamError::new("is not set").at_key(name)),
        }
    }

    /// Reads one field, or takes its default.
    ///
    /// # Errors
    ///
    /// Names the field if it does not fit.
    pub fn field_or<T: ParamType>(&self, name: &str, default: impl FnOnce() -> T) -> Result<T, ParamError> {
        match self.entries.get(name) {
            Some(value) => T::from_json(value).map_err(|error| error.at_key(name)),
            None => Ok(default()),
        }
    }
}

/// One property of a struct's schema.
pub struct Property {
    name: &'static str,
    schema: Value,
    required: bool,
}

impl Property {
    /// A property of that type; `description` may be empty.
    pub fn new<T: ParamType>(name: &'static str, description: &str) -> Self {
        let required = T::missing().is_none();
        Self { name, schema: described(T::schema(), description), required }
    }

    /// The same property with a default, which makes it optional.
    #[must_use]
    pub fn with_default<T: ParamType>(mut self, default: &T) -> Self {
        if let Value::Object(schema) = &mut self.schema {
            schema.insert("default".to_owned(), default.to_json());
        }
        self.required = false;
        self
    }

    /// The schema of an object with these properties and no others.
    pub fn object(properties: Vec<Self>, description: &str) -> Value {
        let required: Vec<_> =
            properties.iter().filter(|property| property.required).map(|property| property.name).collect();
        let schemas: Map<_, _> =
            properties.into_iter().map(|property| (property.name.to_owned(), property.schema)).collect();
        let schema = json!({
            "type": "object",
            "properties": schemas,
            "required": required,
            "additionalProperties": false,
        });
        described(schema, description)
    }

    /// The schema of a string that is one of these.
    pub fn choice(labels: &[&str], description: &str) -> Value {
        described(json!({ "type": "string", "enum": labels }), description)
    }

    /// The schema of a whole migration's parameters, as text.
    pub fn document(mut schema: Value) -> String {
        if let Value::Object(schema) = &mut schema {
            let draft = "https://json-schema.org/draft/2020-12/schema";
            schema.insert("$schema".to_owned(), Value::from(draft));
        }
        schema.to_string()
    }
}

fn described(mut schema: Value, description: &str) -> Value {
    if let (Value::Object(schema), false) = (&mut schema, description.is_empty()) {
        schema.insert("description".to_owned(), Value::from(description));
    }
    schema
}
