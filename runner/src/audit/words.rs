//! What the objects of the catalogs are called.

use super::change::Row;

/// What an object of each catalog is called; `pg_class` says more by itself.
const NOUNS: [(&str, &str); 43] = [
    ("pg_aggregate", "aggregate"),
    ("pg_am", "access method"),
    ("pg_amop", "operator of an operator family"),
    ("pg_amproc", "function of an operator family"),
    ("pg_attrdef", "default of column"),
    ("pg_attribute", "column"),
    ("pg_auth_members", "membership"),
    ("pg_cast", "cast"),
    ("pg_collation", "collation"),
    ("pg_constraint", "constraint"),
    ("pg_conversion", "conversion"),
    ("pg_database", "database"),
    ("pg_db_role_setting", "setting"),
    ("pg_default_acl", "default privileges"),
    ("pg_description", "comment on"),
    ("pg_enum", "label of type"),
    ("pg_event_trigger", "event trigger"),
    ("pg_extension", "extension"),
    ("pg_foreign_data_wrapper", "foreign-data wrapper"),
    ("pg_foreign_server", "foreign server"),
    ("pg_foreign_table", "options of foreign table"),
    ("pg_index", "index"),
    ("pg_inherits", "inheritance"),
    ("pg_language", "language"),
    ("pg_largeobject_metadata", "large object"),
    ("pg_namespace", "schema"),
    ("pg_opclass", "operator class"),
    ("pg_operator", "operator"),
    ("pg_opfamily", "operator family"),
    ("pg_parameter_acl", "privileges on parameter"),
    ("pg_policy", "policy"),
    ("pg_proc", "function"),
    ("pg_publication", "publication"),
    ("pg_publication_namespace", "schema of a publication"),
    ("pg_publication_rel", "table of a publication"),
    ("pg_rewrite", "rule"),
    ("pg_sequence", "options of sequence"),
    ("pg_statistic_ext", "statistics"),
    ("pg_tablespace", "tablespace"),
    ("pg_transform", "transform for"),
    ("pg_trigger", "trigger"),
    ("pg_ts_config", "text search configuration"),
    ("pg_type", "type"),
];

fn noun(row: &Row) -> &'static str {
    match (row.catalog, row.text_fact("kind")) {
        ("pg_class", "v") => "view",
        ("pg_class", "m") => "materialized view",
        ("pg_class", "S") => "sequence",
        ("pg_class", "i" | "I") => "index",
        ("pg_class", "f") => "foreign table",
        ("pg_class", "c") => "type",
        ("pg_class", _) => "table",
        ("pg_proc", "p") => "procedure",
        ("pg_proc", "a") => "aggregate",
        ("pg_ts_config_map" | "pg_ts_dict" | "pg_ts_parser" | "pg_ts_template", _) => "text search object",
        (catalog, _) => NOUNS.iter().find(|(known, _)| *known == catalog).map_or("object", |(_, noun)| *noun),
    }
}

/// The object with what it is: `policy p on app.users`.
pub(super) fn object(row: &Row) -> String {
    let named = plain_object(row);
    match (row.catalog, &row.relation) {
        (
            "pg_trigger" | "pg_policy" | "pg_rewrite" | "pg_constraint" | "pg_attribute" | "pg_attrdef"
            | "pg_inherits",
            Some(_),
        ) => named,
        _ => format!("{} {named}", noun(row)),
    }
}

/// The object's name, with what it is where the name alone does not say it.
pub(super) fn plain_object(row: &Row) -> String {
    let noun = noun(row);
    let qualified = row.name().map_or_else(|| row.label.clone(), |name| name.to_string());
    match (row.catalog, &row.relation) {
        ("pg_trigger", Some(on)) if row.fact("internal") == true => {
            format!("a constraint's trigger on {}", on.name)
        }
        ("pg_trigger" | "pg_policy" | "pg_rewrite", Some(on)) => {
            format!("{noun} {} on {}", row.label, on.name)
        }
        ("pg_constraint" | "pg_attribute" | "pg_attrdef", Some(of)) => {
            format!("{noun} {} of {}", row.label, of.name)
        }
        ("pg_inherits", Some(child)) => {
            let parent = row.other.as_ref().map(|parent| parent.name.to_string()).unwrap_or_default();
            format!("inheritance of {} from {parent}", child.name)
        }
        ("pg_sequence" | "pg_index", Some(of)) => of.name.to_string(),
        ("pg_description", _) => row.text_fact("object").to_owned(),
        ("pg_namespace", _) => row.label.clone(),
        ("pg_proc", _) => format!("{qualified}()"),
        ("pg_extension", _) => row.label.clone(),
        _ => qualified,
    }
}
