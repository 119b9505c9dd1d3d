//! Plugins by way of a registry: from an empty folder to a downgrade without it,
//! and what happens where something is wrong with the registry or in it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rcgen::CertificateParams;

use crate::plugin::{NOTE, files, published, refused, revision, with_plugin};
use crate::support::{Database, Finished, PASSWORD, Project, Registry, USER, filters, probe};
use crate::tls::{Issued, issue};

/// A registry that has the plugin [`NOTE`], as version 0.1.0.
fn registry() -> Registry {
    let registry = Registry::start();
    registry.import(published());
    registry
}

/// A project whose default registry this one is.
fn project_of(registry: &Registry) -> Project {
    let project = Project::without_database();
    project.write("runner.toml", settings(registry));
    project
}

fn settings(registry: &Registry) -> String {
    format!("[registry]\ndefault = \"{}\"\n", registry.address())
}

/// Runs a command that is refused: nothing changes in the project nor in the store.
#[track_caller]
fn refused_whole(project: &Project, args: &[&str]) -> String {
    let stored = || Command::new("find").arg(project.path(".data")).output().expect("find runs").stdout;
    let before = stored();
    let said = refused(project, args);
    assert_eq!(stored(), before, "{said}");
    said
}

/// Compares what is said; ports and digests differ from run to run.
macro_rules! says {
    ($said:expr, @$expected:literal) => {
        let said = $said;
        insta::with_settings!({ filters => filters() }, { insta::assert_snapshot!(said, @$expected) });
    };
}

/// The error, without what cargo says before it.
fn error(said: &str) -> String {
    said[said.find("Error: ").expect("an error")..].to_owned()
}

/// Keeps credentials as `docker login` does.
fn log_in(project: &Project, registry: &Registry, password: &str) {
    let text = format!(
        r#"{{ "auths": {{ "{}": {{ "username": "{USER}", "password": "{password}" }} }} }}"#,
        registry.host()
    );
    project.write(".docker/config.json", text);
}

#[test]
fn a_plugin_goes_from_an_empty_folder_by_a_registry_to_a_downgrade_without_it() {
    const NAME: &str = "remote-note";
    let (database, registry) = (Database::new(), Registry::start());
    let maker = with_plugin(NAME);
    maker.ok(&["plugin", "test", NAME, "--database", &database.url]);
    let published = maker.ok(&["plugin", "publish", NAME, "--registry", &registry.address()]);
    assert_eq!(published, format!("published {NAME} 0.1.0 to {}\n", registry.address()));
    let again = maker.run(&["plugin", "publish", NAME, "--registry", &registry.address()]);
    let layout = maker.run(&["plugin", "publish", NAME, "--layout", "layout"]);
    assert_eq!((again.code, layout.code), (0, 0), "{}{}", again.stderr, layout.stderr);
    let digests = |finished: &Finished| {
        let line = finished.stderr.lines().find(|line| line.starts_with("component sha256:"));
        line.expect("the digests are told").to_owned()
    };
    assert_eq!(digests(&again), digests(&layout), "of the component and of the manifest");
    drop(maker);

    let project = Project::new(&database);
    project.write("runner.toml", settings(&registry));
    project.tables(&["a"]);
    assert_eq!(project.ok(&["plugin", "add", NAME]), "added remote-note 0.1.0\n");
    let (written, lock) = files(&project);
    assert!(written.contains("[plugins]\nremote-note = \"0.1.0\"\n"), "{written}");
    let lock = lock.expect("a lock");
    assert!(lock.contains(&format!("source = \"registry:{}\"", registry.address())), "{lock}");
    assert!(lock.contains("version = \"0.1.0\"\n") && lock.contains("digest = \"sha256:"), "{lock}");
    let written = project.ok(&["revision", "-m", "add a note", "--plugin", NAME]);
    let manifest = project.path(written.trim()).join("migration.toml");
    let text = fs::read_to_string(&manifest).expect("reads");
    let set = text
        .replace("# table =   # string; has to be set", "table = \"public.t_a\"")
        .replace("# ddl = [\"${table}\"]", "ddl = [\"public.t_a\"]")
        .replace("# drop = [\"${table}\"]", "drop = [\"public.t_a\"]");
    fs::write(&manifest, set).expect("writes");
    project.ok(&["plan", "head"]);
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT count(note) FROM t_a"), "0");
    let why = project.ok(&["plugin", "why", NAME]);
    assert!(why.contains("applied with 0.1.0, "), "{why}");

    drop(registry);
    fs::remove_dir_all(project.path(".data")).expect("the store is gone");
    project.ok(&["downgrade", "-1"]);
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 't_a'";
    assert_eq!(database.value(columns), "1");
}

