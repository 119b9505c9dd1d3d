//! One file for a deployment: what it holds, that nothing in it can be changed
//! unseen, and that a machine without Rust and sources runs it.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use runner::revision::Digest;
use runner::source::Bundle;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Database, Finished, Project, probe};

/// A folder with a bundle in it and nothing else.
struct Deployment {
    dir: TempDir,
    url: String,
}

impl Deployment {
    /// With a bundle of a project.
    fn of(project: &Project, database: &Database) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("app.tar");
        project.ok(&["bundle", "-o", file.to_str().expect("is UTF-8")]);
        Self { dir, url: database.url.clone() }
    }

    fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.dir.path().join(path), contents).expect("writes");
    }

    /// The program in the folder, with the environment of a bare machine.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        command.args(args).current_dir(self.dir.path()).env_clear();
        command.env("RUNNER_BUNDLE", "app.tar").env("DATABASE_URL", &self.url);
        command
    }

    fn run(&self, args: &[&str]) -> Finished {
        Finished::of(&mut self.command(args))
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let finished = self.run(args);
        assert_eq!(finished.code, 0, "{args:?}: {}", finished.stderr);
        finished.stdout
    }

    #[track_caller]
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let finished = self.run(args);
        assert_eq!(finished.code, code, "{args:?}: {}{}", finished.stdout, finished.stderr);
        finished.stderr
    }
}

/// The parameters of a component that makes a table.
fn makes(table: &str) -> String {
    format!(
        "\n[params]\nkind = \"nothing\"\nfirst = \"CREATE TABLE public.{table} (id int PRIMARY KEY)\"\n\n\
         [capabilities]\nddl = [\"public\"]\n"
    )
}

/// Revisions of both kinds; `b` and `c` have the same component, which cannot be
/// taken back.
fn project(database: &Database) -> Project {
    let project = Project::new(database);
    project.tables(&["a"]);
    project.component("b", "a", probe(), &makes("t_b"));
    project.component("c", "b", probe(), &makes("t_c"));
    project.sql("d", "c", "CREATE TABLE public.t_d (id int);", "DROP TABLE public.t_d;");
    project
}

/// What the ledger says was applied.
fn ledger(database: &Database) -> Vec<String> {
    database
        .rows("SELECT revision, source_digest, component_digest, manifest FROM runner.revision ORDER BY 1")
}

#[test]
fn a_bundle_and_its_sources_are_interchangeable() {
    let (one, other) = (Database::new(), Database::new());
    let (first, second) = (project(&one), project(&other));
    first.ok(&["upgrade", "b"]);
    let bundle = Deployment::of(&first, &one);
    assert!(bundle.ok(&["plan", "head"]).contains('c'));
    bundle.ok(&["upgrade", "head"]);
    first.ok(&["verify"]);
    bundle.ok(&["verify"]);
    let other_bundle = Deployment::of(&second, &other);
    other_bundle.ok(&["upgrade", "b"]);
    second.ok(&["upgrade", "head"]);
    other_bundle.ok(&["verify"]);
    assert_eq!(ledger(&one), ledger(&other));
    assert_eq!(one.dump(), other.dump());
    // Back with the sources what came with the bundle, and the other way round.
    first.sql("d", "c", "CREATE TABLE public.t_d (id int, more int);", "");
    assert!(first.fails(4, &["upgrade", "head"]).contains('d'));
    bundle.ok(&["upgrade", "head"]);
    bundle.ok(&["downgrade", "c"]);
    assert!(!one.has("t_d"));
    other_bundle.ok(&["redo"]);
    assert_eq!(other_bundle.ok(&["current"]), "d (head)\n");
}

