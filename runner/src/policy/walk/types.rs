//! Types.

use pg_query::Node;
use pg_query::protobuf::TypeName;

use super::name::string_node;
use super::{Walk, Walker};
use crate::policy::need::{Name, Need};
use crate::policy::own::Kind;

impl Walker<'_> {
    pub(super) fn type_name(&mut self, name: &mut TypeName) -> Walk {
        self.node = "TypeName";
        self.see(name.location);
        if name.pct_type {
            return self.refuse("`%TYPE` takes the type of a column that is looked up later; write the type");
        }
        if name.setof {
            return self.refuse("SETOF is a function's");
        }
        self.type_itself(name)
    }

    pub(super) fn maybe_type(&mut self, name: &mut Option<TypeName>) -> Walk {
        name.as_mut().map_or(Ok(()), |name| self.type_name(name))
    }

    /// What a function returns.
    pub(super) fn return_type(&mut self, name: &mut TypeName) -> Walk {
        let is_set = std::mem::take(&mut name.setof);
        let result = self.type_name(name);
        name.setof = is_set;
        result
    }

    fn type_itself(&mut self, name: &mut TypeName) -> Walk {
        self.type_parts(&mut name.names)?;
        self.deeper(|walker| walker.each(&mut name.typmods))
        // The bounds of an array are numbers, which no server looks at.
    }

    pub(super) fn type_parts(&mut self, parts: &mut Vec<Node>) -> Walk {
        let strings = self.strings(parts)?;
        match strings.as_slice() {
            [name] if self.facts.allows_type(name) => Ok(()),
            [name] if self.facts.has_type(name) => self.refused_type(name),
            [name] if super::name::is_reserved(name) => self.refused_type(name),
            [_] => {
                let name = self.qualify(parts)?;
                self.user_type(&name)
            }
            [schema, name] if schema == "pg_catalog" => match self.facts.allows_type(name) {
                true => Ok(()),
                false => self.refused_type(name),
            },
            [schema, name] => self.user_type(&Name::new(schema, name)),
            _ => self.refuse("a type's name has one or two parts"),
        }
    }

    fn refused_type<T>(&self, name: &str) -> Walk<T> {
        let why = match name {
            "xml" => "XML's functions reach outside the database".to_owned(),
            _ if name.trim_start_matches('_').starts_with("reg") => {
                format!("a value of type `{name}` is looked up in the catalogs")
            }
            _ => format!("the type `{name}` is the server's own"),
        };
        self.refuse(why)
    }

    /// A type that is not PostgreSQL's: a table's row is one too.
    pub(super) fn user_type(&mut self, name: &Name) -> Walk {
        self.check_schema(&name.schema, false)?;
        let is_own = |kind| self.own.has(kind, name);
        if is_own(Kind::Type) || is_own(Kind::Relation) {
            return Ok(());
        }
        self.need(Need::Type(name.clone()))
    }

    /// A type whose name is a string, as plpgsql has it.
    pub(super) fn type_text(&mut self, text: &str) -> Walk {
        let strings: Vec<&str> = text.split('.').collect();
        let mut parts: Vec<Node> = strings.into_iter().map(string_node).collect();
        self.type_parts(&mut parts)
    }
}
