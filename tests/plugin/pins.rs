//! runner.lock and what fits it: `--locked`, `--offline`, digests, ranges, versions
//! of the interface, and what is asked at a terminal.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use runner::host::{Interface, Limits};
use runner::revision::{Digest, PluginName};
use runner::source::{Artifact, Metadata, Publication, publish};

use crate::support::{Database, Finished, Project, free_port, probe};

/// A project whose database nobody answers for.
pub fn without_server() -> Project {
    Project::at(format!("postgresql://nobody@127.0.0.1:{}/none?connect_timeout=5", free_port()))
}

/// The probe, calling itself another version.
fn probe_of(version: &str) -> Vec<u8> {
    let mut bytes = probe().to_vec();
    let own = b"0.1.0";
    assert_eq!(version.len(), own.len());
    let at: Vec<usize> = (1..bytes.len() - own.len())
        .filter(|&at| bytes[at..].starts_with(own) && bytes[at - 1] != b'@')
        .collect();
    assert!(!at.is_empty(), "the probe says its version");
    at.into_iter().for_each(|at| bytes[at..at + own.len()].copy_from_slice(version.as_bytes()));
    bytes
}

/// The probe, made for another version of the interface.
fn of_interface(version: &str) -> Vec<u8> {
    let mut bytes = probe().to_vec();
    let own = b"@0.1.0";
    let at: Vec<usize> = (0..bytes.len() - own.len()).filter(|&at| bytes[at..].starts_with(own)).collect();
    at.into_iter().for_each(|at| bytes[at + 1..at + own.len()].copy_from_slice(version.as_bytes()));
    bytes
}

/// Writes versions of the probe into a layout.
pub fn layout(project: &Project, versions: &[&str]) {
    for version in versions {
        publish_as(project, version, probe_of(version));
    }
}

/// Writes a component into the layout as some version of the probe.
pub fn publish_as(project: &Project, version: &str, component: Vec<u8>) {
    let artifact = Artifact::new(component, "a test");
    let publication = Publication {
        name: &PluginName::new("probe").expect("a name"),
        version: &version.parse().expect("a version"),
        interface: &Interface::of(&artifact.bytes, &Limits::default()).expect("a component"),
        artifact: &artifact,
        metadata: &Metadata::default(),
    };
    publish(&project.path("vendor"), &publication).expect("publishes");
}

/// Adds the probe as a plugin of the project, from a file.
pub fn add_probe(project: &Project) {
    project.write("probe.wasm", probe());
    project.ok(&["plugin", "add", "probe", "--path", "probe.wasm"]);
}

/// A revision that the plugin runs; `plugin` is how its manifest names it.
pub fn revision(project: &Project, id: &str, parents: &str, plugin: &str, params: &str) {
    let text = format!(
        "revision = {id:?}\nparents = [{parents}]\nmessage = \"message of {id}\"\nplugin = {plugin:?}\n\n\
         [params]\nkind = \"nothing\"\n{params}"
    );
    project.write(&format!("migrations/{id}/migration.toml"), text);
}

/// All files of a project but the store: nothing of it may change where something
/// is refused.
fn files(project: &Project) -> Vec<(String, Option<String>)> {
    let paths = ["runner.toml", "runner.lock", "migrations/a/migration.toml"];
    paths.map(|path| (path.to_owned(), fs::read_to_string(project.path(path)).ok())).to_vec()
}

/// Runs a command that fails with 1, and changes nothing on disk.
#[track_caller]
pub fn refused(project: &Project, args: &[&str]) -> String {
    let before = files(project);
    let said = project.fails(1, args);
    assert_eq!(files(project), before, "{said}");
    said
}

#[test]
fn a_digest_that_is_not_that_of_the_lock_is_told_before_a_database_is_asked() {
    let project = without_server();
    add_probe(&project);
    revision(&project, "a", "", "probe", "");
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    let runs = [
        &["upgrade", "head"][..],
        &["plan", "head"],
        &["redo"],
        &["stamp", "head"],
        &["suggest", "head"],
        &["upgrade", "head", "--wait", "600s"],
    ];
    for args in &runs[..5] {
        assert_eq!(project.run(args).code, 7, "{args:?}: with a sound lock the server is asked");
    }
    let digest = lock.lines().find(|line| line.starts_with("digest")).expect("a digest");
    project.write("runner.lock", lock.replace(digest, &format!("digest = \"sha256:{}\"", "0".repeat(64))));
    for args in runs {
        let said = refused(&project, args);
        assert!(said.contains("is not the one of runner.lock: its digest is sha256:"), "{args:?}: {said}");
    }
    assert_eq!(project.run(&["downgrade", "base"]).code, 7, "a downgrade has its bytes from the ledger");
}

