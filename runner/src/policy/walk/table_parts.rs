//! The parts of tables and indexes: columns, constraints, options.

use pg_query::protobuf::{
    ColumnDef, ConstrType, Constraint, DefElem, IndexElem, PartitionBoundSpec, PartitionElem, TableLikeClause,
};
use pg_query::{Node, NodeEnum};

use super::{Use, Walk, Walker};
use crate::policy::need::{Name, Right};

/// Storage parameters that change no more than how rows are kept.
const STORAGE: [&str; 14] = [
    "fillfactor",
    "toast_tuple_target",
    "parallel_workers",
    "vacuum_truncate",
    "vacuum_index_cleanup",
    "log_autovacuum_min_duration",
    "deduplicate_items",
    "buffering",
    "fastupdate",
    "gin_pending_list_limit",
    "pages_per_range",
    "autosummarize",
    "security_barrier",
    "security_invoker",
];

/// Options of sequences, and ALWAYS or BY DEFAULT of an identity.
const SEQUENCE: [&str; 10] = [
    "generated",
    "increment",
    "minvalue",
    "maxvalue",
    "start",
    "restart",
    "cache",
    "cycle",
    "owned_by",
    "logged",
];

const DEFINED_ON: &[Right] = &[Right::Read, Right::Ddl];

