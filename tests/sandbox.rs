//! A login of its own for migrations, on a real server. Roles belong to the whole
//! server, so each test has roles of its own.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_postgres::NoTls;

use crate::support::{Database, Project, Server, probe};

/// A database with a control login, an owner role and a project that uses them.
pub struct Sandbox {
    /// As a superuser.
    pub database: Database,
    pub project: Project,
    control: String,
    pub owner: String,
    guest: String,
}

/// Whether a membership says for itself what it is good for, and CREATEROLE is
/// not enough to hand on a role: since version 16.
fn has_membership_options(database: &Database) -> bool {
    database.value("SELECT current_setting('server_version_num')::int >= 160000") == "t"
}

impl Sandbox {
    /// Everything but the installation.
    fn new() -> Self {
        Self::on(Database::of_superuser(), "CREATEROLE")
    }

    fn on(database: Database, attributes: &str) -> Self {
        let name = &database.name;
        let (control, owner) = (format!("control_{name}"), format!("owner_{name}"));
        database.rows(&format!(
            "CREATE ROLE {control} LOGIN {attributes}; CREATE ROLE {owner}; \
             GRANT CREATE ON DATABASE {name} TO {control}; GRANT ALL ON SCHEMA public TO {owner}; \
             CREATE SCHEMA app AUTHORIZATION {owner}"
        ));
        if has_membership_options(&database) {
            let options = "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE";
            database.rows(&format!("GRANT {owner} TO {control} {options}"));
        }
        let url = database.url.replace("postgres@", &format!("{control}@"));
        let project = Project::new(&Database { name: name.clone(), superuser_url: url.clone(), url });
        let guest = format!("runner_guest_{name}");
        let sandbox = Self { project, control, owner, guest, database };
        sandbox.configure("");
        sandbox.project.tables(&["a"]);
        sandbox
    }

    /// With the guest.
    pub fn installed() -> Self {
        let sandbox = Self::new();
        sandbox.project.ok(&["sandbox", "install"]);
        sandbox
    }

    /// Writes runner.toml; `more` is appended.
    fn configure(&self, more: &str) {
        let sandbox = format!("[sandbox]\nisolation = \"role\"\nowner = \"{}\"\n{more}\n", self.owner);
        self.project.write("runner.toml", sandbox);
    }

    /// What is left of a run: tickets, members of the owner, a valid password,
    /// sessions of the guest.
    pub fn leftovers(&self) -> Vec<String> {
        let Self { owner, guest, .. } = self;
        self.database.rows(&format!(
            "SELECT 'a ticket' FROM runner.ticket \
             UNION ALL SELECT 'a member' FROM pg_auth_members WHERE roleid = '{owner}'::regrole \
                AND member = to_regrole('{guest}') \
             UNION ALL SELECT 'a password' FROM pg_authid WHERE rolname = '{guest}' \
                AND (rolpassword IS NOT NULL OR rolvaliduntil IS DISTINCT FROM '-infinity') \
             UNION ALL SELECT 'a session' FROM pg_stat_activity WHERE usename = '{guest}'"
        ))
    }
}

#[test]
fn a_login_that_may_make_roles_installs_once_and_again() {
    let Sandbox { project, database, guest, .. } = &Sandbox::new();
    let said = project.run(&["sandbox", "status"]);
    assert_eq!(said.code, 1, "{}", said.stdout);
    assert!(said.stdout.contains(&format!("missing  the guest `{guest}` does not exist")), "{}", said.stdout);
    let sql = project.ok(&["sandbox", "install", "--sql"]);
    assert!(sql.contains(&format!("CREATE ROLE \"{guest}\" LOGIN NOINHERIT")), "{sql}");
    assert_eq!(database.value(&format!("SELECT count(*) FROM pg_roles WHERE rolname = '{guest}'")), "0");
    let said = project.run(&["sandbox", "install"]).stderr;
    assert!(said.contains("The guest can log in"), "{said}");
    let said = project.run(&["sandbox", "install"]).stderr;
    assert!(said.contains("Nothing to do."), "{said}");
    let said = project.ok(&["sandbox", "status"]);
    assert!(!said.contains("missing") && !said.contains("broken"), "{said}");
    assert!(said.contains("weak     PUBLIC may make temporary tables"), "{said}");
    assert_eq!(project.ok(&["sandbox", "install", "--sql"]), "-- Nothing to do.\n");
}

#[test]
fn the_printed_sql_is_what_would_have_been_run() {
    let sandbox = Sandbox::new();
    let Sandbox { project, database, control, .. } = &sandbox;
    project.ok(&["ensure-version"]);
    let script = project.ok(&["sandbox", "install", "--sql"]);
    let url = database.url.replace("postgres@", &format!("{control}@"));
    Database { name: String::new(), superuser_url: url.clone(), url }.psql(&script).expect("psql runs it");
    project.ok(&["sandbox", "status"]);
    project.ok(&["upgrade", "head"]);
}

