//! A server with the fixture, and databases made from it.

use std::collections::BTreeMap;
use std::path::Path;

use super::case::{Act, Names};
use super::isolation::Isolation;
use crate::support::{Project, Server, execute};

/// What the cases assume to be there.
const FIXTURE: &str = include_str!("fixture.sql");
const SNAPSHOT: &str = include_str!("snapshot.sql");

/// The database with the fixture alone.
const FIXTURE_DATABASE: &str = "fixture";
/// The login that runs the runner. It may make roles where the guest gets a
/// login of its own; it is never a superuser.
pub const RUNNER: &str = "runner";
/// The role that owns the application's schema.
pub const OWNER: &str = "guest";
/// The guest's login, where it has one.
pub const LOGIN: &str = "replay_guest";
/// The schema of our ledger: not the fixture's, which is what is attacked.
pub const LEDGER: &str = "runner_ledger";
/// The revision that every database has.
pub const BASE: &str = "first";

/// Only the guest has to show a password.
const HBA: &str = "\
local all all trust
host all postgres,runner,guest 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
";

/// A digest of each table and catalog, by name.
pub type Snapshot = BTreeMap<String, String>;

/// A server that holds the fixture.
pub struct Cluster {
    server: Server,
    isolation: Isolation,
    /// The password of the role that statements run as, as the server keeps it.
    password: String,
    /// What the cluster holds between two cases.
    clean: Snapshot,
}

impl Cluster {
    /// Starts a server and prepares the databases that cases are made from.
    pub fn start(programs: &Path, isolation: Isolation) -> Result<Self, String> {
        let settings = ["autovacuum = off", "max_locks_per_transaction = 64"];
        let server = Server::start_on(programs, &settings, &[("pg_hba.conf", HBA)]);
        let mut cluster = Self { server, isolation, password: String::new(), clean: Snapshot::new() };
        cluster.load_fixture()?;
        for login in isolation.logins() {
            cluster.prepare(login)?;
        }
        let attacked = if isolation == Isolation::Role { OWNER } else { RUNNER };
        let password = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{attacked}'");
        cluster.password = cluster.rows("postgres", &password)?.concat();
        cluster.clean = cluster.snapshot("postgres")?;
        Ok(cluster)
    }

    fn load_fixture(&self) -> Result<(), String> {
        let (roles, objects) = FIXTURE.split_once("-- 2)").ok_or("the fixture has no second part")?;
        self.rows("postgres", roles)?;
        self.rows("postgres", &format!("CREATE DATABASE {FIXTURE_DATABASE} OWNER {RUNNER}"))?;
        let objects = objects.replace("current_database_placeholder", FIXTURE_DATABASE);
        self.rows(FIXTURE_DATABASE, &format!("-- {objects}"))?;
        if self.isolation == Isolation::Role {
            self.rows("postgres", &format!("ALTER ROLE {RUNNER} CREATEROLE"))?;
            self.rows("postgres", &format!("GRANT {OWNER} TO {RUNNER} WITH ADMIN OPTION"))?;
        }
        Ok(())
    }

    /// Makes the database from which those of one login's cases are made: with
    /// its ledger, a revision that does nothing, and the sandbox.
    fn prepare(&self, login: &str) -> Result<(), String> {
        let database = template(login);
        self.rows(
            "postgres",
            &format!("CREATE DATABASE {database} OWNER {RUNNER} TEMPLATE {FIXTURE_DATABASE}"),
        )?;
        self.rows("postgres", &format!("GRANT CREATE ON DATABASE {database} TO {login}"))?;
        let project = self.project(login, &database, None);
        if self.isolation == Isolation::Role {
            succeed(&project, &["ensure-version"])?;
            succeed(&project, &["sandbox", "install"])?;
        }
        succeed(&project, &["upgrade", "head"])
    }

