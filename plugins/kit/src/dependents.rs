//! What depends on a column, and cannot follow every change of it.

use std::fmt;

use plugin_sdk::prelude::*;

/// The catalogs that [`dependents`] reads, for a plugin's capability `read`.
pub const DEPENDENT_CATALOGS: [&str; 9] = [
    "pg_catalog.pg_attribute",
    "pg_catalog.pg_class",
    "pg_catalog.pg_constraint",
    "pg_catalog.pg_depend",
    "pg_catalog.pg_index",
    "pg_catalog.pg_namespace",
    "pg_catalog.pg_policy",
    "pg_catalog.pg_rewrite",
    "pg_catalog.pg_trigger",
];

/// The statement that [`dependents`] sends: what a test of a plugin expects. Its
/// numbers are those of the catalogs themselves, as `pg_depend` has them. From
/// PostgreSQL 15 on it is the expression of a generated column, not the column, that
/// depends on another column; the expression is a part of its own one (`i`).
pub const DEPENDENTS: &str = "\
select distinct
    case
        when constrained.oid is not null then constrained.contype::text
        when view.oid is not null then 'view'
        when triggered.oid is not null then 'trigger'
        when policy.oid is not null then 'policy'
        when dependent.classid = 2604 and dependent.deptype <> 'i' and generated.objid is not null then 'generated'
        when dependent.classid = 2604 then 'default'
        when related.oid = owner.oid then 'generated'
        when indexed.indexprs is not null or indexed.indpred is not null then 'expression'
        else 'index' end,
    coalesce(constrained.conname, view.relname, triggered.tgname, policy.polname, related.relname, '')::text
from pg_catalog.pg_class owner
join pg_catalog.pg_namespace space on space.oid = owner.relnamespace
join pg_catalog.pg_attribute attribute on attribute.attrelid = owner.oid
join pg_catalog.pg_depend dependent on dependent.refclassid = 1259 and dependent.refobjid = owner.oid
    and dependent.refobjsubid = attribute.attnum
left join pg_catalog.pg_constraint constrained on dependent.classid = 2606
    and constrained.oid = dependent.objid and constrained.contype <> 'n'
left join pg_catalog.pg_depend generated on dependent.classid = 2604 and generated.classid = 2604
    and generated.objid = dependent.objid and generated.deptype = 'i'
left join pg_catalog.pg_rewrite rule on dependent.classid = 2618 and rule.oid = dependent.objid
left join pg_catalog.pg_class view on view.oid = rule.ev_class
left join pg_catalog.pg_trigger triggered on dependent.classid = 2620 and triggered.oid = dependent.objid
left join pg_catalog.pg_policy policy on dependent.classid = 3256 and policy.oid = dependent.objid
left join pg_catalog.pg_class related on dependent.classid = 1259 and related.oid = dependent.objid
    and related.relkind in ('r', 'p', 'i', 'I')
left join pg_catalog.pg_index indexed on indexed.indexrelid = related.oid
where space.nspname = $1 and owner.relname = $2 and attribute.attname = $3
    and (constrained.oid is not null or view.oid is not null or triggered.oid is not null
        or policy.oid is not null or related.oid is not null or dependent.classid = 2604)
order by 1, 2";

/// What kind of object depends on a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DependentKind {
    /// A primary key or a unique constraint.
    Unique,
    /// A check constraint or an exclusion constraint.
    Check,
    /// A foreign key, on either side.
    ForeignKey,
    /// A view or a rule.
    View,
    /// A trigger that names the column.
    Trigger,
    /// A policy of row-level security.
    Policy,
    /// The column's own default.
    Default,
    /// A column that the server computes from it.
    Generated,
    /// An index that has the column as it is.
    Index,
    /// An index with an expression or a condition.
    ExpressionIndex,
}

/// An object that depends on a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependent {
    /// What it is.
    pub kind: DependentKind,
    /// Its name; empty for a default and a generated column.
    pub name: String,
}