#[test]
fn migrations_run_as_the_guest_and_the_ledger_says_who_ran_them() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, control, owner, guest } = &sandbox;
    project.tables(&["a", "b"]);
    project.sql(
        "c",
        "b",
        "CREATE TABLE app.who AS SELECT session_user AS s, current_user AS c",
        "DROP TABLE app.who",
    );
    let said = project.run(&["upgrade", "head"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let isolation = format!("Isolation: role; migrations run as {guest} with the rights of {owner}.");
    assert_eq!(said.stderr.matches(&isolation).count(), 1, "{}", said.stderr);
    assert_eq!(database.rows("SELECT * FROM app.who"), [format!("{guest}|{owner}")]);
    assert_eq!(database.value("SELECT tableowner FROM pg_tables WHERE tablename = 't_b'"), *owner);
    let row = format!("{control}|{control}|role|done|message of b|1");
    let rows = "SELECT applied_by, login, isolation, outcome, message, j.statements FROM runner.revision r \
        JOIN runner.journal j USING (revision, run) WHERE revision = 'b'";
    assert_eq!(database.rows(rows), [row]);
    assert!(project.ok(&["show", "b"]).contains("Isolation:    role"));
    assert_eq!(sandbox.leftovers(), [""; 0]);
    project.ok(&["downgrade", "base"]);
    assert!(!database.has("t_a") && !database.has("app.who"));
    let journal =
        database.rows("SELECT direction, revision, isolation FROM runner.journal WHERE id > 3 ORDER BY id");
    assert_eq!(journal, ["downgrade|c|role", "downgrade|b|role", "downgrade|a|role"]);
    assert_eq!(sandbox.leftovers(), [""; 0]);
}

#[test]
fn code_runs_as_the_guest() {
    let sandbox = Sandbox::installed();
    let params = "[params]\nkind = \"nothing\"\ntable = \"app.t_b\"\n\
        first = \"CREATE TABLE app.t_b AS SELECT session_user AS s\"\n[capabilities]\nread = [\"app.t_b\"]\nwrite = [\"app.t_b\"]\nddl = [\"app\"]\n";
    sandbox.project.component("b", "a", probe(), params);
    let events = sandbox.project.ok(&["upgrade", "head", "--json"]);
    let event = format!("\"event\":\"isolation\",\"isolation\":\"role\",\"login\":\"{}\"", sandbox.guest);
    assert_eq!(events.matches(&event).count(), 1, "{events}");
    assert_eq!(sandbox.database.value("SELECT s FROM app.t_b"), sandbox.guest);
}

#[test]
fn a_guest_reaches_neither_the_ledger_nor_another_role() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, control, owner, guest, database } = &sandbox;
    project.ok(&["upgrade", "head"]);
    let attempts = [
        "SELECT * FROM runner.revision".to_owned(),
        "DELETE FROM runner.revision".to_owned(),
        "INSERT INTO runner.ticket (digest) VALUES ('x')".to_owned(),
        "SET ROLE NONE; SELECT * FROM runner.ticket".to_owned(),
        "SELECT runner_api.redeem('x')".to_owned(),
        "CREATE FUNCTION runner_api.redeem(text) RETURNS int LANGUAGE sql AS 'SELECT 1'".to_owned(),
        format!("SET ROLE {control}"),
        format!("SET SESSION AUTHORIZATION {control}"),
        format!("SET ROLE NONE; SET ROLE {owner}"),
        format!("ALTER ROLE {guest} SUPERUSER"),
        format!("GRANT {owner} TO {guest}"),
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'".to_owned(),
        "SELECT pg_read_file('PG_VERSION')".to_owned(),
    ];
    for attempt in attempts {
        let sql = format!("RESET SESSION AUTHORIZATION; RESET ROLE; {attempt};");
        project.sql("b", "a", &sql, "");
        let said = project.fails(5, &["upgrade", "head"]);
        assert!(said.contains("(42501)"), "{attempt}: {said}");
        assert!(said.contains("This step was rolled back."), "{attempt}: {said}");
    }
    // Another user than the one that began would make objects of another owner.
    project.sql("b", "a", "SET ROLE NONE; SELECT 1;", "");
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(said.contains(&format!("`{guest} as {guest}`")), "{said}");
    assert_eq!(database.rows("SELECT revision FROM runner.revision"), ["a"]);
    assert_eq!(sandbox.leftovers(), [""; 0]);
}

#[test]
fn a_guest_calls_the_ledgers_function_in_vain() {
    let sandbox = Sandbox::installed();
    sandbox.project.sql(
        "b",
        "a",
        "SET ROLE NONE; CREATE TEMP TABLE got AS SELECT runner_api.redeem('x') AS n; \
        SELECT 1 / n FROM got;",
        "",
    );
    let said = sandbox.project.fails(5, &["upgrade", "head"]);
    assert!(said.contains("division by zero"), "{said}");
}

#[test]
fn a_failure_is_cleaned_up_and_told_by_the_journal() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, .. } = &sandbox;
    project.sql("b", "a", "CREATE TABLE public.t_b (id int); SELECT 1/0;", "");
    let said = project.fails(5, &["upgrade", "head"]);
    assert!(
        said.contains("Applied: 1 revision. Not tried: 0 revisions. This step was rolled back."),
        "{said}"
    );
    assert!(database.has("t_a") && !database.has("t_b"));
    let journal =
        database.rows("SELECT revision, outcome, isolation, sqlstate FROM runner.journal ORDER BY id");
    assert_eq!(journal, ["a|done|role|", "b|failed|role|22012"]);
    assert_eq!(sandbox.leftovers(), [""; 0]);
    let deferred = "CREATE TABLE public.t_b (id int REFERENCES public.t_a DEFERRABLE INITIALLY DEFERRED); \
        INSERT INTO public.t_b VALUES (7);";
    project.sql("b", "a", deferred, "");
    assert!(project.fails(5, &["upgrade", "head"]).contains("violates foreign key constraint"));
    assert_eq!(sandbox.leftovers(), [""; 0]);
    project.tables(&["a", "b"]);
    project.ok(&["upgrade", "head"]);
    assert!(database.has("t_b"));
}

