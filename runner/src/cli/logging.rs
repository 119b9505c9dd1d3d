//! The library's log: whereto, how much of it, and in which form.

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

#[cfg(feature = "otlp")]
use super::telemetry::Telemetry;
use super::ui::Ui;

/// The variable that chooses what is logged more finely than `--verbose` does.
const FILTER: &str = "RUNNER_LOG";

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people, beside the progress.
    Text,
    /// One JSON object a line on standard error, and nothing else there.
    Json,
}

/// The log of this program, until it ends.
pub struct Logging {
    #[cfg(feature = "otlp")]
    telemetry: Option<Telemetry>,
}

impl Logging {
    /// Sends the library's log to standard error and, where it is wanted, its spans
    /// to a collector.
    pub fn start(ui: &Ui, quiet: bool, verbose: u8) -> Self {
        let (filter, wrong) = filter(ui.logs_json(), quiet, verbose);
        let color =
            matches!(AutoStream::choice(&std::io::stderr()), ColorChoice::Always | ColorChoice::AlwaysAnsi);
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = match ui.logs_json() {
            // Times are RFC 3339, in UTC.
            true => lines.json().boxed(),
            false => lines.with_ansi(color && ui.wants_color()).without_time().boxed(),
        };
        let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
        let logging = Self::finish(registry);
        if let Some(error) = wrong {
            tracing::warn!(target: "runner::cli", "{FILTER} cannot be understood and is left out: {error}");
        }
        logging
    }

    #[cfg(feature = "otlp")]
    fn finish<S>(registry: S) -> Self
    where
        S: tracing::Subscriber
            + for<'span> tracing_subscriber::registry::LookupSpan<'span>
            + Send
            + Sync
            + 'static,
    {
        let (telemetry, wrong) = match Telemetry::of_environment() {
            Ok(telemetry) => (telemetry, None),
            Err(error) => (None, Some(error)),
        };
        let spans = EnvFilter::new("runner=info");
        registry.with(telemetry.as_ref().map(|telemetry| telemetry.layer().with_filter(spans))).init();
        if let Some(error) = wrong {
            tracing::warn!(target: "runner::telemetry", "no traces are sent: {error}");
        }
        Self { telemetry }
    }

    #[cfg(not(feature = "otlp"))]
    fn finish<S>(registry: S) -> Self
    where
        S: tracing::Subscriber
            + for<'span> tracing_subscriber::registry::LookupSpan<'span>
            + Send
            + Sync
            + 'static,
    {
        registry.init();
        if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
            tracing::info!(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, and this build has no OTLP (the feature `otlp`)"
            );
        }
        Self {}
    }

    /// Runs the command inside of the span of the whole program.
    #[cfg(feature = "otlp")]
    pub fn within<T>(&self, command: &str, work: impl FnOnce() -> T, code: impl FnOnce(&T) -> u8) -> T {
        if self.telemetry.is_none() {
            return work();
        }
        let span = Telemetry::root(command);
        let result = span.in_scope(work);
        span.record("exit_code", code(&result));
        result
    }

    /// Runs the command.
    #[cfg(not(feature = "otlp"))]
    pub fn within<T>(&self, _command: &str, work: impl FnOnce() -> T, _code: impl FnOnce(&T) -> u8) -> T {
        work()
    }

    /// Sends what was not sent yet.
    pub fn end(self) {
        #[cfg(feature = "otlp")]
        if let Some(telemetry) = self.telemetry {
            telemetry.flush();
        }
    }
}

/// What is logged, and what is wrong with the variable that says so.
fn filter(json: bool, quiet: bool, verbose: u8) -> (EnvFilter, Option<String>) {
    let level = match (quiet, verbose, json) {
        (true, ..) => "error",
        (false, 0 | 1, true) => "warn,runner=info",
        (false, _, true) => "warn,runner=debug",
        (false, 0, false) => "warn,runner::event=off",
        // The events are told by the progress.
        (false, 1, false) => "runner=info,runner::event=off",
        (false, _, false) => "runner=debug,runner::event=off",
    };
    match std::env::var(FILTER) {
        Ok(text) if !text.is_empty() => match EnvFilter::try_new(&text) {
            Ok(filter) => (filter, None),
            Err(error) => (EnvFilter::new(level), Some(error.to_string())),
        },
        _ => (EnvFilter::new(level), None),
    }
}
