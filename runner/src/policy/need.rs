//! What a statement needs, and whether a manifest grants it.

use crate::revision::{Capabilities, CapabilityError, CodeGrant, Pattern, name_pattern, object_pattern};

/// A right on one object, by the name that the manifest has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    Read,
    Write,
    Truncate,
    Lock,
    Ddl,
    Drop,
    Rls,
    Call,
}

/// A name with its schema, as the server has it: folded, without quotes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The schema.
    pub schema: String,
    /// The object's name in it.
    pub name: String,
}

/// One thing that a statement needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// One of these rights on an object. What is first is suggested.
    Object(&'static [Right], Name),
    /// Any right on an object, or a privilege on it to be passed on.
    Use(Name),
    /// A type: any right on anything in its schema.
    Type(Name),
    /// The schema itself may be made, altered or dropped.
    Schema(Right, String),
    /// Anything may be created in the schema.
    Inside(String),
    /// Privileges for a role.
    Role(String),
    /// An extension.
    Extension(String),
    /// A function, as a trigger.
    Trigger(Name),
    /// Code of this kind.
    Code(CodeGrant),
    /// The transaction's time-outs.
    SetLocal,
    /// Some right to change something.
    SomeChange,
}

impl Right {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Truncate => "truncate",
            Self::Lock => "lock",
            Self::Ddl => "ddl",
            Self::Drop => "drop",
            Self::Rls => "rls",
            Self::Call => "call",
        }
    }
}

impl Need {
    /// The line of the manifest that would grant it.
    pub(super) fn line(&self) -> Option<String> {
        let line = |name: &str, target: String| Some(format!("{name} = [{}]", toml_string(&target)));
        match self {
            Self::Object(rights, name) => line(rights.first()?.name(), name.pattern()),
            Self::Use(name) | Self::Type(name) => line("read", name.pattern()),
            Self::Schema(right, schema) => line(right.name(), name_pattern(schema)),
            Self::Inside(schema) => line("ddl", name_pattern(schema)),
            Self::Role(role) => line("grant", name_pattern(role)),
            Self::Extension(name) => line("extension", name_pattern(name)),
            Self::Trigger(name) => line("trigger", trigger_pattern(name)),
            Self::Code(CodeGrant::Vetted) => Some("code = \"vetted\"".into()),
            Self::Code(CodeGrant::Unchecked) => Some("code = \"unchecked\"".into()),
            Self::SetLocal => Some("set_local = true".into()),
            Self::SomeChange => None,
        }
    }

    /// What is not granted, in words.
    pub(super) fn why(&self) -> String {
        let no = |right: &str, what: &str| format!("the manifest does not grant `{right}` on `{what}`");
        match self {
            Self::Object(rights, name) => {
                let names: Vec<_> = rights.iter().map(|right| right.name()).collect();
                no(&names.join("` or `"), &name.pattern())
            }
            Self::Use(name) => format!("the manifest grants nothing on `{}`", name.pattern()),
            Self::Type(name) => format!("the manifest grants nothing in schema `{}`", name.schema),
            Self::Schema(right, schema) => {
                format!("the manifest does not name the schema `{schema}` itself under `{}`", right.name())
            }
            Self::Inside(schema) => no("ddl", schema),
            Self::Role(role) => format!("the manifest does not name the role `{role}` under `grant`"),
            Self::Extension(name) => format!("the manifest does not name `{name}` under `extension`"),
            Self::Trigger(name) => {
                format!("the manifest does not name `{}` under `trigger`", trigger_pattern(name))
            }
            Self::Code(_) => "the manifest does not grant `code`".into(),
            Self::SetLocal => "the manifest does not grant `set_local`".into(),
            Self::SomeChange => "the manifest grants nothing that changes anything".into(),
        }
    }
}

impl Name {
    pub(super) fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    pub(super) fn pattern(&self) -> String {
        object_pattern(&self.schema, &self.name)
    }
}

/// PostgreSQL's own trigger functions are written without their schema.
fn trigger_pattern(name: &Name) -> String {
    match name.schema == "pg_catalog" {
        true => name_pattern(&name.name),
        false => name.pattern(),
    }
}