#[test]
fn what_a_killed_run_left_is_taken_back_by_the_next() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, control, owner, guest } = &sandbox;
    database.rows(&format!(
        "SET SESSION AUTHORIZATION {control}; GRANT {owner} TO {guest}; \
         ALTER ROLE {guest} PASSWORD 'x' VALID UNTIL 'infinity'"
    ));
    let url = database.url.replace("postgres@", &format!("{guest}@"));
    let mut stale = std::process::Command::new("psql")
        .args(["-X", "-q", "-d", &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("psql runs");
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{guest}'");
    database.wait_for(&format!("SELECT ({sessions}) = 1"));
    project.ok(&["upgrade", "head"]);
    // The run's own session may take a moment to end after it.
    database.wait_for(&format!("SELECT ({sessions}) = 0"));
    assert_eq!(sandbox.leftovers(), [""; 0]);
    drop(stale.stdin.take());
    stale.wait().expect("it ends");
}

#[test]
fn a_step_that_takes_too_long_is_ended_although_it_catches_the_cancel() {
    const STUBBORN: &str = "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); \
        EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;";
    let sandbox = Sandbox::installed();
    for isolation in ["role", "policy"] {
        let config = format!(
            "[session]\nstep_timeout = \"200ms\"\n[sandbox]\nisolation = \"{isolation}\"\nowner = \"{}\"\n",
            sandbox.owner
        );
        sandbox.project.write("runner.toml", config);
        sandbox.project.sql("a", "", STUBBORN, "");
        let said = sandbox.project.fails(5, &["upgrade", "head"]);
        assert!(said.contains("the step took longer than 200ms"), "{isolation}: {said}");
        let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
            AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
        sandbox.database.wait_for(&format!("SELECT ({running}) = 0"));
        assert_eq!(sandbox.leftovers(), [""; 0], "{isolation}");
    }
    let journal = sandbox.database.rows("SELECT outcome, isolation FROM runner.journal");
    assert_eq!(journal, ["failed|role"], "the control session is not the one that was ended");
}

#[test]
fn a_run_that_is_told_to_stop_leaves_nothing() {
    let sandbox = Sandbox::installed();
    sandbox.project.sql("a", "", "SELECT pg_sleep(62);", "");
    let child = sandbox.project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts");
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(62)%' \
        AND pid <> pg_backend_pid() AND datname = current_database() AND state = 'active'";
    sandbox.database.wait_for(&format!("SELECT ({sleeping}) = 1"));
    assert_eq!(sandbox.leftovers(), ["a session"], "password and membership are for the login only");
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("The step of `a` was rolled back."), "{said}");
    assert_eq!(sandbox.leftovers(), [""; 0]);
}

#[test]
fn code_that_computes_is_stopped_too() {
    let sandbox = Sandbox::installed();
    let params = "[params]\nkind = \"loop\"\ntable = \"app.t_b\"\nfirst = \"CREATE TABLE app.t_b (id int)\"\n\
        [capabilities]\nread = [\"app.t_b\"]\nwrite = [\"app.t_b\"]\nddl = [\"app\"]\n";
    sandbox.project.component("b", "a", probe(), params);
    let child = sandbox.project.command(&["upgrade", "head"]).stderr(Stdio::piped()).spawn().expect("starts");
    let computing = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{}' AND state = 'idle in transaction' \
         AND query LIKE '%t_b%'",
        sandbox.guest
    );
    sandbox.database.wait_for(&format!("SELECT ({computing}) = 1"));
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{said}");
    assert!(said.contains("The step of `b` was rolled back."), "{said}");
    assert_eq!(sandbox.leftovers(), [""; 0]);
    let journal =
        sandbox.database.rows("SELECT revision, outcome, error FROM runner.journal WHERE revision = 'b'");
    assert_eq!(journal, ["b|failed|the run was told to stop"]);
}

#[test]
fn a_step_that_meets_another_session_is_run_again_in_a_new_one() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, owner, .. } = &sandbox;
    let config = format!(
        "[session]\nlock_timeout = \"50ms\"\nretries = 20\n[sandbox]\nisolation = \"role\"\nowner = \"{owner}\"\n"
    );
    project.write("runner.toml", config);
    project.ok(&["upgrade", "head"]);
    // Fails as a lock does, until somebody else lets it through.
    database.rows(&format!(
        "CREATE TABLE public.gate (open boolean); INSERT INTO public.gate VALUES (false); GRANT ALL ON public.gate TO {owner}"
    ));
    let sql = "DO $$ BEGIN IF NOT (SELECT open FROM public.gate) THEN \
        RAISE EXCEPTION 'shut' USING ERRCODE = 'lock_not_available'; END IF; END $$;";
    project.sql("b", "a", sql, "");
    let child =
        project.command(&["upgrade", "head", "--json"]).stdout(Stdio::piped()).spawn().expect("starts");
    database.wait_for("SELECT count(*) > 1 FROM pg_stat_activity WHERE datname = current_database()");
    database.rows("UPDATE public.gate SET open = true");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(database.value("SELECT count(*) FROM runner.journal WHERE revision = 'b'"), "1");
}

