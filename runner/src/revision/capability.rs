//! What a revision may do: the manifest's grants, and what a component asks for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pattern::{Pattern, PatternError};

/// The `[capabilities]` of a manifest. An empty list grants nothing.
///
/// Targets are patterns ([`Pattern`]): `schema.name`, or a schema for all that
/// is in it, with `*` for any run of characters. `!pattern` takes away what the
/// patterns before it granted: `["app.*", "!app.secret"]`.
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
    /// Objects that may be created and altered; a schema stands for all that is
    /// in it, and its bare name lets the schema itself be created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ddl: Vec<String>,
    /// Objects that may be dropped; a schema stands for all that is in it.
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
    /// Functions and procedures that were there before, and may be called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub call: Vec<String>,
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

/// Which code may be created in the database; the second grants the first too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// Why a table of grants is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapabilityError {
    /// A target cannot be read.
    #[error("[capabilities] `{name}`: {source}")]
    Pattern {
        /// The capability.
        name: &'static str,
        /// What is wrong.
        source: PatternError,
    },
    /// A target of two parts where a single name is expected.
    #[error(
        "[capabilities] `{name}` = \"{pattern}\": a name without a dot is expected, as in `{name} = [\"{example}\"]`"
    )]
    NotOneName {
        /// The capability.
        name: &'static str,
        /// The target.
        pattern: String,
        /// What a right one looks like.
        example: &'static str,
    },
    /// The ledger would be within reach.
    #[error(
        "[capabilities] `{name}` = \"{pattern}\" reaches the schema `{schema}`, which is the runner's own; \
         name the schemas that are meant, or add \"!{schema}\" after it"
    )]
    Ledger {
        /// The capability.
        name: &'static str,
        /// The target.
        pattern: String,
        /// The ledger's schema.
        schema: String,
    },
}

impl CapabilityError {
    /// The capability that it is about.
    pub fn capability(&self) -> &'static str {
        match self {
            Self::Pattern { name, .. } | Self::NotOneName { name, .. } | Self::Ledger { name, .. } => name,
        }
    }
}

/// The capabilities whose targets are objects, as `schema.name`.
const OBJECTS: [&str; 9] = ["read", "write", "truncate", "lock", "ddl", "drop", "rls", "trigger", "call"];

impl Capabilities {
    /// Checks that every target can be read, and that none reaches a schema of
    /// the runner's own. Where there is no grant of code for everything: its two
    /// values are all that the manifest's parser takes.
    pub fn check(&self, ledger_schemas: &[&str]) -> Result<(), CapabilityError> {
        for name in OBJECTS {
            let patterns = self.parsed(name)?;
            for schema in ledger_schemas {
                if let Some(pattern) = reaching(&patterns, schema) {
                    let (pattern, schema) = (pattern.to_string(), (*schema).to_owned());
                    return Err(CapabilityError::Ledger { name, pattern, schema });
                }
            }
        }
        for (name, example) in [("grant", "reporting"), ("extension", "pg_trgm"), ("secrets", "api_key")] {
            for (pattern, text) in self.parsed(name)?.iter().zip(self.list(name).unwrap_or_default()) {
                if !pattern.is_one_name() {
                    return Err(CapabilityError::NotOneName { name, pattern: text.clone(), example });
                }
            }
        }
        Ok(())
    }

    fn parsed(&self, name: &'static str) -> Result<Vec<Pattern>, CapabilityError> {
        let list = self.list(name).unwrap_or_default();
        let parse = |text: &String| Pattern::parse(text);
        list.iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map_err(|source| CapabilityError::Pattern { name, source })
    }