#[test]
fn every_command_that_needs_no_sources_reads_a_bundle() {
    let database = Database::new();
    let bundle = Deployment::of(&project(&database), &database);
    for args in [
        &["status"][..],
        &["history"],
        &["heads"],
        &["branches"],
        &["show", "d"],
        &["graph"],
        &["plan", "head"],
        &["verify"],
        &["upgrade", "c", "--sql"],
        &["stamp", "a", "--sql"],
        &["upgrade", "head"],
        &["status"],
        &["current"],
        &["check"],
        &["redo"],
        &["downgrade", "d:c", "--sql"],
        &["downgrade", "c"],
        &["stamp", "a"],
        &["ensure-version"],
        &["config"],
    ] {
        if args == ["config"] && !bundle.run(&["--help"]).stdout.contains("\n  config ") {
            continue;
        }
        bundle.ok(args);
    }
    assert!(bundle.ok(&["show", "d"]).contains("app.tar/migrations/d"), "where it is");
    for (args, command) in [
        (&["revision", "-m", "x"][..], "revision"),
        (&["merge", "heads", "-m", "x"], "merge"),
        (&["edit", "head"], "edit"),
        (&["build"], "build"),
        (&["bundle"], "bundle"),
        (&["init"], "init"),
        (&["import", "alembic", "."], "import"),
        (&["suggest", "d", "--write"], "suggest --write"),
    ] {
        let said = bundle.fails(2, args);
        assert!(said.contains(&format!("`{command}` works on the sources")), "{said}");
    }
    let left: Vec<_> = std::fs::read_dir(bundle.dir.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing was unpacked");
}

#[test]
fn a_machine_without_rust_runs_it_as_nobody_in_particular() {
    let database = Database::new();
    let bundle = Deployment::of(&project(&database), &database);
    let program = bundle.dir.path().join("runner");
    std::fs::copy(env!("CARGO_BIN_EXE_runner"), &program).expect("copies");
    std::fs::set_permissions(bundle.dir.path(), Permissions::from_mode(0o755)).expect("is ours");
    let mut command = Command::new(&program);
    command.args(["upgrade", "head", "--bundle", "app.tar"]).current_dir(bundle.dir.path()).env_clear();
    command.env("DATABASE_URL", &database.url).env("PATH", "/nowhere").env("HOME", "/proc/nowhere");
    let is_root = Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n";
    if is_root {
        command.uid(65534).gid(65534);
    }
    let finished = Finished::of(&mut command);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(database.has("t_d"));
    command.env_remove("HOME");
    assert_eq!(Finished::of(&mut command).code, 0, "nothing to do");
}

#[test]
fn the_same_project_makes_the_same_bytes() {
    let database = Database::new();
    let (one, other) = (project(&database), project(&database));
    let read = |project: &Project| {
        project.ok(&["bundle"]);
        std::fs::read(project.path("bundle.tar")).expect("reads")
    };
    let bytes = read(&one);
    assert!(bytes == read(&one) && bytes == read(&other));
    other.sql("d", "c", "CREATE TABLE public.t_d (id bigint);", "DROP TABLE public.t_d;");
    assert!(bytes != read(&other));
    let answer: Value = serde_json::from_str(&one.ok(&["bundle", "--json"])).expect("is JSON");
    let bundle = Bundle::open(&one.path("bundle.tar")).expect("is sound");
    assert_eq!(answer["digest"], bundle.digest().to_string());
    assert_eq!((&answer["revisions"], &answer["components"]), (&json!(4), &json!(1)), "kept once");
    assert_eq!(answer["bytes"], bytes.len());
    // A target has what it needs.
    let part = one.ok(&["bundle", "c", "-o", "part.tar", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&part).expect("is JSON")["revisions"], 3);
    assert!(one.fails(2, &["bundle", "a:c"]).contains("range"));
    assert!(one.fails(1, &["bundle", "zzz"]).contains("zzz"));
}

#[test]
fn what_could_not_run_is_not_bundled() {
    let database = Database::new();
    let project = project(&database);
    project.ok(&["bundle"]);
    let before = std::fs::read(project.path("bundle.tar")).expect("reads");
    project.component("e", "d", b"no component", "");
    let said = project.fails(1, &["bundle"]);
    assert!(said.contains("revision `e` cannot be run"), "{said}");
    assert!(project.fails(1, &["bundle", "d", "-o", "no/such/folder.tar"]).contains("cannot be written"));
    assert!(std::fs::read(project.path("bundle.tar")).expect("reads") == before, "the old one is left");
    let left = std::fs::read_dir(project.path("")).expect("a folder").flatten();
    let tars = left.filter(|entry| entry.file_name().to_string_lossy().contains("tar"));
    assert_eq!(tars.count(), 1, "and nothing beside it");
}

#[test]
fn settings_go_along_and_secrets_do_not() {
    let database = Database::new();
    let project = project(&database);
    let url = "postgresql://me:hunter2@nowhere/app";
    let settings = format!(
        "[database]\nurl = \"{url}\"\n[ledger]\nschema = \"books\"\n[[hooks]]\nname = \"f\"\ncommand = [\"f\"]\n\
         [named.test.database]\nurl = \"{url}\"\n[named.test.ledger]\nschema = \"other\"\n\
         [named.else.migrations]\ndir = \"elsewhere\"\n"
    );
    project.write("runner.toml", settings);
    let bundle = Deployment::of(&project, &database);
    let bytes = std::fs::read(bundle.dir.path().join("app.tar")).expect("reads");
    assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"));
    let has = |table: &str| database.has(table);
    bundle.ok(&["upgrade", "a"]);
    assert!(has("books.revision"));
    bundle.ok(&["stamp", "a", "-n", "test"]);
    assert!(has("other.revision"));
    bundle.write("ours.toml", "[ledger]\nschema = \"ours\"\n[named.test.session]\nretries = 0\n");
    bundle.ok(&["stamp", "a", "--config", "ours.toml"]);
    assert!(has("ours.revision"));
    bundle.write("wrong.toml", "[ledger]\nscheme = \"ours\"\n");
    let said = bundle.fails(1, &["current", "--config", "wrong.toml"]);
    assert!(said.contains("wrong.toml:2:1: unknown key `scheme`"), "{said}");
    let said = bundle.fails(1, &["current", "-n", "else"]);
    assert!(said.contains("made of the migrations in migrations; the settings name elsewhere"), "{said}");
    // The deployment says where the database is: beside the settings that are
    // laid over, or where it is run.
    let mut bare = bundle.command(&["current"]);
    bare.env_remove("DATABASE_URL");
    assert!(Finished::of(&mut bare).stderr.contains("no database"), "that of the author is not there");
    bundle.write(".env", format!("DATABASE_URL={}\n", database.url));
    assert_eq!(Finished::of(&mut bare).stdout, "a\n");
}

#[test]
fn a_secret_is_looked_for_where_it_runs() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    let more = "\n[params]\nkind = \"leak-log\"\ntable = \"public.t_a\"\nkey = { file = \"keys/pii\" }\n\n\
        [capabilities]\nwrite = [\"public.t_a\"]\nsecrets = [\"key\"]\n";
    project.component("b", "a", probe(), more);
    project.write("keys/pii", "the-author-s-own-key\n");
    let bundle = Deployment::of(&project, &database);
    let bytes = std::fs::read(bundle.dir.path().join("app.tar")).expect("reads");
    assert!(!String::from_utf8_lossy(&bytes).contains("the-author-s-own-key"));
    assert!(bundle.fails(1, &["upgrade", "head"]).contains("keys/pii"));
    std::fs::create_dir(bundle.dir.path().join("keys")).expect("a folder");
    bundle.write("keys/pii", "that-of-the-deployment\n");
    bundle.ok(&["upgrade", "head"]);
}