#[test]
fn a_login_that_may_not_make_roles_is_told_what_an_administrator_must_run() {
    let sandbox = Sandbox::on(Database::of_superuser(), "");
    let said = sandbox.project.fails(1, &["sandbox", "install"]);
    let sql = format!("ALTER ROLE \"{}\" CREATEROLE;", sandbox.control);
    assert!(said.contains(&sql), "{said}");
    assert_eq!(sandbox.database.value("SELECT to_regnamespace('runner') IS NULL"), "t", "nothing was made");
    let said = sandbox.project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("the sandbox is not ready"), "{said}");
    sandbox.database.rows(&sql);
    sandbox.project.ok(&["sandbox", "install"]);
    sandbox.project.ok(&["upgrade", "head"]);
}

#[test]
fn what_would_confine_nobody_is_refused() {
    let sandbox = Sandbox::new();
    let Sandbox { project, database, control, owner, guest } = &sandbox;
    project.write("runner.toml", "[sandbox]\nisolation = \"role\"\n");
    assert!(project.fails(1, &["sandbox", "install"]).contains("`sandbox.owner` is not set"));
    let refused = |said: &str| {
        let found = project.fails(1, &["sandbox", "install"]);
        assert!(found.contains(said), "{found}");
        assert_eq!(database.value(&format!("SELECT count(*) FROM pg_roles WHERE rolname = '{guest}'")), "0");
    };
    project.write("runner.toml", format!("[sandbox]\nisolation = \"role\"\nowner = \"{control}\"\n"));
    refused("is the control login itself");
    project.write("runner.toml", "[sandbox]\nisolation = \"role\"\nowner = \"nobody_at_all\"\n");
    refused("the owner role `nobody_at_all` does not exist");
    sandbox.configure("");
    database.rows(&format!("ALTER ROLE {owner} CREATEROLE"));
    // Since version 16 the one could change those roles only that it made itself,
    // and the other would be a circle.
    if !has_membership_options(database) {
        refused("may make roles");
        database.rows(&format!("ALTER ROLE {owner} NOCREATEROLE; GRANT {control} TO {owner}"));
        refused(&format!("is a member of `{control}`"));
        database.rows(&format!("REVOKE {control} FROM {owner}"));
    }
    database.rows(&format!("ALTER ROLE {owner} NOCREATEROLE; GRANT pg_execute_server_program TO {owner}"));
    refused("is a member of `pg_execute_server_program`");
    database.rows(&format!("REVOKE pg_execute_server_program FROM {owner}"));
    project.ok(&["ensure-version"]);
    database.rows(&format!("ALTER TABLE runner.revision OWNER TO {owner}"));
    refused("the ledger belongs to the role that migrations act as");
    database.rows(&format!(
        "ALTER TABLE runner.revision OWNER TO {control}; GRANT INSERT ON runner.journal TO PUBLIC"
    ));
    refused("migrations may change the ledger's journal");
    database.rows("REVOKE INSERT ON runner.journal FROM PUBLIC");
    project.ok(&["sandbox", "install"]);
}

#[test]
fn a_sandbox_that_was_weakened_later_stops_the_run() {
    let sandbox = Sandbox::installed();
    sandbox.database.rows(&format!("GRANT pg_read_server_files TO {}", sandbox.owner));
    let said = sandbox.project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("is a member of `pg_read_server_files`"), "{said}");
    assert!(!sandbox.database.has("t_a"));
}

/// What the server has of a role's login and memberships.
fn login_of(database: &Database, role: &str) -> String {
    database.value(&format!(
        "SELECT row(rolpassword, rolvaliduntil, rolcanlogin, rolinherit, rolconnlimit, rolsuper, \
            ARRAY(SELECT roleid::regrole FROM pg_auth_members WHERE member = role.oid ORDER BY roleid), \
            shobj_description(oid, 'pg_authid')) FROM pg_authid role WHERE rolname = '{role}'"
    ))
}

