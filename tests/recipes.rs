//! The recipes in docs/recipes are what they say: they parse, and what they call
//! does its work.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Database, Finished, Project};

/// How a command of a recipe finds its revisions and its database.
const DEPLOYED: &str = "RUNNER_BUNDLE";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn recipe(name: &str) -> String {
    std::fs::read_to_string(root().join("docs/recipes").join(name)).expect("the recipe is there")
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&recipe(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().expect("a list").iter();
    list.map(|word| word.as_str().expect("a text").to_owned()).collect()
}

/// A call of the program: its arguments, and whether the image's bundle is set.
#[derive(Debug)]
struct Call {
    args: Vec<String>,
    deployed: bool,
}

/// The calls in the lines of a script.
fn calls<'a>(lines: impl IntoIterator<Item = &'a str>, deployed: bool) -> Vec<Call> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let ours = lines.into_iter().filter_map(|line| line.trim().strip_prefix("runner "));
    // What follows is the shell's.
    ours.map(|line| Call { args: words(line.split('>').next().unwrap_or_default()), deployed }).collect()
}

/// Runs the calls of a recipe, one after the other, in a project that is not
/// built, on an empty database.
#[track_caller]
fn run(name: &str, calls: &[Call], expected: usize) {
    assert_eq!(calls.len(), expected, "{name}: {calls:?}");
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a", "b"]);
    project.ok(&["bundle"]);
    for call in calls {
        let args: Vec<&str> = call.args.iter().map(String::as_str).collect();
        let mut command = project.command(&args);
        if call.deployed {
            command.env(DEPLOYED, "bundle.tar");
        }
        let finished = Finished::of(&mut command);
        assert_eq!(finished.code, 0, "{name}: {args:?}: {}{}", finished.stdout, finished.stderr);
    }
    assert_eq!(project.ok(&["check"]).split(':').next(), Some("up to date"), "{name}");
}

#[test]
fn compose() {
    let file = yaml("compose.yaml");
    let services = &file["services"];
    let migrations = &services["migrations"];
    let calls = [Call { args: strings(&migrations["command"]), deployed: true }];
    run("compose.yaml", &calls, 1);
    let waits = &services["application"]["depends_on"]["migrations"]["condition"];
    assert_eq!(waits, "service_completed_successfully");
    let context =
        root().join("docs/recipes").join(migrations["build"]["context"].as_str().expect("a folder"));
    assert!(context.join(migrations["build"]["dockerfile"].as_str().expect("a file")).is_file());
}

#[test]
fn kubernetes() {
    let job = yaml("kubernetes-job.yaml");
    assert_eq!((&job["apiVersion"], &job["kind"]), (&"batch/v1".into(), &"Job".into()));
    let init = yaml("kubernetes-init.yaml");
    assert_eq!((&init["apiVersion"], &init["kind"]), (&"apps/v1".into(), &"Deployment".into()));
    let mut containers = job["spec"]["template"]["spec"]["containers"].as_array().expect("a list").clone();
    let of_pods = &init["spec"]["template"]["spec"];
    containers.extend(of_pods["initContainers"].as_array().expect("a list").iter().cloned());
    for container in &containers {
        assert_eq!(container["securityContext"]["runAsNonRoot"], true, "{}", container["name"]);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{}", container["name"]);
    }
    let calls: Vec<Call> =
        containers.iter().map(|one| Call { args: strings(&one["args"]), deployed: true }).collect();
    run("kubernetes", &calls, 3);
}

#[test]
fn github_actions() {
    let file = yaml("github-actions.yaml");
    let mut found = Vec::new();
    for job in ["test", "deploy"] {
        let job = &file["jobs"][job];
        for step in job["steps"].as_array().expect("a list") {
            let deployed = [&step["env"], &job["env"]].iter().any(|env| env[DEPLOYED].is_string());
            found.extend(calls(step["run"].as_str().unwrap_or_default().lines(), deployed));
        }
    }
    run("github-actions.yaml", &found, 12);
}

