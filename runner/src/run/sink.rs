//! From what a migration reports to events.

use crate::host::{LogLevel, Progress, Sink};
use crate::revision::{Redactor, RevisionId};

use super::{Event, Reporter};

/// Passes on what a migration reports, with the revision's name.
pub(super) struct StepSink {
    pub(super) revision: RevisionId,
    pub(super) reporter: Reporter,
    pub(super) redactor: Redactor,
}

impl Sink for StepSink {
    fn log(&self, level: LogLevel, message: &str) {
        let level = match level {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        let message = self.redactor.hide(message).into_owned();
        (self.reporter)(Event::Log { revision: self.revision.clone(), level, message });
    }

    fn progress(&self, progress: Progress<'_>) {
        let Progress { what, done, total, estimated } = progress;
        let what = what.map(str::to_owned);
        (self.reporter)(Event::Progress { revision: self.revision.clone(), what, done, total, estimated });
    }

    fn warning(&self, message: &str) {
        let message = self.redactor.hide(message).into_owned();
        (self.reporter)(Event::Warning { revision: self.revision.clone(), message });
    }
}
