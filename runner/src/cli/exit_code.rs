//! What the program's exit codes mean.

use std::process::ExitCode;

use clap::ValueEnum;

/// How the program ended. The numbers are documented, and never change their
/// meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Exit {
    /// Done, or there was nothing to do.
    Done = 0,
    /// Something is wrong with the project, the database or the surroundings;
    /// nothing was changed.
    Error = 1,
    /// The command line is wrong. (clap uses the same number.)
    Usage = 2,
    /// Revisions on disk are not applied; only where this was asked.
    Pending = 3,
    /// Applied revisions were edited, or are not on disk.
    Drift = 4,
    /// A migration failed; its step is rolled back.
    MigrationFailed = 5,
    /// Another runner held the lock for too long.
    Locked = 6,
    /// Nobody answers where the database should be, or the server takes no login
    /// now: trying again later may help.
    Unreachable = 7,
    /// A bug of the runner.
    Internal = 70,
    /// Ctrl-C (SIGINT); the step that was running is rolled back.
    Interrupted = 130,
    /// SIGTERM; the step that was running is rolled back.
    Terminated = 143,
}

impl Exit {
    /// What it means, as the help and the table of docs/exit-codes.md say it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "Done, or there was nothing to do",
            Self::Error => "Something is wrong with the project, the database or the surroundings",
            Self::Usage => "The command line is wrong",
            Self::Pending => "Revisions are not applied (`check`, `current --check-heads`)",
            Self::Drift => "Applied revisions were edited, or are not on disk",
            Self::MigrationFailed => "A migration failed; its step is rolled back",
            Self::Locked => "Another runner held the lock for too long",
            Self::Unreachable => "No server answers, or it takes no login now: try again later",
            Self::Internal => "A bug of runner",
            Self::Interrupted => "Ctrl-C; the step that was running is rolled back",
            Self::Terminated => "SIGTERM; the step that was running is rolled back",
        }
    }

    /// All of them, for the end of the help.
    pub fn help() -> String {
        let line = |exit: &Self| format!("  {:>3}  {}\n", *exit as u8, exit.meaning());
        let lines: String = Self::value_variants().iter().map(line).collect();
        format!("Exit codes:\n{}", lines.trim_end())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_exit_code_and_no_other() {
        let page = include_str!("../../../docs/exit-codes.md");
        let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| code"));
        let cells =
            |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).skip(1).take(2).collect::<Vec<_>>();
        let found: Vec<_> = rows.map(cells).collect();
        let row = |exit: &Exit| vec![(*exit as u8).to_string(), exit.meaning().to_owned()];
        let expected: Vec<_> = Exit::value_variants().iter().map(row).collect();
        assert_eq!(found, expected);
    }
}
