//! `runner plugin`: from an empty folder to a downgrade without any source, and
//! what happens where something is wrong on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use runner::host::{Compiler, DataConfig, Description, Host, HostConfig, Limits};
use runner::revision::Digest;

use crate::support::{Database, Project, free_port, plugin, probe};

/// The plugin of the tests that need one and do not change it.
pub const NOTE: &str = "shared-note";

/// A project with the crate of a new plugin. Crates are compiled in a folder that
/// all tests share, so that their dependencies are compiled once; each has a name
/// of its own there.
pub fn with_plugin(name: &str) -> Project {
    let project = Project::without_database();
    project.ok(&["plugin", "new", name]);
    share_target(&project, &format!("{name}/target"));
    project
}

/// Lets a target folder be the one that all tests share.
fn share_target(project: &Project, link: &str) {
    let (target, link) = (Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-target"), project.path(link));
    for folder in [target.as_path(), &target.join("guests"), link.parent().expect("it is in a folder")] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let target = if link.starts_with(project.path(".runner")) { target.join("guests") } else { target };
    std::os::unix::fs::symlink(target, link).expect("a link");
}

/// A layout with the plugin `NOTE`, as version 0.1.0. Tests copy it.
pub fn published() -> &'static Path {
    static PUBLISHED: LazyLock<(Project, PathBuf)> = LazyLock::new(|| {
        let maker = with_plugin(NOTE);
        maker.ok(&["plugin", "publish", NOTE, "--layout", "layout"]);
        let layout = maker.path("layout");
        (maker, layout)
    });
    &PUBLISHED.1
}

/// A copy of the layout in a project's folder.
fn vendor(project: &Project) {
    let copied = Command::new("cp").arg("-r").arg(published()).arg(project.path("vendor")).status();
    assert!(copied.expect("cp runs").success());
}

/// A project with the table `t_a`, the plugin, and a revision that it runs.
fn using(database: &Database) -> Project {
    let project = Project::new(database);
    project.tables(&["a"]);
    vendor(&project);
    project.ok(&["plugin", "add", NOTE, "--layout", "vendor"]);
    revision(&project, "b", "a", "note");
    project
}

/// Makes a revision that the plugin runs on `public.t_a`, with all that it asks for.
pub fn revision(project: &Project, id: &str, parent: &str, column: &str) {
    project.write(
        &format!("migrations/{id}/migration.toml"),
        format!(
            "revision = {id:?}\nparents = [{parent:?}]\nmessage = \"add a note\"\nplugin = {NOTE:?}\n\n[params]\n\
             table = \"public.t_a\"\ncolumn = {column:?}\n\n\
             [capabilities]\nddl = [\"public.t_a\"]\ndrop = [\"public.t_a\"]\n"
        ),
    );
}

/// What a project says of itself: nothing of it may change where something fails.
pub fn files(project: &Project) -> (String, Option<String>) {
    let read = |path: &str| fs::read_to_string(project.path(path));
    (read("runner.toml").expect("reads"), read("runner.lock").ok())
}

/// Runs a command that fails, and changes nothing on disk.
#[track_caller]
pub fn refused(project: &Project, args: &[&str]) -> String {
    let before = files(project);
    let said = project.fails(1, args);
    assert_eq!(files(project), before, "{said}");
    said
}