#[test]
fn a_role_that_install_did_not_make_is_left_alone() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, control, owner, .. } = &sandbox;
    let (application, root) = (format!("application_{}", database.name), format!("root_{}", database.name));
    // The control login may do everything with the application's.
    database.rows(&format!(
        "CREATE ROLE {application} LOGIN; GRANT {application} TO {control} WITH ADMIN OPTION; \
         CREATE ROLE {root} LOGIN SUPERUSER; GRANT {owner} TO {application}; ALTER ROLE {owner} LOGIN"
    ));
    for role in [&application, owner, control, &root] {
        database.rows(&format!("ALTER ROLE {role} PASSWORD 'x' VALID UNTIL '2099-01-01'"));
        let before = login_of(database, role);
        let url = database.url.replace("postgres@", &format!("{role}@"));
        let mut session = std::process::Command::new("psql")
            .args(["-X", "-q", "-t", "-A", "-d", &url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("psql runs");
        let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'");
        database.wait_for(&format!("SELECT ({sessions}) = 1"));
        sandbox.configure(&format!("guest = \"{role}\""));
        let said = project.fails(1, &["upgrade", "head"]);
        assert!(said.contains("the sandbox is not ready"), "{role}: {said}");
        let said = project.fails(1, &["sandbox", "install"]);
        assert!(said.contains("Name another one in `sandbox.guest`, or none."), "{role}: {said}");
        project.fails(1, &["sandbox", "install", "--sql"]);
        let said = project.ok(&["sandbox", "remove", "--sql"]);
        assert!(said.contains("DROP SCHEMA") && !said.contains("DROP ROLE"), "{role}: {said}");
        assert_eq!(login_of(database, role), before);
        let mut input = session.stdin.take().expect("it is piped");
        input.write_all(b"SELECT 'still here';\n").expect("psql reads");
        drop(input);
        let output = session.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "still here\n", "{role}");
    }
    sandbox.configure(&format!("guest = \"{application}\""));
    let before = login_of(database, &application);
    project.ok(&["sandbox", "remove"]);
    assert_eq!(login_of(database, &application), before);
    assert!(!database.has("t_a"));
}

#[test]
fn the_guest_of_another_ledger_is_not_taken_over() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, guest, .. } = &sandbox;
    let before = login_of(database, guest);
    assert!(before.contains("runner: guest of the ledger runner"), "{before}");
    sandbox.configure(&format!("guest = \"{guest}\"\n[ledger]\nschema = \"other\""));
    let said = project.fails(1, &["sandbox", "install"]);
    assert!(said.contains(&format!("the role `{guest}` is not one that install made")), "{said}");
    assert_eq!(database.value("SELECT to_regnamespace('other') IS NULL"), "t", "nothing was made");
    assert_eq!(project.ok(&["sandbox", "remove", "--sql"]), "-- Nothing to do.\n");
    assert_eq!(login_of(database, guest), before);
}

#[test]
fn a_guest_that_was_made_a_superuser_is_not_touched() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, guest, .. } = &sandbox;
    database.rows(&format!("ALTER ROLE {guest} SUPERUSER PASSWORD 'x' VALID UNTIL '2099-01-01'"));
    let before = login_of(database, guest);
    for command in [["upgrade", "head"], ["sandbox", "install"]] {
        let said = project.fails(1, &command);
        assert!(said.contains(&format!("the guest `{guest}` is a superuser")), "{said}");
    }
    project.ok(&["sandbox", "remove"]);
    assert_eq!(login_of(database, guest), before);
}

#[test]
fn a_refused_run_changes_nothing_of_its_guest() {
    let sandbox = Sandbox::installed();
    let Sandbox { project, database, owner, guest, .. } = &sandbox;
    database.rows(&format!(
        "GRANT pg_read_server_files TO {owner}; ALTER ROLE {guest} PASSWORD 'x' VALID UNTIL 'infinity'"
    ));
    let before = login_of(database, guest);
    project.fails(1, &["upgrade", "head"]);
    assert_eq!(login_of(database, guest), before);
    database.rows(&format!("REVOKE pg_read_server_files FROM {owner}"));
    project.ok(&["upgrade", "head"]);
    assert_eq!(sandbox.leftovers(), [""; 0]);
}

#[test]
fn a_schema_that_install_did_not_make_is_left_alone() {
    let sandbox = Sandbox::new();
    let Sandbox { project, database, control, guest, .. } = &sandbox;
    database.rows(&format!("CREATE SCHEMA runner_api AUTHORIZATION {control}"));
    let said = project.fails(1, &["sandbox", "install"]);
    assert!(said.contains("the schema `runner_api` is not one that install made"), "{said}");
    assert_eq!(project.ok(&["sandbox", "remove", "--sql"]), "-- Nothing to do.\n");
    project.ok(&["sandbox", "remove"]);
    assert_eq!(database.value("SELECT to_regnamespace('runner_api') IS NULL"), "f");
    assert_eq!(login_of(database, guest), "");
}

#[test]
fn the_status_says_that_runs_do_not_use_the_guest() {
    let sandbox = Sandbox::installed();
    let unused = "runs do not use the guest: `sandbox.isolation` is \"policy\"";
    assert!(!sandbox.project.ok(&["sandbox", "status"]).contains(unused));
    sandbox.project.write("runner.toml", format!("[sandbox]\nowner = \"{}\"\n", sandbox.owner));
    let said = sandbox.project.ok(&["sandbox", "status"]);
    assert!(said.contains(unused), "{said}");
}

