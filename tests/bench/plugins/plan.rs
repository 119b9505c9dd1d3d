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
/// What the plan may take of the time for as many revisions of kind `sql`. The
/// components are larger: loading each of them once is what is more.
const LIMIT: f64 = 1.5;

/// Measures it, and prints a line.
pub fn run() {
    let database = Database::new();
    let (plugins, scripts) = (Project::new(&database), Project::new(&database));
    write_plugins(&plugins, REVISIONS);
    write_scripts(&scripts);
    let plan = |project: &Project| {
        let told = project.ok(&["plan", "head"]);
        assert_eq!(told.lines().filter(|line| line.contains("r0")).count(), REVISIONS, "{told}");
    };
    // What is compiled by the first is in the cache for the others.
    plan(&plugins);
    let (ours, other) = in_turns(ROUNDS, || plan(&plugins), || plan(&scripts));
    print(&Figure {
        what: format!("plan of {REVISIONS} revisions by {PLUGINS} plugins / of kind `sql`"),
        ours,
        other,
        ratio: ours.as_secs_f64() / other.as_secs_f64(),
        limit: LIMIT,
    });
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
