//! One revision file of Alembic, read and not run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use tree_sitter::Node;

use super::bindings::{Bound, bindings};
use super::literal::{Literal, text};
use super::python::{Module, Stopped, children};
use super::remark::{Remark, remarks};

/// The attributes that Alembic reads.
pub const ATTRIBUTES: [&str; 4] = ["revision", "down_revision", "branch_labels", "depends_on"];

/// What Alembic itself says where a revision has no text.
const NO_MESSAGE: &str = "empty message";

/// A revision as its file tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// `revision`
    pub revision: String,
    /// `down_revision`
    pub down_revision: Vec<String>,
    /// `branch_labels`
    pub branch_labels: Vec<String>,
    /// `depends_on`
    pub depends_on: Vec<String>,
    /// The first line of the module's text.
    pub message: String,
    /// Its "Create Date".
    pub created: Option<Created>,
    /// `upgrade()`
    pub upgrade: Body,
    /// `downgrade()`
    pub downgrade: Body,
    /// What the functions do that SQL alone cannot show.
    pub remarks: Vec<Remark>,
}

/// When a revision was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// In UTC where the file names a zone, else in an unknown one.
    pub at: DateTime,
    /// Whether the file names a zone.
    pub is_utc: bool,
}

/// What a function does, as far as its text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is no such function.
    Missing,
    /// `pass`
    Nothing,
    /// It raises an exception and does nothing else.
    Raises,
    /// Anything else.
    Code,
}

/// Something in a file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The line, from 1; 0 where only the file is known.
    pub line: usize,
    /// What it is.
    pub what: String,
}

impl Unread {
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// Reads the text of a revision file. `stem` is the file's name without `.py`,
/// which was the id in the first days of Alembic.
pub fn read(text: &str, stem: &str) -> Result<Script, Vec<Unread>> {
    let stopped = |Stopped| vec![Unread::new(0, "it is not Python, or too intricate to be read")];
    let module = Module::parse(text).map_err(stopped)?;
    // What is wrong inside of a function may be a grammar newer than ours, and
    // says nothing of the attributes; what is wrong outside of one does.
    let outside = |node: &&Node<'_>| !is_definition(**node);
    if let Some(line) = module.statements().iter().filter(outside).find_map(|node| module.error(*node)) {
        return Err(vec![Unread::new(line, "there is a syntax error")]);
    }
    let mut found = bindings(&module, &ATTRIBUTES);
    let mut unread = Vec::new();
    let mut take = |name: &str| match found.remove(name) {
        None => None,
        Some(Bound::Literal(literal)) => Some(literal),
        Some(Bound::Unknown(unknown)) => {
            unread.push(unknown);
            Some(Literal::None)
        }
    };
    let (revision, down_revision) = (take("revision"), take("down_revision"));
    let texts = |literal: Option<Literal>| literal.map_or_else(Vec::new, Literal::into_texts);
    let (branch_labels, depends_on) = (texts(take("branch_labels")), texts(take("depends_on")));
    let revision = match revision {
        Some(Literal::Text(revision)) => revision,
        None if is_legacy_id(stem) => stem.to_owned(),
        None => no_value(&mut unread, "there is no `revision`"),
        Some(_) if unread.is_empty() => no_value(&mut unread, "`revision` is not a text"),
        Some(_) => String::new(),
    };
    if down_revision.is_none() {
        no_value(&mut unread, "there is no `down_revision`");
    }
    if !unread.is_empty() {
        return Err(unread);
    }
    // For Alembic an empty text is no revision.
    let down_revision = texts(down_revision).into_iter().filter(|id| !id.is_empty()).collect();
    let doc = docstring(&module).unwrap_or_default();
    Ok(Script {
        revision,
        down_revision,
        branch_labels,
        depends_on,
        message: message(&doc),
        created: created(&doc),
        upgrade: body(&module, "upgrade"),
        downgrade: body(&module, "downgrade"),
        remarks: remarks(&module),
    })
}

fn no_value(unread: &mut Vec<Unread>, what: &str) -> String {
    unread.push(Unread::new(0, what));
    String::new()
}

fn is_legacy_id(stem: &str) -> bool {
    !stem.is_empty() && stem.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_definition(node: Node<'_>) -> bool {
    matches!(node.kind(), "function_definition" | "decorated_definition" | "class_definition")
}

/// The text that the module begins with.
fn docstring(module: &Module<'_>) -> Option<String> {
    let statement = *module.statements().first().filter(|node| node.kind() == "expression_statement")?;
    match children(statement).as_slice() {
        [one] if matches!(one.kind(), "string" | "concatenated_string") => text(module, *one),
        _ => None,
    }
}

fn message(doc: &str) -> String {
    let first = doc.trim().lines().next().unwrap_or_default();
    let clean: String = first.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.trim() {
        "" => NO_MESSAGE.to_owned(),
        message => message.to_owned(),
    }
}

fn created(doc: &str) -> Option<Created> {
    let date = doc.lines().find_map(|line| line.trim().strip_prefix("Create Date:"))?.trim();
    if let Ok(at) = date.parse::<Timestamp>() {
        return Some(Created { at: at.to_zoned(jiff::tz::TimeZone::UTC).datetime(), is_utc: true });
    }
    Some(Created { at: date.parse().ok()?, is_utc: false })
}

/// What the last function of that name does.
fn body(module: &Module<'_>, name: &str) -> Body {
    let mut bodies = BTreeMap::new();
    for statement in module.statements() {
        if statement.kind() != "function_definition" {
            // A decorator, an assignment or a condition may make it anything.
            if binds(module.text(statement), name) {
                bodies.insert(name, Body::Code);
            }
            continue;
        }
        if let Some(found) = statement.child_by_field_name("name") {
            bodies.insert(module.text(found), of_function(statement));
        }
    }
    bodies.remove(name).unwrap_or(Body::Missing)
}

/// Whether a statement may give the name another meaning: its text defines it,
/// assigns to it or imports it.
fn binds(statement: &str, name: &str) -> bool {
    let mut words = statement.match_indices(name).map(|(at, _)| {
        let (before, after) = (&statement[..at], &statement[at + name.len()..]);
        let is_word = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if is_word(before.chars().next_back()) || is_word(after.chars().next()) {
            return false;
        }
        let (before, after) = (before.trim_end(), after.trim_start());
        before.ends_with("def")
            || before.ends_with("import")
            || before.ends_with("as")
            || after.starts_with('=') && !after.starts_with("==")
    });
    words.any(|binds| binds)
}

fn of_function(function: Node<'_>) -> Body {
    let does_something = |node: &Node<'_>| match node.kind() {
        "pass_statement" => false,
        "expression_statement" => !children(*node)
            .iter()
            .all(|part| matches!(part.kind(), "string" | "concatenated_string" | "ellipsis")),
        _ => true,
    };
    if function.has_error() {
        return Body::Code;
    }
    let block = function.child_by_field_name("body").map(children).unwrap_or_default();
    match block.iter().find(|node| does_something(node)) {
        None => Body::Nothing,
        Some(first) if first.kind() == "raise_statement" => Body::Raises,
        Some(_) => Body::Code,
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