#[test]
fn a_plugin_is_made_tested_published_added_run_and_taken_back() {
    const NAME: &str = "add-note";
    let database = Database::new();
    let maker = with_plugin(NAME);
    let tested = maker.ok(&["plugin", "test", NAME, "--database", &database.url]);
    assert_eq!(tested, "passed adds_a_column: a column is added to a table with rows\n");
    let native = Command::new("cargo")
        .args(["test", "--quiet", "--offline", "--manifest-path"])
        .arg(maker.path(NAME).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-native"))
        .output()
        .expect("cargo runs");
    assert!(native.status.success(), "{}", String::from_utf8_lossy(&native.stderr));
    maker.ok(&["plugin", "publish", NAME, "--layout", "layout"]);

    let project = Project::new(&database);
    project.tables(&["a"]);
    let layout = maker.path("layout");
    let layout = layout.to_str().expect("UTF-8");
    assert_eq!(project.ok(&["plugin", "add", NAME, "--layout", layout]), "added add-note 0.1.0\n");
    let written = project.ok(&["revision", "-m", "add a note", "--plugin", NAME]);
    let manifest = project.path(written.trim()).join("migration.toml");
    let text = fs::read_to_string(&manifest).expect("reads");
    assert!(text.contains("# table =   # string; has to be set"), "{text}");
    assert!(text.contains("# column = \"note\"   # string"), "{text}");
    let missing = project.fails(1, &["upgrade", "head"]);
    assert!(missing.contains("\"table\" is a required property"), "{missing}");
    assert!(missing.contains("migration.toml:"), "{missing}");
    assert_eq!(database.value("SELECT to_regclass('runner.revision') IS NULL"), "t", "nothing was touched");

    let set = text
        .replace("# table =   # string; has to be set", "table = \"public.t_a\"")
        .replace("# ddl = [\"${table}\"]", "ddl = [\"public.t_a\"]")
        .replace("# drop = [\"${table}\"]", "drop = [\"public.t_a\"]");
    fs::write(&manifest, set).expect("writes");
    project.ok(&["plan", "head"]);
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT count(note) FROM t_a"), "0");
    project.ok(&["verify"]);
    let why = project.ok(&["plugin", "why", NAME]);
    assert!(why.contains("applied with 0.1.0, "), "{why}");

    drop(maker);
    fs::remove_dir_all(project.path(".data")).expect("the store is gone");
    fs::remove_file(project.path("runner.lock")).expect("the lock is gone");
    project.ok(&["downgrade", "-1"]);
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 't_a'";
    assert_eq!(database.value(columns), "1");
}

#[test]
fn a_plugin_is_shown_with_what_its_component_says() {
    let project = Project::without_database();
    vendor(&project);
    let shown = project.ok(&["plugin", "show", NOTE, "--layout", "vendor"]);
    for expected in [
        "Plugin:       shared-note 0.1.0",
        "Description:  Adds a column of text to a table",
        "Licence:      MIT OR Apache-2.0",
        "Versions:     0.1.0",
        "Interface:    0.1.1",
        "runner:migration/sql@0.1.1",
        "Parameter:    table: string, has to be set",
        "Parameter:    column: string, \"note\" if it is not set",
        "The table, as `schema.table`.",
        "Asks for:     ddl ${table} (adds the column)",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    project.ok(&["plugin", "add", NOTE, "--layout", "vendor"]);
    let settings = fs::read_to_string(project.path("runner.toml")).expect("reads");
    assert_eq!(settings, "[plugins]\nshared-note = { version = \"0.1.0\", layout = \"vendor\" }\n");
    assert!(project.ok(&["plugin", "list"]).starts_with("shared-note          ^0.1.0     0.1.0 "));
    assert!(project.ok(&["plugin", "show", NOTE]).contains("Digest:       sha256:"));
    project.ok(&["plugin", "remove", NOTE]);
    assert_eq!(fs::read_to_string(project.path("runner.toml")).expect("reads"), "");
    assert!(!fs::read_to_string(project.path("runner.lock")).expect("reads").contains("[[plugin]]"));
}

#[test]
fn bytes_that_are_not_those_of_the_lock_never_run() {
    let database = Database::new();
    let project = using(&database);
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    let digest = lock.lines().find(|line| line.starts_with("digest")).expect("a digest");
    let zeros = format!("digest = \"sha256:{}\"", "0".repeat(64));
    project.write("runner.lock", lock.replace(digest, &zeros));
    let said = refused(&project, &["upgrade", "head"]);
    assert!(said.contains("is not the one of runner.lock: its digest is sha256:"), "{said}");
    assert_eq!(project.run(&["verify"]).code, 4, "verify finds it too");
    let conflict = format!("{lock}<<<<<<< ours\n=======\n>>>>>>> theirs\n");
    project.write("runner.lock", conflict);
    let said = refused(&project, &["upgrade", "head"]);
    assert!(said.contains("runner.lock:") && said.contains("a merge conflict is not resolved"), "{said}");
    project.write("runner.lock", lock.replace("version = \"0.1.0\"", "version = \"0.1.5\""));
    let said = refused(&project, &["upgrade", "head"]);
    assert!(said.contains("has version 0.1.0, and runner.lock says 0.1.5"), "{said}");
    fs::remove_file(project.path("runner.lock")).expect("removes");
    let said = refused(&project, &["upgrade", "head"]);
    assert!(said.contains("from layout:vendor is not in runner.lock"), "{said}");
    assert!(!database.has("t_a"), "nothing ran");
    assert!(refused(&project, &["build", "--locked"]).contains("`--locked` was given"));
    project.ok(&["build"]);
    assert_eq!(fs::read_to_string(project.path("runner.lock")).expect("reads"), lock);
    project.ok(&["upgrade", "head"]);
}

#[test]
fn a_layout_that_is_wrong_changes_nothing() {
    let project = Project::without_database();
    vendor(&project);
    let near = refused(&project, &["plugin", "add", "shared-nte", "--layout", "vendor"]);
    assert!(
        near.contains("has no plugin `shared-nte`") && near.contains("Did you mean `shared-note`?"),
        "{near}"
    );
    let newer = refused(&project, &["plugin", "add", NOTE, "--layout", "vendor", "--version", "2"]);
    assert!(newer.contains("that is ^2") && newer.contains("It has: 0.1.0."), "{newer}");
    let none = refused(&project, &["plugin", "add", NOTE, "--layout", "migrations"]);
    assert!(none.contains("it holds no oci-layout"), "{none}");
    let blobs = fs::read_dir(project.path("vendor/blobs/sha256")).expect("a folder").flatten();
    let largest =
        blobs.max_by_key(|blob| blob.metadata().expect("a file").len()).expect("a component").path();
    let bytes = fs::read(&largest).expect("reads");
    fs::write(&largest, &bytes[..bytes.len() / 2]).expect("writes");
    let truncated = refused(&project, &["plugin", "add", NOTE, "--layout", "vendor"]);
    assert!(truncated.contains("is truncated: it has"), "{truncated}");
    fs::write(&largest, [&bytes[1..], b"x"].concat()).expect("writes");
    let changed = refused(&project, &["plugin", "add", NOTE, "--layout", "vendor"]);
    assert!(changed.contains("was changed: its digest is"), "{changed}");
}

#[test]
fn what_is_no_plugin_is_refused() {
    let project = Project::without_database();
    project.write("text.wasm", "no component");
    let text = refused(&project, &["plugin", "add", "text", "--path", "text.wasm"]);
    assert!(text.contains("the component of plugin `text` (text.wasm) is refused"), "{text}");
    let mut other = probe().to_vec();
    let ours = b"@0.1.";
    let places: Vec<usize> =
        other.windows(ours.len()).enumerate().filter(|(_, bytes)| bytes == ours).map(|(at, _)| at).collect();
    places.into_iter().for_each(|at| other[at + 3] = b'9');
    project.write("other.wasm", &other);
    let version = refused(&project, &["plugin", "add", "probe", "--path", "other.wasm"]);
    assert!(version.contains("0.9."), "{version}");
    project.write("probe.wasm", probe());
    let named = refused(&project, &["plugin", "add", "other-name", "--path", "probe.wasm"]);
    assert!(named.contains("the component is called `probe`, and not `other-name`"), "{named}");
    let missing = refused(&project, &["plugin", "add", "x", "--path", "nowhere"]);
    assert!(missing.contains("neither the folder of a crate nor a component"), "{missing}");
    project.ok(&["plugin", "add", "probe", "--path", "probe.wasm"]);
    let near = refused(&project, &["plugin", "show", "prob"]);
    assert!(near.contains("Did you mean `probe`?"), "{near}");
    project.write("runner.toml", "[plugins]\nx = \"1.2\"\n");
    let version = project.fails(1, &["plugin", "list"]);
    assert!(
        version.contains("runner.toml:2:1: plugin `x` names no registry, and there is no default one"),
        "{version}"
    );
}

#[test]
fn an_update_that_asks_for_more_needs_a_yes() {
    const NAME: &str = "grow-note";
    let project = with_plugin(NAME);
    project.ok(&["plugin", "publish", NAME, "--layout", "vendor"]);
    project.ok(&["plugin", "add", NAME, "--layout", "vendor", "--version", "0"]);
    assert_eq!(project.ok(&["plugin", "update"]), "fresh   grow-note 0.1.0\n");
    let change = |path: &str, from: &str, to: &str| {
        let path = format!("{NAME}/{path}");
        let text = fs::read_to_string(project.path(&path)).expect("reads");
        assert!(text.contains(from), "{text}");
        project.write(&path, text.replace(from, to));
    };
    change("Cargo.toml", "version = \"0.1.0\"", "version = \"0.2.0\"");
    change(
        "src/lib.rs",
        "        vec![\n",
        "        vec![\n            Capability::new(\"read\", [\"${table}\"], \"looks\"),\n",
    );
    project.ok(&["plugin", "publish", NAME, "--layout", "vendor"]);
    let said = refused(&project, &["plugin", "update", NAME]);
    assert!(said.contains("asks for more than before") && said.contains("read ${table}"), "{said}");
    assert!(refused(&project, &["plugin", "update", "--locked"]).contains("it gets grow-note 0.2.0"));
    let updated = project.ok(&["plugin", "update", "--accept-capabilities"]);
    assert_eq!(updated, "updated grow-note 0.1.0 to 0.2.0\n");
    // The same version with other bytes.
    change("src/lib.rs", "\"looks\"", "\"looks at it\"");
    let again = project.fails(1, &["plugin", "publish", NAME, "--layout", "vendor"]);
    assert!(again.contains("grow-note 0.2.0 is there already, with other bytes"), "{again}");
}

#[test]
fn a_crate_is_pinned_by_its_sources() {
    const NAME: &str = "path-note";
    let project = with_plugin(NAME);
    share_target(&project, ".runner/target");
    project.ok(&["plugin", "add", NAME, "--path", NAME]);
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    assert!(lock.contains("source = \"path:path-note\"") && lock.contains("sources = \"sha256:"), "{lock}");
    let readme = fs::read_to_string(project.path("path-note/README.md")).expect("reads");
    project.write("path-note/README.md", format!("{readme}\nmore\n"));
    project.ok(&["plugin", "show", NAME]);
    project.write("path-note/src/more.rs", "// edited\n");
    let said = refused(&project, &["plugin", "show", NAME]);
    assert!(said.contains("was changed since it was locked"), "{said}");
    project.ok(&["plugin", "update", NAME]);
    let built = project.path(".runner/components/@plugins/path-note.wasm");
    let component = fs::read(&built).expect("reads");
    // What does not say from which sources it is, is not taken for what was built.
    fs::write(&built, probe()).expect("writes");
    assert!(project.ok(&["plugin", "show", NAME]).contains("path-note 0.1.0"));
    assert!(fs::read(&built).expect("reads") == component, "it was built anew");
}

#[test]
fn what_the_store_has_needs_no_source() {
    let first = Project::without_database();
    vendor(&first);
    first.ok(&["plugin", "add", NOTE, "--layout", "vendor"]);
    let settings = fs::read_to_string(first.path("runner.toml")).expect("reads");
    first.ok(&["plugin", "remove", NOTE]);
    let blobs = first.path("vendor/blobs");
    fs::remove_dir_all(&blobs).expect("the layout is broken");
    first.ok(&["plugin", "add", NOTE, "--layout", "vendor", "--version", "0.1.0"]);
    assert_eq!(fs::read_to_string(first.path("runner.toml")).expect("reads"), settings);
    first.ok(&["plugin", "show", NOTE]);
}

#[test]
fn a_bundle_has_the_plugins_and_is_a_source_of_them() {
    let database = Database::new();
    let project = using(&database);
    revision(&project, "c", "b", "other");
    project.ok(&["bundle", "-o", "b.tar"]);
    fs::remove_dir_all(project.path("vendor")).expect("removes");
    fs::remove_dir_all(project.path(".data")).expect("removes");
    project.ok(&["upgrade", "head", "--bundle", "b.tar"]);
    assert_eq!(database.value("SELECT count(other) FROM t_a"), "0");
    let why = project.ok(&["plugin", "why", NOTE]);
    assert!(why.contains("b applied with 0.1.0") && why.contains("c applied with 0.1.0"), "{why}");
    let other = Project::without_database();
    let bundle = project.path("b.tar");
    other.ok(&["plugin", "add", NOTE, "--layout", bundle.to_str().expect("UTF-8")]);
    let one = |project: &Project| {
        let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
        lock.lines().find(|line| line.starts_with("digest")).expect("a digest").to_owned()
    };
    assert_eq!(one(&other), one(&project));
}

#[test]
fn a_downgrade_needs_neither_source_nor_store_nor_lock() {
    let database = Database::new();
    let project = using(&database);
    let settings = fs::read_to_string(project.path("runner.toml")).expect("reads");
    let lock = fs::read_to_string(project.path("runner.lock")).expect("reads");
    let digest = lock.lines().find_map(|line| line.strip_prefix("digest = \"")).expect("a digest");
    let gone: [(&str, &dyn Fn()); 5] = [
        // As if the version were yanked: the layout has another plugin's index only.
        ("version", &|| {
            let index = fs::read_to_string(project.path("vendor/index.json")).expect("reads");
            let mut index: serde_json::Value = serde_json::from_str(&index).expect("JSON");
            index["manifests"] = serde_json::json!([]);
            project.write("vendor/index.json", index.to_string());
        }),
        ("source", &|| fs::remove_dir_all(project.path("vendor")).expect("removes")),
        ("store", &|| fs::remove_dir_all(project.path(".data")).expect("removes")),
        ("entry", &|| project.write("runner.toml", "")),
        ("lock", &|| fs::remove_file(project.path("runner.lock")).expect("removes")),
    ];
    for (what, goes) in gone {
        project.ok(&["upgrade", "head"]);
        goes();
        let why = project.ok(&["plugin", "why", NOTE]);
        let short = &digest["sha256:".len().."sha256:".len() + 12];
        assert!(why.contains("b applied with 0.1.0, ") && why.contains(&short[..7]), "{what}: {why}");
        project.ok(&["downgrade", "-1"]);
        let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 't_a'";
        assert_eq!(database.value(columns), "1", "{what}");
        // Put back what was taken away, to apply it once more.
        let _ = fs::remove_dir_all(project.path("vendor"));
        vendor(&project);
        project.write("runner.toml", &settings);
        project.write("runner.lock", &lock);
    }
    project.ok(&["upgrade", "head"]);
    let shown = project.ok(&["show", "b"]);
    assert!(
        shown.contains("Ran:          shared-note@0.1.0") && shown.contains(digest.trim_end_matches('"')),
        "{shown}"
    );
    // Applied as it is, it can stay when all of this is gone; run anew it cannot.
    fs::remove_dir_all(project.path("vendor")).expect("removes");
    fs::remove_dir_all(project.path(".data")).expect("removes");
    project.sql("c", "b", "CREATE TABLE t_c ();", "DROP TABLE t_c;");
    project.ok(&["upgrade", "head"]);
    let said = project.fails(1, &["redo", "a"]);
    assert!(said.contains("the layout vendor cannot be used"), "{said}");
    assert!(database.has("t_c"), "nothing was taken back");
}

#[test]
fn why_answers_from_disk_where_no_server_does() {
    let url = format!("postgresql://nobody@127.0.0.1:{}/none?connect_timeout=5", free_port());
    let project = Project::at(url.clone());
    project.tables(&["a"]);
    vendor(&project);
    project.ok(&["plugin", "add", NOTE, "--layout", "vendor"]);
    revision(&project, "b", "a", "note");
    let finished = project.run(&["plugin", "why", NOTE]);
    assert_eq!((finished.code, finished.stdout.as_str()), (0, "b: add a note (migrations/b)\n"));
    assert!(finished.stderr.contains("What is applied is not known:"), "{}", finished.stderr);
    let json = project.ok(&["plugin", "why", NOTE, "--json"]);
    assert!(json.contains("\"applied\":null"), "{json}");
    assert_eq!(project.run(&["plugin", "why", NOTE, "--database", &url]).code, 7, "it was asked for");
}

#[test]
fn what_is_shown_is_what_the_component_is() {
    let project = Project::without_database();
    let bytes = plugin("repair-text");
    project.write("repair.wasm", &bytes);
    let shown = project.ok(&["plugin", "show", "repair-text", "--path", "repair.wasm", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["digest"], Digest::of(&bytes).to_string());
    assert_eq!(sorted(&shown["interface"]["imports"]), imports(&bytes));
    let description = described(&bytes);
    assert_eq!(shown["version"], description.version);
    assert_eq!(shown["summary"], description.summary);
    let parameters = shown["parameters"].as_array().expect("a list");
    let schema = &description.params_schema;
    let properties = schema["properties"].as_object().expect("an object");
    assert_eq!(parameters.len(), properties.len());
    for parameter in parameters {
        let name = parameter["name"].as_str().expect("a name");
        let property = &properties[name];
        assert_eq!(parameter["description"], property["description"], "{name}");
        let required = schema["required"].as_array().into_iter().flatten().any(|one| one == name);
        assert_eq!(parameter["required"], required, "{name}");
        let default = property.get("default").map(|default| toml::Value::try_from(default).expect("TOML"));
        assert_eq!(
            parameter["default"].as_str(),
            default.map(|value| value.to_string()).as_deref(),
            "{name}"
        );
        let kind = parameter["kind"].as_str().expect("a type");
        match property["type"].as_str() {
            Some("array") => assert!(kind.starts_with("array of "), "{name}: {kind}"),
            Some(simple) if property.get("enum").is_none() => assert_eq!(kind, simple, "{name}"),
            _ => assert!(kind.starts_with("one of "), "{name}: {kind}"),
        }
    }
    let asked: std::collections::BTreeSet<String> = description
        .capabilities
        .iter()
        .flat_map(|asked| asked.targets.iter().map(|target| format!("{} {target}", asked.name)))
        .collect();
    let told = shown["capabilities"].as_array().expect("a list").iter();
    let told: std::collections::BTreeSet<String> =
        told.map(|one| one[0].as_str().expect("a name").to_owned()).filter(|one| one.contains(' ')).collect();
    assert_eq!(told, asked);
}

fn sorted(names: &serde_json::Value) -> Vec<String> {
    let names =
        names.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name").to_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The names that a component imports, as another parser than the runner's own
/// reading of them tells.
fn imports(bytes: &[u8]) -> Vec<String> {
    let decoded = wit_component::decode(bytes).expect("a component");
    let resolve = decoded.resolve();
    let world = resolve.select_world(&[decoded.package()], None).expect("a world");
    let imports = resolve.worlds[world].imports.iter();
    let mut names: Vec<String> = imports.map(|(key, _)| resolve.name_world_key(key)).collect();
    names.sort();
    names
}

fn described(bytes: &[u8]) -> Description {
    let config = HostConfig {
        limits: Limits::default(),
        data: DataConfig::default(),
        cache: None,
        compiler: Compiler::InProcess,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let host = Host::new(config).expect("a host");
        let component = host.load(bytes).await.expect("loads");
        host.describe(&component).await.expect("says what it is")
    })
}

#[test]
fn a_plugin_that_is_used_stays() {
    let project = using(&Database::new());
    let said = refused(&project, &["plugin", "remove", NOTE]);
    assert!(said.contains("plugin `shared-note` runs `b`"), "{said}");
    let twice = refused(&project, &["plugin", "add", NOTE, "--layout", "vendor"]);
    assert!(twice.contains("is in [plugins] in runner.toml already"), "{twice}");
}

#[test]
fn a_case_that_fails_shows_what_differs() {
    const NAME: &str = "wrong-note";
    let (database, project) = (Database::new(), with_plugin(NAME));
    let case = format!("{NAME}/cases/adds_a_column");
    project
        .write(&format!("{case}/after.sql"), "ALTER TABLE public.listings ADD COLUMN note int DEFAULT 7;\n");
    let run = project.run(&["plugin", "test", NAME, "--database", &database.url]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    for expected in [
        "failed adds_a_column",
        "after the upgrade the database is not as after.sql makes it",
        "-column of table public.listings 003 note integer default 7",
        "+column of table public.listings 003 note text",
        "-row of public.listings: (1,\"Hut by the lake\",7)",
        "+row of public.listings: (1,\"Hut by the lake\",)",
    ] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
    let none = project.fails(1, &["plugin", "test", NAME, "--database", &database.url, "--case", "typo"]);
    assert!(none.contains("it has no case whose name holds `typo`; there are: adds_a_column"), "{none}");
    project.write(&format!("{case}/case.toml"), "description = \"d\"\nerror = \" \"\n");
    let any = project.fails(1, &["plugin", "test", NAME, "--database", &database.url]);
    assert!(any.contains("`error` is empty, which is in every message"), "{any}");
    project.write(&format!("{case}/case.toml"), "description = \"d\"\nirreversibel = true\n");
    let said = project.fails(1, &["plugin", "test", NAME, "--database", &database.url]);
    assert!(said.contains("case.toml:2:1") && said.contains("unknown key `irreversibel`"), "{said}");
}
