//! The secrets that parameters name: who knows them, and where they go.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::revision::{Capabilities, MIN_SECRET, Redactor, SecretRef};

use super::PrepareError;

/// Knows what a reference to a secret stands for, or says why not. The library
/// reads no environment: whoever uses it decides where secrets are.
type Lookup = dyn Fn(&SecretRef) -> Result<String, String> + Send + Sync;

/// Who knows the secrets that parameters name.
#[derive(Clone)]
pub struct Secrets {
    lookup: Arc<Lookup>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Secrets as `lookup` knows them; its error says why there is none, and is
    /// shown.
    pub fn new(lookup: impl Fn(&SecretRef) -> Result<String, String> + Send + Sync + 'static) -> Self {
        Self { lookup: Arc::new(lookup) }
    }

    /// Nobody knows any.
    pub fn none() -> Self {
        Self::new(|_| Err("this program gives migrations no secrets".to_owned()))
    }
}

/// Puts the secrets into the places where the parameters name them, at any
/// depth, if the manifest grants them; and makes what hides them. Without
/// anybody who knows them the names stay.
pub(super) fn resolve(
    params: &Value,
    grants: &Capabilities,
    secrets: Option<&Secrets>,
) -> Result<(Value, Redactor), PrepareError> {
    let Value::Object(params) = params else {
        return Ok((params.clone(), Redactor::default()));
    };
    let (mut given, mut found) = (Map::new(), Vec::new());
    for (name, value) in params {
        check_granted(name, value, grants)?;
        given.insert(name.clone(), resolved(value, secrets, &mut found)?);
    }
    Ok((Value::Object(given), Redactor::new(found)))
}

/// A parameter that names a secret, at any depth, has to be granted by its name.
fn check_granted(name: &String, value: &Value, grants: &Capabilities) -> Result<(), PrepareError> {
    match !names_any(value) || grants.secrets.contains(name) {
        true => Ok(()),
        false => Err(PrepareError::Capabilities {
            missing: vec![format!("`secrets` on {name} (the parameter names a secret)")],
            lines: vec![format!("secrets = [{name:?}]")],
        }),
    }
}

/// Whether a secret is named anywhere in the parameters.
pub(super) fn names_any(params: &Value) -> bool {
    match params {
        named if SecretRef::of(named).is_some() => true,
        Value::Array(items) => items.iter().any(names_any),
        Value::Object(table) => table.values().any(names_any),
        _ => false,
    }
}

fn resolved(
    value: &Value,
    secrets: Option<&Secrets>,
    found: &mut Vec<String>,
) -> Result<Value, PrepareError> {
    if let Some(reference) = SecretRef::of(value) {
        let Some(secrets) = secrets else {
            return Ok(value.clone());
        };
        let secret = looked_up(&reference, secrets)?;
        found.push(secret.clone());
        return Ok(Value::String(secret));
    }
    Ok(match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| resolved(item, secrets, found));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(table) => {
            let entries =
                table.iter().map(|(key, value)| Ok((key.clone(), resolved(value, secrets, found)?)));
            Value::Object(entries.collect::<Result<_, PrepareError>>()?)
        }
        other => other.clone(),
    })
}

fn looked_up(reference: &SecretRef, secrets: &Secrets) -> Result<String, PrepareError> {
    let unusable = |reason: String| PrepareError::Secret { reference: reference.clone(), reason };
    let secret = (secrets.lookup)(reference).map_err(unusable)?;
    if secret.chars().count() < MIN_SECRET {
        return Err(unusable(format!("it has fewer than {MIN_SECRET} characters, which cannot be hidden")));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(|reference| match reference.name() {
            "KEY" => Ok("hunter-two".to_owned()),
            "SHORT" => Ok("x".to_owned()),
            _ => Err("it is not set".to_owned()),
        })
    }

    fn tried(params: Value, granted: &[&str]) -> Result<(Value, Redactor), PrepareError> {
        let grants = Capabilities {
            secrets: granted.iter().map(|name| (*name).to_owned()).collect(),
            ..Capabilities::default()
        };
        resolve(&params, &grants, Some(&secrets()))
    }

    #[test]
    fn a_secret_takes_the_place_of_its_name_at_any_depth() {
        let params =
            json!({ "key": { "env": "KEY" }, "keys": [{ "id": 1, "of": { "env": "KEY" } }], "n": 1 });
        let (given, redactor) = tried(params, &["key", "keys"]).expect("is granted");
        let expected = json!({ "key": "hunter-two", "keys": [{ "id": 1, "of": "hunter-two" }], "n": 1 });
        assert_eq!(given, expected);
        assert_eq!(redactor.hide("key hunter-two"), "key «secret»");
    }

    #[test]
    fn what_is_not_granted_not_set_or_too_short_stops_the_plan() {
        let error = |name: &str, granted: &[&str]| {
            let error = tried(json!({ "key": { "env": name } }), granted).expect_err("is refused");
            error.to_string()
        };
        insta::assert_snapshot!(error("KEY", &["other"]), @"it asks for what the manifest does not grant: `secrets` on key (the parameter names a secret)");
        insta::assert_snapshot!(error("NONE", &["key"]), @"the environment variable NONE cannot be used as a secret: it is not set");
        insta::assert_snapshot!(error("SHORT", &["key"]), @"the environment variable SHORT cannot be used as a secret: it has fewer than 6 characters, which cannot be hidden");
    }
}