#[test]
fn a_lock_with_a_merge_conflict_is_refused_with_its_place() {
    let project = without_server();
    add_probe(&project);
    revision(&project, "a", "", "probe", "");
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    let block = &lock[lock.find("[[plugin]]").expect("a block")..];
    let other = block.replace("version = \"0.1.0\"", "version = \"0.2.0\"");
    project.write(
        "runner.lock",
        lock.replace(block, &format!("<<<<<<< HEAD\n{block}=======\n{other}>>>>>>> theirs\n")),
    );
    for args in [
        &["upgrade", "head"][..],
        &["plan", "head", "--from", "base"],
        &["build"],
        &["bundle"],
        &["check", "--locked"],
        &["plugin", "update"],
        &["plugin", "list"],
        &["plugin", "show", "probe"],
        &["plugin", "add", "other", "--path", "probe.wasm"],
    ] {
        let said = refused(&project, args);
        assert!(said.contains("runner.lock:4:1: a merge conflict is not resolved"), "{args:?}: {said}");
        assert!(said.contains("run `runner plugin update NAME`"), "{args:?}: {said}");
    }
    // What the hint says puts it right.
    project.write("runner.lock", lock.replace(block, &other));
    project.ok(&["plugin", "update", "probe"]);
    assert_eq!(fs::read_to_string(project.path("runner.lock")).expect("reads"), lock);
}

#[test]
fn locked_refuses_before_anything_is_done() {
    let project = without_server();
    add_probe(&project);
    revision(&project, "a", "", "probe", "");
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    let commands = [
        &["upgrade", "head"][..],
        &["downgrade", "base"],
        &["redo"],
        &["plan", "head"],
        &["stamp", "head"],
        &["suggest", "head"],
        &["check"],
        &["verify"],
        &["build"],
        &["bundle"],
        &["revision", "-m", "more", "--plugin", "probe"],
        &["plugin", "list"],
        &["plugin", "show", "probe"],
        &["plugin", "why", "probe"],
        &["plugin", "update"],
        &["plugin", "remove", "probe"],
        &["plugin", "add", "other", "--path", "probe.wasm"],
    ];
    fs::remove_file(project.path("runner.lock")).expect("removes");
    for args in commands {
        let said = refused(&project, &[args, &["--locked"]].concat());
        assert!(said.contains("`--locked` was given: it is not there"), "{args:?}: {said}");
    }
    let by_variable = Finished::of(project.command(&["upgrade", "head"]).env("RUNNER_LOCKED", "1"));
    assert!(by_variable.stderr.contains("`--locked` was given"), "{}", by_variable.stderr);
    let down = Finished::of(project.command(&["downgrade", "base"]).env("RUNNER_LOCKED", "1"));
    assert_eq!(down.code, 7, "a downgrade needs no lock: {}", down.stderr);
    let wrong = [
        (lock.replace("path:probe.wasm", "path:old.wasm"), "it lacks probe from path:probe.wasm"),
        (
            format!("{lock}\n{}", lock[lock.find("[[plugin]]").expect("a block")..].replace("probe", "gone")),
            "runner.toml has no gone from path:gone.wasm",
        ),
    ];
    for (text, expected) in wrong {
        project.write("runner.lock", text);
        for args in [&["upgrade", "head"][..], &["plugin", "list"]] {
            let said = refused(&project, &[args, &["--locked"]].concat());
            assert!(said.contains(expected), "{args:?}: {said}");
        }
    }
    project.write("runner.lock", &lock);
    assert_eq!(project.run(&["upgrade", "head", "--locked"]).code, 7, "the lock fits");
    project.ok(&["build", "--locked"]);
    project.ok(&["plugin", "update", "--locked"]);
    assert!(refused(&project, &["plugin", "remove", "probe", "--locked"]).contains("runs `a`"));
    let without = Project::without_database();
    without.tables(&["a"]);
    without.ok(&["plan", "head", "--from", "base", "--locked"]);
}

#[test]
fn a_version_that_runner_toml_does_not_take_is_a_change_of_the_lock() {
    let project = Project::without_database();
    layout(&project, &["0.1.0"]);
    project.ok(&["plugin", "add", "probe", "--layout", "vendor"]);
    project.write("runner.toml", "[plugins]\nprobe = { version = \"0.2\", layout = \"vendor\" }\n");
    let said = refused(&project, &["plugin", "list", "--locked"]);
    assert!(said.contains("it has probe 0.1.0, and runner.toml asks for ^0.2"), "{said}");
}

