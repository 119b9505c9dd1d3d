//! The only place that prints.
//!
//! Standard output is the answer: plans, lists, JSON. Progress, warnings, errors
//! and hints go to standard error. Everything can be understood without colour.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use super::args::{ColorWhen, Global};
use super::error::CommandError;
use super::exit_code::Exit;
use super::logging::LogFormat;
use super::printable::printable_lines;

/// The version of all JSON that the program prints.
pub const JSON_VERSION: u32 = 1;

/// What the user wants to see, and how.
#[derive(Clone, Debug)]
pub struct Ui {
    json: bool,
    quiet: bool,
    verbose: u8,
    color: ColorChoice,
    log_json: bool,
}

/// Adds the version to an answer, and the time to an event.
#[derive(Serialize)]
struct Versioned<'a, T> {
    version: u32,
    /// RFC 3339, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(flatten)]
    value: &'a T,
}

impl Ui {
    pub fn new(global: &Global) -> Self {
        let color = match global.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::AlwaysAnsi,
            ColorWhen::Never => ColorChoice::Never,
        };
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            color,
            log_json: global.log_format == LogFormat::Json,
        }
    }

    /// For what is told before the options are understood.
    pub fn json_only() -> Self {
        Self { json: true, quiet: false, verbose: 0, color: ColorChoice::Never, log_json: false }
    }

    /// Whether answers are JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether more is wanted, as by Alembic's `--verbose`.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Whether a bar may be drawn.
    pub fn is_interactive(&self) -> bool {
        !self.json && !self.log_json && !self.quiet && std::io::stderr().is_terminal()
    }

    /// Whether a question would be seen and answered by somebody.
    pub fn can_ask(&self) -> bool {
        self.is_interactive() && std::io::stdin().is_terminal()
    }

    /// Whether standard error is for JSON only.
    pub fn logs_json(&self) -> bool {
        self.log_json
    }

    /// Whether colours are not turned off.
    pub fn wants_color(&self) -> bool {
        self.color != ColorChoice::Never
    }

    /// Prints a line of the answer.
    pub fn line(&self, line: impl Display) {
        let mut out = AutoStream::new(std::io::stdout().lock(), self.color);
        end_on_failure(writeln!(out, "{line}"));
    }

    /// Prints an answer of several lines, which ends its last line itself.
    pub fn text(&self, text: &str) {
        let mut out = AutoStream::new(std::io::stdout().lock(), self.color);
        end_on_failure(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }

    /// Prints a script as it is: what looks like the colour of a terminal may be
    /// a part of somebody's text.
    pub fn script(&self, script: &str) {
        if self.json {
            self.answer(&serde_json::json!({ "event": "script", "sql": script }));
            return;
        }
        end_on_failure(std::io::stdout().lock().write_all(script.as_bytes()));
    }

    /// Prints an answer as one line of JSON.
    pub fn answer(&self, value: &impl Serialize) {
        let text = serde_json::to_string(&Versioned { version: JSON_VERSION, time: None, value });
        self.line(text.expect("our own values serialise"));
    }

    /// Prints an event as one line of JSON. Whether anybody still reads must not
    /// end a run in the middle of a step.
    pub fn event(&self, value: &impl Serialize) {
        let mut out = AutoStream::new(std::io::stdout().lock(), self.color);
        let time = Some(format!("{:.3}", jiff::Timestamp::now()));
        let text = serde_json::to_string(&Versioned { version: JSON_VERSION, time, value });
        let _ = writeln!(out, "{}", text.expect("our own values serialise"));
    }

    /// Prints something beside the answer.
    pub fn note(&self, line: impl Display) {
        if self.log_json {
            tracing::info!(target: "runner::cli", "{}", without_colours(&line.to_string()));
        } else if !self.quiet {
            self.err(line);
        }
    }

    /// Prints an error with its causes and hints, and says how the program
    /// ends. What a server or a migration put into it is made harmless.
    pub fn report(&self, error: &CommandError) -> Exit {
        if self.json {
            self.event(&error.to_json());
        }
        if self.log_json {
            return error.log();
        }
        self.err(format_args!("{}: {}", paint("Error", AnsiColor::Red), printable_lines(error.message())));
        for (number, cause) in error.causes().iter().enumerate() {
            if number == 0 {
                self.err("Caused by:");
            }
            let cause = printable_lines(cause).to_string();
            self.err(format_args!("{}: {}", number + 1, cause.replace('\n', "\n   ")));
        }
        for outcome in error.outcome() {
            self.err(printable_lines(outcome));
        }
        for hint in error.hints() {
            self.err(format_args!("{}: {}", paint("Hint", AnsiColor::Cyan), printable_lines(hint)));
        }
        error.exit()
    }

    fn err(&self, line: impl Display) {
        let mut err = AutoStream::new(std::io::stderr().lock(), self.color);
        // There is nobody left to tell if this fails.
        let _ = writeln!(err, "{line}");
    }
}

/// A word in colour; the stream removes it where colour is not wanted.
pub fn paint(word: &str, color: AnsiColor) -> String {
    let style = Style::new().bold().fg_color(Some(color.into()));
    format!("{style}{word}{style:#}")
}

/// A text as it goes into a file, which is no terminal.
pub fn without_colours(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Whoever reads the answer may have read enough: a normal end. Anything else
/// that goes wrong with standard output is an error: half an answer, as half a
/// script, must not look like a whole one.
#[expect(clippy::exit, reason = "nothing is left to be done")]
fn end_on_failure(result: std::io::Result<()>) {
    match result {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = writeln!(std::io::stderr(), "Error: standard output cannot be written: {error}");
            std::process::exit(i32::from(Exit::Error as u8));
        }
    }
}
