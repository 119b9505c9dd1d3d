//! Which types a parameter can have.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ParamError;
use crate::{Result, host};

/// The parameters of a migration, as a whole. Derive it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what its parameters are",
    label = "needs `#[derive(Params)]`",
    note = "a migration without parameters is a unit struct: `#[derive(Params)] struct Name;`"
)]
pub trait Params: Sized {
    /// What the migration does, in one sentence: the struct's doc comment.
    fn summary() -> &'static str {
        ""
    }

    /// The JSON Schema (draft 2020-12) of the parameters.
    fn schema() -> String;

    /// Reads the revision's parameters from the host.
    ///
    /// # Errors
    ///
    /// Names the parameter that does not fit.
    fn load() -> Result<Self>;
}

/// A type that a parameter can have. `#[derive(Params)]` implements it for
/// structs, and for enums without fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter",
    label = "not a type for a parameter",
    note = "parameters are `String`, `bool`, integers, `f64`, `Option<T>`, `Vec<T>`, \
            `BTreeMap<String, T>`, `serde_json::Value`, and your own structs and enums \
            with `#[derive(Params)]`"
)]
pub trait ParamType: Sized {
    /// The JSON Schema of the type.
    fn schema() -> Value;

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// Names the place inside the value that does not fit.
    fn from_json(value: &Value) -> Result<Self, ParamError>;

    /// Writes a value, for the schema's `default`.
    fn to_json(&self) -> Value;

    /// What stands for a parameter that is not set; none if it must be set.
    fn missing() -> Option<Self> {
        None
    }
}

/// Reads all parameters from the host; what the derive's `load` calls.
#[doc(hidden)]
pub fn load<T: ParamType>() -> Result<T> {
    let value = serde_json::from_str(&host::params())?;
    Ok(T::from_json(&value)?)
}

impl ParamType for String {
    fn schema() -> Value {
        json!({ "type": "string" })
    }

    fn from_json(value: &Value) -> Result<Self, ParamError> {
        value.as_str().map(str::to_owned).ok_or_else(|| ParamError::expected("a string", value))
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }
}

impl ParamType for bool {
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }

    fn from_json(value: &Value) -> Result<Self, ParamError> {
        value.as_bool().ok_or_else(|| ParamError::expected("true or false", value))
    }

    fn to_json(&self) -> Value {
        Value::from(*self)
    }
}

macro_rules! integer_param {
    ($($integer:ty),*) => {$(
        impl ParamType for $integer {
            fn schema() -> Value {
                json!({ "type": "integer", "minimum": Self::MIN, "maximum": Self::MAX })
            }

            fn from_json(value: &Value) -> Result<Self, ParamError> {
                let signed = value.as_i64().and_then(|number| Self::try_from(number).ok());
                let number = signed
                    .or_else(|| value.as_u64().and_then(|number| Self::try_from(number).ok()));
                number.ok_or_else(|| {
                    let range = format!("a whole number from {} to {}", Self::MIN, Self::MAX);
                    ParamError::expected(&range, value)
                })
            }

            fn to_json(&self) -> Value {
                json!(*self)
            }
        }
    )*};
}

integer_param!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl ParamType for f64 {
    fn schema() -> Value {
        json!({ "type": "number" })
    }

    fn from_json(value: &Value) -> Result<Self, ParamError> {
        value.as_f64().ok_or_else(|| ParamError::expected("a number", value))
    }

    fn to_json(&self) -> Value {
        Value::from(*self)
    }
}

impl ParamType for Value {
    fn schema() -> Value {
        json!({})
    }

    fn from_json(value: &Value) -> Result<Self, ParamError> {
        Ok(value.clone())
    }

    fn to_json(&self) -> Value {
        self.clone()
    }
}

impl<T: ParamType> ParamType for Option<T> {
    fn schema() -> Value {
        T::schema()
    }

    fn from_json(value: &Value) -> Result<Self, ParamError> {
        match value {
            Value::Null => Ok(None),
            value => T::from_json(value).map(Some),
        }
    }

    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: ParamType> ParamType for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }

    fn from_json(value: &Value) -> Result<Self, ParamError> {
        let items = value.as_array().ok_or_else(|| ParamError::expected("a list", value))?;
        let item = |(index, item)| T::from_json(item).map_err(|error| error.at_index(index));
        items.iter().enumerate().map(item).collect()
    }

    fn to_json(&self) -> Value {
        Value::Array(self.iter().map(T::to_json).collect())
    }
}

impl<T: ParamType> ParamType for BTreeMap<String, T> {
    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }

    fn from_json(value: &Value) -> Result<Self, ParamError> {
        let object = value.as_object().ok_or_else(|| ParamError::expected("a table", value))?;
        let entry = |(key, value): (&String, &Value)| {
            let value = T::from_json(value).map_err(|error| error.at_key(key))?;
            Ok((key.clone(), value))
        };
        object.iter().map(entry).collect()
    }

    fn to_json(&self) -> Value {
        self.iter().map(|(key, value)| (key.clone(), value.to_json())).collect()
    }
}
