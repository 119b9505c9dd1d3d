//! The repository's rules as tests: who may know whom (ARCHITECTURE.md).

use std::path::{Path, PathBuf};

/// For each module of the library: the modules that it may name.
const LAYERS: [(&str, &[&str]); 12] = [
    ("revision", &[]),
    ("graph", &["revision"]),
    ("db", &["revision"]),
    ("audit", &["db", "revision"]),
    ("bulk", &["db", "revision"]),
    ("policy", &["revision"]),
    ("plan", &["graph", "revision"]),
    ("ledger", &["db", "revision"]),
    ("host", &["bulk", "db", "policy", "revision"]),
    // `host` for its `Limits`, which are a table of runner.toml; `policy` for the
    // SQL that another tool made.
    ("source", &["host", "policy", "revision"]),
    ("sandbox", &["db", "ledger", "source"]),
    ("run", &["audit", "db", "graph", "host", "ledger", "plan", "policy", "revision", "sandbox", "source"]),
];

/// For some crates: the only modules that may name them.
const CRATES: [(&str, &[&str]); 20] = [
    ("tokio_postgres", &["db"]),
    ("postgres_protocol", &["db"]),
    ("pglite_oxide", &["db"]),
    ("rustls", &["db", "source"]),
    ("oci_client", &["source"]),
    ("docker_credential", &["source"]),
    ("socket2", &["db"]),
    ("pg_query", &["policy"]),
    ("tar", &["source"]),
    ("tree_sitter", &["source"]),
    ("configparser", &["source"]),
    ("wasmtime", &["host"]),
    ("wasmparser", &["host", "source"]),
    ("wit_component", &["host", "source"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("dagre", &["cli"]),
    ("indicatif", &["cli"]),
    ("renderdag", &["cli"]),
];

/// What the pure modules must do without.
const IMPURE: [&str; 6] = ["async fn", ".await", "std::fs", "std::time", "std::env", "tokio::"];
const PURE: [&str; 3] = ["graph", "plan", "revision"];

/// The most lines that a file may have, tests not counted.
const LONGEST_FILE: usize = 500;

struct Source {
    module: String,
    path: PathBuf,
    /// The text without comments and without unit tests.
    code: String,
}

#[test]
fn modules_name_only_what_is_below_them() {
    let known: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    for source in sources() {
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == source.module) else {
            continue;
        };
        for other in known.iter().filter(|other| **other != source.module && !allowed.contains(other)) {
            let named = source.code.contains(&format!("crate::{other}"));
            assert!(!named, "{}: `{}` must not name `{other}`", source.path.display(), source.module);
        }
    }
}

#[test]
fn crates_are_named_only_where_they_belong() {
    for source in sources() {
        for (name, allowed) in CRATES {
            let named = source.code.contains(&format!("{name}::"));
            let may = allowed.contains(&source.module.as_str());
            assert!(!named || may, "{}: only {allowed:?} may name `{name}`", source.path.display());
        }
    }
}

#[test]
fn the_graph_and_the_plan_are_pure() {
    for source in sources().iter().filter(|source| PURE.contains(&source.module.as_str())) {
        for word in IMPURE {
            assert!(!source.code.contains(word), "{}: `{word}`", source.path.display());
        }
    }
}

#[test]
fn the_library_reads_no_environment() {
    let library = sources().into_iter().filter(|source| source.module != "cli" && source.module != "main");
    // The compiling child is a program of its own: its environment is how its
    // parent talks to it.
    for source in library.filter(|source| !source.path.ends_with("host/compile.rs")) {
        assert!(!source.code.contains("env::var"), "{}", source.path.display());
    }
}

#[test]
fn every_module_is_in_the_table() {
    let known = |module: &str| LAYERS.iter().any(|(name, _)| *name == module);
    for source in sources() {
        let edge = ["cli", "main", "lib"].contains(&source.module.as_str());
        assert!(edge || known(&source.module), "`{}` is not in LAYERS", source.module);
    }
}

#[test]
fn files_can_be_read_at_one_go() {
    for source in sources() {
        let lines = source.code.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", source.path.display());
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                found.push(read(&root, path));
            }
        }
    }
    found
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests" || stem == "fake")
        || path.components().any(|part| part.as_os_str() == "tests")
}

fn read(root: &Path, path: PathBuf) -> Source {
    let relative = path.strip_prefix(root).expect("it is below").to_owned();
    let first = relative.iter().next().expect("it has a name").to_string_lossy();
    let text = std::fs::read_to_string(&path).expect("it is UTF-8");
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = code.split("\n#[cfg(test)]\npub(crate) mod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    Source { module: first.trim_end_matches(".rs").to_owned(), path: relative, code }
}
