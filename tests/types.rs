//! Values of every type survive the way through a component.

use crate::support::{Database, Project, probe};

/// A column of every type that has binary send and receive functions and whose
/// values can be made from text: the name, and texts of interesting values.
///
/// `every_type_is_covered` compares the list with `pg_type`.
pub const TYPES: &[(&str, &[&str])] = &[
    ("bool", &["t", "f"]),
    ("bytea", &["\\x", "\\x00ff10"]),
    ("\"char\"", &["a", ""]),
    ("name", &["a name", ""]),
    ("int8", &["0", "-9223372036854775808", "9223372036854775807"]),
    ("int2", &["-32768", "32767"]),
    ("int2vector", &["1 2 3"]),
    ("int4", &["-2147483648", "2147483647"]),
    ("text", &["", "größe ✅ \u{10ffff}", "a\nb\\c'd\"e"]),
    ("oid", &["0", "4294967295"]),
    ("tid", &["(1,2)"]),
    ("xid", &["7", "4294967295"]),
    ("xid8", &["7", "18446744073709551615"]),
    ("cid", &["3"]),
    ("oidvector", &["1 2"]),
    ("json", &["{\"a\":  1, \"a\": 2}", "null", "\"x\""]),
    ("xml", &["<a>1</a>"]),
    ("jsonpath", &["$.\"a\"[*]"]),
    ("float4", &["0", "-0", "3.4028235e+38", "1e-45", "NaN", "Infinity", "-Infinity"]),
    ("float8", &["0", "-0", "1.7976931348623157e+308", "5e-324", "NaN", "-Infinity"]),
    ("money", &["12.34"]),
    ("macaddr", &["08:00:2b:01:02:03"]),
    ("macaddr8", &["08:00:2b:01:02:03:04:05"]),
    ("inet", &["192.168.0.1/24", "::1"]),
    ("cidr", &["10.0.0.0/8"]),
    ("bpchar", &["a", ""]),
    ("char(5)", &["ab"]),
    ("varchar", &["x", ""]),
    ("varchar(10)", &["abc"]),
    ("date", &["2000-01-01", "infinity", "-infinity", "4713-01-01 BC", "5874897-12-31"]),
    ("time", &["00:00:00", "24:00:00", "12:34:56.789012"]),
    ("timetz", &["12:34:56.789012+05:30", "00:00:00-15:59:59"]),
    ("timestamp", &["2000-01-01 00:00:00", "infinity", "-infinity", "294276-12-31 23:59:59.999999"]),
    ("timestamptz", &["2026-11-21 10:15:00.000001+02", "infinity", "-infinity"]),
    ("interval", &["1 year -2 days 03:04:05.678", "-178000000 years", "0"]),
    ("bit", &["1"]),
    ("bit(3)", &["101"]),
    ("varbit", &["", "10101"]),
    (
        "numeric",
        &[
            "0",
            "0.000",
            "-1.50",
            "NaN",
            "Infinity",
            "-Infinity",
            "123456789012345678901234567890.0123456789",
            "1e-100",
            "1e100",
        ],
    ),
    ("numeric(10,2)", &["1.5"]),
    ("regclass", &["pg_class"]),
    ("regtype", &["int4"]),
    ("regproc", &["now"]),
    ("regprocedure", &["now()"]),
    ("regoper", &["pg_catalog.||/"]),
    ("regoperator", &["+(integer,integer)"]),
    ("regrole", &["postgres"]),
    ("regnamespace", &["public"]),
    ("regconfig", &["simple"]),
    ("regdictionary", &["simple"]),
    ("regcollation", &["\"C\""]),
    ("uuid", &["00000000-0000-0000-0000-000000000000", "5eed0000-0000-4000-8000-0000000000ff"]),
    ("pg_lsn", &["16/B374D848"]),
    ("tsvector", &["'a':1 'b':2A"]),
    ("tsquery", &["'a' & 'b'"]),
    ("jsonb", &["{\"a\": [1, 2.50, null]}", "\"x\""]),
    ("point", &["(1,2)"]),
    ("lseg", &["[(1,2),(3,4)]"]),
    ("path", &["((1,2),(3,4))"]),
    ("box", &["(3,4),(1,2)"]),
    ("polygon", &["((1,2),(3,4))"]),
    ("line", &["{1,2,3}"]),
    ("circle", &["<(1,2),3>"]),
    ("int4range", &["[1,5)", "empty", "(,)"]),
    ("int8range", &["[1,5)"]),
    ("numrange", &["[1.50,5]"]),
    ("tsrange", &["[2000-01-01 00:00:00,infinity]"]),
    ("tstzrange", &["[2000-01-01 00:00:00+00,)"]),
    ("daterange", &["[2000-01-01,2000-02-01)"]),
    ("int4multirange", &["{[1,5),[7,9)}", "{}"]),
    ("int8multirange", &["{[1,5)}"]),
    ("nummultirange", &["{[1.5,5]}"]),
    ("tsmultirange", &["{}"]),
    ("tstzmultirange", &["{}"]),
    ("datemultirange", &["{[2000-01-01,2000-02-01)}"]),
    ("txid_snapshot", &["10:20:10,14"]),
    ("pg_snapshot", &["10:20:10,14"]),
    ("refcursor", &["c"]),
    ("int4[]", &["{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"]),
    ("text[]", &["{a,\"b c\",NULL,\"\"}"]),
    ("numeric[]", &["{1.50,NaN}"]),
    ("jsonb[]", &["{\"{\\\"a\\\": 1}\"}"]),
    ("mood", &["sad", "very happy"]),
    ("mood[]", &["{sad,\"very happy\"}"]),
    ("pair", &["(1,\"a b\")", "(,)"]),
    ("positive", &["7"]),
    ("span", &["[1.5,2.5)"]),
];