fn toml_string(text: &str) -> String {
    match text.contains(['"', '\\']) {
        true => format!("'{text}'"),
        false => format!("\"{text}\""),
    }
}

/// The schemas of the catalogs: only a pattern that spells them out reaches them.
const CATALOGS: [&str; 2] = ["pg_catalog", "information_schema"];

/// The grants of one manifest, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Grants {
    read: Vec<Pattern>,
    write: Vec<Pattern>,
    truncate: Vec<Pattern>,
    lock: Vec<Pattern>,
    ddl: Vec<Pattern>,
    drop: Vec<Pattern>,
    rls: Vec<Pattern>,
    call: Vec<Pattern>,
    grant: Vec<Pattern>,
    extension: Vec<Pattern>,
    trigger: Vec<Pattern>,
    code: Option<CodeGrant>,
    set_local: bool,
}

impl Grants {
    /// Reads a manifest's lists.
    pub(super) fn new(from: &Capabilities) -> Result<Self, CapabilityError> {
        let read = |name: &'static str| -> Result<Vec<Pattern>, CapabilityError> {
            let list = from.list(name).unwrap_or_default();
            let parsed = list.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>();
            parsed.map_err(|source| CapabilityError::Pattern { name, source })
        };
        Ok(Self {
            read: read("read")?,
            write: read("write")?,
            truncate: read("truncate")?,
            lock: read("lock")?,
            ddl: read("ddl")?,
            drop: read("drop")?,
            rls: read("rls")?,
            call: read("call")?,
            grant: read("grant")?,
            extension: read("extension")?,
            trigger: read("trigger")?,
            code: from.code,
            set_local: from.set_local,
        })
    }

    /// Whether this is granted.
    pub(super) fn allow(&self, need: &Need) -> bool {
        match need {
            Need::Object(rights, name) => rights.iter().any(|right| fits(self.list(*right), name)),
            Need::Use(name) => {
                self.objects().any(|list| fits(list, name))
                    && !self.objects().any(|list| is_taken_away(list, name))
            }
            Need::Type(name) => {
                self.objects().any(|list| fits(list, name))
                    || (self.objects().flatten().any(|pattern| touches(pattern, &name.schema))
                        && !self.objects().any(|list| is_taken_away(list, name)))
            }
            Need::Schema(right, schema) => last(self.list(*right), |pattern| {
                pattern.is_schema(schema) || (pattern.takes_away() && pattern.covers_schema(schema))
            }),
            Need::Inside(schema) => {
                self.ddl.iter().any(|pattern| touches(pattern, schema))
                    && last(&self.ddl, |pattern| pattern.covers_schema(schema) || touches(pattern, schema))
            }
            Need::Role(role) => last(&self.grant, |pattern| pattern.fits_name(role)),
            Need::Extension(name) => last(&self.extension, |pattern| pattern.fits_name(name)),
            Need::Trigger(name) => self.allows_trigger(name),
            Need::Code(CodeGrant::Vetted) => self.code.is_some(),
            Need::Code(CodeGrant::Unchecked) => self.code == Some(CodeGrant::Unchecked),
            Need::SetLocal => self.set_local,
            Need::SomeChange => !self.ddl.is_empty() || !self.write.is_empty(),
        }
    }

    pub(super) fn code(&self) -> Option<CodeGrant> {
        self.code
    }

    fn allows_trigger(&self, name: &Name) -> bool {
        match name.schema == "pg_catalog" {
            true => last(&self.trigger, |pattern| {
                pattern.fits_name(&name.name)
                    || (pattern.spells_schema("pg_catalog") && fits_object(pattern, name))
            }),
            false => last(&self.trigger, |pattern| !pattern.is_one_name() && fits_object(pattern, name)),
        }
    }

    fn list(&self, right: Right) -> &[Pattern] {
        match right {
            Right::Read => &self.read,
            Right::Write => &self.write,
            Right::Truncate => &self.truncate,
            Right::Lock => &self.lock,
            Right::Ddl => &self.ddl,
            Right::Drop => &self.drop,
            Right::Rls => &self.rls,
            Right::Call => &self.call,
        }
    }

    fn objects(&self) -> impl Iterator<Item = &[Pattern]> {
        [&self.read, &self.write, &self.truncate, &self.lock, &self.ddl, &self.drop, &self.rls, &self.call]
            .into_iter()
            .map(Vec::as_slice)
    }
}

