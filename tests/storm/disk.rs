//! A disk that is full in the middle of a data migration.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::boundaries::state;
use crate::support::{Database, Project, Server, change_guest};

/// What the table and its index take, and not much more, in MiB.
const SMALL: u32 = 8;
/// Enough for all of it, in MiB.
const LARGE: u32 = 128;

/// Rows: with their index about 4 MiB, and about as much again for each change of
/// all of them.
const ROWS: usize = 60_000;

/// The exit code of a step that failed.
const FAILED: i32 = 5;

/// A file system in memory, with a tablespace on it.
struct Disk {
    folder: PathBuf,
    _dir: tempfile::TempDir,
}

impl Disk {
    /// None where nobody may mount: only root may.
    fn mount() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: a full disk needs a file system of its own, and only root may mount one");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("runner-disk-").tempdir().expect("a folder");
        let folder = dir.path().join("disk");
        std::fs::create_dir(&folder).expect("a folder");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size(SMALL), "tmpfs"]).arg(&folder));
        run(Command::new("chown").args(["postgres:postgres"]).arg(&folder));
        run(Command::new("chmod").args(["0755"]).arg(dir.path()));
        Some(Self { folder, _dir: dir })
    }

    fn enlarge(&self) {
        run(Command::new("mount").args(["-o", &format!("remount,{}", size(LARGE))]).arg(&self.folder));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The server may have files of it open still: it goes when they do.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

fn size(mebibytes: u32) -> String {
    format!("size={mebibytes}m")
}

fn run(command: &mut Command) {
    let output = command.output().expect("it is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A server of its own: its tablespace goes before the others' server does.
fn database(server: &Server, disk: &Path) -> Database {
    let url = server.url("postgres");
    let create =
        |sql: &str| crate::support::execute(&url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    create(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.display()));
    Database { name: "postgres".into(), url: url.clone(), superuser_url: url }
}

/// A table that fits, and a change of all its rows that does not.
fn check(write: impl Fn(&Project)) {
    let Some(disk) = Disk::mount() else { return };
    let server = Server::start(&[]);
    let database = database(&server, &disk.folder);
    let project = Project::new(&database);
    let table = format!(
        "CREATE TABLE public.readings (id bigint, value integer NOT NULL, \
            PRIMARY KEY (id) USING INDEX TABLESPACE small) TABLESPACE small;\n\
         INSERT INTO public.readings SELECT n, n % 1000 FROM generate_series(1, {ROWS}) n;\n"
    );
    project.sql("table", "", &table, "DROP TABLE public.readings;");
    project.ok(&["upgrade", "head"]);
    let before = state(&database);
    write(&project);
    let said = project.fails(FAILED, &["upgrade", "head"]);
    assert!(said.contains("53100") && said.contains("No space left on device"), "{said}");
    assert_eq!(state(&database), before, "the step was rolled back");
    assert_eq!(database.rows("SELECT revision FROM runner.revision"), ["table"]);
    let failure = "SELECT revision, outcome, sqlstate FROM runner.journal ORDER BY id DESC LIMIT 1";
    assert_eq!(database.value(failure), "change|failed|53100");
    disk.enlarge();
    project.ok(&["upgrade", "head"]);
    let changed = "SELECT count(*) FROM public.readings WHERE value <> id % 1000";
    assert_eq!(database.value(changed), ROWS.to_string());
}

#[test]
fn a_script_that_fills_the_disk_is_rolled_back_and_goes_on_when_there_is_room() {
    check(|project| {
        // The same rows three times over.
        let upgrade = "UPDATE public.readings SET value = value + 1;\n".repeat(3);
        project.sql("change", "table", &upgrade, "SELECT 1;");
    });
}

#[test]
fn code_that_fills_the_disk_is_rolled_back_and_goes_on_when_there_is_room() {
    check(|project| {
        let more = "\n[capabilities]\nread = [\"public.readings\"]\nwrite = [\"public.readings\"]\n\
            lock = [\"public.readings\"]\n\n[params]\nway = \"readings\"\n";
        project.component("change", "table", change_guest(), more);
    });
}
