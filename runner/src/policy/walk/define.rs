//! Views, schemas, sequences, types and extensions.

use pg_query::protobuf::{
    AlterDomainStmt, AlterEnumStmt, AlterSeqStmt, CompositeTypeStmt, CreateDomainStmt, CreateEnumStmt,
    CreateExtensionStmt, CreateRangeStmt, CreateSchemaStmt, CreateSeqStmt, CreateTableAsStmt, ObjectType,
    OnCommitAction, RefreshMatViewStmt, ViewStmt,
};
use pg_query::{Node, NodeEnum};

use super::{Use, Walk, Walker};
use crate::policy::need::{Name, Need, Right};
use crate::policy::own::{Arity, Change, Kind};

const DDL: &[Right] = &[Right::Ddl];

/// Extensions that reach outside the database, run SQL that is given as text,
/// bring a language, or look into other people's data.
const REFUSED_EXTENSIONS: [&str; 20] = [
    "adminpack",
    "amcheck",
    "autoinc",
    "dblink",
    "insert_username",
    "lo",
    "old_snapshot",
    "pageinspect",
    "pg_background",
    "pg_buffercache",
    "pg_cron",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_surgery",
    "pg_visibility",
    "pg_walinspect",
    "pgrowlocks",
    "refint",
    "tablefunc",
    "xml2",
];

/// Beginnings and ends of the names of extensions that are refused.
const REFUSED_BEGINNINGS: [&str; 5] = ["pl", "http", "aws_", "test_", "file_"];
const REFUSED_ENDINGS: [&str; 4] = ["_fdw", "_plperl", "_plperlu", "_plpython3u"];

