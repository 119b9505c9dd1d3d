//! Starting: with nothing to do, with a cached component, and with a thousand
//! small revisions.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use runner::host::{Compiler, DataConfig, Host, HostConfig, Limits};
use runner::source::sql_component;

use crate::measure::{in_turns, median, ratio, shown, time};
use crate::support::{Database, Project};

pub const REVISIONS: usize = 1_000;

pub fn run() {
    println!("{:<58} {:>10} {:>10}  ratio", "", "runner", "psql");
    let database = Database::new();
    let project = Project::new(&database);
    write_revisions(&project);
    apply(&project, &database);
    let (ours, theirs) =
        in_turns(21, || drop(project.ok(&["upgrade", "head"])), || psql(&database.url, "select 1"));
    ratio(&format!("`upgrade head` at {REVISIONS} applied / `psql -c 'select 1'`"), ours, theirs, 2.0);
    component();
}

fn statement(number: usize) -> String {
    format!("CREATE TABLE public.t_{number} (id int PRIMARY KEY, name text NOT NULL);\n")
}

pub fn write_revisions(project: &Project) {
    let mut parent = String::new();
    for number in 0..REVISIONS {
        let id = format!("r{number:04}");
        project.sql(&id, &parent, &statement(number), &format!("DROP TABLE public.t_{number};\n"));
        parent = id;
    }
}

/// The same statements in the same transactions, by us and by psql.
fn apply(project: &Project, database: &Database) {
    // The compiled component is in the cache, as it is from the second run on.
    Project::new(&Database::new()).ok(&["verify"]);
    let theirs = transactions_in_psql(project);
    let ours = time(|| {
        project.ok(&["upgrade", "head"]);
    });
    assert_eq!(database.value("SELECT count(*) FROM runner.revision"), REVISIONS.to_string());
    ratio(&format!("{REVISIONS} `sql` revisions / the same transactions in psql"), ours, theirs, 1.15);
}

/// How long psql takes for the transactions on a database of its own.
pub fn transactions_in_psql(project: &Project) -> Duration {
    let mut script = String::new();
    for number in 0..REVISIONS {
        write!(script, "BEGIN;\n{}COMMIT;\n", statement(number)).expect("a string takes everything");
    }
    project.write("all.sql", script);
    let (file, database) = (project.path("all.sql"), Database::new());
    time(|| run_psql(&database.url, &["-f", file.to_str().expect("UTF-8")]))
}

pub fn psql(url: &str, sql: &str) {
    run_psql(url, &["-c", sql]);
}

fn run_psql(url: &str, args: &[&str]) {
    let status = Command::new("psql").args(["-X", "-q", "-d", url]).args(args).stdout(Stdio::null()).status();
    assert!(status.expect("psql runs").success());
}

/// Loading from the cache, and a fresh instance.
fn component() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cache = tempfile::tempdir().expect("a folder");
    let host = || {
        let config = HostConfig {
            limits: Limits::default(),
            data: DataConfig::default(),
            cache: Some(cache.path().join("runner")),
            compiler: Compiler::InProcess,
        };
        Host::new(config).expect("a host")
    };
    let bytes = sql_component().bytes;
    let compiled = time(|| drop(runtime.block_on(host().load(&bytes)).expect("loads")));
    let host = host();
    let load = || runtime.block_on(host.load(&bytes)).expect("loads");
    let loaded = median((0..101).map(|_| time(|| drop(load()))).collect());
    let component = load();
    let described = median(
        (0..101)
            .map(|_| time(|| drop(runtime.block_on(host.describe(&component)).expect("describes"))))
            .collect(),
    );
    let verdict = if (loaded + described).as_micros() < 1_000 { "ok" } else { "OVER" };
    println!(
        "component of {} KB: compile {}; load from cache {} + instantiate and describe {} (under 1 ms together) {verdict}",
        bytes.len() / 1024,
        shown(compiled),
        shown(loaded),
        shown(described),
    );
}
