//! Python's grammar: a module as a tree. Nothing is run, and nothing recurses:
//! the files are not ours.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree, TreeCursor};

/// How often the parser may report progress before it is stopped; it reports
/// every few hundred steps. An ordinary file of 1 MiB needs some 10,000.
const MAX_PROGRESS: u32 = 1_000_000;

/// A module's text and its tree.
pub struct Module<'t> {
    text: &'t str,
    tree: Tree,
}

/// The parser was stopped: the text is not Python, and large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl<'t> Module<'t> {
    /// Parses a text. Also a text with errors gives a tree; [`Self::error`]
    /// tells of them.
    pub fn parse(text: &'t str) -> Result<Self, Stopped> {
        let mut parser = Parser::new();
        let language = tree_sitter_python::LANGUAGE.into();
        parser.set_language(&language).expect("the grammar is of a version that the parser knows");
        let mut progress = 0;
        let mut watch = |_: &ParseState| {
            progress += 1;
            if progress > MAX_PROGRESS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut watch);
        let mut rest = |offset: usize, _| text.as_bytes().get(offset..).unwrap_or_default();
        let tree = parser.parse_with_options(&mut rest, None, Some(options)).ok_or(Stopped)?;
        Ok(Self { text, tree })
    }

    /// The whole module.
    pub fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// The statements of the module, without comments.
    pub fn statements(&self) -> Vec<Node<'_>> {
        children(self.root())
    }

    /// What a node says.
    pub fn text(&self, node: Node<'_>) -> &'t str {
        &self.text[node.byte_range()]
    }

    /// The text between two offsets.
    pub fn slice(&self, start: usize, end: usize) -> &'t str {
        &self.text[start..end]
    }

    /// The first place below a node that the parser does not understand, as a
    /// line.
    pub fn error(&self, node: Node<'_>) -> Option<usize> {
        let wrong = |node: &Node<'_>| node.is_error() || node.is_missing();
        if !node.has_error() {
            return None;
        }
        descendants(node).find(wrong).map(line)
    }
}

/// The line on which a node begins, from 1.
pub fn line(node: Node<'_>) -> usize {
    node.start_position().row + 1
}

/// The parts of a node that are not punctuation, without comments.
pub fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
}

/// A node and everything below it, in the order of the text.
pub fn descendants(node: Node<'_>) -> Descendants<'_> {
    Descendants { cursor: Some(node.walk()), skip: |_| false }
}

/// As [`descendants`], without what is below the nodes that `skip` names.
pub fn descendants_outside<'a>(node: Node<'a>, skip: fn(Node<'_>) -> bool) -> Descendants<'a> {
    Descendants { cursor: Some(node.walk()), skip }
}

/// The iterator of [`descendants`].
pub struct Descendants<'a> {
    /// None at the end.
    cursor: Option<TreeCursor<'a>>,
    skip: fn(Node<'_>) -> bool,
}

impl<'a> Iterator for Descendants<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let cursor = self.cursor.as_mut()?;
        let node = cursor.node();
        if (self.skip)(node) || !cursor.goto_first_child() {
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    self.cursor = None;
                    break;
                }
            }
        }
        Some(node)
    }
}