#[test]
fn packages_and_labels_survive() {
    let database = Database::new();
    let project = Project::new(&database);
    project.write(
        "runner.toml",
        "[migrations]\ndirs = [\"migrations\", { path = \"shared/billing\", package = \"billing\" }]\n",
    );
    project.tables(&["a"]);
    let dir = "shared/billing/x";
    project.write(
        &format!("{dir}/migration.toml"),
        "revision = \"x\"\nparents = []\nmessage = \"m\"\nkind = \"sql\"\nlabels = [\"bills\"]\ndepends_on = [\"a\"]\n",
    );
    project.write(&format!("{dir}/upgrade.sql"), "CREATE TABLE public.t_x (id int);\r\n");
    let bundle = Deployment::of(&project, &database);
    assert_eq!(bundle.ok(&["heads"]), project.ok(&["heads"]));
    bundle.ok(&["upgrade", "bills@head"]);
    bundle.ok(&["upgrade", "billing:head"]);
    project.ok(&["verify"]);
}

/// A bundle's files, and a tar archive of them.
#[derive(Clone)]
struct Parts(BTreeMap<String, Vec<u8>>);

impl Parts {
    fn of(file: &Path) -> Self {
        let mut archive = tar::Archive::new(std::fs::File::open(file).expect("opens"));
        let entries = archive.entries().expect("an archive").map(|entry| {
            let mut entry = entry.expect("an entry");
            let mut contents = Vec::new();
            std::io::copy(&mut entry, &mut contents).expect("reads");
            (entry.path().expect("a path").display().to_string(), contents)
        });
        Self(entries.collect())
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.0[name]).expect("is JSON")
    }

    /// Adds a blob, and returns what describes it.
    fn add(&mut self, blob: Vec<u8>, media_type: &Value) -> Value {
        let digest = Digest::of(&blob).to_string();
        let described = json!({ "mediaType": media_type, "digest": digest, "size": blob.len() });
        self.0.insert(blob_of(&described), blob);
        described
    }

    /// Changes the manifest, and everything that names it.
    fn with_manifest(mut self, change: impl FnOnce(&mut Value, &mut Self)) -> Self {
        let index = self.json("index.json");
        let name = blob_of(&index["manifests"][0]);
        let mut manifest = self.json(&name);
        self.0.remove(&name);
        change(&mut manifest, &mut self);
        let described = self.add(manifest.to_string().into_bytes(), &index["manifests"][0]["mediaType"]);
        // As it is written: no digest covers this file.
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":{},"manifests":[{{"mediaType":{},"artifactType":{},"digest":{},"size":{}}}]}}"#,
            index["mediaType"],
            described["mediaType"],
            manifest["artifactType"],
            described["digest"],
            described["size"]
        );
        self.0.insert("index.json".into(), index.into_bytes());
        self
    }

    /// Changes the configuration, or the first layer, and everything that names it.
    fn with_blob(self, pointer: &str, change: impl FnOnce(&mut Value)) -> Self {
        self.with_manifest(|manifest, parts| {
            let described = manifest.pointer_mut(pointer).expect("is there");
            let mut blob = parts.json(&blob_of(described));
            parts.0.remove(&blob_of(described));
            change(&mut blob);
            *described = parts.add(blob.to_string().into_bytes(), &described["mediaType"]);
        })
    }

    /// The archive as a bundle has it.
    fn archive(&self) -> Vec<u8> {
        self.archive_in(|name| (name != "oci-layout", name != "index.json"))
    }

    /// An archive with its files in another order.
    fn archive_in<K: Ord>(&self, place: impl Fn(&str) -> K) -> Vec<u8> {
        let mut files: Vec<_> = self.0.iter().collect();
        files.sort_by_key(|(name, _)| place(name));
        let mut builder = tar::Builder::new(Vec::new());
        for (name, contents) in files {
            append(&mut builder, name, contents, tar::EntryType::Regular);
        }
        builder.into_inner().expect("writes")
    }
}

