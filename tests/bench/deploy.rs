//! What a deployment costs: with nothing to do, with a thousand small revisions,
//! and while others wait.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::measure::{in_turns, ratio, shown};
use crate::start::{REVISIONS, psql, transactions_in_psql, write_revisions};
use crate::support::{Database, Project, alembic_command, alembic_is_there, execute};

/// How often the revisions are applied, by us and by psql in turns.
const ROUNDS: usize = 5;
/// Runners that wait for another one.
const WAITING: usize = 50;
/// How long they are looked at.
const LOOK: Duration = Duration::from_secs(20);
/// Ticks of the clock in a second, as Linux shows them to programs everywhere.
const TICKS: f64 = 100.0;
/// What they may cost the server, in percent of one core.
const MOST_PERCENT: f64 = 1.0;

pub fn run() {
    println!("{:<58} {:>10} {:>10}  ratio", "", "runner", "other");
    let (database, project) = applied();
    nothing_to_do(&database, &project);
    revisions(&project);
    waiting();
}

fn applied() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    write_revisions(&project);
    project.ok(&["upgrade", "head"]);
    (database, project)
}

fn nothing_to_do(database: &Database, project: &Project) {
    let ours = || drop(project.ok(&["upgrade", "head"]));
    let (here, theirs) = in_turns(21, ours, || psql(&database.url, "select 1"));
    ratio(&format!("`upgrade head` at {REVISIONS} applied / `psql -c 'select 1'`"), here, theirs, 2.0);
    match alembic_is_there() {
        Ok(()) => against_alembic(ours),
        Err(why) => println!("`alembic upgrade head`: left out ({why})"),
    }
}

fn against_alembic(ours: impl FnMut()) {
    let (database, folder) = (Database::new(), tempfile::tempdir().expect("a folder"));
    write_alembic(folder.path());
    let alembic = |args: &[&str]| {
        let mut command = alembic_command("alembic");
        command.args(args).current_dir(folder.path());
        let url = database.url.replace("postgresql://", "postgresql+psycopg://");
        let output = command.env("BENCH_URL", url).output().expect("alembic runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    alembic(&["stamp", "head"]);
    let (ours, theirs) = in_turns(11, ours, || alembic(&["upgrade", "head"]));
    ratio(&format!("the same / `alembic upgrade head` at {REVISIONS} applied"), ours, theirs, 0.1);
}

/// A thousand revisions as Alembic has them, in the project that `alembic init`
/// makes.
fn write_alembic(folder: &Path) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("the folder is ours");
    write("alembic.ini", "[alembic]\nscript_location = %(here)s\npath_separator = os\n");
    write("env.py", include_str!("data/alembic/env.py"));
    fs::create_dir(folder.join("versions")).expect("the folder is ours");
    let mut down = "None".to_owned();
    for number in 0..REVISIONS {
        let text = format!(
            "\"\"\"r{number:04}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\n\
             revision = 'r{number:04}'\ndown_revision = {down}\nbranch_labels = None\ndepends_on = None\n\n\n\
             def upgrade() -> None:\n    op.create_table('t_{number}', sa.Column('id', sa.Integer, primary_key=True))\n\n\n\
             def downgrade() -> None:\n    op.drop_table('t_{number}')\n"
        );
        write(&format!("versions/r{number:04}_.py"), &text);
        down = format!("'r{number:04}'");
    }
}

/// The same statements in the same transactions, by us and by psql, each on a
/// database of its own.
fn revisions(project: &Project) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let database = Database::new();
        let began = Instant::now();
        let status = project.command(&["upgrade", "head"]).env("DATABASE_URL", &database.url).output();
        ours.push(began.elapsed());
        assert!(status.expect("it runs").status.success());
        assert_eq!(database.value("SELECT count(*) FROM runner.revision"), REVISIONS.to_string());
        theirs.push(transactions_in_psql(project));
    }
    ours.sort();
    theirs.sort();
    let (ours, theirs) = (ours[ROUNDS / 2], theirs[ROUNDS / 2]);
    ratio(&format!("{REVISIONS} `sql` revisions / the same transactions in psql"), ours, theirs, 1.15);
}

/// Processes that end with the measurement.
struct Runners(Vec<Child>);

impl Drop for Runners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn waiting() {
    let database = Database::new();
    let project = Project::new(&database);
    project.sql("long", "", "SELECT pg_sleep(600);", "SELECT 1;");
    let start = || {
        let mut command = project.command(&["upgrade", "head"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
    };
    let mut runners = Runners(vec![start()]);
    let is_there = |count: usize| {
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
            AND pid <> pg_backend_pid() AND application_name LIKE 'runner%'";
        database.value(sessions).parse::<usize>().expect("a number") >= count
    };
    while !is_there(1) {
        sleep(Duration::from_millis(50));
    }
    sleep(Duration::from_millis(500));
    runners.0.extend((0..WAITING).map(|_| start()));
    while !is_there(WAITING + 1) {
        sleep(Duration::from_millis(50));
    }
    // Their pauses grow to what they are in a long wait.
    sleep(Duration::from_secs(10));
    let (postmaster, began) = (postmaster(&database), Instant::now());
    let before = cpu(postmaster);
    sleep(LOOK);
    let percent = 100.0 * (cpu(postmaster) - before).as_secs_f64() / began.elapsed().as_secs_f64();
    let verdict = if percent <= MOST_PERCENT { "ok" } else { "OVER" };
    println!(
        "{WAITING} waiting runners: {percent:.2} % of a core in all of the server's processes over {} \
         (at most {MOST_PERCENT} %) {verdict}",
        shown(LOOK)
    );
}

/// The server's first process.
fn postmaster(database: &Database) -> u32 {
    let file =
        execute(&database.superuser_url, "SELECT pg_read_file('postmaster.pid')").expect("it may read it");
    let file = file.concat();
    file.lines().next().and_then(|line| line.parse().ok()).expect("its first line is the number")
}

/// What the server's processes that are there have used of the processor; see
/// proc(5), /proc/pid/stat. Those that have ended count with the first one.
fn cpu(postmaster: u32) -> Duration {
    let children = fs::read_dir("/proc").expect("the kernel is Linux").flatten();
    let processes = children.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    let ticks: u64 = processes
        .filter_map(stat)
        .map(|stat| match () {
            // Its own time, and that of its children that have ended.
            () if stat.process == postmaster => stat.times.iter().sum(),
            () if stat.parent == postmaster => stat.times[..2].iter().sum(),
            () => 0,
        })
        .sum();
    Duration::from_secs_f64(ticks as f64 / TICKS)
}

struct Stat {
    process: u32,
    parent: u32,
    /// utime, stime, cutime and cstime, in ticks.
    times: [u64; 4],
}

fn stat(process: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may have spaces and brackets in it.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let times = [number(11)?, number(12)?, number(13)?, number(14)?];
    Some(Stat { process, parent: u32::try_from(number(1)?).ok()?, times })
}