    /// The targets of `request` that are not granted; for a capability without
    /// targets its own name.
    pub fn missing(&self, request: &Request, params: &Value) -> Vec<String> {
        match (request.name.as_str(), self.list(&request.name)) {
            (_, Some(granted)) => {
                let asked = request.resolved_targets(params);
                asked.into_iter().filter(|target| !is_granted(granted, target)).collect()
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

    /// The targets of a capability, by the name that the manifest has for it.
    pub fn list(&self, name: &str) -> Option<&[String]> {
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
            "call" => &self.call,
            "secrets" => &self.secrets,
            _ => return None,
        })
    }

    /// Grants what `more` grants too.
    pub fn add(&mut self, more: &Self) {
        let lists = [
            (&mut self.read, &more.read),
            (&mut self.write, &more.write),
            (&mut self.truncate, &more.truncate),
            (&mut self.lock, &more.lock),
            (&mut self.ddl, &more.ddl),
            (&mut self.drop, &more.drop),
            (&mut self.rls, &more.rls),
            (&mut self.grant, &more.grant),
            (&mut self.extension, &more.extension),
            (&mut self.trigger, &more.trigger),
            (&mut self.call, &more.call),
            (&mut self.secrets, &more.secrets),
        ];
        for (mine, theirs) in lists {
            let new: Vec<String> = theirs.iter().filter(|target| !mine.contains(target)).cloned().collect();
            mine.extend(new);
        }
        self.code = self.code.max(more.code);
        self.set_local |= more.set_local;
        self.random |= more.random;
    }

    /// The grants in words, one line a capability: `reads public.users`.
    pub fn in_words(&self) -> Vec<String> {
        const WORDS: [(&str, &str); 12] = [
            ("read", "reads"),
            ("write", "writes rows of"),
            ("truncate", "truncates"),
            ("lock", "locks"),
            ("ddl", "creates and alters"),
            ("drop", "drops"),
            ("rls", "changes row-level security of"),
            ("grant", "grants privileges to"),
            ("extension", "creates the extensions"),
            ("trigger", "makes triggers call"),
            ("call", "calls"),
            ("secrets", "is given the secrets"),
        ];
        let lists = WORDS.iter().filter_map(|(name, words)| sentence(words, self.list(name)?));
        let code = self.code.map(|grant| match grant {
            CodeGrant::Vetted => "creates and runs functions whose bodies the runner can check",
            CodeGrant::Unchecked => {
                "creates and runs ANY function: its code is not checked, and may act later with the rights of others"
            }
        });
        let flags = [
            code,
            self.set_local.then_some("sets its time-outs"),
            self.random.then_some("is given random bytes"),
        ];
        lists.chain(flags.into_iter().flatten().map(str::to_owned)).collect()
    }
}

/// `reads app.users and all in schema audit, but not app.secret`.
fn sentence(words: &str, targets: &[String]) -> Option<String> {
    let (without, with): (Vec<&String>, Vec<&String>) =
        targets.iter().partition(|text| text.starts_with('!'));
    if with.is_empty() {
        return None;
    }
    let is_object =
        !words.contains("privileges") && !words.contains("extensions") && !words.contains("secrets");
    let named = |text: &&String| match is_object && !text.contains('.') {
        true => format!("everything in schema {text}"),
        false => (*text).clone(),
    };
    let granted = with.iter().map(named).collect::<Vec<_>>().join(", ");
    if without.is_empty() {
        return Some(format!("{words} {granted}"));
    }
    let left_out = without.iter().map(|text| text.trim_start_matches('!')).collect::<Vec<_>>().join(", ");
    Some(format!("{words} {granted}, but not {left_out}"))
}

/// The pattern with which a list reaches into a schema, if it does: one that
/// fits there, with none after it that takes the whole schema away.
fn reaching<'a>(patterns: &'a [Pattern], schema: &str) -> Option<&'a Pattern> {
    let mut reaching = None;
    for pattern in patterns {
        if pattern.takes_away() && pattern.covers_schema(schema) {
            reaching = None;
        } else if !pattern.takes_away() && pattern.touches_schema(schema) {
            reaching = Some(pattern);
        }
    }
    reaching
}

/// Whether a list grants what a component asks for, which may be a pattern
/// itself. The last pattern that fits decides.
fn is_granted(granted: &[String], target: &str) -> bool {
    let fits = |pattern: &Pattern| match target.split_once('.') {
        Some((schema, name)) => pattern.fits_object(schema, name),
        None => pattern.fits_name(target) || pattern.covers_schema(target),
    };
    let patterns = granted.iter().rev().filter_map(|text| Pattern::parse(text).ok());
    patterns.into_iter().find(|pattern| fits(pattern)).is_some_and(|pattern| !pattern.takes_away())
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

    fn granting(read: &[&str]) -> Capabilities {
        Capabilities { read: read.iter().map(|text| (*text).into()).collect(), ..Capabilities::default() }
    }

    #[test]
    fn what_is_taken_away_is_missing() {
        let granted = granting(&["app.*", "!app.secret", "other"]);
        let none = json!({});
        assert_eq!(granted.missing(&request("read", &["app.a", "app.secret"]), &none), ["app.secret"]);
        assert!(granted.missing(&request("read", &["other.x", "other", "app"]), &none).is_empty());
    }

    #[test]
    fn a_grant_that_reaches_the_ledger_is_refused() {
        for (read, is_fine) in [
            (&["app.*"][..], true),
            (&["*"], false),
            (&["run*"], false),
            (&["runner.history"], false),
            (&["*.users"], false),
            (&["*", "!runner"], true),
            (&["*", "!runner.*"], true),
            (&["!runner", "*"], false),
            (&["*", "!runner.history"], false),
            (&["runners"], true),
        ] {
            assert_eq!(granting(read).check(&["runner"]).is_ok(), is_fine, "{read:?}");
        }
        let text = granting(&["run*.x"]).check(&["runner"]).expect_err("reaches").to_string();
        assert_eq!(
            text,
            "[capabilities] `read` = \"run*.x\" reaches the schema `runner`, which is the runner's own; \
             name the schemas that are meant, or add \"!runner\" after it"
        );
    }

    #[test]
    fn malformed_targets_are_refused() {
        assert!(matches!(
            granting(&["a.b.c"]).check(&[]),
            Err(CapabilityError::Pattern { name: "read", .. })
        ));
        let roles = Capabilities { grant: vec!["app.role".into()], ..Capabilities::default() };
        assert!(matches!(roles.check(&[]), Err(CapabilityError::NotOneName { name: "grant", .. })));
    }

    #[test]
    fn code_for_everything_cannot_be_written() {
        assert!(serde_json::from_value::<Capabilities>(json!({ "code": "*" })).is_err());
        assert!(serde_json::from_value::<Capabilities>(json!({ "code": ["*"] })).is_err());
    }

    #[test]
    fn grants_are_said_in_words() {
        let granted = Capabilities {
            read: vec!["app.*".into(), "!app.secret".into()],
            ddl: vec!["app".into()],
            extension: vec!["pg_trgm".into()],
            code: Some(CodeGrant::Vetted),
            random: true,
            ..Capabilities::default()
        };
        assert_eq!(
            granted.in_words(),
            [
                "reads app.*, but not app.secret",
                "creates and alters everything in schema app",
                "creates the extensions pg_trgm",
                "creates and runs functions whose bodies the runner can check",
                "is given random bytes",
            ]
        );
    }
}
