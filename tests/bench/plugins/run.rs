//! One round: a plugin on one copy of its table, the reference on another, and both
//! back again.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::catalogue::{Reference, Same, Subject};
use super::data::table::{Copy, Template};
use super::measure::{shown, time};
use super::same;
use super::support::{Project, manifest};

/// What a plugin may ask for, all of it: what grants cost is measured by the
/// benchmark `policy`.
const CAPABILITIES: &str = r#"
[capabilities]
read = ["public", "pg_catalog", "information_schema"]
write = ["public"]
lock = ["public"]
ddl = ["public"]
drop = ["public"]
trigger = ["public"]
code = "vetted"
random = true
"#;

/// The plugin's time and the reference's.
type Pair = (Duration, Duration);

/// What one round took.
pub struct Times {
    pub up: Pair,
    pub down: Option<Pair>,
}

impl Times {
    /// As people read it.
    pub fn shown(&self) -> String {
        let pair = |(ours, other): Pair| format!("{} / {}", shown(ours), shown(other));
        let down = self.down.map(|down| format!(", downgrade {}", pair(down))).unwrap_or_default();
        format!("upgrade {}{down}", pair(self.up))
    }
}

/// Measures, and compares what is there after each way.
///
/// # Panics
///
/// Fails where the two differ, or where a downgrade leaves another table than there
/// was.
pub fn round(template: &Template<'_>, subject: &Subject, component: &[u8], round: usize) -> Times {
    let (ours, other) = (template.copy(), template.copy());
    let before = same::all(&ours.url, Same::Contents(&[]));
    let plugin = project(&ours, |project| project.component("a", "", component, &more(subject)));
    let scripts = sql(subject).map(|(up, down)| {
        project(&other, |project| {
            project.sql("a", "", up, down);
            project.write("migrations/a/migration.toml", manifest("a", "", "sql", CAPABILITIES));
        })
    });
    let refer = |reference: &Reference, args: &[&str]| match reference {
        Reference::Revision(_) => time(|| drop(scripts.as_ref().expect("it has scripts").ok(args))),
        Reference::Sql(script) => psql(&other, script),
        Reference::Native(change) => time(|| change(&other.url)),
    };
    let both = |reference: &Reference, args: &[&str]| {
        let run = || time(|| drop(plugin.ok(args)));
        // Who is first changes, so that it matters to neither.
        match round.is_multiple_of(2) {
            true => {
                let referred = refer(reference, args);
                (run(), referred)
            }
            false => (run(), refer(reference, args)),
        }
    };
    let up = both(&subject.up, &["upgrade", "head"]);
    let name = subject.name;
    assert_eq!(same::all(&ours.url, subject.same), same::all(&other.url, subject.same), "{name}, upgrade");
    let down = subject.down.as_ref().map(|reference| {
        let down = both(reference, &["downgrade", "base"]);
        for url in [&ours.url, &other.url] {
            assert_eq!(same::all(url, Same::Contents(&[])), before, "{name}, downgrade");
        }
        down
    });
    Times { up, down }
}

/// The scripts of a revision, for a reference that is one.
fn sql(subject: &Subject) -> Option<(&'static str, &'static str)> {
    let script = |reference: Option<Reference>| match reference {
        Some(Reference::Revision(script)) => Some(script),
        _ => None,
    };
    let (up, down) = (script(Some(subject.up)), script(subject.down));
    (up.is_some() || down.is_some()).then(|| (up.unwrap_or("SELECT 1;"), down.unwrap_or("SELECT 1;")))
}

/// What a manifest of the subject has behind its head.
pub fn more(subject: &Subject) -> String {
    let secrets = if subject.params.contains("\nkey = ") { "secrets = [\"key\"]\n" } else { "" };
    format!("\n[params]\n{}{CAPABILITIES}{secrets}", subject.params)
}

/// A project with one revision. The ledger's tables are there and the component is
/// compiled, as in every run but a project's first.
fn project(copy: &Copy<'_>, fill: impl FnOnce(&Project)) -> Project {
    let project = Project::at(copy.url.clone());
    fill(&project);
    project.ok(&["ensure-version"]);
    project.ok(&["verify"]);
    project
}

fn psql(copy: &Copy<'_>, script: &str) -> Duration {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), script).expect("the file is ours");
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", &copy.url, "-f"]).arg(file.path());
    time(|| assert!(command.stdout(Stdio::null()).status().expect("psql runs").success(), "{script}"))
}