    /// A project on a database, with the revision that is there already.
    pub fn project(&self, login: &str, database: &str, search_path: Option<&str>) -> Project {
        let project = Project::at(self.url(login, database));
        let path = search_path.unwrap_or("public");
        let mut config = format!(
            "[ledger]\nschema = {LEDGER:?}\n\n[session]\nsearch_path = {path:?}\nstatement_timeout = \"10s\"\n\
             step_timeout = \"20s\"\nretries = 0\n"
        );
        if self.isolation == Isolation::Role {
            config += &format!("\n[sandbox]\nisolation = \"role\"\nowner = {OWNER:?}\nguest = {LOGIN:?}\n");
        }
        project.write("runner.toml", config);
        project.sql(BASE, "", "SELECT 1;\n", "SELECT 1;\n");
        project
    }

    /// A new database with the fixture, for the cases of a login.
    pub fn create(&self, database: &str, login: &str) -> Result<(), String> {
        let template = template(login);
        self.rows("postgres", &format!("CREATE DATABASE {database} OWNER {RUNNER} TEMPLATE {template}"))?;
        // These rights are the database's own, and no template passes them on.
        self.rows("postgres", &format!("GRANT TEMP ON DATABASE {database} TO {OWNER}"))?;
        Ok(())
    }

    /// Gives every session of a login on a database a setting to begin with; and
    /// every session of the guest's.
    pub fn set(&self, database: &str, login: &str, name: &str, value: &str) -> Result<(), String> {
        let mut roles = vec![login];
        if self.isolation == Isolation::Role {
            roles.push(LOGIN);
        }
        for role in roles {
            let sql = format!("ALTER ROLE {role} IN DATABASE {database} SET {name} = {value}");
            self.rows("postgres", &sql)?;
        }
        Ok(())
    }

    /// Removes a database.
    pub fn drop(&self, database: &str) -> Result<(), String> {
        self.rows("postgres", &format!("DROP DATABASE {database} WITH (FORCE)")).map(|_| ())
    }

    /// The names that stand in the cases.
    pub fn names(&self, database: &str) -> Names {
        Names::new(&[
            // The table of the fixture: what our own ledger is protected from is
            // checked for every case, apart from this.
            ("HIST", "runner.history"),
            ("RUNNER", RUNNER),
            ("GUEST", OWNER),
            ("DB", database),
            ("MODE", self.isolation.mode()),
            ("PWHASH", &self.password),
        ])
    }

    /// Does what somebody else does.
    pub fn act(&self, database: &str, act: &Act, names: &Names) -> Result<(), String> {
        let (role, sql) = match act {
            Act::Sql(sql) => ("postgres", sql.as_str()),
            Act::As { role, sql } => (role.as_str(), sql.as_str()),
        };
        execute(&self.url(role, database), &names.fill(sql)).map(|_| ())
    }

    /// What is in the database and in the cluster.
    pub fn snapshot(&self, database: &str) -> Result<Snapshot, String> {
        let sql = SNAPSHOT.replace("${LEDGER}", LEDGER).replace("${LOGIN}", LOGIN);
        let rows = self.rows(database, &sql)?;
        let split =
            |row: &String| row.split_once(' ').map(|(name, digest)| (name.to_owned(), digest.to_owned()));
        Ok(rows.iter().filter_map(split).collect())
    }

    /// Whether nothing outside the databases of cases has changed.
    pub fn is_clean(&self) -> bool {
        self.snapshot("postgres").is_ok_and(|now| now == self.clean)
    }

    /// Runs statements as the superuser.
    pub fn rows(&self, database: &str, sql: &str) -> Result<Vec<String>, String> {
        execute(&self.url("postgres", database), sql)
    }

    fn url(&self, role: &str, database: &str) -> String {
        format!("postgresql://{role}@127.0.0.1:{}/{database}?sslmode=disable", self.server.port)
    }
}

/// The name of the database that a login's cases are made from.
fn template(login: &str) -> String {
    format!("fixture_of_{login}")
}

/// The names of what differs.
pub fn differences(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn succeed(project: &Project, args: &[&str]) -> Result<(), String> {
    let finished = project.run(args);
    match finished.code {
        0 => Ok(()),
        code => Err(format!("`runner {}` ended with {code}: {}", args.join(" "), finished.stderr)),
    }
}