#[test]
fn remove_takes_everything_back() {
    let sandbox = Sandbox::new();
    let Sandbox { project, database, control, guest, .. } = &sandbox;
    database.rows(&format!("ALTER DATABASE {} OWNER TO {control}", database.name));
    let rights = "SELECT has_database_privilege('public', current_database(), 'TEMP'), \
        has_schema_privilege('public', 'public', 'CREATE')";
    database.rows("GRANT CREATE ON SCHEMA public TO PUBLIC; ALTER SCHEMA public OWNER TO pg_database_owner");
    project.ok(&["sandbox", "install", "--revoke-public"]);
    assert_eq!(database.rows(rights), ["f|f"]);
    assert!(!project.ok(&["sandbox", "status"]).contains("weak"));
    // The comment that remembers it survives another installation.
    project.ok(&["sandbox", "install"]);
    project.ok(&["upgrade", "head"]);
    let sql = project.ok(&["sandbox", "remove", "--sql"]);
    assert!(sql.contains(&format!("DROP ROLE \"{guest}\"")), "{sql}");
    project.ok(&["sandbox", "remove"]);
    assert_eq!(database.rows(rights), ["t|t"]);
    let left = format!(
        "SELECT count(*) FROM pg_roles WHERE rolname = '{guest}' UNION ALL \
         SELECT count(*) FROM pg_namespace WHERE nspname = 'runner_api'"
    );
    assert_eq!(database.rows(&left), ["0", "0"]);
    assert_eq!(project.run(&["sandbox", "status"]).code, 1);
    assert_eq!(project.ok(&["current"]), "a (head)\n");
}

#[test]
fn what_role_cannot_do_is_said_at_once() {
    let sandbox = Sandbox::installed();
    let said = sandbox.project.fails(1, &["upgrade", "head", "--single-transaction"]);
    assert!(said.contains("a transaction of its own: `--single-transaction` cannot be"), "{said}");
    assert!(!sandbox.database.has("t_a"));
}

#[cfg(feature = "embedded")]
#[test]
fn the_embedded_server_has_one_login() {
    let project = Project::without_database();
    project.write("runner.toml", "[sandbox]\nisolation = \"role\"\nowner = \"app\"\n");
    project.tables(&["a"]);
    let said = project.fails(1, &["upgrade", "head", "--database", "embedded"]);
    assert!(said.contains("the embedded server has one login only"), "{said}");
}

#[test]
fn code_does_not_run_as_a_superuser_unless_that_is_allowed() {
    let database = Database::of_superuser();
    let project = Project::new(&database);
    project.write("runner.toml", "[sandbox]\n");
    project.tables(&["a"]);
    let params =
        "[params]\nkind = \"nothing\"\ntable = \"public.t\"\n[capabilities]\nwrite = [\"public.t\"]\n";
    project.component("b", "a", probe(), params);
    let said = project.fails(1, &["upgrade", "head"]);
    assert!(said.contains("revision `b` is code, and the login `postgres` is a superuser"), "{said}");
    assert!(!database.has("t_a"), "nothing of the plan was run");
    project.ok(&["upgrade", "a"]);
    project.write("runner.toml", "[sandbox]\nallow_superuser = true\n");
    let said = project.run(&["upgrade", "head"]).stderr;
    assert!(said.contains("Isolation: policy; migrations run in the runner's own session."), "{said}");
    let journal = database.rows("SELECT revision, isolation FROM runner.journal ORDER BY id");
    assert_eq!(journal, ["a|unrestricted", "b|policy"]);
}

#[test]
fn a_ledger_of_an_older_runner_is_read_and_brought_up() {
    let database = Database::of_superuser();
    let project = Project::new(&database);
    project.tables(&["a"]);
    project.ok(&["upgrade", "head"]);
    // What versions 3 and 4 added goes.
    database.rows(
        "DROP TABLE runner.ticket, runner.statement; ALTER TABLE runner.journal DROP COLUMN isolation; \
         UPDATE runner.ledger SET version = 2",
    );
    assert!(!project.ok(&["show", "a"]).contains("Isolation:"));
    project.tables(&["a", "b"]);
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT version FROM runner.ledger"), "4");
    let journal = database.rows("SELECT revision, isolation FROM runner.journal ORDER BY id");
    assert_eq!(journal, ["a|", "b|unrestricted"]);
}

#[test]
fn a_guest_logs_in_by_a_password_that_lasts_for_its_login() {
    let hba = "host all postgres 127.0.0.1/32 trust\nhost all control_postgres 127.0.0.1/32 trust\n\
        host all all 127.0.0.1/32 scram-sha-256\n";
    let server = Server::start_with_files(&["log_statement = 'all'"], &[("pg_hba.conf", hba)]);
    let database = Database {
        name: "postgres".into(),
        url: server.url("postgres"),
        superuser_url: server.url("postgres"),
    };
    let sandbox = Sandbox::on(database, "CREATEROLE");
    sandbox.project.ok(&["sandbox", "install"]);
    sandbox.project.ok(&["upgrade", "head"]);
    assert!(sandbox.database.has("t_a"));
    let log = std::fs::read_to_string(server.dir.join("log")).expect("the server writes a log");
    let passwords: Vec<&str> = log.lines().filter(|line| line.contains(" PASSWORD '")).collect();
    assert!(!passwords.is_empty());
    assert!(passwords.iter().all(|line| line.contains(" PASSWORD 'SCRAM-SHA-256$")), "{passwords:?}");
    assert!(!log.contains("redeem('"), "tokens travel as parameters");
}

/// The guest's session, as whoever took it over has it, and a superuser's.
struct Attack {
    sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
}

