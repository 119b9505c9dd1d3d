//! DROP, COMMENT, RENAME and SET SCHEMA: statements about objects of any kind.

use pg_query::protobuf::{
    AlterObjectSchemaStmt, CommentStmt, DropStmt, ObjectType, ObjectWithArgs, RenameStmt,
};
use pg_query::{Node, NodeEnum};

use super::name::is_reserved;
use super::{Walk, Walker};
use crate::policy::need::{Name, Right};
use crate::policy::own::{Change, Kind};

const DDL: &[Right] = &[Right::Ddl];
const DROP: &[Right] = &[Right::Drop];
const RLS: &[Right] = &[Right::Rls];

/// What a kind of object is to the policy.
enum Class {
    Relation,
    Type,
    Routine,
    Statistics,
    Schema,
    /// A column, a constraint, a trigger: something of a relation.
    Member,
    Policy,
    DomainConstraint,
}

fn class(kind: ObjectType) -> Option<Class> {
    Some(match kind {
        ObjectType::ObjectTable
        | ObjectType::ObjectView
        | ObjectType::ObjectMatview
        | ObjectType::ObjectIndex
        | ObjectType::ObjectSequence => Class::Relation,
        ObjectType::ObjectType | ObjectType::ObjectDomain => Class::Type,
        ObjectType::ObjectFunction | ObjectType::ObjectProcedure | ObjectType::ObjectRoutine => {
            Class::Routine
        }
        ObjectType::ObjectStatisticExt => Class::Statistics,
        ObjectType::ObjectSchema => Class::Schema,
        ObjectType::ObjectColumn
        | ObjectType::ObjectAttribute
        | ObjectType::ObjectTabconstraint
        | ObjectType::ObjectTrigger => Class::Member,
        ObjectType::ObjectPolicy => Class::Policy,
        ObjectType::ObjectDomconstraint => Class::DomainConstraint,
        _ => return None,
    })
}

