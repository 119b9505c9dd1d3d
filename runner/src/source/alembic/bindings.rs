//! What a module's names are bound to, where that can be said without running
//! it.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::literal::{Literal, literal};
use super::python::{Module, descendants, descendants_outside, line};
use super::script::Unread;

/// What a name is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A literal.
    Literal(Literal),
    /// Something that only running the module would tell.
    Unknown(Unread),
}

/// The last binding of each of these names on the module's own level.
///
/// A plain assignment replaces what was before it. What may or may not bind a
/// name (a condition, a loop, an import, a function that declares it global)
/// makes it unknown, until a plain assignment follows.
pub fn bindings(module: &Module<'_>, names: &[&'static str]) -> BTreeMap<&'static str, Bound> {
    let mut bound = BTreeMap::new();
    for statement in module.statements() {
        if let Some((targets, value)) = plain_assignment(module, statement) {
            for name in names.iter().filter(|name| targets.contains(*name)) {
                bound.insert(*name, value_of(module, name, value));
            }
            continue;
        }
        for (name, unread) in uncertain(module, statement, names) {
            bound.insert(name, Bound::Unknown(unread));
        }
    }
    // A function that declares a name global may be called at any time.
    for (name, unread) in declared_global(module, names) {
        bound.insert(name, Bound::Unknown(unread));
    }
    bound
}

fn value_of(module: &Module<'_>, name: &str, value: Node<'_>) -> Bound {
    match literal(module, value) {
        Some(literal) => Bound::Literal(literal),
        None => Bound::Unknown(Unread::new(line(value), format!("`{name}` is not a literal"))),
    }
}

/// The names and the value of `a = value`, `a: T = value` and `a = b = value`.
fn plain_assignment<'t, 'n>(module: &Module<'t>, statement: Node<'n>) -> Option<(Vec<&'t str>, Node<'n>)> {
    if statement.kind() != "expression_statement" || statement.named_child_count() != 1 {
        return None;
    }
    let mut node = statement.named_child(0)?;
    let mut targets = Vec::new();
    while node.kind() == "assignment" {
        let left = node.child_by_field_name("left").filter(|left| left.kind() == "identifier")?;
        targets.push(module.text(left));
        node = node.child_by_field_name("right")?;
    }
    if targets.is_empty() { None } else { Some((targets, node)) }
}

fn uncertain(
    module: &Module<'_>,
    statement: Node<'_>,
    names: &[&'static str],
) -> Vec<(&'static str, Unread)> {
    let mut found = Vec::new();
    for node in descendants_outside(statement, is_scope) {
        if node.kind() == "wildcard_import" {
            let what = |name: &str| format!("`{name}` may come from an `import *`");
            found.extend(names.iter().map(|name| (*name, Unread::new(line(node), what(name)))));
        }
        let Some(targets) = targets(node) else { continue };
        for name in names.iter().filter(|name| mentions(module, targets, name)) {
            let what = format!("`{name}` is bound by more than a plain assignment");
            found.push((*name, Unread::new(line(targets), what)));
        }
    }
    found
}

/// The part of a node that holds the names that it binds.
fn targets(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        // `revision: str` alone binds nothing.
        "assignment" => node.child_by_field_name("right").and_then(|_| node.child_by_field_name("left")),
        "augmented_assignment" | "for_statement" => node.child_by_field_name("left"),
        "named_expression" | "function_definition" | "class_definition" => node.child_by_field_name("name"),
        "import_statement" | "import_from_statement" | "delete_statement" | "as_pattern" | "case_pattern" => {
            Some(node)
        }
        _ => None,
    }
}

/// Whether the names that are bound below a node are names of another scope.
fn is_scope(node: Node<'_>) -> bool {
    matches!(node.kind(), "block" | "lambda")
        && node.parent().is_some_and(|parent| {
            matches!(parent.kind(), "function_definition" | "class_definition" | "lambda")
        })
}

fn declared_global(module: &Module<'_>, names: &[&'static str]) -> Vec<(&'static str, Unread)> {
    let statements = descendants(module.root()).filter(|node| node.kind() == "global_statement");
    let declared = statements.flat_map(|statement| {
        let named = names.iter().filter(move |name| mentions(module, statement, name));
        named.map(move |name| {
            (*name, Unread::new(line(statement), format!("`{name}` is bound by a function")))
        })
    });
    declared.collect()
}

fn mentions(module: &Module<'_>, node: Node<'_>, name: &str) -> bool {
    let is_attribute = |node: Node<'_>| {
        let field = |parent: Node<'_>| parent.child_by_field_name("attribute") == Some(node);
        node.parent().is_some_and(|parent| parent.kind() == "attribute" && field(parent))
    };
    descendants(node)
        .any(|node| node.kind() == "identifier" && module.text(node) == name && !is_attribute(node))
}