impl Attack {
    fn new() -> Self {
        let sandbox = Sandbox::installed();
        sandbox.project.ok(&["upgrade", "head"]);
        let (owner, guest) = (&sandbox.owner, &sandbox.guest);
        sandbox.database.rows(&format!("ALTER ROLE {guest} CONNECTION LIMIT 5; GRANT {owner} TO {guest}"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { sandbox, runtime: runtime.expect("a runtime") }
    }

    fn session(&self) -> Guest<'_> {
        let url = self.sandbox.database.url.replace("postgres@", &format!("{}@", self.sandbox.guest));
        let (client, connection) =
            self.runtime.block_on(tokio_postgres::connect(&url, NoTls)).expect("the guest logs in");
        self.runtime.spawn(connection);
        Guest { attack: self, client }
    }

    /// Writes a ticket for the token `1`, as the control session does.
    fn ticket(&self, process: &str, transaction: &str, lasts: &str) {
        self.sandbox.database.rows(&format!(
            "INSERT INTO runner.ticket (digest, guest, process, transaction, expires, run, actor, direction, revision, \
                outcome, isolation, source_digest, duration_ms, statements, rows, runner_version, parents, depends_on, \
                labels, message, manifest, params) \
             VALUES (sha256('\\x01'), '{}', {process}, '{transaction}', now() + interval '{lasts}', 'run', 'me', \
                'upgrade', 'forged', 'done', 'role', 'x', 0, 0, 0, '', '{{}}', '{{}}', '{{}}', '', '{{}}', '{{}}')",
            self.sandbox.guest
        ));
    }

    /// How often the revision is in the ledger, and in the journal.
    fn recorded(&self) -> String {
        self.sandbox.database.value(
            "SELECT (SELECT count(*) FROM runner.revision WHERE revision = 'forged') || '|' || \
                (SELECT count(*) FROM runner.journal WHERE revision = 'forged')",
        )
    }
}

struct Guest<'a> {
    attack: &'a Attack,
    client: tokio_postgres::Client,
}

impl Guest<'_> {
    /// The first field of the last row, or the error's SQLSTATE.
    fn run(&self, sql: &str) -> String {
        let answer = self.attack.runtime.block_on(self.client.simple_query(sql));
        match answer {
            Ok(messages) => messages
                .iter()
                .rev()
                .find_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                })
                .unwrap_or_default(),
            Err(error) => error.code().expect("the server answers").code().to_owned(),
        }
    }

    fn redeem(&self) -> String {
        self.run("SELECT runner_api.redeem('\\x01')")
    }

    fn process(&self) -> String {
        self.run("SELECT pg_backend_pid()")
    }

    fn begin(&self) -> String {
        self.run("BEGIN; SELECT pg_current_xact_id()")
    }
}

#[test]
fn a_ticket_is_good_once_for_its_own_transaction() {
    let attack = Attack::new();
    let guest = attack.session();
    let transaction = guest.begin();
    assert_eq!(guest.redeem(), "0", "there is no ticket yet");
    attack.ticket(&guest.process(), &transaction, "1 minute");
    assert_eq!(guest.run("SELECT runner_api.redeem('\\x02')"), "0", "another token");
    assert_eq!(guest.redeem(), "1");
    assert_eq!(guest.redeem(), "0", "a second time");
    guest.run("COMMIT");
    assert_eq!(attack.recorded(), "1|1");
    guest.begin();
    assert_eq!(guest.redeem(), "0", "in the next transaction");
    guest.run("COMMIT");
    assert_eq!(attack.recorded(), "1|1");
}

#[test]
fn a_ticket_is_not_for_another_session_or_transaction_or_time() {
    let attack = Attack::new();
    let (guest, other) = (attack.session(), attack.session());
    let transaction = guest.begin();
    other.begin();
    attack.ticket(&guest.process(), &transaction, "1 minute");
    assert_eq!(other.redeem(), "0", "another session");
    assert_eq!(other.run(&format!("SELECT pg_terminate_backend({})", guest.process())), "t", "its own kind");
    let guest = attack.session();
    guest.begin();
    assert_eq!(guest.redeem(), "0", "another process");
    attack.sandbox.database.rows("DELETE FROM runner.ticket");
    attack.ticket(&guest.process(), &transaction, "1 minute");
    assert_eq!(guest.redeem(), "0", "another transaction");
    attack.sandbox.database.rows("DELETE FROM runner.ticket");
    let now = guest.run("SELECT pg_current_xact_id()");
    attack.ticket(&guest.process(), &now, "-1 second");
    assert_eq!(guest.redeem(), "0", "it has run out");
    guest.run("COMMIT");
    assert_eq!(attack.recorded(), "0|0");
}

#[test]
fn rolling_back_to_before_records_neither_twice_nor_never() {
    let attack = Attack::new();
    let guest = attack.session();
    let transaction = guest.begin();
    attack.ticket(&guest.process(), &transaction, "1 minute");
    guest.run("SAVEPOINT before");
    assert_eq!(guest.redeem(), "1");
    guest.run("ROLLBACK TO SAVEPOINT before");
    assert_eq!(guest.redeem(), "1", "nothing was recorded before");
    assert_eq!(guest.redeem(), "0");
    guest.run("COMMIT");
    assert_eq!(attack.recorded(), "1|1");
}