impl Walker<'_> {
    pub(super) fn column_definition(&mut self, column: &mut ColumnDef) -> Walk {
        self.see(column.location);
        if !column.fdwoptions.is_empty() {
            return self.refuse("options of a foreign table");
        }
        self.maybe_type(&mut column.type_name)?;
        self.maybe(&mut column.raw_default)?;
        if let Some(clause) = column.coll_clause.as_deref_mut() {
            self.collation(&clause.collname)?;
            self.maybe(&mut clause.arg)?;
        }
        self.each(&mut column.constraints)
    }

    pub(super) fn constraint(&mut self, constraint: &mut Constraint) -> Walk {
        self.node = "Constraint";
        self.see(constraint.location);
        self.maybe(&mut constraint.raw_expr)?;
        self.maybe(&mut constraint.where_clause)?;
        self.no_tablespace(&constraint.indexspace)?;
        self.index_method(&constraint.access_method)?;
        match constraint.contype() {
            ConstrType::ConstrIdentity => self.sequence_options(&mut constraint.options),
            ConstrType::ConstrForeign => self.foreign_key(constraint),
            ConstrType::ConstrExclusion => {
                self.storage_options(&constraint.options)?;
                self.exclusions(&mut constraint.exclusions)
            }
            ConstrType::ConstrPrimary | ConstrType::ConstrUnique => self.storage_options(&constraint.options),
            ConstrType::Undefined => self.unknown(),
            ConstrType::ConstrNull
            | ConstrType::ConstrNotnull
            | ConstrType::ConstrDefault
            | ConstrType::ConstrGenerated
            | ConstrType::ConstrCheck
            | ConstrType::ConstrAttrDeferrable
            | ConstrType::ConstrAttrNotDeferrable
            | ConstrType::ConstrAttrDeferred
            | ConstrType::ConstrAttrImmediate
            | ConstrType::ConstrAttrEnforced
            | ConstrType::ConstrAttrNotEnforced => Ok(()),
        }
    }

    fn foreign_key(&mut self, constraint: &mut Constraint) -> Walk {
        let Some(table) = &mut constraint.pktable else { return self.refuse("it refers to no table") };
        self.node = "RangeVar";
        self.see(table.location);
        let name = self.complete(table)?;
        // A table may refer to itself.
        if self.making.as_ref() == Some(&name) {
            return Ok(());
        }
        self.need_object(crate::policy::own::Kind::Relation, DEFINED_ON, &name)
    }

    /// Pairs of an index's element and an operator.
    fn exclusions(&mut self, pairs: &mut [Node]) -> Walk {
        for pair in pairs {
            let Some(NodeEnum::List(pair)) = &mut pair.node else { return self.unknown() };
            match pair.items.as_mut_slice() {
                [element, operator] => {
                    self.node(element)?;
                    match &operator.node {
                        Some(NodeEnum::List(name)) => self.operator(&name.items)?,
                        _ => return self.unknown(),
                    }
                }
                _ => return self.unknown(),
            }
        }
        Ok(())
    }

    pub(super) fn table_like(&mut self, like: &mut TableLikeClause) -> Walk {
        match &mut like.relation {
            Some(relation) => self.using(Use::Define, |walker| walker.source_relation(relation)),
            None => self.unknown(),
        }
    }

    fn source_relation(&mut self, relation: &mut pg_query::protobuf::RangeVar) -> Walk {
        self.target(relation, DEFINED_ON).map(drop)
    }

    pub(super) fn index_element(&mut self, element: &mut IndexElem) -> Walk {
        self.maybe(&mut element.expr)?;
        self.collation_if(&element.collation)?;
        self.operator_class(&element.opclass)?;
        self.options(
            &element.opclassopts,
            &["siglen", "numranges", "n_distinct_per_range", "false_positive_rate", "values_per_range"],
        )
    }

    pub(super) fn partition_element(&mut self, element: &mut PartitionElem) -> Walk {
        self.see(element.location);
        self.maybe(&mut element.expr)?;
        self.collation_if(&element.collation)?;
        self.operator_class(&element.opclass)
    }

    pub(super) fn partition_bound(&mut self, bound: &mut PartitionBoundSpec) -> Walk {
        self.see(bound.location);
        self.each(&mut bound.listdatums)?;
        self.each(&mut bound.lowerdatums)?;
        self.each(&mut bound.upperdatums)
    }

    fn collation_if(&mut self, parts: &[Node]) -> Walk {
        match parts.is_empty() {
            true => Ok(()),
            false => self.collation(parts),
        }
    }

    /// Only a superuser or an extension can make an operator class.
    fn operator_class(&mut self, parts: &[Node]) -> Walk {
        match self.strings(parts)?.as_slice() {
            [] | [_] => Ok(()),
            [schema, _] if schema == "pg_catalog" => Ok(()),
            [schema, name] => {
                self.check_schema(schema, false)?;
                match self.own.has_extension_in(schema) {
                    true => Ok(()),
                    false => self.need(crate::policy::need::Need::Use(Name::new(schema, name))),
                }
            }
            _ => self.refuse("an operator class has a name of one or two parts"),
        }
    }

    pub(super) fn no_tablespace(&self, name: &str) -> Walk {
        match name.is_empty() {
            true => Ok(()),
            false => self.refuse("tablespaces are the administrator's"),
        }
    }

    pub(super) fn table_method(&self, name: &str) -> Walk {
        match name {
            "" | "heap" => Ok(()),
            other => self.refuse(format!("the access method `{other}` is not PostgreSQL's own")),
        }
    }

    pub(super) fn index_method(&self, name: &str) -> Walk {
        match name {
            "" | "btree" | "hash" | "gin" | "gist" | "brin" | "spgist" => Ok(()),
            other => self.refuse(format!("the access method `{other}` is not PostgreSQL's own")),
        }
    }

    /// Options of a table, an index or a view.
    pub(super) fn storage_options(&mut self, options: &[Node]) -> Walk {
        for option in options {
            let option = self.option(option)?;
            let name = option.defname.as_str();
            let is_known =
                STORAGE.contains(&name) || name.starts_with("autovacuum_") || name == "check_option";
            if !is_known || !matches!(option.defnamespace.as_str(), "" | "toast") {
                return self.refuse(format!("the option `{name}` is not among those that may be set"));
            }
            self.plain_value(option)?;
        }
        Ok(())
    }

    /// Options of which only these may be set, with plain values.
    pub(super) fn options(&mut self, options: &[Node], allowed: &[&str]) -> Walk {
        for option in options {
            let option = self.option(option)?;
            if !allowed.contains(&option.defname.as_str()) {
                return self
                    .refuse(format!("the option `{}` is not among those that may be set", option.defname));
            }
            self.plain_value(option)?;
        }
        Ok(())
    }

    pub(super) fn option<'n>(&mut self, option: &'n Node) -> Walk<&'n DefElem> {
        match &option.node {
            Some(NodeEnum::DefElem(option)) => {
                self.node = "DefElem";
                self.see(option.location);
                Ok(option)
            }
            _ => self.unknown(),
        }
    }

    /// A number or a word: nothing that is looked up or run.
    fn plain_value(&self, option: &DefElem) -> Walk {
        match option.arg.as_deref().and_then(|arg| arg.node.as_ref()) {
            None
            | Some(
                NodeEnum::Integer(_)
                | NodeEnum::Float(_)
                | NodeEnum::Boolean(_)
                | NodeEnum::String(_)
                | NodeEnum::AConst(_),
            ) => Ok(()),
            // A bare word is read as the name of a type.
            Some(NodeEnum::TypeName(name)) if name.typmods.is_empty() && name.names.len() == 1 => Ok(()),
            Some(_) => self.refuse(format!("a plain value is expected for `{}`", option.defname)),
        }
    }

    pub(super) fn sequence_options(&mut self, options: &mut [Node]) -> Walk {
        for option in options {
            let Some(NodeEnum::DefElem(option)) = &mut option.node else { return self.unknown() };
            self.node = "DefElem";
            self.see(option.location);
            let arg = option.arg.as_deref_mut().and_then(|arg| arg.node.as_mut());
            match (option.defname.as_str(), arg) {
                ("as", Some(NodeEnum::TypeName(name))) => self.type_name(name)?,
                ("owned_by", Some(NodeEnum::List(list))) => self.owned_by(&mut list.items)?,
                ("as" | "owned_by", _) => return self.unknown(),
                (name, _) if SEQUENCE.contains(&name) => self.plain_value(option)?,
                (name, _) => return self.refuse(format!("the option `{name}` of a sequence may not be set")),
            }
        }
        Ok(())
    }

    fn owned_by(&mut self, parts: &mut Vec<Node>) -> Walk {
        if self.strings(parts)?.as_slice() == ["none"] {
            return Ok(());
        }
        let table = self.qualify_with_member(parts)?;
        self.need_object(crate::policy::own::Kind::Relation, &[Right::Ddl], &table)
    }
}
