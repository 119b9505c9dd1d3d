//! What a revision's functions do that its SQL cannot show.

use tree_sitter::Node;

use super::python::{Module, children, descendants, line};

/// Something to know about a revision's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line, from 1.
    pub line: usize,
    /// What it does.
    pub kind: RemarkKind,
}

/// What a revision's code does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// It asks for the connection.
    Connection,
    /// It leaves the transaction.
    Autocommit,
    /// It does something else offline.
    Offline,
    /// It computes a value that is another one each time.
    Computed,
}

/// What follows the name of a function or of an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Called,
    Named,
}

/// What a use of a name tells. A name with a dot is an attribute of that module.
const TABLE: [(&str, Use, RemarkKind); 16] = [
    ("get_bind", Use::Called, RemarkKind::Connection),
    ("autocommit_block", Use::Called, RemarkKind::Autocommit),
    ("as_sql", Use::Named, RemarkKind::Offline),
    ("is_offline_mode", Use::Called, RemarkKind::Offline),
    ("now", Use::Called, RemarkKind::Computed),
    ("utcnow", Use::Called, RemarkKind::Computed),
    ("today", Use::Called, RemarkKind::Computed),
    ("time.time", Use::Called, RemarkKind::Computed),
    ("uuid1", Use::Called, RemarkKind::Computed),
    ("uuid4", Use::Called, RemarkKind::Computed),
    ("os.environ", Use::Named, RemarkKind::Computed),
    ("os.getenv", Use::Called, RemarkKind::Computed),
    ("random.random", Use::Called, RemarkKind::Computed),
    ("random.randint", Use::Called, RemarkKind::Computed),
    ("random.choice", Use::Called, RemarkKind::Computed),
    ("token_hex", Use::Called, RemarkKind::Computed),
];

/// What there is to know about a module's functions, in the order of the lines.
pub fn remarks(module: &Module<'_>) -> Vec<Remark> {
    let mut found: Vec<Remark> = Vec::new();
    for node in descendants(module.root()) {
        let Some(kind) = told_by(module, node) else { continue };
        let remark = Remark { line: line(node), kind };
        if !found.contains(&remark) {
            found.push(remark);
        }
    }
    found
}

fn told_by(module: &Module<'_>, node: Node<'_>) -> Option<RemarkKind> {
    let (name, used) = match node.kind() {
        "call" => (node.child_by_field_name("function")?, Use::Called),
        "attribute" => (node, Use::Named),
        _ => return None,
    };
    // `sa.func.now()` is the server's clock.
    let name = module.text(name);
    if name.contains("func.") {
        return None;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    let fits = |(known, wanted, _): &&(&str, Use, RemarkKind)| {
        *wanted == used && if known.contains('.') { name == *known } else { last == *known }
    };
    TABLE.iter().find(fits).map(|(_, _, kind)| *kind)
}

/// The keyword arguments that env.py passes to `context.configure`, with their
/// lines.
pub fn configured<'t>(module: &Module<'t>) -> Vec<(&'t str, usize)> {
    let calls = descendants(module.root()).filter(|node| node.kind() == "call");
    let configure = calls.filter(|call| {
        let function = call.child_by_field_name("function").map(|function| module.text(function));
        function.is_some_and(|name| name == "configure" || name.ends_with(".configure"))
    });
    let arguments = configure.filter_map(|call| call.child_by_field_name("arguments")).flat_map(children);
    let named = arguments.filter_map(|argument| argument.child_by_field_name("name"));
    named.map(|name| (module.text(name), line(name))).collect()
}
