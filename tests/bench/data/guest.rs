//! Our side: a guest's change through the real program, from its start to its end.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::support::{Project, change_guest, manifest};
use super::table::Copy;

/// Rows that the guest asks for at a time, unless a measurement is about that:
/// what the SDK asks for.
pub const BATCH_ROWS: u32 = 5_000;

/// What the guest is told to do; see tests/guests/change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Typed rows, staged and applied with one UPDATE.
    Typed,
    /// The same with tuples that are taken apart and made by hand.
    Tuples,
    /// The whole table replaced.
    Rewrite,
    /// A number in each of many narrow rows.
    Readings,
}

impl Way {
    fn param(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Tuples => "tuples",
            Self::Rewrite => "rewrite",
            Self::Readings => "readings",
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Typed | Self::Tuples | Self::Rewrite => "public.users",
            Self::Readings => "public.readings",
        }
    }

    fn capabilities(self) -> String {
        let table = self.table();
        // Whoever changes what is there locks others out meanwhile.
        let more = match self {
            Self::Rewrite => "truncate",
            Self::Typed | Self::Tuples | Self::Readings => "lock",
        };
        format!("\n[capabilities]\nread = [\"{table}\"]\nwrite = [\"{table}\"]\n{more} = [\"{table}\"]\n")
    }
}

/// A project whose only pending revision is the change. The ledger's tables are
/// there and the component is compiled, as in every run but a project's first.
pub fn project(copy: &Copy<'_>, way: Way, batch_rows: u32) -> Project {
    let project = Project::at(copy.url.clone());
    project.component("change", "", change_guest(), "");
    let params = format!("\n[params]\nway = \"{}\"\nbatch-rows = {batch_rows}\n", way.param());
    let text = manifest("change", "", "rust", &(way.capabilities() + &params));
    project.write("migrations/change/migration.toml", text);
    project.ok(&["ensure-version"]);
    project.ok(&["plan", "head"]);
    project
}

/// How long `runner upgrade head` takes.
pub fn upgrade(copy: &Copy<'_>, way: Way, batch_rows: u32) -> Duration {
    let project = project(copy, way, batch_rows);
    super::measure::time(|| drop(project.ok(&["upgrade", "head"])))
}

/// What a run needed at most.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    pub rows: u64,
    /// The runner's resident memory, in KiB.
    pub kib: u64,
    pub took: Duration,
}

/// The most memory that `runner upgrade head` had.
pub fn peak(copy: &Copy<'_>, rows: u64) -> Peak {
    let project = project(copy, Way::Readings, BATCH_ROWS);
    let began = Instant::now();
    let kib = watch(&mut project.command(&["upgrade", "head"]));
    Peak { rows, kib, took: began.elapsed() }
}

/// Runs a program and reads its high-water mark, which only grows, until it ends.
fn watch(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        most = high_water(&text).unwrap_or(most);
        if let Some(ended) = child.try_wait().expect("it is our child") {
            assert!(ended.success(), "{command:?}: {ended}");
            return most;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// `VmHWM` in KiB; a process that has ended has none.
fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
