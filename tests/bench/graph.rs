//! The graph: reading the folder, parsing, building and planning, over a
//! hundred, a thousand and ten thousand revisions; and how soon `history`
//! begins to print.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use runner::graph::{Graph, Node, Target};
use runner::plan;
use runner::revision::{Direction, Manifest, RevisionId};
use runner::run::Migrator;
use runner::source;

use crate::measure::{median, shown, time};
use crate::support::Project;

const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// What graph and plans may take beyond reading the files, for the largest size.
const MOST: Duration = Duration::from_millis(20);

/// How many times as long ten times as many revisions may take: linear, and
/// something for caches that are no longer large enough.
const MOST_GROWTH: f64 = 15.0;

/// The times of one size.
struct Times {
    revisions: usize,
    /// Reading the bytes of every file, and nothing else.
    read: Duration,
    /// Parsing the manifests that were read.
    parse: Duration,
    /// Everything from the folder to the graph, as every command does it.
    load: Duration,
    /// Building and validating the graph from the manifests.
    build: Duration,
    /// `upgrade heads` from nothing.
    up: Duration,
    /// `upgrade heads` at the heads.
    nothing: Duration,
    /// `downgrade base` from the heads.
    down: Duration,
}

impl Times {
    /// What is beyond reading and parsing: build, validate, plan.
    fn graph_and_plan(&self) -> Duration {
        self.build + self.up
    }
}

pub fn run() {
    println!(
        "{:>9} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>14}",
        "revisions", "read", "parse", "load", "build", "plan up", "plan none", "plan down", "build+plan up"
    );
    let mut before: Option<Times> = None;
    for size in SIZES {
        let project = Project::without_database();
        write_revisions(&project, size);
        let times = measure(&project, size);
        print(&times);
        if let Some(before) = &before {
            growth(before, &times);
        }
        if size == SIZES[SIZES.len() - 1] {
            let verdict = if times.graph_and_plan() <= MOST { "ok" } else { "OVER" };
            println!(
                "build + plan of {size}: {} (at most {}) {verdict}",
                shown(times.graph_and_plan()),
                shown(MOST)
            );
            // Loading reads with several threads, so that it can take less.
            let whole = times.load + times.up;
            let beyond = whole.saturating_sub(times.read);
            let verdict = if beyond <= MOST { "ok" } else { "OVER" };
            println!(
                "load + plan of {size}: {}, that is {} beyond reading the files one by one (at most {}) {verdict}",
                shown(whole),
                shown(beyond),
                shown(MOST)
            );
            history(&project, size, times.read);
        }
        before = Some(times);
    }
}

/// A main line; every tenth revision begins a branch of three, which is merged
/// again; some of the branches depend on one of another base.
fn write_revisions(project: &Project, size: usize) {
    let (mut main, mut branch) = (String::new(), Vec::new());
    let mut other_base = String::new();
    for number in 0..size {
        // Ids in another order than that of the revisions.
        let id = format!("{:06x}", (number as u32 + 1).wrapping_mul(0x9E_37_79) & 0xFF_FFFF);
        let (parents, more) = match number % 10 {
            _ if number == 1 => (Vec::new(), String::new()),
            4..=6 => {
                let parent = branch.last().unwrap_or(&main).clone();
                let more = match number % 10 {
                    // Labels are inherited: one for each branch would print all of them everywhere.
                    4 if number % 1_000 == 4 => format!("labels = [\"branch{number}\"]\n"),
                    5 if !other_base.is_empty() => format!("depends_on = [{other_base:?}]\n"),
                    _ => String::new(),
                };
                (vec![parent], more)
            }
            8 if !branch.is_empty() => (vec![main.clone(), branch[branch.len() - 1].clone()], String::new()),
            _ => (Some(main.clone()).filter(|main| !main.is_empty()).into_iter().collect(), String::new()),
        };
        write(project, number, &id, &parents, &more);
        match number % 10 {
            _ if number == 1 => other_base = id,
            4..=6 => branch.push(id),
            8 => {
                branch.clear();
                main = id;
            }
            _ => main = id,
        }
    }
}

fn write(project: &Project, number: usize, id: &str, parents: &[String], more: &str) {
    let dir = format!("migrations/2026{number:06}_{id}");
    let mut manifest = format!("revision = {id:?}\nparents = [");
    for parent in parents {
        write!(manifest, "{parent:?}, ").expect("a string takes everything");
    }
    write!(manifest, "]\nmessage = \"revision number {number}\"\nkind = \"sql\"\n{more}").expect("likewise");
    project.write(&format!("{dir}/migration.toml"), manifest);
    let upgrade = format!("CREATE TABLE public.t_{number} (id int PRIMARY KEY, name text NOT NULL);\n");
    project.write(&format!("{dir}/upgrade.sql"), upgrade);
    project.write(&format!("{dir}/downgrade.sql"), format!("DROP TABLE public.t_{number};\n"));
}

