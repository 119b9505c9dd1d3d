//! Plugins whose results are random: what their cases cannot show. There SQL says what
//! is known of a result; here others decrypt it, and rows come and change in between.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};

use crate::support::{Database, Finished, Project, plugin};

const FIRST: [u8; 32] = [0x11; 32];
const SECOND: [u8; 32] = [0x22; 32];

/// The second key as base64.
const SECOND_TEXT: &str = "IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=";

const PATIENTS: &str = "\
CREATE TABLE public.patients (id int, region text, diagnosis text, scan bytea, PRIMARY KEY (region, id));
INSERT INTO public.patients VALUES
    (1, 'eu', 'measles topsecret', '\\x00ff'), (1, 'us', NULL, ''), (2, 'eu', '', NULL), (3, 'eu', 'grippe ✓', '\\x01');";

/// Orders, and items whose foreign key points at them.
const SHOP: &str = include_str!("../../plugins/uuid-keys/cases/orders-and-items/before.sql");

const CATALOGS: &str = "\"pg_catalog.pg_attribute\", \"pg_catalog.pg_class\", \"pg_catalog.pg_constraint\", \
    \"pg_catalog.pg_depend\", \"pg_catalog.pg_index\", \"pg_catalog.pg_namespace\", \"pg_catalog.pg_policy\", \
    \"pg_catalog.pg_rewrite\", \"pg_catalog.pg_trigger\"";

fn encryption(column: &str, key: &str, more: &str, secrets: &str) -> String {
    format!(
        "\n[params]\ntable = \"public.patients\"\ncolumn = \"{column}\"\nkey = {{ env = \"{key}\" }}\n\
         key_id = \"{key}\"\n{more}\n[capabilities]\nread = [\"public.patients\", {CATALOGS}]\n\
         write = [\"public.patients\"]\nlock = [\"public.patients\"]\nsecrets = [{secrets}]\nrandom = true\n"
    )
}

fn run(project: &Project, args: &[&str]) -> Finished {
    let first = "11".repeat(FIRST.len());
    let finished = Finished::of(project.command(args).env("FIRST", first).env("SECOND", SECOND_TEXT));
    assert!(
        !finished.stderr.contains("topsecret") && !finished.stderr.contains("1111111111"),
        "{}",
        finished.stderr
    );
    finished
}

#[track_caller]
fn ok(project: &Project, args: &[&str]) {
    let finished = run(project, args);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
}

/// Decrypts as an application does that was told of the layout and nothing else.
fn decrypt(key: [u8; 32], id: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("enc1:{id}:");
    let body = bytes.strip_prefix(header.as_bytes()).expect("the header");
    let (nonce, sealed) = body.split_first_chunk::<12>().expect("a nonce");
    let payload = Payload { msg: sealed, aad: header.as_bytes() };
    Aes256Gcm::new(&key.into()).decrypt(&Nonce::from(*nonce), payload).expect("decrypts")
}

/// The texts of `diagnosis`, decrypted.
fn diagnoses(database: &Database, key: [u8; 32], id: &str) -> Vec<String> {
    let header = format!("enc1:{id}:");
    let rows = database.rows(&format!(
        "SELECT encode(convert_to('{header}', 'UTF8') || decode(substr(diagnosis, {}), 'base64'), 'hex')
         FROM public.patients WHERE diagnosis LIKE '{header}%' ORDER BY region, id",
        header.len() + 1
    ));
    rows.iter().map(|row| String::from_utf8(decrypt(key, id, &from_hex(row))).expect("text")).collect()
}

