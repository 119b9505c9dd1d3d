//! What the server has of its own: the names that decide what a call is.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

/// Functions that only compute: a statement may call them. Volatility is no test:
/// `query_to_xml`, `ts_stat` and `current_setting` are stable, and all of them
/// reach out.
const ALLOWED: &str = include_str!("data/allow_functions.txt");

/// Functions that could be called as a field, `('x'::text).pg_read_file`, and
/// must not be.
const FIELDS: &str = include_str!("data/field_deny.txt");

/// The other functions of PostgreSQL up to 18.
const OTHERS: &str = include_str!("data/other_functions.txt");

/// PostgreSQL's types, without arrays and rows.
const TYPES: &str = include_str!("data/types.txt");

/// Types that no statement may name: they look things up, hold a cursor or a
/// server's inner state, or can only be made by C code.
const REFUSED_TYPES: [&str; 32] = [
    "cstring",
    "event_trigger",
    "fdw_handler",
    "gtsvector",
    "index_am_handler",
    "internal",
    "language_handler",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_ddl_command",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_ndistinct",
    "pg_node_tree",
    "refcursor",
    "regclass",
    "regcollation",
    "regconfig",
    "regdatabase",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "table_am_handler",
    "tsm_handler",
    "unknown",
    "xml",
    "aclitem",
];

/// What the grammar makes into a type and a sequence.
const SERIALS: [&str; 6] = ["serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"];

static ALLOWED_SET: LazyLock<HashSet<&'static str>> = LazyLock::new(|| ALLOWED.lines().collect());
static TYPE_SET: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| TYPES.lines().filter(|name| !REFUSED_TYPES.contains(name)).collect());
static BUILT_IN: LazyLock<Arc<ServerFacts>> = LazyLock::new(|| Arc::new(ServerFacts::compiled_in()));

/// What one server has: its version, and the names in its `pg_catalog`.
#[derive(Debug)]
pub struct ServerFacts {
    major: u32,
    functions: HashSet<String>,
    types: HashSet<String>,
    fields: HashSet<String>,
    /// The routines outside of `pg_catalog`: for each name the schemas.
    routines: HashMap<String, Vec<String>>,
}

impl ServerFacts {
    /// Asks a server for what [`Self::from_rows`] takes: the kind of a name, and
    /// the name. `field` is a function that can be called with one argument; one
    /// that takes an `internal` cannot be called from SQL at all.
    pub const QUERY: &str = "\
SELECT 'version'::pg_catalog.text, (pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000)::pg_catalog.text
UNION ALL
SELECT DISTINCT 'function', proname::pg_catalog.text FROM pg_catalog.pg_proc WHERE pronamespace = 11
UNION ALL
SELECT DISTINCT 'field', proname::pg_catalog.text FROM pg_catalog.pg_proc
 WHERE pronamespace = 11 AND pronargs >= 1 AND (pronargs - pronargdefaults <= 1 OR provariadic <> 0)
   AND NOT (2281 = ANY (proargtypes))
UNION ALL
SELECT 'type', typname::pg_catalog.text FROM pg_catalog.pg_type WHERE typnamespace = 11
UNION ALL
SELECT DISTINCT 'routine', n.nspname::pg_catalog.text || pg_catalog.chr(31) || p.proname::pg_catalog.text
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.pronamespace <> 11";

    /// Makes them from the rows of [`Self::QUERY`]. What is compiled in is kept:
    /// a server cannot take a name off the lists. `None` if the rows do not say
    /// the version.
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut facts = Self::compiled_in();
        let mut major = None;
        for (kind, name) in rows {
            match kind {
                "version" => major = name.parse().ok(),
                "function" => drop(facts.functions.insert(name.to_owned())),
                "type" => drop(facts.types.insert(name.to_owned())),
                "routine" => {
                    if let Some((schema, name)) = name.split_once('\u{1f}') {
                        facts.routines.entry(name.to_owned()).or_default().push(schema.to_owned());
                    }
                }
                "field" if !ALLOWED_SET.contains(name) => drop(facts.fields.insert(name.to_owned())),
                _ => {}
            }
        }
        facts.major = major?;
        Some(facts)
    }

    /// For where there is no server: PostgreSQL 14, the oldest, with the names of
    /// all versions up to 18.
    pub fn built_in() -> Arc<Self> {
        BUILT_IN.clone()
    }

    fn compiled_in() -> Self {
        let functions = [ALLOWED, FIELDS, OTHERS].into_iter().flat_map(str::lines);
        Self {
            major: 14,
            functions: functions.map(str::to_owned).collect(),
            types: TYPES.lines().map(str::to_owned).collect(),
            fields: FIELDS.lines().map(str::to_owned).collect(),
            routines: HashMap::new(),
        }
    }

    /// The server's major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    pub(super) fn allows_function(&self, name: &str) -> bool {
        ALLOWED_SET.contains(name)
    }

    pub(super) fn has_function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    /// The schemas that had a routine of this name before the run.
    pub(super) fn schemas_of_routine(&self, name: &str) -> &[String] {
        self.routines.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a routine of this name was there before the run.
    pub(super) fn had_routine(&self, schema: &str, name: &str) -> bool {
        self.schemas_of_routine(name).iter().any(|found| found == schema)
    }

    /// Whether a field of this name may be a call of a function that is not
    /// allowed.
    pub(super) fn is_call_as_field(&self, name: &str) -> bool {
        self.fields.contains(name)
    }

    /// Whether `pg_catalog` has such a type that may be named. An array's name
    /// begins with `_`.
    pub(super) fn allows_type(&self, name: &str) -> bool {
        TYPE_SET.contains(name.strip_prefix('_').unwrap_or(name)) || SERIALS.contains(&name)
    }

    pub(super) fn has_type(&self, name: &str) -> bool {
        self.types.contains(name) || self.types.contains(name.strip_prefix('_').unwrap_or(name))
    }
}
