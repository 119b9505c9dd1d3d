//! Alembic in a virtual environment of its own, below the target folder.

use std::fs::{File, remove_dir_all};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// What is installed, each at one version.
const REQUIREMENTS: &str = include_str!("../oracle/requirements.txt");

/// The file that says what the environment holds; written last, so that an
/// environment that was left half made is made anew.
const STAMP: &str = "runner-stamp.txt";

/// A program of the environment, ready to run: `python` or `alembic`.
pub fn alembic_command(program: &str) -> Command {
    let folder = environment().unwrap_or_else(|error| panic!("{error}"));
    Command::new(folder.join("bin").join(program))
}

/// Whether the environment is there, or can be made; else what is in the way.
pub fn alembic_is_there() -> Result<(), &'static str> {
    environment().map(|_| ())
}

/// The environment's folder. It is made once, and kept from run to run.
fn environment() -> Result<&'static Path, &'static str> {
    static ENVIRONMENT: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is below the target folder");
        let folder = target.join("alembic-venv");
        let lock = File::create(target.join("alembic-venv.lock")).expect("the lock's file can be made");
        // Another program of the tests may be making it; the lock goes with the
        // file.
        lock.lock().expect("the lock can be taken");
        if std::fs::read_to_string(folder.join(STAMP)).ok() != Some(stamp(&folder)) {
            make(&folder)?;
        }
        Ok(folder)
    });
    ENVIRONMENT.as_deref().map_err(String::as_str)
}

/// What is in the environment, and where: its programs name their own folder,
/// so a copy of a target folder needs an environment of its own.
fn stamp(folder: &Path) -> String {
    format!("{}\n{REQUIREMENTS}", folder.display())
}

fn make(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        remove_dir_all(folder).expect("the old environment can be removed");
    }
    let mut python = Command::new("python3");
    succeed(python.args(["-m", "venv"]).arg(folder))?;
    let requirements = folder.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).expect("the list can be written");
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    succeed(pip.arg("--only-binary=:all:").arg("--requirement").arg(&requirements))?;
    std::fs::write(folder.join(STAMP), stamp(folder)).expect("the stamp can be written");
    Ok(())
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let hint = "`cargo xtask test` installs python3-venv where it is missing";
    let output = command.output().map_err(|error| format!("{command:?} cannot be run ({error}); {hint}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed; {hint}\n{said}"))
}
