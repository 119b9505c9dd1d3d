//! The question to the catalogs about one table.

use crate::db::quote_literal;

/// The question whose one value [`Target`](super::Target) reads, as JSON. No row
/// if there is no such relation: the cast of its name is an error of its own.
///
/// `table` is a name as SQL spells it, quoted.
pub(super) fn question(table: &str) -> String {
    format!(
        "WITH RECURSIVE target AS (SELECT c.*, n.nspname FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         WHERE c.oid OPERATOR(pg_catalog.=) {name}::pg_catalog.regclass), \
         field AS (SELECT a.* FROM pg_catalog.pg_attribute a JOIN target \
         ON a.attrelid OPERATOR(pg_catalog.=) target.oid \
         WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped), {PARTS} \
         SELECT pg_catalog.json_build_object('oid', target.oid::pg_catalog.int8, 'schema', target.nspname, \
         'name', target.relname, 'kind', target.relkind, 'row_security', target.relrowsecurity, \
         'estimated_rows', {ROWS}, 'columns', {COLUMNS}, 'keys', {KEYS})::pg_catalog.text FROM target",
        name = quote_literal(table),
    )
}

/// The types that a column's type is made of, itself among them: a value has a
/// binary format only if all of them have one.
const PARTS: &str = "part(root, oid) AS (SELECT atttypid, atttypid FROM field UNION \
    SELECT part.root, deeper.oid FROM part \
    JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) part.oid CROSS JOIN LATERAL (\
    SELECT t.typbasetype AS oid WHERE t.typtype OPERATOR(pg_catalog.=) 'd' \
    UNION ALL SELECT t.typelem WHERE t.typcategory OPERATOR(pg_catalog.=) 'A' \
    UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r \
        WHERE t.oid OPERATOR(pg_catalog.=) r.rngtypid OR t.oid OPERATOR(pg_catalog.=) r.rngmultitypid \
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a \
        WHERE t.typtype OPERATOR(pg_catalog.=) 'c' AND a.attrelid OPERATOR(pg_catalog.=) t.typrelid \
        AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) deeper)";

/// Of a partitioned table the sum of its partitions.
const ROWS: &str = "CASE WHEN target.relkind OPERATOR(pg_catalog.=) 'p' \
    THEN (SELECT pg_catalog.sum(leaf.reltuples) FROM pg_catalog.pg_partition_tree(target.oid) tree \
        JOIN pg_catalog.pg_class leaf ON leaf.oid OPERATOR(pg_catalog.=) tree.relid \
        WHERE tree.isleaf AND leaf.reltuples OPERATOR(pg_catalog.>=) 0) \
    WHEN target.relkind OPERATOR(pg_catalog.=) ANY ('{r,m}'::pg_catalog.\"char\"[]) \
        AND target.reltuples OPERATOR(pg_catalog.>=) 0 THEN target.reltuples END";

const COLUMNS: &str = "COALESCE((SELECT pg_catalog.json_agg(pg_catalog.json_build_object(\
    'name', field.attname, 'type_oid', t.oid::pg_catalog.int8, 'type_schema', tn.nspname, 'type_name', t.typname, \
    'type_modifier', field.atttypmod, 'nullable', NOT (field.attnotnull OR t.typnotnull), \
    'generated', field.attgenerated OPERATOR(pg_catalog.<>) '', \
    'identity_always', field.attidentity OPERATOR(pg_catalog.=) 'a', \
    'binary', NOT EXISTS (SELECT FROM part JOIN pg_catalog.pg_type p ON p.oid OPERATOR(pg_catalog.=) part.oid \
        WHERE part.root OPERATOR(pg_catalog.=) field.atttypid \
        AND p.typreceive::pg_catalog.oid OPERATOR(pg_catalog.=) 0::pg_catalog.oid)) ORDER BY field.attnum) \
    FROM field JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) field.atttypid \
    JOIN pg_catalog.pg_namespace tn ON tn.oid OPERATOR(pg_catalog.=) t.typnamespace), '[]')";

/// Unique indexes over plain columns and all rows, by equality and in the
/// columns' own collations: what compares two keys compares them as the index
/// does. The operator of a column is the one by which the index holds two values
/// for equal.
const KEYS: &str = "COALESCE((SELECT pg_catalog.json_agg(pg_catalog.json_build_object(\
    'primary', i.indisprimary, 'immediate', i.indimmediate, 'columns', \
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, \
        'operator_schema', opn.nspname, 'operator', op.oprname) ORDER BY number.at) \
    FROM pg_catalog.generate_series(0, i.indnkeyatts::pg_catalog.int4 OPERATOR(pg_catalog.-) 1) number(at) \
    JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid \
        AND a.attnum OPERATOR(pg_catalog.=) i.indkey[number.at] \
    JOIN pg_catalog.pg_opclass class ON class.oid OPERATOR(pg_catalog.=) i.indclass[number.at] \
    JOIN pg_catalog.pg_amop amop ON amop.amopfamily OPERATOR(pg_catalog.=) class.opcfamily \
        AND amop.amoplefttype OPERATOR(pg_catalog.=) class.opcintype \
        AND amop.amoprighttype OPERATOR(pg_catalog.=) class.opcintype \
        AND amop.amopstrategy OPERATOR(pg_catalog.=) 3 \
    JOIN pg_catalog.pg_operator op ON op.oid OPERATOR(pg_catalog.=) amop.amopopr \
    JOIN pg_catalog.pg_namespace opn ON opn.oid OPERATOR(pg_catalog.=) op.oprnamespace)) \
    ORDER BY i.indisprimary DESC, i.indexrelid) \
    FROM pg_catalog.pg_index i WHERE i.indrelid OPERATOR(pg_catalog.=) target.oid \
    AND i.indisunique AND NOT i.indisexclusion AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL \
    AND NOT EXISTS (SELECT \
        FROM pg_catalog.generate_series(0, i.indnkeyatts::pg_catalog.int4 OPERATOR(pg_catalog.-) 1) number(at) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid \
            AND a.attnum OPERATOR(pg_catalog.=) i.indkey[number.at] \
        WHERE i.indcollation[number.at] OPERATOR(pg_catalog.<>) a.attcollation)), '[]')";