#[test]
fn what_is_rolled_back_is_not_recorded_and_the_ticket_is_of_no_more_use() {
    let attack = Attack::new();
    let guest = attack.session();
    let transaction = guest.begin();
    attack.ticket(&guest.process(), &transaction, "1 minute");
    assert_eq!(guest.redeem(), "1");
    guest.run("ROLLBACK");
    assert_eq!(attack.recorded(), "0|0");
    guest.begin();
    assert_eq!(guest.redeem(), "0");
    guest.run("COMMIT");
    assert_eq!(attack.recorded(), "0|0");
}

#[test]
fn the_guest_reads_and_writes_no_table_of_the_ledger() {
    let attack = Attack::new();
    let guest = attack.session();
    for role in ["NONE", &attack.sandbox.owner] {
        guest.run(&format!("SET ROLE {role}"));
        for table in ["ledger", "revision", "journal", "component", "ticket"] {
            assert_eq!(guest.run(&format!("TABLE runner.{table}")), "42501", "{role}");
            assert_eq!(guest.run(&format!("DELETE FROM runner.{table}")), "42501", "{role}");
            assert_eq!(guest.run(&format!("INSERT INTO runner.{table} DEFAULT VALUES")), "42501", "{role}");
        }
        assert_eq!(guest.run("CREATE TABLE runner_api.t ()"), "42501", "{role}");
    }
}

#[test]
fn a_guest_cannot_bend_the_function_by_its_settings_or_its_objects() {
    let attack = Attack::new();
    let guest = attack.session();
    guest.run(&format!("SET ROLE {}", attack.sandbox.owner));
    guest.run("CREATE FUNCTION app.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'");
    guest.run("CREATE FUNCTION app.always(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true'");
    guest.run("CREATE OPERATOR app.= (LEFTARG = text, RIGHTARG = text, FUNCTION = app.always)");
    guest.run("SET search_path = app, pg_catalog");
    guest.run("SET ROLE NONE");
    let transaction = guest.begin();
    attack.ticket(&guest.process(), &transaction, "1 minute");
    attack.sandbox.database.rows("UPDATE runner.ticket SET guest = 'somebody else'");
    assert_eq!(guest.redeem(), "0");
    attack.sandbox.database.rows(&format!("UPDATE runner.ticket SET guest = '{}'", attack.sandbox.guest));
    guest.run("CREATE TEMP TABLE revision (revision text)");
    guest.run("SET TimeZone = 'UTC'; SET DateStyle = 'German'");
    assert_eq!(guest.redeem(), "1");
    guest.run("COMMIT");
    assert_eq!(attack.recorded(), "1|1");
}

/// Stands between the runner and its server, and loses the answer to one COMMIT
/// after the server has given it.
struct Lossy {
    port: u16,
    lost: Arc<AtomicBool>,
}

impl Lossy {
    fn before(database: &Database) -> Self {
        let port =
            |url: &str| url.split("127.0.0.1:").nth(1).expect("a port")[..5].trim_end_matches('/').to_owned();
        let server: u16 = port(&database.url).parse().expect("a number");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (here, lost) = (listener.local_addr().expect("bound").port(), Arc::new(AtomicBool::new(false)));
        let shared = Arc::clone(&lost);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(("127.0.0.1", server)).expect("the server listens");
                let lost = Arc::clone(&shared);
                std::thread::spawn(move || pass_on(client, server, &lost));
            }
        });
        Self { port: here, lost }
    }
}

/// Passes on both ways, up to the COMMIT.
fn pass_on(mut client: TcpStream, mut server: TcpStream, lost: &AtomicBool) {
    let (mut answers, mut back) = (server.try_clone().expect("clones"), client.try_clone().expect("clones"));
    let cut = Arc::new(AtomicBool::new(false));
    let is_cut = Arc::clone(&cut);
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(length @ 1..) = answers.read(&mut buffer) {
            if is_cut.load(Ordering::SeqCst) || back.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        // A message of the simple protocol whose text begins with COMMIT; others
        // may be sent together with it.
        let is_commit =
            (5..length).any(|at| buffer[at - 5] == b'Q' && buffer[at..length].starts_with(b"COMMIT"));
        if is_commit && !lost.swap(true, Ordering::SeqCst) {
            cut.store(true, Ordering::SeqCst);
        }
        if server.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_up() {
    for isolation in ["role", "policy"] {
        let sandbox = Sandbox::installed();
        let lossy = Lossy::before(&sandbox.database);
        let url = format!(
            "postgresql://{}@127.0.0.1:{}/{}?sslmode=disable",
            sandbox.control, lossy.port, sandbox.database.name
        );
        let project = Project::new(&Database { name: String::new(), superuser_url: url.clone(), url });
        project.write(
            "runner.toml",
            format!("[sandbox]\nisolation = \"{isolation}\"\nowner = \"{}\"\n", sandbox.owner),
        );
        project.sql("x", "", "SELECT 1;", "");
        let said = project.run(&["upgrade", "head"]);
        assert!(lossy.lost.load(Ordering::SeqCst), "{isolation}: no COMMIT was seen: {}", said.stderr);
        assert_eq!(said.code, 0, "{isolation}: {}", said.stderr);
        assert_eq!(sandbox.database.value("SELECT revision FROM runner.revision"), "x", "{isolation}");
    }
}