fn append(builder: &mut tar::Builder<Vec<u8>>, name: &str, contents: &[u8], kind: tar::EntryType) {
    let mut header = tar::Header::new_ustar();
    // Not by `set_path`, which refuses what is tried here.
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(contents.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(kind);
    header.set_cksum();
    builder.append(&header, contents).expect("writes");
}

fn blob_of(described: &Value) -> String {
    described["digest"].as_str().expect("a digest").replace("sha256:", "blobs/sha256/")
}

/// A bundle in a folder of its own.
fn sound() -> (TempDir, PathBuf) {
    let database = Database::new();
    let project = project(&database);
    let Deployment { dir, .. } = Deployment::of(&project, &database);
    let file = dir.path().join("app.tar");
    (dir, file)
}

/// What is said of a file.
fn said(file: &Path, bytes: &[u8]) -> String {
    std::fs::write(file, bytes).expect("writes");
    let error = Bundle::open(file).expect_err("is wrong");
    std::iter::successors(std::error::Error::source(&error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[test]
fn no_byte_can_be_changed_and_none_left_out() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    let bundle = Deployment::of(&project, &database);
    let file = bundle.dir.path().join("app.tar");
    let bytes = std::fs::read(&file).expect("reads");
    Bundle::open(&file).expect("is sound");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        said(&file, &changed);
    }
    for length in (0..bytes.len()).step_by(61) {
        said(&file, &bytes[..length]);
    }
    said(&file, &[&bytes[..], &[0]].concat());
    // The program says so before it looks for the database.
    bundle.write("app.tar", &bytes[..bytes.len() / 2]);
    let mut command = bundle.command(&["upgrade", "head"]);
    command.env("DATABASE_URL", "postgresql://me@127.0.0.1:1/none");
    let finished = Finished::of(&mut command);
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert!(finished.stderr.contains("the bundle app.tar cannot be used"), "{}", finished.stderr);
    assert!(finished.stderr.contains("Hint: Nothing was done with it."), "{}", finished.stderr);
}

#[test]
fn what_is_wrong_is_named() {
    let (_dir, file) = sound();
    let parts = Parts::of(&file);
    let digests = |text: String| {
        let mut rest = text.as_str();
        let mut out = String::new();
        while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let length = rest[at..].bytes().take_while(u8::is_ascii_hexdigit).count();
            out += &rest[..at];
            out += if length == 64 { "[digest]" } else { &rest[at..at + length] };
            rest = &rest[at + length..];
        }
        out + rest
    };
    let told = |parts: Parts| digests(said(&file, &parts.archive()));
    let layer = |parts: &Parts, pointer: &str| {
        let manifest = parts.json(&blob_of(&parts.json("index.json")["manifests"][0]));
        blob_of(manifest.pointer(pointer).expect("is there"))
    };

    insta::assert_snapshot!(digests(said(&file, b"hello")), @"it is no tar archive");
    insta::assert_snapshot!(digests(said(&file, b"")), @"it is no tar archive");
    let other = Parts([("etc/passwd".to_owned(), b"root".to_vec())].into());
    insta::assert_snapshot!(told(other), @"it holds no oci-layout, so it is no bundle");

    let mut changed = parts.clone();
    let component = layer(&parts, "/layers/1");
    changed.0.get_mut(&component).expect("is there")[1000] ^= 1;
    insta::assert_snapshot!(told(changed), @"blobs/sha256/[digest] (b.wasm) was changed: its digest is sha256:[digest]");
    let mut missing = parts.clone();
    missing.0.remove(&component);
    insta::assert_snapshot!(told(missing), @"it lacks blobs/sha256/[digest] (b.wasm)");
    let mut foreign = parts.clone();
    foreign.0.insert("../../etc/passwd".into(), b"root".to_vec());
    insta::assert_snapshot!(told(foreign), @"it holds ../../etc/passwd, which is no part of a bundle");

    let versioned =
        |kind: &str| parts.clone().with_manifest(|manifest, _| manifest["artifactType"] = kind.into());
    insta::assert_snapshot!(told(versioned("application/vnd.runner.bundle.v2")), @"it holds an artifact of type `application/vnd.runner.bundle.v2`; this runner reads `application/vnd.runner.bundle.v1`");
    insta::assert_snapshot!(told(parts.clone().with_manifest(|manifest, _| {
        manifest.as_object_mut().expect("an object").remove("artifactType");
    })), @"it holds an artifact of type ``; this runner reads `application/vnd.runner.bundle.v1`");
    let layout = |version: &str| {
        let mut parts = parts.clone();
        parts
            .0
            .insert("oci-layout".into(), json!({ "imageLayoutVersion": version }).to_string().into_bytes());
        parts
    };
    insta::assert_snapshot!(told(layout("2.0.0")), @"its layout has version 2.0.0; this runner reads 1.0.0");
    let found = told(parts.clone().with_manifest(|manifest, _| {
        manifest["layers"][1]["size"] = json!(u64::MAX);
    }));
    assert!(found.contains("(b.wasm) has "), "{found}");
    insta::assert_snapshot!(told(parts.clone().with_blob("/config", |config| {
        config["revisions"][0]["source_digest"] = config["revisions"][1]["source_digest"].clone();
    })), @"revision `a` in it does not have the texts of its source digest");
    insta::assert_snapshot!(told(parts.clone().with_blob("/config", |config| {
        config["revisions"][1]["component"] = config["revisions"][1]["source_digest"].clone();
    })), @"revision `b` in it has no component");
    insta::assert_snapshot!(told(parts.clone().with_blob("/config", |config| {
        config["revisions"][0]["folder"] = "nowhere".into();
    })), @"revision `a` in it has no manifest");
    insta::assert_snapshot!(told(parts.clone().with_blob("/config", |config| {
        config["revisions"].as_array_mut().expect("a list").pop();
    })), @"it holds texts for migrations/d, which is no revision of it");
    insta::assert_snapshot!(told(parts.clone().with_blob("/layers/0", |texts| {
        texts["migrations/a"]["upgrade"] = "DROP SCHEMA public CASCADE;".into();
    })), @"revision `a` in it does not have the texts of its source digest");
    insta::assert_snapshot!(told(parts.clone().with_blob("/layers/0", |texts| {
        texts["migrations/a"]["manifest"] = texts["migrations/d"]["manifest"].clone();
    })), @"revision `a` in it has the manifest of another one");
    let found = told(parts.clone().with_blob("/config", |config| {
        config["revisions"] = "none".into();
    }));
    assert!(found.contains("the list of the revisions cannot be understood: invalid type: string \"none\", expected a sequence"), "{found}");

    // A file of holes, which is not read.
    let large = std::fs::File::create(&file).expect("makes");
    large.set_len(1 << 40).expect("a file may have holes");
    let error = Bundle::open(&file).expect_err("is too large").fault.to_string();
    assert_eq!(error, "it has 1099511627776 bytes, and a bundle has at most 1073741824");

    let mut link = tar::Builder::new(Vec::new());
    append(&mut link, "oci-layout", b"", tar::EntryType::Symlink);
    insta::assert_snapshot!(said(&file, &link.into_inner().expect("writes")), @"its entry oci-layout is no regular file");
    let mut twice = tar::Builder::new(Vec::new());
    for _ in 0..2 {
        append(&mut twice, "oci-layout", b"{}", tar::EntryType::Regular);
    }
    insta::assert_snapshot!(said(&file, &twice.into_inner().expect("writes")), @"it holds oci-layout twice");
    // As it is, it is sound; but not with its files in another order.
    std::fs::write(&file, parts.archive()).expect("writes");
    Bundle::open(&file).expect("is sound");
    let found = said(&file, &parts.archive_in(str::to_owned));
    insta::assert_snapshot!(found, @"it was changed at byte 0, outside of its files' contents");
}

/// What a bundle of this version is, byte for byte: a later runner has to read it.
#[test]
fn the_format_stays_as_it_is() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    let bundle = Deployment::of(&project, &database);
    let mut parts = Parts::of(&bundle.dir.path().join("app.tar"));
    assert_eq!(parts.0.remove("oci-layout").expect("is there"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = parts.json("index.json");
    parts.0.remove("index.json");
    assert_eq!(index["manifests"][0]["artifactType"], "application/vnd.runner.bundle.v1");
    let manifest = parts.json(&blob_of(&index["manifests"][0]));
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.runner.bundle.config.v1+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.runner.bundle.texts.v1+json");
    let config = parts.json(&blob_of(&manifest["config"]));
    let fields: Vec<&String> = config.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["folders", "interface", "revisions", "runner", "settings"]);
    assert_eq!(config["folders"], json!([{ "path": "migrations" }]));
    assert_eq!(config["revisions"][0]["folder"], "migrations/a");
    let texts = parts.json(&blob_of(&manifest["layers"][0]));
    assert_eq!(texts["migrations/a"]["upgrade"], "CREATE TABLE public.t_a (id int PRIMARY KEY);\n");
    assert_eq!(parts.0.len(), 3, "the manifest, the configuration and the texts");
}
