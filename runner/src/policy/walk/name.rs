//! Names: where they point, and which of them a migration may use.

use pg_query::protobuf::{self, RangeVar};
use pg_query::{Node, NodeEnum};

use super::{Use, Walk, Walker};
use crate::policy::need::{Name, Need, Right};
use crate::policy::own::Kind;

const READ: &[Right] = &[Right::Read];
const DEFINE: &[Right] = &[Right::Read, Right::Ddl];
const LOCKED: &[Right] = &[Right::Write, Right::Lock];

impl Walker<'_> {
    /// A relation that is read, in whatever way the part at hand reads.
    pub(super) fn source(&mut self, relation: &mut RangeVar) -> Walk {
        self.node = "RangeVar";
        self.see(relation.location);
        if relation.schemaname.is_empty() && self.ctes.contains(&relation.relname) {
            return self.plain(relation);
        }
        self.is_no_cte(relation)?;
        let name = self.complete(relation)?;
        match self.usage {
            Use::Read => self.need_object(Kind::Relation, READ, &name),
            Use::Define => self.need_object(Kind::Relation, DEFINE, &name),
            Use::Lock => {
                self.need_object(Kind::Relation, READ, &name)?;
                self.need_object(Kind::Relation, LOCKED, &name)
            }
        }
    }

    /// A relation on which a right is needed. It is never a common table
    /// expression.
    pub(super) fn target(&mut self, relation: &mut RangeVar, rights: &'static [Right]) -> Walk<Name> {
        self.node = "RangeVar";
        self.see(relation.location);
        if relation.schemaname.is_empty() && self.ctes.contains(&relation.relname) {
            return self.refuse(format!(
                "`{0}` is a common table expression here; say the table's schema",
                relation.relname
            ));
        }
        self.is_no_cte(relation)?;
        let name = self.complete(relation)?;
        self.need_object(Kind::Relation, rights, &name)?;
        Ok(name)
    }

    /// Refuses a bare name that is about to be a common table expression's.
    fn is_no_cte(&self, relation: &RangeVar) -> Walk {
        match relation.schemaname.is_empty() && self.not_yet.contains(&relation.relname) {
            true => self.refuse(format!(
                "`{}` is not the common table expression of that name here; say the table's schema",
                relation.relname
            )),
            false => Ok(()),
        }
    }

    /// As [`Self::target`], where the name is all that there is.
    pub(in crate::policy) fn target_name(
        &mut self,
        kind: Kind,
        rights: &'static [Right],
        name: &Name,
    ) -> Walk {
        self.need_object(kind, rights, name)
    }

    /// A relation that is only looked at, and not into: any right on it will do.
    pub(in crate::policy) fn use_name(&mut self, kind: Kind, name: &Name) -> Walk {
        self.check_schema(&name.schema, true)?;
        match self.own.has(kind, name) {
            true => Ok(()),
            false => self.need(Need::Use(name.clone())),
        }
    }

    /// As [`Self::target`], where the grammar may leave the relation out.
    pub(super) fn target_of(
        &mut self,
        relation: &mut Option<RangeVar>,
        rights: &'static [Right],
    ) -> Walk<Name> {
        match relation {
            Some(relation) => self.target(relation, rights),
            None => self.refuse("it names no table"),
        }
    }

    /// Completes a relation's name with the schema that it is read as being in.
    pub(super) fn complete(&mut self, relation: &mut RangeVar) -> Walk<Name> {
        self.plain(relation)?;
        if relation.schemaname.is_empty() {
            // The server looks there first.
            relation.schemaname = match is_reserved(&relation.relname) {
                true => "pg_catalog".to_owned(),
                false => self.default_schema()?,
            };
        }
        Ok(Name::new(&relation.schemaname, &relation.relname))
    }

    fn plain(&mut self, relation: &RangeVar) -> Walk {
        if !relation.catalogname.is_empty() {
            return self.refuse("a name with three parts names a database; leave the database out");
        }
        match relation.relpersistence.as_str() {
            "p" => Ok(()),
            "u" => self.refuse("unlogged tables are lost in a crash; only permanent ones may be made"),
            _ => self.refuse(
                "temporary tables stay in the session after the step; only permanent ones may be made",
            ),
        }
    }

    /// The schema of names that do not say theirs.
    fn default_schema(&self) -> Walk<String> {
        match self.is_verbatim {
            true => self.refuse(
                "in a function's body every name needs its schema: there it is looked up when the function runs",
            ),
            false => Ok(self.context.default_schema.clone()),
        }
    }

    /// Completes a name that is a list of strings.
    pub(super) fn qualify(&mut self, parts: &mut Vec<Node>) -> Walk<Name> {
        let strings = self.strings(parts)?;
        match strings.as_slice() {
            [name] if is_reserved(name) => self.refuse(format!("`{name}` belongs to PostgreSQL")),
            [name] => {
                let schema = self.default_schema()?;
                parts.insert(0, string_node(&schema));
                Ok(Name::new(schema, name))
            }
            [schema, name] => Ok(Name::new(schema, name)),
            _ => self.refuse("a name of one or two parts is expected"),
        }
    }

    /// As [`Self::qualify`], for a relation and something of it: `t.column`.
    pub(super) fn qualify_with_member(&mut self, parts: &mut Vec<Node>) -> Walk<Name> {
        let strings = self.strings(parts)?;
        match strings.as_slice() {
            [relation, _] => {
                let schema = self.default_schema()?;
                parts.insert(0, string_node(&schema));
                Ok(Name::new(schema, relation))
            }
            [schema, relation, _] => Ok(Name::new(schema, relation)),
            _ => self.refuse("a name of two or three parts is expected"),
        }
    }

    pub(super) fn strings(&self, parts: &[Node]) -> Walk<Vec<String>> {
        let text = |part: &Node| match &part.node {
            Some(NodeEnum::String(string)) => Ok(string.sval.clone()),
            _ => self.refuse("a name is expected here"),
        };
        parts.iter().map(text).collect()
    }

    /// Refuses the schemas that are nobody's business.
    pub(super) fn check_schema(&self, schema: &str, is_read: bool) -> Walk {
        if self.context.ledger_schemas.iter().any(|ledger| ledger == schema) {
            return self.refuse(format!("the schema `{schema}` is the runner's own"));
        }
        let is_catalog = schema == "pg_catalog" || schema == "information_schema";
        if is_catalog && !is_read {
            return self
                .refuse(format!("the schema `{schema}` belongs to PostgreSQL; it can be read at most"));
        }
        if !is_catalog && is_reserved(schema) {
            return self.refuse(format!("the schema `{schema}` belongs to PostgreSQL"));
        }
        Ok(())
    }

    /// Refuses names of new relations that others would take for a catalog's.
    pub(super) fn check_new_relation(&self, name: &str) -> Walk {
        /// Types that are ordinary nouns: no text names them without a schema and
        /// means a table's row, and `pg_catalog` is searched first.
        const NOUNS: [&str; 9] =
            ["box", "circle", "line", "money", "path", "point", "polygon", "record", "trigger"];
        if is_reserved(name) {
            return self.refuse(format!("a new `{name}` would hide what PostgreSQL has under that name"));
        }
        if self.facts.has_type(name) && !NOUNS.contains(&name) {
            return self.refuse(format!("a new `{name}` would hide PostgreSQL's type of that name"));
        }
        Ok(())
    }

    /// Refuses names of new functions and types that PostgreSQL has already.
    pub(super) fn check_new_name(&self, name: &str) -> Walk {
        let is_taken = self.facts.has_function(name) || self.facts.has_type(name) || is_reserved(name);
        match is_taken {
            true => self.refuse(format!("a new `{name}` would hide what PostgreSQL has under that name")),
            false => Ok(()),
        }
    }

    /// A schema in which something is to be.
    pub(super) fn need_inside(&mut self, schema: &str) -> Walk {
        self.check_schema(schema, false)?;
        match self.own.has_schema(schema) {
            true => Ok(()),
            false => self.need(Need::Inside(schema.to_owned())),
        }
    }

    /// The schema itself.
    pub(super) fn need_schema(&mut self, right: Right, schema: &str) -> Walk {
        self.check_schema(schema, false)?;
        match self.own.has_schema(schema) {
            true => Ok(()),
            false => self.need(Need::Schema(right, schema.to_owned())),
        }
    }
}

/// Names that PostgreSQL keeps for itself.
pub(super) fn is_reserved(name: &str) -> bool {
    name.starts_with("pg_") || name == "information_schema"
}

pub(super) fn string_node(text: &str) -> Node {
    Node { node: Some(NodeEnum::String(protobuf::String { sval: text.to_owned() })) }
}