#[test]
fn what_the_store_has_is_asked_of_no_registry() {
    let (database, registry) = (Database::new(), registry());
    let project = Project::new(&database);
    project.write("runner.toml", settings(&registry));
    project.tables(&["a"]);
    project.ok(&["plugin", "add", &format!("{NOTE}@0.1")]);
    revision(&project, "b", "a", "note");
    let (settings, lock) = files(&project);
    assert!(settings.ends_with("[plugins]\nshared-note = \"0.1\"\n"), "{settings}");
    assert!(project.ok(&["plugin", "show", NOTE]).contains("Versions:     0.1.0\n"));

    // A colleague, who has runner.toml and runner.lock only.
    fs::remove_dir_all(project.path(".data")).expect("the store is gone");
    project.ok(&["build"]);
    drop(registry);
    project.ok(&["upgrade", "head"]);
    assert_eq!(database.value("SELECT count(note) FROM t_a"), "0");
    let shown = project.ok(&["plugin", "show", NOTE]);
    assert!(shown.contains("From:         registry:127.0.0.1:"), "{shown}");
    project.ok(&["downgrade", "base"]);
    fs::remove_dir_all(project.path("migrations/b")).expect("removes");
    project.ok(&["plugin", "remove", NOTE]);
    project.ok(&["plugin", "add", &format!("{NOTE}@0.1"), "--offline"]);
    assert_eq!(files(&project), (settings, lock));
}

