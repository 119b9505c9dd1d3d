//! What a user is told where a bundle cannot be used, or a backup not be made.

use runner::run::BackupError;
use runner::source::{BundleError, BundleFault};

/// What to do about a bundle.
pub fn bundle_hint(error: &BundleError) -> Option<&'static str> {
    Some(match &error.fault {
        BundleFault::Folders { .. } => {
            "A bundle has one set of migrations: make one with `runner -n NAME bundle`."
        }
        BundleFault::Kind { .. } | BundleFault::LayoutVersion(_) | BundleFault::Settings { .. } => {
            "Use a runner that is as new as the one that made it, or make it anew with `runner bundle`."
        }
        BundleFault::NotAnArchive | BundleFault::NotABundle(_) => "Make one with `runner bundle`.",
        BundleFault::Unreadable(_)
        | BundleFault::Unwritable(_)
        | BundleFault::Name(_)
        | BundleFault::NotBuilt(_) => {
            return None;
        }
        _ => {
            "Nothing was done with it. Copy it again from where it was made, or make it anew with `runner bundle`."
        }
    })
}

/// What to do about a backup that was not made.
pub fn backup_hint(error: &BackupError) -> &'static str {
    match error {
        BackupError::Embedded(_) => "Pass `--no-backup`.",
        BackupError::NoProgram(_) => {
            "pg_dump is in the package that Debian calls postgresql-client. `--no-backup` goes without a backup."
        }
        BackupError::TooLong { .. } => {
            "Raise `backup.timeout` in runner.toml; `0s` turns it off. `--no-backup` goes without a backup."
        }
        BackupError::Interrupted(_) => "Run the command again.",
        _ => "Put right what is named above. `--no-backup` goes without a backup.",
    }
}
