//! Calls of functions, with a call node and without.

use pg_query::protobuf::{FuncCall, a_const};
use pg_query::{Node, NodeEnum};

use super::name::string_node;
use super::{Walk, Walker};
use crate::policy::need::{Name, Right};
use crate::policy::own::Kind;

/// Functions that find a sequence or a table by its name, and what they need on it.
/// `row_security_active` says whether a migration sees all rows of its table.
const BY_NAME: [(&str, &[Right]); 4] = [
    ("nextval", &[Right::Write]),
    ("setval", &[Right::Write]),
    ("currval", &[Right::Read, Right::Write]),
    ("row_security_active", &[Right::Read, Right::Write]),
];

impl Walker<'_> {
    pub(super) fn call(&mut self, call: &mut FuncCall) -> Walk {
        self.node = "FuncCall";
        self.see(call.location);
        let arguments = call.args.len();
        let by_name = self.called(&mut call.funcname, arguments)?;
        match by_name {
            Some(rights) => self.name_arguments(call, rights)?,
            None => self.each(&mut call.args)?,
        }
        self.each(&mut call.agg_order)?;
        self.maybe(&mut call.agg_filter)?;
        call.over.as_deref_mut().map_or(Ok(()), |window| self.window(window))
    }

    /// Checks the function's name; what it needs on the relation that it finds by its
    /// name if it is one of those.
    fn called(&mut self, parts: &mut Vec<Node>, arguments: usize) -> Walk<Option<&'static [Right]>> {
        let strings = self.strings(parts)?;
        let (is_catalog, name) = match strings.as_slice() {
            [name] => (self.is_of_catalog(name), name),
            [schema, name] => (schema == "pg_catalog", name),
            _ => return self.refuse("a function's name has one or two parts"),
        };
        if !is_catalog {
            let name = self.qualify(parts)?;
            return self.user_function(&name, arguments).map(|()| None);
        }
        let by_name = BY_NAME.iter().find(|(function, _)| function == name);
        if by_name.is_none() && !self.facts.allows_function(name) {
            return self.refuse(format!("the function `{name}` is not among those that only compute"));
        }
        // A function of the same name in another schema of the search path would
        // be called where its arguments fit better.
        if strings.len() == 1 && !self.is_verbatim {
            parts.insert(0, string_node("pg_catalog"));
        }
        Ok(by_name.map(|(_, rights)| *rights))
    }

    fn is_of_catalog(&self, name: &str) -> bool {
        self.facts.has_function(name) || super::name::is_reserved(name)
    }

    /// A function that is not PostgreSQL's.
    pub(super) fn user_function(&mut self, name: &Name, arguments: usize) -> Walk {
        self.check_schema(&name.schema, false)?;
        // An older routine of the same name takes a call if its arguments fit
        // better, so what is one's own does not cover it.
        let is_own = self.own.has_routine(name, arguments) || self.within.as_ref() == Some(name);
        if is_own && !self.facts.had_routine(&name.schema, &name.name) {
            return Ok(());
        }
        self.need(crate::policy::need::Need::Object(&[Right::Call], name.clone()))
    }

    /// The first argument names the relation: it must be spelt out.
    fn name_arguments(&mut self, call: &mut FuncCall, rights: &'static [Right]) -> Walk {
        let Some((first, rest)) = call.args.split_first_mut() else {
            return self.refuse("the name of the sequence or table is missing");
        };
        let Some(text) = literal_of(first) else {
            return self.refuse("the name of the sequence or table must be spelt out as a string");
        };
        let name = match relation_name(text) {
            Some((Some(schema), name)) => Name::new(schema, name),
            Some((None, name)) if !self.is_verbatim => {
                let name = Name::new(&self.context.default_schema, name);
                *text = format!("{}.{}", quoted(&name.schema), quoted(&name.name));
                name
            }
            Some((None, _)) => {
                return self.refuse("in a function's body the name of a sequence or table needs its schema");
            }
            None => return self.refuse("the name of the sequence or table cannot be read"),
        };
        self.need_object(Kind::Relation, rights, &name)?;
        self.each(rest)
    }

    /// The name of a field, which calls the function of that name where there is
    /// no such column.
    pub(super) fn field(&mut self, name: &str) -> Walk {
        for schema in self.facts.schemas_of_routine(name).to_vec() {
            let called = Name::new(schema, name);
            self.need(crate::policy::need::Need::Object(&[Right::Call], called))?;
        }
        match self.facts.is_call_as_field(name) {
            true => self.refuse(format!(
                "a field of this name may call the function `{name}`, which is not among those that only compute"
            )),
            false => Ok(()),
        }
    }

    /// The steps from a value to a part of it.
    pub(super) fn indirection(&mut self, steps: &mut [Node]) -> Walk {
        for step in steps {
            match &mut step.node {
                Some(NodeEnum::String(field)) => self.field(&field.sval)?,
                Some(NodeEnum::AStar(_)) => {}
                Some(NodeEnum::AIndices(indices)) => {
                    self.maybe(&mut indices.lidx)?;
                    self.maybe(&mut indices.uidx)?;
                }
                _ => return self.refuse("this step from a value to a part of it is not known"),
            }
        }
        Ok(())
    }

    /// An operator: PostgreSQL's own, or one that is found as they are.
    pub(super) fn operator(&mut self, parts: &[Node]) -> Walk {
        match self.strings(parts)?.as_slice() {
            [_] => Ok(()),
            [schema, _] if schema == "pg_catalog" => Ok(()),
            [schema, ..] => self.refuse(format!("an operator of schema `{schema}` may call anything")),
            [] => self.refuse("an operator is expected here"),
        }
    }

    /// A collation, which may be anybody's: it only compares.
    pub(super) fn collation(&mut self, parts: &[Node]) -> Walk {
        match self.strings(parts)?.as_slice() {
            [_] | [_, _] => Ok(()),
            _ => self.refuse("a collation's name has one or two parts"),
        }
    }
}

