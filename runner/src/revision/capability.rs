//! What a revision may do: the manifest's grants, and what a component asks for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The `[capabilities]` of a manifest. An empty list grants nothing.
///
/// Targets are `schema.table` (or a schema, a role, an extension), with `*` for
/// any run of characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capabilities {
    /// Tables that may be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Tables whose rows may be inserted, updated and deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<String>,
    /// Tables that may be truncated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub truncate: Vec<String>,
    /// Tables that may be locked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lock: Vec<String>,
    /// Schemas in which objects may be created and altered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ddl: Vec<String>,
    /// Schemas in which objects may be dropped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Tables whose row-level security may be changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rls: Vec<String>,
    /// Roles to which privileges may be granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant: Vec<String>,
    /// Extensions that may be created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<String>,
    /// Functions that triggers may call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trigger: Vec<String>,
    /// Parameters whose values are secrets: names of parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Whether code may be created in the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeGrant>,
    /// Whether the transaction's time-outs may be set.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub set_local: bool,
    /// Whether the host lends random bytes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random: bool,
}

/// Which code may be created in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeGrant {
    /// Functions whose body the runner can check.
    Vetted,
    /// Any function.
    Unchecked,
}

/// One thing that a component asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The capability's name as the manifest spells it.
    pub name: String,
    /// The targets; `${param}` stands for a parameter's value.
    pub targets: Vec<String>,
    /// The author's reason.
    pub reason: String,
}

impl Request {
    /// The targets with the parameters filled in; a list stands for each of its
    /// items. A parameter that is not set stands for nothing.
    pub fn resolved_targets(&self, params: &Value) -> Vec<String> {
        self.targets.iter().flat_map(|target| resolve(target, params)).collect()
    }
}

fn resolve(target: &str, params: &Value) -> Vec<String> {
    let Some((before, rest)) = target.split_once("${") else {
        return vec![target.to_owned()];
    };
    let Some((name, after)) = rest.split_once('}') else {
        return vec![target.to_owned()];
    };
    let values: Vec<String> = match params.get(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().map(plain).collect(),
        Some(value) => vec![plain(value)],
    };
    values.iter().flat_map(|value| resolve(&format!("{before}{value}{after}"), params)).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Capabilities {
    /// The targets of `request` that are not granted; for a capability without
    /// targets its own name.
    pub fn missing(&self, request: &Request, params: &Value) -> Vec<String> {
        match (request.name.as_str(), self.list(&request.name)) {
            (_, Some(granted)) => {
                let asked = request.resolved_targets(params);
                asked
                    .into_iter()
                    .filter(|target| !granted.iter().any(|glob| glob_fits(glob, target)))
                    .collect()
            }
            ("random", None) if self.random => Vec::new(),
            ("set_local", None) if self.set_local => Vec::new(),
            ("code", None) if self.grants_code(request) => Vec::new(),
            (name, None) => vec![name.to_owned()],
        }
    }

    fn grants_code(&self, request: &Request) -> bool {
        match self.code {
            None => false,
            Some(CodeGrant::Unchecked) => true,
            Some(CodeGrant::Vetted) => request.targets.iter().all(|target| target == "vetted"),
        }
    }

    fn list(&self, name: &str) -> Option<&[String]> {
        Some(match name {
            "read" => &self.read,
            "write" => &self.write,
            "truncate" => &self.truncate,
            "lock" => &self.lock,
            "ddl" => &self.ddl,
            "drop" => &self.drop,
            "rls" => &self.rls,
            "grant" => &self.grant,
            "extension" => &self.extension,
            "trigger" => &self.trigger,
            "secrets" => &self.secrets,
            _ => return None,
        })
    }
}

/// Whether a plain glob fits a text: `*` stands for any run of characters.
fn glob_fits(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|tail| {
            (0..=tail.len()).any(|at| tail.is_char_boundary(at) && glob_fits(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(name: &str, targets: &[&str]) -> Request {
        Request {
            name: name.into(),
            targets: targets.iter().map(|target| (*target).into()).collect(),
            reason: String::new(),
        }
    }

    #[test]
    fn targets_are_filled_from_the_parameters() {
        let request = request("write", &["${table}", "audit.${columns}", "x"]);
        let params = json!({ "table": "public.t", "columns": ["a", "b"] });
        assert_eq!(request.resolved_targets(&params), ["public.t", "audit.a", "audit.b", "x"]);
        assert_eq!(request.resolved_targets(&json!({})), ["x"]);
    }

    #[test]
    fn what_is_not_granted_is_named() {
        let granted = Capabilities {
            read: vec!["public.*".into()],
            code: Some(CodeGrant::Vetted),
            ..Capabilities::default()
        };
        let none = json!({});
        assert!(granted.missing(&request("read", &["public.a", "public.b"]), &none).is_empty());
        assert_eq!(granted.missing(&request("read", &["secret.a"]), &none), ["secret.a"]);
        assert_eq!(granted.missing(&request("write", &["public.a"]), &none), ["public.a"]);
        assert_eq!(granted.missing(&request("random", &[]), &none), ["random"]);
        assert_eq!(granted.missing(&request("unheard_of", &[]), &none), ["unheard_of"]);
        assert!(granted.missing(&request("code", &["vetted"]), &none).is_empty());
        assert_eq!(granted.missing(&request("code", &["unchecked"]), &none), ["code"]);
    }

    #[test]
    fn globs_are_plain() {
        assert!(glob_fits("public.*", "public.a"));
        assert!(glob_fits("*.a", "public.a"));
        assert!(glob_fits("p*c.*s", "public.rows"));
        assert!(!glob_fits("public.*", "publicity.a"));
        assert!(!glob_fits("public.a", "public.ab"));
    }
}