#[test]
fn offline_keeps_cargo_from_the_network() {
    let database = Database::new();
    let project = Project::new(&database);
    let crate_of = |name: &str| {
        format!(
            "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\n\
             crate-type = [\"cdylib\", \"rlib\"]\n\n[dependencies]\nthis-crate-is-in-no-test-of-runner = \"1\"\n\n\
             [workspace]\n"
        )
    };
    project.write("far/Cargo.toml", crate_of("far"));
    project.write("far/src/lib.rs", "");
    project.write("far/cases/one/case.toml", "description = \"one\"\n");
    project.write("far/cases/one/before.sql", "");
    project.write("far/cases/one/after.sql", "");
    project.write("migrations/a/migration.toml", crate::support::manifest("a", "", "rust", ""));
    project.write("migrations/a/Cargo.toml", crate_of("a"));
    project.write("migrations/a/src/lib.rs", "");
    let commands = [
        &["upgrade", "head"][..],
        &["stamp", "head"],
        &["suggest", "head"],
        &["build"],
        &["bundle"],
        &["plugin", "add", "far", "--path", "far"],
        &["plugin", "show", "far", "--path", "far"],
        &["plugin", "test", "far"],
        &["plugin", "publish", "far", "--layout", "layout"],
    ];
    let run = |args: &[&str]| {
        let mut command = project.command(args);
        Finished::of(command.env_remove("CARGO_NET_OFFLINE").env_remove("RUNNER_OFFLINE"))
    };
    for args in commands {
        let finished = run(&[args, &["--offline"]].concat());
        assert_eq!(finished.code, 1, "{args:?}: {}", finished.stderr);
        assert!(finished.stderr.contains("offline mode (--offline)"), "{args:?}: {}", finished.stderr);
    }
    assert!(!database.has("t_a"), "nothing was run");
}