/// The text of a string constant, also with a cast to `regclass`.
fn literal_of(node: &mut Node) -> Option<&mut String> {
    match node.node.as_mut()? {
        NodeEnum::AConst(constant) => match constant.val.as_mut()? {
            a_const::Val::Sval(text) => Some(&mut text.sval),
            _ => None,
        },
        NodeEnum::TypeCast(cast) => {
            let is_regclass = cast.type_name.as_ref().is_some_and(|name| {
                let last = name.names.last().and_then(|part| part.node.as_ref());
                let is_catalog = match name.names.as_slice() {
                    [_] => true,
                    [schema, _] => *schema == string_node("pg_catalog"),
                    _ => false,
                };
                let is_plain = name.array_bounds.is_empty() && !name.setof && !name.pct_type;
                is_catalog
                    && is_plain
                    && matches!(last, Some(NodeEnum::String(name)) if name.sval == "regclass")
            });
            match is_regclass {
                true => literal_of(cast.arg.as_deref_mut()?),
                false => None,
            }
        }
        _ => None,
    }
}

/// A name in a string, as the server reads it: unquoted parts are folded.
fn relation_name(text: &str) -> Option<(Option<String>, String)> {
    let mut parts = Vec::new();
    let mut rest = text.trim_matches([' ', '\t', '\n', '\r']);
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted)?,
            None => plain_part(rest)?,
        };
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => break,
            None => return None,
        }
    }
    let name = parts.pop()?;
    match (parts.pop(), parts.pop()) {
        (schema, None) => Some((schema, name)),
        (_, Some(_)) => None,
    }
}

fn plain_part(text: &str) -> Option<(String, &str)> {
    let is_inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let end = text.find(|letter| !is_inside(letter)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name.starts_with(|first: char| !first.is_ascii_digit()) {
        true => Some((name.to_ascii_lowercase(), rest)),
        false => None,
    }
}

fn quoted_part(text: &str) -> Option<(String, &str)> {
    let (name, rest) = text.split_once('"')?;
    match name.is_empty() || rest.starts_with('"') {
        true => None,
        false => Some((name.to_owned(), rest)),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