#[test]
fn gitlab_ci() {
    let file = yaml("gitlab-ci.yaml");
    let mut found = Vec::new();
    for job in ["bundle", "try", "deploy"] {
        let lines = strings(&file[job]["script"]);
        found.extend(calls(lines.iter().map(String::as_str), false));
        assert!(strings(&file["stages"]).contains(&file[job]["stage"].as_str().expect("a text").to_owned()));
    }
    run("gitlab-ci.yaml", &found, 12);
}

/// The instructions of a Containerfile, each on one line.
fn instructions() -> Vec<String> {
    let text = recipe("Containerfile");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    joined
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn containerfile() {
    let lines = instructions();
    let mut stages: Vec<&str> = Vec::new();
    for line in &lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "FROM" => stages.extend(words.iter().skip_while(|word| **word != "AS").nth(1)),
            "COPY" => match words[1].strip_prefix("--from=") {
                Some(stage) => assert!(stages.contains(&stage), "{line}"),
                None => {
                    assert!(words[1..words.len() - 1].iter().all(|path| root().join(path).exists()), "{line}")
                }
            },
            "ARG" | "RUN" | "WORKDIR" | "ENV" | "USER" | "ENTRYPOINT" | "CMD" => {}
            other => panic!("{other} is no instruction"),
        }
    }
    // The last stage is the image: not root, the program, and what it runs.
    let image: Vec<&String> = lines
        .iter()
        .skip(lines.iter().rposition(|line| line.starts_with("FROM")).expect("a stage"))
        .collect();
    let of = |name: &str| image.iter().find_map(|line| line.strip_prefix(name)).expect("is there").trim();
    assert!(of("USER").split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id != 0)));
    assert_eq!(of("ENTRYPOINT"), r#"["/usr/local/bin/runner"]"#);
    assert_eq!(of("ENV"), "RUNNER_BUNDLE=/bundle.tar");
    let args: Vec<String> = serde_json::from_str(of("CMD")).expect("the form without a shell");
    run("Containerfile", &[Call { args, deployed: true }], 1);
    let bundles = lines.iter().filter_map(|line| line.split("/out/runner ").nth(1));
    let bundles: Vec<&str> = bundles.filter(|args| args.starts_with("bundle")).collect();
    assert_eq!(bundles, ["bundle -o /out/bundle.tar"]);
}

/// What the image builds the program with is what cargo takes, and leaves the
/// embedded server out.
#[test]
fn the_image_s_program_has_no_embedded_server() {
    let built = instructions().into_iter().find_map(|line| {
        let rest = line.split_once("cargo build ")?.1.to_owned();
        Some(rest.split(" &&").next().unwrap_or_default().to_owned())
    });
    assert_eq!(built.as_deref(), Some("--release --locked -p runner"));
    let cargo = |args: &[&str]| {
        Finished::of(
            Command::new(env!("CARGO")).args(args).args(["--locked", "--offline"]).current_dir(root()),
        )
    };
    let tree = cargo(&["tree", "-p", "runner", "--edges", "normal", "--prefix", "none"]);
    assert_eq!(tree.code, 0, "{}", tree.stderr);
    assert!(tree.stdout.contains("tokio-postgres ") && !tree.stdout.contains("pglite-oxide "));
}

/// The image has the C library, libgcc and nothing else.
#[test]
fn the_program_needs_no_library_that_the_image_lacks() {
    const IN_THE_IMAGE: [&str; 8] = [
        "linux-vdso.so",
        "libc.so",
        "libm.so",
        "libdl.so",
        "libpthread.so",
        "librt.so",
        "libgcc_s.so",
        "ld-linux",
    ];
    let needed = Finished::of(Command::new("ldd").arg(env!("CARGO_BIN_EXE_runner")));
    assert_eq!(needed.code, 0, "{}", needed.stderr);
    let names = needed.stdout.lines().filter_map(|line| line.split_whitespace().next()?.rsplit('/').next());
    let names: Vec<&str> = names.collect();
    assert!(names.iter().any(|name| name.starts_with("libc.so")), "{names:?}");
    for name in names {
        assert!(IN_THE_IMAGE.iter().any(|known| name.starts_with(known)), "{name} is not in the image");
    }
}