#[test]
fn a_registry_that_is_down_changes_nothing() {
    let registry = registry();
    let project = project_of(&registry);
    drop(registry);
    says!(refused_whole(&project, &["plugin", "add", NOTE]), @r"
    Error: the registry 127.0.0.1:[port]/team/plugins cannot be used
    Caused by:
    1: it does not answer: Connection refused (os error 111)
    Hint: Nothing was changed. What the store or a layout has needs no registry.
    ");
    says!(refused_whole(&project, &["plugin", "add", NOTE, "--offline"]), @r"
    Error: plugin `shared-note` from 127.0.0.1:[port]/team/plugins is not in the store, and no network may be used
    Hint: Run `runner build` once where there is a network: it fills the store.
    ");
}

#[test]
fn what_a_registry_does_not_have_is_told_with_what_it_has() {
    let registry = registry();
    let project = project_of(&registry);
    says!(refused_whole(&project, &["plugin", "add", "shared-nte"]), @r"
    Error: 127.0.0.1:[port]/team/plugins has no plugin `shared-nte`
    Hint: Did you mean `shared-note`?
    ");
    says!(refused_whole(&project, &["plugin", "add", "shared-note@2"]), @r"
    Error: 127.0.0.1:[port]/team/plugins has no version of `shared-note` that is ^2
    Hint: It has: 0.1.0.
    ");
    says!(project.fails(2, &["plugin", "add", "shared-note@new"]), @r"
    error: invalid value 'shared-note@new' for '<NAME[@VERSION]>': `new` is no range of versions, as `1.2` is one: unexpected character 'n' while parsing major version number

    For more information, try '--help'.
    ");
    let elsewhere = Project::without_database();
    says!(elsewhere.fails(2, &["plugin", "add", NOTE]), @r"
    Error: where is the plugin from?
    Hint: Pass `--registry HOST/NAMESPACE`, `--layout DIR` or `--path DIR`; or name a registry once, as `default` of [registry] in runner.toml.
    ");
    elsewhere.ok(&["plugin", "add", NOTE, "--registry", &registry.address()]);
    let (written, _) = files(&elsewhere);
    let entry = format!("shared-note = {{ version = \"0.1.0\", registry = \"{}\" }}\n", registry.address());
    assert_eq!(written, format!("[plugins]\n{entry}"));
}

#[test]
fn artifacts_that_are_no_plugin_are_refused() {
    let registry = registry();
    let project = project_of(&registry);
    registry.put("image", "1.0.0", "application/vnd.oci.image.layer.v1.tar+gzip", b"a layer");
    says!(refused_whole(&project, &["plugin", "add", "image"]), @r"
    Error: the registry 127.0.0.1:[port]/team/plugins cannot be used
    Caused by:
    1: image 1.0.0 is no WebAssembly component: its layers are application/vnd.oci.image.layer.v1.tar+gzip
    Hint: A plugin is what `runner plugin publish` pushes: one layer of type application/wasm.
    ");
    registry.put("text", "1.0.0", "application/wasm", b"no component");
    let text = refused_whole(&project, &["plugin", "add", "text"]);
    assert!(text.contains("the component of plugin `text` (text 1.0.0 of 127.0.0.1:"), "{text}");
    let mut other = probe().to_vec();
    let ours = b"@0.1.";
    let places: Vec<usize> =
        other.windows(ours.len()).enumerate().filter(|(_, bytes)| bytes == ours).map(|(at, _)| at).collect();
    places.into_iter().for_each(|at| other[at + 3] = b'9');
    registry.put("probe", "1.0.0", "application/wasm", &other);
    let version = refused_whole(&project, &["plugin", "add", "probe"]);
    assert!(version.contains("0.9.") && version.contains("made for this interface"), "{version}");
    registry.put("another", "1.0.0", "application/wasm", probe());
    let named = refused_whole(&project, &["plugin", "add", "another"]);
    assert!(named.contains("the component is called `probe`, and not `another`"), "{named}");
    registry.put("probe", "2.0.0", "application/wasm", probe());
    let announced = refused_whole(&project, &["plugin", "add", "probe"]);
    assert!(
        announced.contains("is announced as version 2.0.0 of `probe`, and says that it is"),
        "{announced}"
    );
}

#[test]
fn a_layer_that_is_damaged_is_refused() {
    let registry = registry();
    let project = project_of(&registry);
    let blob = registry.largest_blob();
    let bytes = fs::read(&blob).expect("reads");
    fs::write(&blob, &bytes[..bytes.len() / 2]).expect("writes");
    let truncated = refused_whole(&project, &["plugin", "add", NOTE]);
    assert!(truncated.contains("1: shared-note 0.1.0 is truncated: there are"), "{truncated}");
    fs::write(&blob, [&bytes[1..], b"x"].concat()).expect("writes");
    let changed = refused_whole(&project, &["plugin", "add", NOTE]);
    assert!(changed.contains("1: shared-note 0.1.0 was changed: it is not sha256:"), "{changed}");
    fs::write(&blob, [&bytes[..], b"x"].concat()).expect("writes");
    let longer = refused_whole(&project, &["plugin", "add", NOTE]);
    assert!(longer.contains("1: shared-note 0.1.0 was changed: it is not sha256:"), "{longer}");
    fs::write(&blob, &bytes).expect("writes");
    project.ok(&["plugin", "add", NOTE]);
}

#[test]
fn a_version_that_became_other_bytes_stops_everything() {
    let (database, registry) = (Database::new(), registry());
    let project = Project::new(&database);
    project.write("runner.toml", settings(&registry));
    project.tables(&["a"]);
    project.ok(&["plugin", "add", NOTE]);
    revision(&project, "b", "a", "note");
    fs::remove_dir_all(project.path(".data")).expect("the store is gone");
    registry.put(NOTE, "0.1.0", "application/wasm", probe());
    says!(refused_whole(&project, &["upgrade", "head"]), @r"
    Error: plugin `shared-note` from registry:127.0.0.1:[port]/team/plugins is not the one of runner.lock: its digest is [digest], not [digest]
    Hint: Somebody put other bytes in its place. If that is meant, look at what it asks for with `runner plugin update shared-note`; if not, find out who did it.
    ");
    assert!(!database.has("t_a"), "nothing ran");
    assert_eq!(database.value("SELECT to_regclass('runner.revision') IS NULL"), "t", "nothing was touched");
}

#[test]
fn credentials_are_those_that_docker_keeps() {
    const NAME: &str = "kept-note";
    let registry = Registry::that_asks();
    let maker = with_plugin(NAME);
    let publish = ["plugin", "publish", NAME, "--registry", &registry.address()];
    says!(error(&maker.fails(1, &publish)), @r"
    Error: the registry 127.0.0.1:[port]/team/plugins cannot be used
    Caused by:
    1: it wants credentials, and there are none for 127.0.0.1:[port]
    Hint: Log in with `docker login 127.0.0.1:[port]`, `podman login 127.0.0.1:[port]` or `oras login 127.0.0.1:[port]`.
    ");
    log_in(&maker, &registry, "wrong-horse");
    let wrong = Finished::of(maker.command(&publish).env("RUNNER_LOG", "trace"));
    assert_eq!(wrong.code, 1, "{}", wrong.stderr);
    let refused = format!("it refuses the credentials for {} in ", registry.host());
    assert!(
        wrong.stderr.contains(&refused) && wrong.stderr.contains(".docker/config.json"),
        "{}",
        wrong.stderr
    );
    assert!(!wrong.stderr.contains("wrong-horse"), "no password is shown");
    log_in(&maker, &registry, PASSWORD);
    let published = Finished::of(maker.command(&publish).env("RUNNER_LOG", "trace"));
    assert_eq!(published.code, 0, "{}", published.stderr);
    // Nor the form that it has in a header: this is how "tester:" begins in Base64.
    assert!(!published.stderr.contains(PASSWORD) && !published.stderr.contains("dGVzdGVyO"));

    let project = project_of(&registry);
    let unknown = refused_whole(&project, &["plugin", "add", NAME]);
    assert!(unknown.contains("it wants credentials, and there are none for"), "{unknown}");
    let helper = project.path("bin/docker-credential-test");
    let script = format!("#!/bin/sh\necho '{{ \"Username\": \"{USER}\", \"Secret\": \"{PASSWORD}\" }}'\n");
    project.write("bin/docker-credential-test", script);
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let text = format!(r#"{{ "credHelpers": {{ "{}": "test" }} }}"#, registry.host());
    project.write(".run/containers/auth.json", text);
    let path = std::env::join_paths(
        [project.path("bin")]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let mut add = project.command(&["plugin", "add", NAME]);
    let added = Finished::of(add.env("PATH", path.expect("a path")));
    assert_eq!((added.code, added.stdout.as_str()), (0, "added kept-note 0.1.0\n"), "{}", added.stderr);
}

#[test]
fn tls_is_verified_with_the_roots_of_the_machine() {
    let names = CertificateParams::new(vec!["127.0.0.1".into()]).expect("a name");
    let Issued { root, certificate, key } = issue(names);
    let registry = Registry::with_tls(&certificate, &key);
    registry.import(published());
    let project = Project::without_database();
    project.write("root.pem", root);
    let add = |trusted: bool| {
        let mut command = project.command(&["plugin", "add", NOTE]);
        match trusted {
            true => command.env("SSL_CERT_FILE", project.path("root.pem")),
            false => command.env_remove("SSL_CERT_FILE"),
        };
        Finished::of(&mut command)
    };
    // This machine is spoken to without TLS, unless the setting says otherwise.
    project.write("runner.toml", settings(&registry));
    let plain = add(true);
    assert!(plain.stderr.contains("HTTP request to an HTTPS server"), "{}", plain.stderr);
    project.write("runner.toml", settings(&registry) + "insecure = []\n");
    let stranger = add(false);
    assert_eq!(stranger.code, 1);
    assert!(
        stranger.stderr.contains("1: it does not answer: invalid peer certificate"),
        "{}",
        stranger.stderr
    );
    let added = add(true);
    assert_eq!((added.code, added.stdout.as_str()), (0, "added shared-note 0.1.0\n"), "{}", added.stderr);
}

#[test]
fn a_version_is_published_once() {
    const NAME: &str = "once-note";
    let registry = Registry::start();
    registry.put(NAME, "0.1.0", "application/wasm", probe());
    let maker = with_plugin(NAME);
    maker.write("runner.toml", settings(&registry));
    says!(error(&maker.fails(1, &["plugin", "publish", NAME])), @r"
    Error: the registry 127.0.0.1:[port]/team/plugins cannot be used
    Caused by:
    1: once-note 0.1.0 is there already, with other bytes
    Hint: A version is published once: raise `version` in Cargo.toml.
    ");
}

#[test]
fn an_update_finds_what_the_registry_has() {
    let registry = registry();
    registry.put(NOTE, "0.0.9", "application/wasm", probe());
    registry.put(NOTE, "latest", "application/wasm", probe());
    let project = project_of(&registry);
    project.ok(&["plugin", "add", &format!("{NOTE}@0.1")]);
    assert_eq!(project.ok(&["plugin", "update"]), "fresh   shared-note 0.1.0\n");
    assert!(project.ok(&["plugin", "show", NOTE]).contains("Versions:     0.0.9, 0.1.0\n"));
    let listed = project.ok(&["plugin", "list"]);
    assert!(listed.contains("shared-note") && listed.contains("registry:127.0.0.1:"), "{listed}");
    registry.put(NOTE, "0.1.1", "application/wasm", probe());
    assert!(!project.ok(&["plugin", "list"]).contains("newest"));
    let listed = project.ok(&["plugin", "list", "--latest"]);
    assert!(listed.contains("^0.1       0.1.0 ") && listed.ends_with(", newest 0.1.1\n"), "{listed}");
    let newer = refused_whole(&project, &["plugin", "update"]);
    assert!(newer.contains("the component is called `probe`"), "{newer}");
}

#[test]
fn other_bytes_under_the_same_version_need_a_yes() {
    let registry = registry();
    let project = project_of(&registry);
    project.ok(&["plugin", "add", &format!("{NOTE}@0.1")]);
    // The same component, with an empty section at its end.
    let mut other = fs::read(registry.largest_blob()).expect("reads");
    other.extend([0, 2, 1, b'x']);
    registry.put(NOTE, "0.1.0", "application/wasm", &other);
    let said = refused(&project, &["plugin", "update"]);
    assert!(said.contains("`shared-note` 0.1.0 has other bytes than before under this version"), "{said}");
    let updated = project.ok(&["plugin", "update", "--yes"]);
    assert_eq!(updated, "updated shared-note 0.1.0, with other contents\n");
}

#[test]
fn a_registry_on_this_machine_is_asked_without_a_proxy() {
    let (registry, proxy) = (registry(), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let project = project_of(&registry);
    let address = format!("http://{}", proxy.local_addr().expect("it is bound"));
    let mut command = project.command(&["plugin", "add", NOTE]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, &address);
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        command.env_remove(name);
    }
    let finished = Finished::of(&mut command);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    proxy.set_nonblocking(true).expect("it can be asked without waiting");
    assert!(proxy.accept().is_err(), "the proxy was asked");
}

#[test]
fn ctrl_c_ends_a_pull() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("{}/team", silent.local_addr().expect("it is bound"));
    let project = Project::without_database();
    is_ended(&project, &["plugin", "add", NOTE, "--registry", &address], &silent);
}

#[test]
fn ctrl_c_ends_a_pull_of_a_plan() {
    let (database, registry) = (Database::new(), registry());
    let project = Project::new(&database);
    project.write("runner.toml", settings(&registry));
    project.tables(&["a"]);
    project.ok(&["plugin", "add", &format!("{NOTE}@0.1")]);
    revision(&project, "b", "a", "note");
    fs::remove_dir_all(project.path(".data")).expect("the store is gone");
    // It accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    for name in ["runner.toml", "runner.lock"] {
        let text = fs::read_to_string(project.path(name)).expect("reads");
        let here = silent.local_addr().expect("it is bound").to_string();
        project.write(name, text.replace(&registry.host(), &here));
    }
    is_ended(&project, &["plan", "head"], &silent);
    is_ended(&project, &["verify"], &silent);
}

/// Runs a command that asks a registry which accepts and never answers, and ends it by
/// Ctrl-C.
#[track_caller]
fn is_ended(project: &Project, args: &[&str], silent: &TcpListener) {
    let before = files(project);
    let mut command = project.command(args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let _connection = silent.accept().expect("it asks");
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(told.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert_eq!(files(project), before, "{said}");
}
