//! What a literal of Python is worth: None, a text, or several texts. Anything
//! else is no literal, and is not guessed.

use tree_sitter::Node;

use super::python::{Module, children};

/// How many brackets and signs deep a literal may be.
const MAX_DEPTH: usize = 32;

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `None`
    None,
    /// `"a"`, `"a" "b"`, `"a" + "b"`, `("a")`
    Text(String),
    /// A tuple, a list or a set of texts.
    Texts(Vec<String>),
}

impl Literal {
    /// As Alembic takes it: None is nothing, one text is one item.
    pub fn into_texts(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Text(text) => vec![text],
            Self::Texts(texts) => texts,
        }
    }
}

/// The value of an expression; none if it is no literal.
pub fn literal(module: &Module<'_>, node: Node<'_>) -> Option<Literal> {
    let node = without_parentheses(node)?;
    match node.kind() {
        "none" => Some(Literal::None),
        // `a = "x",` is a tuple without its parentheses.
        "tuple" | "list" | "expression_list" => texts(module, node).map(Literal::Texts),
        "set" => texts(module, node).map(|mut texts| {
            texts.sort();
            texts.dedup();
            Literal::Texts(texts)
        }),
        _ => text(module, node).map(Literal::Text),
    }
}

fn texts(module: &Module<'_>, node: Node<'_>) -> Option<Vec<String>> {
    children(node).into_iter().map(|child| text(module, child)).collect()
}

/// The value of a text literal; none if the expression is another thing.
pub fn text(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    text_at(module, node, MAX_DEPTH)
}

fn text_at(module: &Module<'_>, node: Node<'_>, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let node = without_parentheses(node)?;
    match node.kind() {
        "string" => string(module, node),
        "concatenated_string" => children(node).into_iter().map(|part| string(module, part)).collect(),
        "binary_operator" if module.text(node.child_by_field_name("operator")?) == "+" => {
            let left = text_at(module, node.child_by_field_name("left")?, depth)?;
            Some(left + &text_at(module, node.child_by_field_name("right")?, depth)?)
        }
        _ => None,
    }
}

fn without_parentheses(mut node: Node<'_>) -> Option<Node<'_>> {
    for _ in 0..MAX_DEPTH {
        if node.kind() != "parenthesized_expression" {
            return Some(node);
        }
        match children(node).as_slice() {
            [one] => node = *one,
            _ => return None,
        }
    }
    None
}

/// One string between its quotes. Formatted strings and bytes are none.
fn string(module: &Module<'_>, node: Node<'_>) -> Option<String> {
    let mut cursor = node.walk();
    let parts: Vec<Node<'_>> = node.children(&mut cursor).collect();
    let (start, end) = (parts.first()?, parts.last()?);
    if node.has_error() || start.kind() != "string_start" || end.kind() != "string_end" {
        return None;
    }
    let prefix = module.text(*start).trim_end_matches(['"', '\'']).to_ascii_lowercase();
    let raw = module.slice(start.end_byte(), end.start_byte()).replace("\r\n", "\n").replace('\r', "\n");
    match prefix.as_str() {
        "" | "u" => unescaped(&raw),
        "r" => Some(raw),
        _ => None,
    }
}

/// The escapes of a string that is not raw. `\N{name}` needs a table that we do
/// not have, so it is no literal.
fn unescaped(raw: &str) -> Option<String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        value.push_str(before);
        let escape = after.chars().next()?;
        let mut used = escape.len_utf8();
        match escape {
            '\n' => {}
            '\\' | '\'' | '"' => value.push(escape),
            'a' => value.push('\u{7}'),
            'b' => value.push('\u{8}'),
            'f' => value.push('\u{c}'),
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            'v' => value.push('\u{b}'),
            '0'..='7' => {
                used = after.bytes().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
                value.push(char::from_u32(u32::from_str_radix(&after[..used], 8).ok()?)?);
            }
            'x' | 'u' | 'U' => {
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code =
                    after.get(1..=digits).filter(|code| code.bytes().all(|d| d.is_ascii_hexdigit()))?;
                value.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                used += digits;
            }
            'N' => return None,
            // Python keeps the backslash of an escape that is none.
            other => value.extend(['\\', other]),
        }
        rest = &after[used..];
    }
    value.push_str(rest);
    Some(value)
}
