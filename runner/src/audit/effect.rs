//! What a step did that nothing granted, in words.

use std::fmt;

use crate::revision::Redactor;

/// One effect that the manifest does not cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What kind of effect it is.
    pub kind: EffectKind,
    /// The object, as people write it: `secret.child`, `policy p on app.users`.
    pub object: String,
    /// What happened to it, in words that name it.
    pub what: String,
    /// The line of `[capabilities]` that would allow it; none where nothing
    /// does.
    pub allowed_by: Option<String>,
    /// How it came about, where the catalogs tell.
    pub cause: Option<String>,
}

/// The kinds of [`Effect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// Rows were inserted, updated or deleted.
    Written,
    /// A table was read through a view.
    Read,
    /// All rows of a table were taken out.
    Truncated,
    /// A sequence gave out values or was set.
    Advanced,
    /// An object came to be.
    Created,
    /// An object's definition changed.
    Changed,
    /// An object is gone.
    Dropped,
    /// An object belongs to another role now.
    Owner,
    /// Who may do what with an object changed.
    Privileges,
    /// A function runs with the rights of its owner.
    SecurityDefiner,
}

impl Effect {
    /// Hides secrets that names hold.
    pub fn hide(&mut self, redactor: &Redactor) {
        redactor.hide_in(&mut self.object);
        redactor.hide_in(&mut self.what);
        for text in [&mut self.allowed_by, &mut self.cause].into_iter().flatten() {
            redactor.hide_in(text);
        }
    }

    pub(super) fn new(kind: EffectKind, object: impl Into<String>, what: impl Into<String>) -> Self {
        Self { kind, object: object.into(), what: what.into(), allowed_by: None, cause: None }
    }

    /// With the line of the manifest that would allow it.
    pub(super) fn allowed_by(mut self, capability: &str, target: &str) -> Self {
        self.allowed_by = Some(line(capability, target));
        self
    }

    /// The name of the capability that would allow it.
    pub fn capability(&self) -> Option<&str> {
        self.allowed_by.as_deref().and_then(|line| line.split(' ').next())
    }
}

/// A line of the manifest's `[capabilities]`.
pub(super) fn line(capability: &str, target: &str) -> String {
    match capability {
        "code" => format!("code = {target:?}"),
        _ => format!("{capability} = [{target:?}]"),
    }
}

/// A number of rows in words.
pub(super) fn rows(count: i64) -> String {
    match count {
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.capability() {
            Some(capability) => write!(f, "{}, which `{capability}` does not grant", self.what)?,
            None => write!(f, "{}, which no capability grants", self.what)?,
        }
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}
