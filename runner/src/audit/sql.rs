//! Parts of the texts that are sent.

pub(super) use crate::db::qualified;

/// Turns the server's compiler off for the rest of the transaction, for the
/// statements that follow in the same message: it takes these statements for
/// expensive ones, and would compile for a tenth of a second what runs for a
/// few milliseconds. Its one row is the setting.
pub(super) const INTERPRETED: &str = "SELECT pg_catalog.set_config('jit', 'off', true); ";

/// Schema and name of a relation, and the names of those that it is a partition
/// of, as a JSON array; NULL where there is no such relation.
pub(super) fn relation_name(oid: &str) -> String {
    format!(
        "(SELECT pg_catalog.json_build_array(rn.nspname, rc.relname, CASE WHEN rc.relispartition THEN \
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(an.nspname, ac.relname)) \
         FROM pg_catalog.pg_partition_ancestors(rc.oid) pa, pg_catalog.pg_class ac, pg_catalog.pg_namespace an \
         WHERE ac.oid = pa.relid AND an.oid = ac.relnamespace AND pa.relid <> rc.oid) END) \
         FROM pg_catalog.pg_class rc, pg_catalog.pg_namespace rn \
         WHERE rc.oid = {oid} AND rn.oid = rc.relnamespace)"
    )
}

/// Schema and name of a function as a JSON array.
pub(super) fn function_name(oid: &str) -> String {
    format!(
        "(SELECT pg_catalog.json_build_array(fn.nspname, fp.proname) \
         FROM pg_catalog.pg_proc fp, pg_catalog.pg_namespace fn \
         WHERE fp.oid = {oid} AND fn.oid = fp.pronamespace)"
    )
}
