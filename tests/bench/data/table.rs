//! The tables that are changed, and a fresh copy of them for each measurement.

use std::sync::atomic::{AtomicU32, Ordering};

use super::support::{Server, execute};

/// Who owns the databases: no superuser, as in a deployment.
const OWNER: &str = "bench";

/// What differs from PostgreSQL's own settings, and is told beside the figures.
/// Nothing is flushed or cleaned up in the middle of a measurement; a CHECKPOINT
/// before each one makes them all begin alike.
pub const SETTINGS: [&str; 5] = [
    "shared_buffers = '512MB'",
    "max_wal_size = '16GB'",
    "checkpoint_timeout = '1h'",
    "autovacuum = off",
    "fsync = on",
];

/// Users whose whole name is to be split, and whose e-mail addresses are to be in
/// small letters. The index on `email` makes every change of it a change of all
/// indexes.
const USERS: &str = "
    CREATE TABLE public.users (
        id         bigint PRIMARY KEY,
        full_name  text NOT NULL,
        first_name text,
        last_name  text,
        email      text NOT NULL,
        country    char(2) NOT NULL,
        is_active  boolean NOT NULL,
        balance    numeric(12, 2) NOT NULL,
        created_at timestamptz NOT NULL
    );
    INSERT INTO public.users
    SELECT number,
           first || coalesce(' ' || last, ''),
           NULL,
           NULL,
           left(md5(number::text), 6) || '.' || translate(first, 'öÉã', 'oEa') || '@Mail' || number % 97 || '.Example.COM',
           (ARRAY['DE', 'FR', 'JP', 'US', 'BR', 'IN', 'NG'])[1 + number % 7],
           number % 11 <> 0,
           (number * 7919 % 10000000)::numeric / 100,
           timestamptz '2019-01-01 00:00+00' + (number * 104729 % 200000000) * interval '1 second'
    FROM generate_series(1::bigint, {rows}) AS number,
         LATERAL (SELECT
             (ARRAY['Ada', 'Björn', 'Chiara', 'Dmitri', 'Élodie', 'Farid', 'Grace', 'Hiroshi', 'Ingrid',
                    'João', 'Katarzyna', 'Li'])[1 + number * 31 % 12] AS first,
             -- One in seventeen has a single name, one in thirteen two family names.
             CASE WHEN number % 17 <> 0 THEN
                 (ARRAY['Lovelace', 'Ångström', 'Rossi', 'Mendeleev', 'Curie', 'Haddad', 'Hopper', 'Tanaka',
                        'Nilsson', 'Silva', 'Nowak', 'Wei'])[1 + number * 17 % 12]
                 || CASE WHEN number % 13 = 0 THEN ' Müller' ELSE '' END
             END AS last) AS name;
    CREATE INDEX users_email_idx ON public.users (email);
    CREATE INDEX users_created_at_idx ON public.users (created_at)";

/// Many narrow rows.
const READINGS: &str = "
    CREATE TABLE public.readings (id bigint PRIMARY KEY, value integer NOT NULL);
    INSERT INTO public.readings SELECT number, number % 1000 FROM generate_series(1::bigint, {rows}) AS number";

/// What the table says after the change, whoever made it.
const FINGERPRINT: &str = "
    SELECT count(*), sum(hashtextextended(users::text, 0)::numeric) FROM public.users";

/// A server of our own, and databases to copy.
pub struct Cluster {
    server: Server,
    /// `CREATE DATABASE` copies files where the server can be asked to: as a log
    /// of pages the copy would take longer than most measurements.
    strategy: &'static str,
}

impl Cluster {
    /// Starts a server.
    pub fn start() -> Self {
        let cluster = Self { server: Server::start(&SETTINGS), strategy: "" };
        cluster.administer(&format!("CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB"));
        let version: u32 = cluster.ask("SHOW server_version_num").parse().expect("it is a number");
        Self { strategy: if version >= 150_000 { "STRATEGY FILE_COPY" } else { "" }, ..cluster }
    }

    /// The answer to a query of one value.
    pub fn ask(&self, sql: &str) -> String {
        execute(&self.server.url("postgres"), sql).expect("the server answers").concat()
    }

    /// A database with the table `users`.
    pub fn users(&self, rows: u64) -> Template<'_> {
        self.template("users", USERS, rows)
    }

    /// A database with the table `readings`.
    pub fn readings(&self, rows: u64) -> Template<'_> {
        self.template("readings", READINGS, rows)
    }

    /// A database that a script fills; `{rows}` in it stands for the number of rows.
    pub fn template(&self, table: &str, script: &str, rows: u64) -> Template<'_> {
        let name = format!("{table}_{rows}");
        self.administer(&format!("CREATE DATABASE {name} OWNER {OWNER}"));
        let url = self.url(&name);
        execute(&url, &script.replace("{rows}", &rows.to_string())).expect("the table is filled");
        // Whoever reads a row first would else write that it is visible.
        execute(&url, "VACUUM (FREEZE, ANALYZE)").expect("the table is tidied");
        Template { cluster: self, name }
    }

    fn url(&self, database: &str) -> String {
        self.server.url(database).replace("//postgres@", &format!("//{OWNER}@"))
    }

    fn administer(&self, sql: &str) {
        execute(&self.server.url("postgres"), sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// A database that is only copied.
pub struct Template<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl Template<'_> {
    /// A fresh copy, with everything on disk.
    pub fn copy(&self) -> Copy<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}_{}", self.name, NUMBER.fetch_add(1, Ordering::Relaxed));
        let Self { cluster, name: template } = self;
        let strategy = cluster.strategy;
        cluster.administer(&format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER} {strategy}"));
        cluster.administer("CHECKPOINT");
        Copy { cluster, url: cluster.url(&name), name }
    }
}

/// A database of which one measurement is made.
pub struct Copy<'a> {
    cluster: &'a Cluster,
    name: String,
    /// As its owner.
    pub url: String,
}

impl Copy<'_> {
    /// One value for all rows of `users`: the same where the change is the same.
    pub fn fingerprint(&self) -> String {
        execute(&self.url, FINGERPRINT).expect("the table can be read").concat()
    }

    /// Runs statements in one transaction.
    pub fn execute(&self, sql: &str) {
        execute(&self.url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        self.cluster.administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