fn from_hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn encrypted_columns_are_decrypted_by_others_rotated_and_brought_back() {
    let database = Database::new();
    database.rows(PATIENTS);
    let before = sorted(&database);
    let project = Project::new(&database);
    let component = plugin("encrypt-column");
    project.component("a", "", &component, &encryption("diagnosis", "FIRST", "", "\"key\""));
    project.component("b", "a", &component, &encryption("scan", "FIRST", "", "\"key\""));
    let old = "old_key = { env = \"FIRST\" }\nold_key_id = \"FIRST\"\n";
    let rotation = encryption("diagnosis", "SECOND", old, "\"key\", \"old_key\"");
    project.component("c", "b", &component, &rotation);

    ok(&project, &["upgrade", "b", "--verbose", "--verbose"]);
    let plain = ["measles topsecret", "", "grippe ✓"];
    assert_eq!(diagnoses(&database, FIRST, "FIRST"), plain);
    let scan =
        database.value("SELECT encode(scan, 'hex') FROM public.patients WHERE id = 1 AND region = 'eu'");
    assert_eq!(decrypt(FIRST, "FIRST", &from_hex(&scan)), [0x00, 0xff]);

    ok(&project, &["upgrade", "head"]);
    assert_eq!(diagnoses(&database, SECOND, "SECOND"), plain);

    ok(&project, &["downgrade", "-1"]);
    assert_eq!(diagnoses(&database, FIRST, "FIRST"), plain);
    ok(&project, &["downgrade", "base"]);
    assert_eq!(sorted(&database), before);
}

#[test]
fn a_value_that_was_changed_stops_the_downgrade_and_is_not_shown() {
    let database = Database::new();
    database.rows(PATIENTS);
    let project = Project::new(&database);
    project.component("a", "", &plugin("encrypt-column"), &encryption("diagnosis", "FIRST", "", "\"key\""));
    ok(&project, &["upgrade", "head"]);
    database.rows("UPDATE public.patients SET diagnosis = 'topsecret' WHERE region = 'eu' AND id = 2");
    let before = sorted(&database);
    let finished = run(&project, &["downgrade", "-1"]);
    assert_eq!(finished.code, 5, "{}", finished.stderr);
    let place = "((region, id) = (eu, 2)), column diagnosis: the value is not encrypted";
    assert!(finished.stderr.contains(place), "{}", finished.stderr);
    assert_eq!(sorted(&database), before);
}

#[test]
fn rows_that_came_as_uuids_get_the_next_numbers() {
    let database = Database::new();
    database.rows(SHOP);
    let project = Project::new(&database);
    project.component("a", "", &plugin("uuid-keys"), &uuid_keys("\"public.items\""));
    ok(&project, &["upgrade", "head"]);
    database.rows(
        "INSERT INTO public.orders (id) VALUES ('ffffffff-ffff-7fff-bfff-ffffffffffff');
         INSERT INTO public.items VALUES ('ffffffff-ffff-7fff-bfff-ffffffffffff', 1, 'new');",
    );
    ok(&project, &["downgrade", "-1"]);
    assert_eq!(database.value("SELECT order_id FROM public.items WHERE what = 'new'"), "26");
    database.rows("INSERT INTO public.orders DEFAULT VALUES");
    assert_eq!(database.value("SELECT max(id) FROM public.orders"), "31");
}

fn uuid_keys(referencing: &str) -> String {
    let tables = format!("\"public.orders\", \"public.order_keys\", {referencing}");
    let indexes = "\"public.orders_pkey\", \"public.items_pkey\", \"public.items_by_order\"";
    let sequences = "\"public.orders_id_seq\", \"public.order_keys_old_key_seq\"";
    format!(
        "\n[params]\ntable = \"public.orders\"\nreferencing = [{referencing}]\nindexes = [{indexes}]\n\
         mapping = \"public.order_keys\"\ncreated_at = \"placed\"\n\n[capabilities]\n\
         read = [{tables}, {sequences}, \"pg_catalog.pg_description\", \"pg_catalog.pg_sequences\", \"pg_catalog.pg_type\", {CATALOGS}]\n\
         write = [{tables}, {sequences}]\nlock = [\"public.orders\", {referencing}]\n\
         ddl = [{tables}, {indexes}]\ndrop = [{tables}]\nrandom = true\n"
    )
}

/// Schema and data, in an order that does not depend on where rows are stored.
fn sorted(database: &Database) -> Vec<String> {
    let mut lines: Vec<String> = database.dump().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