fn measure(project: &Project, size: usize) -> Times {
    let rounds = if size > 1_000 { 15 } else { 51 };
    // The fastest one: what else the machine does only adds to it.
    let times = |mut work: Box<dyn FnMut() + '_>| -> Duration {
        (0..rounds).map(|_| time(&mut work)).min().expect("there are rounds")
    };
    let loaded = source::Project::load(&project.path("runner.toml")).expect("a project");
    let on_disk = Migrator::on_disk(&loaded).expect("sound revisions");
    assert_eq!(on_disk.graph.len(), size);
    let nodes: Vec<Node> = (0..size).map(|number| on_disk.graph.node(number).clone()).collect();
    let manifests = manifests(&project.path("migrations"));
    let graph = &on_disk.graph;
    let all: BTreeSet<RevisionId> = nodes.iter().map(|node| node.id.clone()).collect();
    let none = BTreeSet::new();
    let plan = |applied: &BTreeSet<RevisionId>, direction, target: &str| {
        let target: Target = target.parse().expect("a target");
        plan::build(graph, applied, direction, &target).expect("a plan").steps.len()
    };
    // The copy that a graph takes its nodes from is made before.
    let mut copies: Vec<Vec<Node>> = vec![nodes; rounds];
    Times {
        revisions: size,
        read: times(Box::new(|| {
            read_all(&project.path("migrations"));
        })),
        parse: times(Box::new(|| {
            for (file, text) in &manifests {
                Manifest::parse(file, text).expect("a sound manifest");
            }
        })),
        load: times(Box::new(|| drop(Migrator::on_disk(&loaded).expect("sound")))),
        build: times(Box::new(|| {
            Graph::build(copies.pop().expect("one for each round")).expect("sound");
        })),
        up: times(Box::new(|| assert_eq!(plan(&none, Direction::Upgrade, "heads"), size))),
        nothing: times(Box::new(|| assert_eq!(plan(&all, Direction::Upgrade, "heads"), 0))),
        down: times(Box::new(|| assert_eq!(plan(&all, Direction::Downgrade, "base"), size))),
    }
}

/// The bytes of every file of every revision's folder.
fn read_all(migrations: &Path) -> usize {
    let folders = std::fs::read_dir(migrations).expect("a folder").flatten();
    let files = ["migration.toml", "upgrade.sql", "downgrade.sql"];
    let read = |folder: PathBuf| -> usize {
        files.iter().map(|file| std::fs::read(folder.join(file)).expect("a file").len()).sum()
    };
    folders.map(|folder| read(folder.path())).sum()
}

fn manifests(migrations: &Path) -> Vec<(PathBuf, String)> {
    let folders = std::fs::read_dir(migrations).expect("a folder").flatten();
    let files = folders.map(|folder| folder.path().join("migration.toml"));
    files.map(|file| (file.clone(), std::fs::read_to_string(&file).expect("a file"))).collect()
}

fn print(times: &Times) {
    let columns = [
        times.read,
        times.parse,
        times.load,
        times.build,
        times.up,
        times.nothing,
        times.down,
        times.graph_and_plan(),
    ];
    let columns: Vec<String> = columns.iter().map(|time| format!("{:>10}", shown(*time))).collect();
    println!("{:>9} {}", times.revisions, columns.join(" "));
}

/// How many times as long as the size before.
fn growth(before: &Times, now: &Times) {
    let larger = now.revisions / before.revisions;
    for (what, before, now) in [
        ("load", before.load, now.load),
        ("build", before.build, now.build),
        ("plan up", before.up, now.up),
        ("plan down", before.down, now.down),
    ] {
        let growth = now.as_secs_f64() / before.as_secs_f64();
        let verdict = if growth <= MOST_GROWTH { "ok" } else { "OVER" };
        println!(
            "  {what:<10} {growth:>5.1} times as long for {larger} times as many (at most {MOST_GROWTH}) {verdict}"
        );
    }
}

/// The time until `history` has printed its first line.
fn history(project: &Project, size: usize, read: Duration) {
    let first_line = || {
        let began = Instant::now();
        let mut child =
            project.command(&["history"]).stdout(Stdio::piped()).spawn().expect("the program runs");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        stdout.read_line(&mut line).expect("it prints");
        let taken = began.elapsed();
        assert!(!line.is_empty(), "it prints a line");
        std::io::copy(&mut stdout, &mut std::io::sink()).expect("it prints the rest");
        assert!(child.wait().expect("it ends").success());
        taken
    };
    let empty = Project::without_database();
    let start = median((0..9).map(|_| time(|| drop(empty.run(&["history"])))).collect());
    let first = median((0..9).map(|_| first_line()).collect());
    println!(
        "`history` over {size}: its first line after {} (starting: {}, reading the files: {})",
        shown(first),
        shown(start),
        shown(read)
    );
}
