//! A plan over many revisions that few plugins run.

use std::fmt::Write as _;

use super::catalogue::SUBJECTS;
use super::measure::in_turns;
use super::run::more;
use super::support::{self, Database, Project};
use super::{Figure, print};

const REVISIONS: usize = 1_000;
/// So many plugins take turns.
pub const PLUGINS: usize = 10;
const ROUNDS: usize = 11;
/// What it may take of the time for as many revisions of kind `sql`: their manifests
/// are a few lines, and those of plugins have parameters and grants, which are read and
/// shown. Loading ten components once is a part of the second.
const LIMIT: f64 = 2.0;

/// Measures it, and prints a line each for the list of steps, for which nothing is
/// loaded, and for all that comes before the first step of an upgrade.
pub fn run() {
    let database = Database::new();
    let (plugins, scripts) = (Project::new(&database), Project::new(&database));
    write_plugins(&plugins, REVISIONS);
    write_scripts(&scripts);
    for (command, args) in [("plan", &["plan", "head"][..]), ("verify", &["verify"])] {
        // What the first one compiles is in the cache for the others.
        plugins.ok(args);
        let run = |project: &Project| drop(project.ok(args));
        let (ours, other) = in_turns(ROUNDS, || run(&plugins), || run(&scripts));
        print(&Figure {
            what: format!("`{command}`: {REVISIONS} revisions by {PLUGINS} plugins / of kind `sql`"),
            ours,
            other,
            ratio: ours.as_secs_f64() / other.as_secs_f64(),
            limit: LIMIT,
        });
    }
}

/// A line of revisions, each an instance of one of ten plugins.
pub fn write_plugins(project: &Project, revisions: usize) {
    let subjects = &SUBJECTS[..PLUGINS];
    let mut settings = "[plugins]\n".to_owned();
    for subject in subjects {
        let name = subject.name;
        project.write(&format!("{name}.wasm"), support::plugin(name));
        writeln!(settings, "{name} = {{ path = \"{name}.wasm\" }}").expect("a string takes everything");
    }
    project.write("runner.toml", settings);
    let mut parents = String::new();
    for (number, subject) in (0..revisions).zip(subjects.iter().cycle()) {
        let id = format!("r{number:04}");
        let text = format!(
            "revision = {id:?}\nparents = [{parents}]\nmessage = \"message of {id}\"\nplugin = {:?}\n{}",
            subject.name,
            more(subject)
        );
        project.write(&format!("migrations/{id}/migration.toml"), text);
        parents = format!("{id:?}");
    }
    project.ok(&["build"]);
}

fn write_scripts(project: &Project) {
    let mut parent = String::new();
    for number in 0..REVISIONS {
        let id = format!("r{number:04}");
        let create = format!("CREATE TABLE public.t_{number} (id int PRIMARY KEY, name text NOT NULL);\n");
        project.sql(&id, &parent, &create, &format!("DROP TABLE public.t_{number};\n"));
        parent = id;
    }
}