impl Walker<'_> {
    pub(super) fn define(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::ViewStmt(view) => self.view(view),
            NodeEnum::CreateTableAsStmt(create) => self.create_as(create),
            NodeEnum::RefreshMatViewStmt(refresh) => self.refresh(refresh),
            NodeEnum::CreateSchemaStmt(create) => self.create_schema(create),
            NodeEnum::CreateSeqStmt(create) => self.create_sequence(create),
            NodeEnum::AlterSeqStmt(alter) => self.alter_sequence(alter),
            NodeEnum::CreateDomainStmt(create) => self.create_domain(create),
            NodeEnum::AlterDomainStmt(alter) => self.alter_domain(alter),
            NodeEnum::CompositeTypeStmt(create) => self.composite(create),
            NodeEnum::CreateEnumStmt(create) => self.create_enum(create),
            NodeEnum::CreateRangeStmt(create) => self.create_range(create),
            NodeEnum::AlterEnumStmt(alter) => self.alter_enum(alter),
            NodeEnum::CreateExtensionStmt(create) => self.create_extension(create),
            _ => self.unknown(),
        }
    }

    fn view(&mut self, view: &mut ViewStmt) -> Walk {
        let name = self.target_of(&mut view.view, DDL)?;
        self.check_new_relation(&name.name)?;
        self.storage_options(&view.options)?;
        self.using(Use::Define, |walker| walker.maybe(&mut view.query))?;
        if !view.replace {
            self.made(Kind::Relation, &name);
        }
        Ok(())
    }

    /// CREATE TABLE … AS and CREATE MATERIALIZED VIEW.
    fn create_as(&mut self, create: &mut CreateTableAsStmt) -> Walk {
        if !matches!(create.objtype(), ObjectType::ObjectTable | ObjectType::ObjectMatview)
            || create.is_select_into
        {
            return self.refuse("write CREATE TABLE … AS");
        }
        let Some(into) = create.into.as_deref_mut() else { return self.unknown() };
        let name = self.target_of(&mut into.rel, DDL)?;
        self.check_new_relation(&name.name)?;
        if !matches!(into.on_commit(), OnCommitAction::Undefined | OnCommitAction::OncommitNoop) {
            return self.refuse("ON COMMIT is for temporary tables");
        }
        self.table_method(&into.access_method)?;
        self.no_tablespace(&into.table_space_name)?;
        self.storage_options(&into.options)?;
        match create.query.as_deref_mut() {
            Some(query @ Node { node: Some(NodeEnum::SelectStmt(_)) }) => {
                self.using(Use::Define, |walker| walker.node(query))?;
            }
            _ => return self.refuse("only the rows of a SELECT or VALUES make a table"),
        }
        if !create.if_not_exists {
            self.made(Kind::Relation, &name);
        }
        Ok(())
    }

    fn refresh(&mut self, refresh: &mut RefreshMatViewStmt) -> Walk {
        self.target_of(&mut refresh.relation, &[Right::Ddl, Right::Write]).map(drop)
    }

    fn create_schema(&mut self, create: &mut CreateSchemaStmt) -> Walk {
        if create.authrole.is_some() {
            return self.refuse("AUTHORIZATION gives the schema to another role");
        }
        if super::name::is_reserved(&create.schemaname) {
            return self.refuse("that name is PostgreSQL's");
        }
        self.need_schema(Right::Ddl, &create.schemaname)?;
        // The elements are made in the new schema.
        if !create.schema_elts.is_empty() {
            return self.refuse("write the statements that fill the schema after it, each by itself");
        }
        if !create.if_not_exists {
            self.made(Kind::Schema, &Name::new(&create.schemaname, ""));
        }
        Ok(())
    }

    fn create_sequence(&mut self, create: &mut CreateSeqStmt) -> Walk {
        let name = self.target_of(&mut create.sequence, DDL)?;
        self.check_new_relation(&name.name)?;
        self.sequence_options(&mut create.options)?;
        if !create.if_not_exists {
            self.made(Kind::Relation, &name);
        }
        Ok(())
    }

    fn alter_sequence(&mut self, alter: &mut AlterSeqStmt) -> Walk {
        self.target_of(&mut alter.sequence, DDL)?;
        self.sequence_options(&mut alter.options)
    }

    /// A new type under a name of its own.
    fn new_type(&mut self, parts: &mut Vec<Node>) -> Walk<Name> {
        let name = self.qualify(parts)?;
        self.check_new_name(&name.name)?;
        self.need_object(Kind::Type, DDL, &name)?;
        self.made(Kind::Type, &name);
        Ok(name)
    }

    fn create_domain(&mut self, create: &mut CreateDomainStmt) -> Walk {
        self.new_type(&mut create.domainname)?;
        self.maybe_type(&mut create.type_name)?;
        if let Some(clause) = create.coll_clause.as_deref() {
            self.collation(&clause.collname)?;
        }
        self.each(&mut create.constraints)
    }

    fn alter_domain(&mut self, alter: &mut AlterDomainStmt) -> Walk {
        self.no_cascade(alter.behavior())?;
        let name = self.qualify(&mut alter.type_name)?;
        // `X` is DROP CONSTRAINT.
        let rights: &'static [Right] = if alter.subtype == "X" { &[Right::Drop] } else { DDL };
        self.need_object(Kind::Type, rights, &name)?;
        self.maybe(&mut alter.def)
    }

    fn composite(&mut self, create: &mut CompositeTypeStmt) -> Walk {
        let name = self.target_of(&mut create.typevar, DDL)?;
        self.check_new_name(&name.name)?;
        self.each(&mut create.coldeflist)?;
        self.made(Kind::Relation, &name);
        Ok(())
    }

    fn create_enum(&mut self, create: &mut CreateEnumStmt) -> Walk {
        self.new_type(&mut create.type_name)?;
        self.strings(&create.vals).map(drop)
    }

    /// A range over a type. Its functions would be called whenever a value is
    /// made, so none may be given.
    fn create_range(&mut self, create: &mut CreateRangeStmt) -> Walk {
        let name = self.new_type(&mut create.type_name)?;
        for option in &mut create.params {
            let Some(NodeEnum::DefElem(option)) = &mut option.node else { return self.unknown() };
            self.node = "DefElem";
            self.see(option.location);
            let arg = option.arg.as_deref_mut().and_then(|arg| arg.node.as_mut());
            match (option.defname.as_str(), arg) {
                ("subtype", Some(NodeEnum::TypeName(subtype))) => self.type_name(subtype)?,
                ("collation", Some(NodeEnum::TypeName(_))) => {}
                ("multirange_type_name", Some(NodeEnum::TypeName(multirange))) => {
                    let multirange = self.qualify(&mut multirange.names)?;
                    self.check_new_name(&multirange.name)?;
                    self.need_object(Kind::Type, DDL, &multirange)?;
                }
                (other, _) => {
                    return self.refuse(format!("a range's `{other}` calls a function; leave it out"));
                }
            }
        }
        // A function of the same name makes its values.
        self.made_routine(Kind::Routine, &name, Arity { least: 2, most: 3 });
        Ok(())
    }

    fn alter_enum(&mut self, alter: &mut AlterEnumStmt) -> Walk {
        let name = self.qualify(&mut alter.type_name)?;
        self.need_object(Kind::Type, DDL, &name)
    }

    fn create_extension(&mut self, create: &mut CreateExtensionStmt) -> Walk {
        let name = create.extname.as_str();
        let is_refused = REFUSED_EXTENSIONS.contains(&name)
            || REFUSED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
            || REFUSED_ENDINGS.iter().any(|ending| name.ends_with(ending));
        if is_refused {
            return self
                .refuse(format!("the extension `{name}` reaches outside the database, or runs any SQL"));
        }
        self.need(Need::Extension(name.to_owned()))?;
        let mut schema = None;
        for option in &create.options {
            let option = self.option(option)?;
            match (option.defname.as_str(), option.arg.as_deref().and_then(|arg| arg.node.as_ref())) {
                ("schema", Some(NodeEnum::String(name))) => schema = Some(name.sval.clone()),
                ("new_version", Some(NodeEnum::String(_))) => {}
                ("cascade", _) => {
                    return self.refuse("CASCADE creates extensions that the statement does not name");
                }
                _ => return self.unknown(),
            }
        }
        let Some(schema) = schema else {
            return self.refuse("say where it goes: CREATE EXTENSION … SCHEMA …");
        };
        self.need_inside(&schema)?;
        if !create.if_not_exists {
            self.changes.push(Change::Made(Kind::Extension, Name::new(schema, ""), Arity::ANY));
        }
        Ok(())
    }
}