pub const OWN_TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'very happy'); CREATE TYPE pair AS (a int, b text); \
     CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE span AS RANGE (subtype = float8);";

fn filled() -> Database {
    let database = Database::new();
    database.rows(OWN_TYPES);
    let columns: Vec<_> = TYPES.iter().enumerate().map(|(at, (name, _))| format!("c{at} {name}")).collect();
    for table in ["source", "target"] {
        database.rows(&format!("CREATE TABLE {table} ({})", columns.join(", ")));
    }
    let most = TYPES.iter().map(|(_, texts)| texts.len()).max().unwrap_or(0);
    for row in 0..=most {
        let value = |(_, texts): &(&str, &[&str])| texts.get(row).map_or("NULL".into(), |text| quoted(text));
        let values: Vec<_> = TYPES.iter().map(value).collect();
        database.rows(&format!("INSERT INTO source VALUES ({})", values.join(", ")));
    }
    database
}

fn quoted(text: &str) -> String {
    runner::db::quote_literal(text)
}

/// Copies `source` to `target` through the probe and compares, byte by byte.
fn copied_by(kind: &str, more: &str) {
    let database = filled();
    let project = Project::new(&database);
    let manifest = format!(
        "[params]\nkind = \"{kind}\"\nsql = \"SELECT * FROM public.source\"\ntable = \"public.target\"\n{more}\n\
         [capabilities]\nread = [\"public.*\"]\nwrite = [\"public.target\"]\n"
    );
    project.component("a", "", probe(), &manifest);
    project.ok(&["upgrade", "head"]);
    for (at, (name, _)) in TYPES.iter().enumerate() {
        // The text form shows every difference but those of `-0` and of NaN's
        // bits, which text has too.
        let texts = |table: &str| database.rows(&format!("SELECT c{at}::text FROM {table} ORDER BY ctid"));
        assert_eq!(texts("target"), texts("source"), "{name} by {kind}");
    }
}

#[test]
fn every_value_comes_back_as_bytes() {
    copied_by("copy", "");
}

#[test]
fn every_value_comes_back_as_a_typed_value() {
    copied_by("copy-rows", "");
}

#[test]
fn every_value_comes_back_as_a_parameter() {
    let parameters: Vec<_> = (1..=TYPES.len()).map(|number| format!("${number}")).collect();
    copied_by(
        "copy-params",
        &format!("insert = \"INSERT INTO public.target VALUES ({})\"", parameters.join(", ")),
    );
}

/// Types that no value of a column can have, or whose receive function refuses
/// every value (a manual page of each says so).
const WITHOUT_VALUES: [&str; 4] = ["pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list"];

#[test]
fn every_type_is_covered() {
    let database = Database::new();
    // Base types, ranges and multiranges; arrays go by their elements, and
    // pseudo-types and the catalogs' row types have no values of their own.
    let types = database.rows(
        "SELECT format_type(oid, NULL) FROM pg_type WHERE typsend <> 0 AND typreceive <> 0 \
         AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A' AND typnamespace = 'pg_catalog'::regnamespace ORDER BY 1",
    );
    let listed = format!("SELECT format_type(t, NULL) FROM unnest(ARRAY[{}]::regtype[]) t", names());
    let covered = database.rows(&format!("{OWN_TYPES} {listed}"));
    let missing = |name: &&String| {
        let ours = *name;
        // See their manual pages: their receive functions refuse every value.
        let unreadable = ["pg_brin_bloom_summary", "pg_brin_minmax_multi_summary", "gtsvector", "aclitem"];
        !covered.contains(ours)
            && !WITHOUT_VALUES.contains(&ours.as_str())
            && !unreadable.contains(&ours.as_str())
    };
    assert_eq!(types.iter().filter(missing).collect::<Vec<_>>(), Vec::<&String>::new());
}

fn names() -> String {
    TYPES.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ")
}