impl Walker<'_> {
    pub(super) fn object_statement(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::DropStmt(drop) => self.drop(drop),
            NodeEnum::CommentStmt(comment) => self.comment(comment),
            NodeEnum::RenameStmt(rename) => self.rename(rename),
            NodeEnum::AlterObjectSchemaStmt(alter) => self.set_schema(alter),
            _ => self.unknown(),
        }
    }

    fn class_of(&self, kind: ObjectType) -> Walk<Class> {
        class(kind).ok_or_else(|| self.stop("such an object is not a migration's"))
    }

    fn drop(&mut self, drop: &mut DropStmt) -> Walk {
        self.no_cascade(drop.behavior())?;
        self.concurrently(drop.concurrent)?;
        let kind = drop.remove_type();
        for object in &mut drop.objects {
            let class = self.class_of(kind)?;
            self.named(&class, object, DROP)?;
        }
        Ok(())
    }

    fn comment(&mut self, comment: &mut CommentStmt) -> Walk {
        let class = self.class_of(comment.objtype())?;
        match comment.object.as_deref_mut() {
            Some(object) => self.named(&class, object, DDL).map(drop),
            None => self.unknown(),
        }
    }

    /// An object that is named by a node; what it is called.
    fn named(&mut self, class: &Class, object: &mut Node, rights: &'static [Right]) -> Walk<Name> {
        let Some(object) = &mut object.node else { return self.unknown() };
        let (kind, name) = match (class, object) {
            (Class::Relation, NodeEnum::List(list)) => (Kind::Relation, self.qualify(&mut list.items)?),
            (Class::Statistics, NodeEnum::List(list)) => (Kind::Statistics, self.qualify(&mut list.items)?),
            (Class::Type, NodeEnum::List(list)) => (Kind::Type, self.qualify(&mut list.items)?),
            (Class::Type, NodeEnum::TypeName(name)) => (Kind::Type, self.type_object(&mut name.names)?),
            (Class::Routine, NodeEnum::ObjectWithArgs(routine)) => (Kind::Routine, self.routine(routine)?),
            (Class::Member, NodeEnum::List(list)) => {
                (Kind::Relation, self.qualify_with_member(&mut list.items)?)
            }
            (Class::Policy, NodeEnum::List(list)) => {
                let name = self.qualify_with_member(&mut list.items)?;
                self.need_object(Kind::Relation, RLS, &name)?;
                return Ok(name);
            }
            (Class::Schema, NodeEnum::String(schema)) => {
                let right = if rights == DROP { Right::Drop } else { Right::Ddl };
                self.need_schema(right, &schema.sval)?;
                if right == Right::Drop {
                    self.changes.push(Change::Gone(Kind::Schema, Name::new(&schema.sval, "")));
                }
                return Ok(Name::new(&schema.sval, ""));
            }
            (Class::DomainConstraint, NodeEnum::List(list)) => {
                match list.items.first_mut().and_then(|item| item.node.as_mut()) {
                    Some(NodeEnum::TypeName(name)) => (Kind::Type, self.type_object(&mut name.names)?),
                    _ => return self.unknown(),
                }
            }
            _ => return self.unknown(),
        };
        self.need_right(kind, rights, &name)?;
        if rights == DROP && !matches!(class, Class::Member) {
            self.changes.push(Change::Gone(kind, name.clone()));
        }
        Ok(name)
    }

    /// A composite type is a relation, by the name of a type.
    fn need_right(&mut self, kind: Kind, rights: &'static [Right], name: &Name) -> Walk {
        self.check_schema(&name.schema, false)?;
        if kind == Kind::Type && self.own.has(Kind::Relation, name) {
            return Ok(());
        }
        self.need_object(kind, rights, name)
    }

    fn type_object(&mut self, parts: &mut Vec<Node>) -> Walk<Name> {
        let strings = self.strings(parts)?;
        if let [name] = strings.as_slice()
            && self.facts.has_type(name)
        {
            return self.refuse(format!("the type `{name}` is PostgreSQL's own"));
        }
        self.qualify(parts)
    }

    /// A function with the types of its arguments.
    pub(super) fn routine(&mut self, routine: &mut ObjectWithArgs) -> Walk<Name> {
        let name = self.qualify(&mut routine.objname)?;
        for argument in &mut routine.objargs {
            match &mut argument.node {
                // `*` stands for none.
                None => {}
                Some(NodeEnum::TypeName(name)) => self.type_name(name)?,
                Some(_) => return self.unknown(),
            }
        }
        for parameter in &mut routine.objfuncargs {
            match &mut parameter.node {
                Some(NodeEnum::FunctionParameter(parameter)) => self.maybe_type(&mut parameter.arg_type)?,
                _ => return self.unknown(),
            }
        }
        Ok(name)
    }

    fn rename(&mut self, rename: &mut RenameStmt) -> Walk {
        self.no_cascade(rename.behavior())?;
        let class = self.class_of(rename.rename_type())?;
        let (kind, old) = match (&class, &mut rename.relation, rename.object.as_deref_mut()) {
            (Class::Member, Some(relation), _) => return self.target(relation, DDL).map(drop),
            (Class::Policy, Some(relation), _) => return self.target(relation, RLS).map(drop),
            (Class::DomainConstraint, _, Some(object)) => {
                return match &mut object.node {
                    Some(NodeEnum::List(list)) => {
                        let name = self.qualify(&mut list.items)?;
                        self.need_object(Kind::Type, DDL, &name)
                    }
                    _ => self.unknown(),
                };
            }
            (Class::Schema, ..) => return self.rename_schema(&rename.subname, &rename.newname),
            (Class::Relation, Some(relation), _) => (Kind::Relation, self.target(relation, DDL)?),
            (Class::Type, _, Some(object)) => (Kind::Type, self.named(&class, object, DDL)?),
            (Class::Routine, _, Some(object)) => (Kind::Routine, self.named(&class, object, DDL)?),
            (Class::Statistics, _, Some(object)) => (Kind::Statistics, self.named(&class, object, DDL)?),
            _ => return self.unknown(),
        };
        let new = Name::new(&old.schema, &rename.newname);
        match kind {
            Kind::Relation => self.check_new_relation(&new.name)?,
            _ => self.check_new_name(&new.name)?,
        }
        self.moved(kind, old, new)
    }

    /// What is renamed is made under its new name, and needs the right to it.
    fn moved(&mut self, kind: Kind, old: Name, new: Name) -> Walk {
        self.check_schema(&new.schema, false)?;
        let is_own = self.own.has(kind, &old);
        // In a schema of one's own everything is one's own.
        if !is_own && self.own.has_schema(&new.schema) {
            return self.refuse("what was there before cannot be moved into a schema that the step has made");
        }
        if !is_own || old.schema != new.schema {
            self.need_object(kind, DDL, &new)?;
        }
        self.changes.push(Change::Moved(kind, old, new));
        Ok(())
    }

    fn rename_schema(&mut self, old: &str, new: &str) -> Walk {
        if is_reserved(new) {
            return self.refuse("that name is PostgreSQL's");
        }
        self.need_schema(Right::Ddl, old)?;
        self.need_schema(Right::Ddl, new)?;
        self.changes.push(Change::Moved(Kind::Schema, Name::new(old, ""), Name::new(new, "")));
        Ok(())
    }

    fn set_schema(&mut self, alter: &mut AlterObjectSchemaStmt) -> Walk {
        let class = self.class_of(alter.object_type())?;
        let (kind, old) = match (&class, &mut alter.relation, alter.object.as_deref_mut()) {
            (Class::Relation, Some(relation), _) => (Kind::Relation, self.target(relation, DDL)?),
            (Class::Type, _, Some(object)) => (Kind::Type, self.named(&class, object, DDL)?),
            (Class::Routine, _, Some(object)) => (Kind::Routine, self.named(&class, object, DDL)?),
            (Class::Statistics, _, Some(object)) => (Kind::Statistics, self.named(&class, object, DDL)?),
            _ => return self.unknown(),
        };
        let new = Name::new(&alter.newschema, &old.name);
        self.moved(kind, old, new)
    }
}
