//! The identifiers of PostgreSQL's own types, as in `pg_type.oid`.

#![allow(missing_docs, reason = "the names say everything")]

pub const BOOL: u32 = 16;
pub const BYTEA: u32 = 17;
pub const CHAR: u32 = 18;
pub const NAME: u32 = 19;
pub const INT8: u32 = 20;
pub const INT2: u32 = 21;
pub const INT4: u32 = 23;
pub const TEXT: u32 = 25;
pub const OID: u32 = 26;
pub const JSON: u32 = 114;
pub const XML: u32 = 142;
pub const FLOAT4: u32 = 700;
pub const FLOAT8: u32 = 701;
pub const UNKNOWN: u32 = 705;
pub const BPCHAR: u32 = 1042;
pub const VARCHAR: u32 = 1043;
pub const DATE: u32 = 1082;
pub const TIME: u32 = 1083;
pub const TIMESTAMP: u32 = 1114;
pub const TIMESTAMPTZ: u32 = 1184;
pub const INTERVAL: u32 = 1186;
pub const TIMETZ: u32 = 1266;
pub const NUMERIC: u32 = 1700;
pub const UUID: u32 = 2950;
pub const JSONB: u32 = 3802;

/// Where the identifiers begin that PostgreSQL gives to types that users make.
pub const FIRST_USER_DEFINED: u32 = 16384;

/// Each type of the table with the identifier of its arrays and its name.
pub(crate) const BUILT_IN: &[(u32, u32, &str)] = &[
    (BOOL, 1000, "bool"),
    (BYTEA, 1001, "bytea"),
    (CHAR, 1002, "char"),
    (NAME, 1003, "name"),
    (INT8, 1016, "int8"),
    (INT2, 1005, "int2"),
    (INT4, 1007, "int4"),
    (TEXT, 1009, "text"),
    (OID, 1028, "oid"),
    (JSON, 199, "json"),
    (XML, 143, "xml"),
    (FLOAT4, 1021, "float4"),
    (FLOAT8, 1022, "float8"),
    (BPCHAR, 1014, "bpchar"),
    (VARCHAR, 1015, "varchar"),
    (DATE, 1182, "date"),
    (TIME, 1183, "time"),
    (TIMESTAMP, 1115, "timestamp"),
    (TIMESTAMPTZ, 1185, "timestamptz"),
    (INTERVAL, 1187, "interval"),
    (TIMETZ, 1270, "timetz"),
    (NUMERIC, 1231, "numeric"),
    (UUID, 2951, "uuid"),
    (JSONB, 3807, "jsonb"),
];