#[test]
fn a_revision_asks_for_versions_of_its_plugin() {
    let project = without_server();
    layout(&project, &["0.1.0", "0.2.0"]);
    project.ok(&["plugin", "add", "probe", "--layout", "vendor", "--version", "=0.1.0"]);
    project.write("runner.toml", "[plugins]\nprobe = { version = \">=0.1\", layout = \"vendor\" }\n");
    revision(&project, "a", "", "probe@0.2", "");
    let said = refused(&project, &["plan", "head", "--from", "base"]);
    assert!(said.contains("migrations/a/migration.toml:4:1"), "{said}");
    assert!(said.contains("`a` requires `probe@^0.2`"), "{said}");
    assert!(said.contains("the one that is pinned is version 0.1.0"), "{said}");
    assert!(said.contains("`runner plugin update probe`"), "{said}");
    assert_eq!(project.ok(&["plugin", "update"]), "updated probe 0.1.0 to 0.2.0\n");
    project.ok(&["plan", "head", "--from", "base"]);
    // The newest is not one that all take.
    layout(&project, &["0.3.0"]);
    assert_eq!(project.ok(&["plugin", "update"]), "fresh   probe 0.2.0\n");
    revision(&project, "b", "\"a\"", "probe@0.3", "");
    let said = refused(&project, &["plugin", "update"]);
    for expected in [
        "no version of plugin `probe` fits:",
        "runner.toml asks for >=0.1",
        "`a` requires `probe@^0.2` (migrations/a/migration.toml:4:1)",
        "`b` requires `probe@^0.3` (migrations/b/migration.toml:4:1)",
        "layout:vendor has 0.1.0, 0.2.0, 0.3.0",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let said = refused(&project, &["plan", "head", "--from", "base"]);
    assert!(said.contains("`b` requires `probe@^0.3`"), "{said}");
}

#[test]
fn a_component_for_another_interface_is_refused_wherever_it_turns_up() {
    let project = Project::without_database();
    let bytes = of_interface("0.9.0");
    project.write("probe.wasm", &bytes);
    let both = "was made for version 0.9.0 of the interface; this runner offers 0.1.1";
    let added = refused(&project, &["plugin", "add", "probe", "--path", "probe.wasm"]);
    assert!(added.contains(both) && added.contains("Use a version of the plugin"), "{added}");
    // As if an older or newer runner had pinned it.
    project.write("runner.toml", "[plugins]\nprobe = { path = \"probe.wasm\" }\n");
    project.write(
        "runner.lock",
        format!(
            "version = 1\n\n[[plugin]]\nname = \"probe\"\nversion = \"0.1.0\"\nsource = \"path:probe.wasm\"\n\
             digest = \"{}\"\ninterface = \"0.9.0\"\ncapabilities = []\n",
            Digest::of(&bytes)
        ),
    );
    revision(&project, "a", "", "probe", "");
    for args in [&["plan", "head", "--from", "base"][..], &["bundle"], &["upgrade", "head", "--sql"]] {
        let said = refused(&project, args);
        assert!(said.contains(both), "{args:?}: {said}");
        assert!(said.contains("`runner plugin update probe` looks for one"), "{args:?}: {said}");
    }
    assert!(!project.path("bundle.tar").exists());
}

#[test]
fn a_name_that_is_not_there_is_told_with_near_ones() {
    let project = Project::without_database();
    add_probe(&project);
    for args in [
        &["plugin", "show", "prob"][..],
        &["plugin", "why", "prob"],
        &["plugin", "update", "prob"],
        &["plugin", "remove", "prob"],
        &["revision", "-m", "m", "--plugin", "prob"],
    ] {
        let said = refused(&project, args);
        assert!(said.contains("Did you mean `probe`?"), "{args:?}: {said}");
    }
    revision(&project, "a", "", "prob", "");
    for args in [&["plan", "head", "--from", "base"][..], &["bundle"]] {
        let said = refused(&project, args);
        assert!(said.contains("migrations/a/migration.toml:4:1"), "{args:?}: {said}");
        assert!(said.contains("there is no plugin `prob`"), "{args:?}: {said}");
        assert!(said.contains("Did you mean `probe`?"), "{args:?}: {said}");
    }
}

#[test]
fn a_plan_checks_the_parameters_and_points_at_them() {
    let project = Project::without_database();
    add_probe(&project);
    revision(&project, "a", "", "probe", "first = 7\nkey = \"a!b\"\n");
    let plan = ["plan", "head", "--from", "base"];
    let said = refused(&project, &plan);
    assert!(said.contains("migrations/a/migration.toml:8:1: `first`: 7 is not of type \"string\""), "{said}");
    assert!(said.contains("migrations/a/migration.toml:9:1: `key`: \"a!b\" does not match"), "{said}");
    revision(&project, "a", "", "probe", "first = \"x\"\n");
    project.ok(&plan);
    // What the command line gives counts as it does for an upgrade.
    let said = project.fails(1, &[&plan[..], &["-x", "key=a!b"]].concat());
    assert!(said.contains("`key`: \"a!b\" does not match"), "{said}");
}

/// Runs the program at a terminal, where somebody answers.
fn at_terminal(project: &Project, args: &[&str], answer: &str) -> (i32, String) {
    let line = [&[env!("CARGO_BIN_EXE_runner")], args].concat().join(" ");
    let plain = project.command(args);
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command.current_dir(project.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.spawn().expect("script is a part of every Debian");
    // The terminal keeps it until the program asks. It stays open until the program
    // has ended: its end would be an answer too.
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(answer.as_bytes()).expect("writes");
    let mut said = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
    let code = child.wait().expect("it ends").code().expect("by itself");
    drop(stdin);
    (code, said)
}

#[test]
fn more_capabilities_than_before_need_a_yes() {
    let project = Project::without_database();
    add_probe(&project);
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    let asks = "capabilities = [\"write ${table}\"]";
    assert!(lock.contains(asks), "{lock}");
    let less = lock.replace(asks, "capabilities = []");
    project.write("runner.lock", &less);
    let update = ["plugin", "update", "probe"];
    let said = refused(&project, &update);
    assert!(said.contains("asks for more than before; nothing was changed"), "{said}");
    assert!(said.contains("write ${table}") && said.contains("--accept-capabilities"), "{said}");
    let read = || fs::read_to_string(project.path("runner.lock")).expect("reads");
    for (answer, yes) in [("n\n", false), ("\n", false), ("no\n", false), ("y\n", true), ("yes\n", true)] {
        project.write("runner.lock", &less);
        let (code, said) = at_terminal(&project, &update, answer);
        assert!(said.contains("probe 0.1.0 asks for more than before:"), "{answer:?}: {said}");
        assert!(said.contains("write ${table}") && said.contains("Pin it? [y/N]"), "{answer:?}: {said}");
        assert_eq!(
            (code, read()),
            if yes { (0, lock.clone()) } else { (1, less.clone()) },
            "{answer:?}: {said}"
        );
    }
    for option in ["--yes", "--accept-capabilities"] {
        project.write("runner.lock", &less);
        project.ok(&[&update[..], &[option]].concat());
        assert_eq!(read(), lock, "{option}");
    }
}