/// Whether the last pattern that fits grants.
fn last(list: &[Pattern], does_fit: impl Fn(&Pattern) -> bool) -> bool {
    list.iter().rev().find(|pattern| does_fit(pattern)).is_some_and(|pattern| !pattern.takes_away())
}

fn fits(list: &[Pattern], name: &Name) -> bool {
    last(list, |pattern| fits_object(pattern, name))
}

fn fits_object(pattern: &Pattern, name: &Name) -> bool {
    let is_catalog = CATALOGS.contains(&name.schema.as_str());
    if is_catalog && !pattern.takes_away() && !pattern.spells_schema(&name.schema) {
        return false;
    }
    pattern.fits_object(&name.schema, &name.name)
}

fn touches(pattern: &Pattern, schema: &str) -> bool {
    !pattern.takes_away() && pattern.touches_schema(schema)
}

fn is_taken_away(list: &[Pattern], name: &Name) -> bool {
    let last = list.iter().rev().find(|pattern| fits_object(pattern, name));
    last.is_some_and(Pattern::takes_away)
}

/// The smallest grants that allow all of these.
pub(super) fn smallest<'a>(needs: impl Iterator<Item = &'a Need>) -> Capabilities {
    let mut found = Capabilities::default();
    let mut types = Vec::new();
    for need in needs {
        match need {
            Need::Object(rights, name) => {
                let Some(first) = rights.first() else { continue };
                list_of(&mut found, *first).push(name.pattern());
            }
            Need::Use(_) | Need::Type(_) => types.push(need),
            Need::Schema(right, schema) => list_of(&mut found, *right).push(name_pattern(schema)),
            Need::Inside(schema) => found.ddl.push(name_pattern(schema)),
            Need::Role(role) => found.grant.push(name_pattern(role)),
            Need::Extension(name) => found.extension.push(name_pattern(name)),
            Need::Trigger(name) => found.trigger.push(trigger_pattern(name)),
            Need::Code(CodeGrant::Unchecked) => found.code = Some(CodeGrant::Unchecked),
            Need::Code(CodeGrant::Vetted) => found.code = found.code.or(Some(CodeGrant::Vetted)),
            Need::SetLocal => found.set_local = true,
            Need::SomeChange => {}
        }
    }
    add_types(&mut found, &types);
    for list in [
        &mut found.read,
        &mut found.write,
        &mut found.truncate,
        &mut found.lock,
        &mut found.ddl,
        &mut found.drop,
        &mut found.rls,
        &mut found.call,
        &mut found.grant,
        &mut found.extension,
        &mut found.trigger,
    ] {
        list.sort();
        list.dedup();
        leave_out_what_a_schema_covers(list);
    }
    found
}

/// Types, and what is only looked at, that nothing else lets be used.
fn add_types(found: &mut Capabilities, needs: &[&Need]) {
    for need in needs {
        let Ok(grants) = Grants::new(found) else { continue };
        if let Need::Use(name) | Need::Type(name) = need
            && !grants.allow(need)
        {
            found.read.push(name.pattern());
        }
    }
}

fn leave_out_what_a_schema_covers(list: &mut Vec<String>) {
    let schemas: Vec<String> = list.iter().filter(|text| !text.contains('.')).cloned().collect();
    list.retain(|text| {
        !schemas
            .iter()
            .any(|schema| text.strip_prefix(schema.as_str()).is_some_and(|rest| rest.starts_with('.')))
    });
}

fn list_of(found: &mut Capabilities, right: Right) -> &mut Vec<String> {
    match right {
        Right::Read => &mut found.read,
        Right::Write => &mut found.write,
        Right::Truncate => &mut found.truncate,
        Right::Lock => &mut found.lock,
        Right::Ddl => &mut found.ddl,
        Right::Drop => &mut found.drop,
        Right::Rls => &mut found.rls,
        Right::Call => &mut found.call,
    }
}