/// Finds what depends on a column, in the order of kinds and names. Needs the
/// capability `read` on [`DEPENDENT_CATALOGS`].
///
/// # Errors
///
/// The server's error, and a kind of constraint that is not known.
pub fn dependents(tx: &Transaction, schema: &str, table: &str, column: &str) -> Result<Vec<Dependent>> {
    let rows: Vec<(String, String)> = tx.query_as(DEPENDENTS, params![schema, table, column])?;
    rows.into_iter().map(|(kind, name)| Ok(Dependent { kind: DependentKind::parse(&kind)?, name })).collect()
}

/// Refuses a column with dependents of other kinds than these.
///
/// # Errors
///
/// Names all that depends on the column and is not of a kind that can follow.
pub fn refuse_dependents(
    tx: &Transaction,
    (schema, table, column): (&str, &str, &str),
    follow: &[DependentKind],
) -> Result<()> {
    let found = dependents(tx, schema, table, column)?;
    let stays = |dependent: &&Dependent| !follow.contains(&dependent.kind);
    let names: Vec<String> = found.iter().filter(stays).map(Dependent::to_string).collect();
    ensure!(
        names.is_empty(),
        "the column `{column}` of {schema}.{table} cannot be changed so: {} depends on it. Drop that in a \
         revision before this one",
        names.join(", ")
    );
    Ok(())
}

/// Refuses a column with an index, that of a key too, which the parameters do not
/// name as `schema.index`: it changes with the column, so whoever reviews the revision
/// has to see it, and the manifest has to grant `ddl` on it.
///
/// # Errors
///
/// Names the index.
pub fn check_indexes(
    tx: &Transaction,
    (schema, table, column): (&str, &str, &str),
    indexes: &[String],
) -> Result<()> {
    let has_index = |kind: DependentKind| matches!(kind, DependentKind::Index | DependentKind::Unique);
    let found = dependents(tx, schema, table, column)?;
    let mut found = found.iter().filter(|dependent| has_index(dependent.kind));
    match found.find(|dependent| !indexes.contains(&format!("{schema}.{}", dependent.name))) {
        None => Ok(()),
        Some(index) => bail!(
            "{index} of {schema}.{table} has the column `{column}` and changes with it: name \
             \"{schema}.{}\" under `indexes`, and grant `ddl` on it",
            index.name
        ),
    }
}

impl DependentKind {
    fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "p" | "u" => Self::Unique,
            "c" | "x" => Self::Check,
            "f" => Self::ForeignKey,
            "view" => Self::View,
            "trigger" => Self::Trigger,
            "policy" => Self::Policy,
            "default" => Self::Default,
            "generated" => Self::Generated,
            "index" => Self::Index,
            "expression" => Self::ExpressionIndex,
            other => bail!("the catalogs have a constraint of the kind `{other}`, which is not known"),
        })
    }
}

impl fmt::Display for Dependent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            DependentKind::Unique | DependentKind::Check => "the constraint",
            DependentKind::ForeignKey => "the foreign key",
            DependentKind::View => "the view",
            DependentKind::Trigger => "the trigger",
            DependentKind::Policy => "the policy",
            DependentKind::Default => return f.write_str("its default"),
            DependentKind::Generated => return f.write_str("a generated column"),
            DependentKind::Index | DependentKind::ExpressionIndex => "the index",
        };
        write!(f, "{kind} {}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use plugin_sdk::mock::Mock;
    use plugin_sdk::row;

    use super::*;

    #[test]
    fn what_cannot_follow_is_named() {
        let mock = Mock::new();
        let rows = [row!["default", ""], row!["index", "a_idx"], row!["u", "a_key"], row!["view", "v"]];
        mock.on_query(DEPENDENTS).returns(&[("kind", "text"), ("name", "text")], rows);
        let refused = |follow: &[DependentKind]| {
            let refused = refuse_dependents(mock.transaction(), ("public", "t", "a"), follow);
            refused.err().map(|error| error.to_string())
        };
        use DependentKind::{Default, Index, Unique, View};
        assert_eq!(refused(&[Default, Index, Unique, View]), None);
        assert_eq!(
            refused(&[Index]).as_deref(),
            Some(
                "the column `a` of public.t cannot be changed so: its default, the constraint a_key, the view v \
                 depends on it. Drop that in a revision before this one"
            )
        );
    }
}
