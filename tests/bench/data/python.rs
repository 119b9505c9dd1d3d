//! The peers in Python: migrations of Alembic's, run by `alembic upgrade head`.

use std::process::Command;
use std::time::Duration;

use super::support::{Finished, alembic_command};
use super::table::Copy;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/bench/data/alembic");

const VERSIONS: &str = "
import platform, alembic, sqlalchemy, psycopg
print('Python', platform.python_version(), '/ Alembic', alembic.__version__,
      '/ SQLAlchemy', sqlalchemy.__version__, '/ psycopg', psycopg.__version__, psycopg.pq.__impl__)";

/// How a data migration is written for Alembic: the scripts in tests/bench/data/alembic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One UPDATE for each row.
    Loop,
    /// UPDATEs in batches.
    Executemany,
    /// COPY into a temporary table by hand.
    Copy,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Executemany => "executemany",
            Self::Copy => "copy",
        }
    }
}

/// The peers' versions.
pub fn versions() -> String {
    run(alembic_command("python").args(["-c", VERSIONS])).trim().to_owned()
}

/// How long `alembic upgrade head` takes.
pub fn upgrade(copy: &Copy<'_>, way: Way) -> Duration {
    let mut command = alembic_command("alembic");
    command.args(["--config", "alembic.ini", "--name", way.name(), "upgrade", "head"]);
    // psycopg 3 is SQLAlchemy's dialect of that name.
    command.env("BENCH_URL", copy.url.replacen("postgresql://", "postgresql+psycopg://", 1));
    super::measure::time(|| drop(run(&mut command)))
}

fn run(command: &mut Command) -> String {
    let finished = Finished::of(command.current_dir(FOLDER).env("PYTHONDONTWRITEBYTECODE", "1"));
    assert_eq!(finished.code, 0, "{command:?}: {}{}", finished.stdout, finished.stderr);
    finished.stdout
}
