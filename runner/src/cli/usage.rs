//! A command line that cannot be understood.

use std::process::ExitCode;

use clap::error::ErrorKind;

use super::error::CommandError;
use super::exit_code::Exit;
use super::ui::{Ui, without_colours};

/// Tells what is wrong, or shows the help that was asked for.
pub fn report(error: clap::Error) -> ExitCode {
    let is_asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !is_asked_for && wants_json() {
        let text = without_colours(&error.render().to_string());
        Ui::json_only().event(&wrong(&text).to_json());
    }
    // There is nobody left to tell if this fails.
    let _ = error.print();
    if is_asked_for { Exit::Done.into() } else { Exit::Usage.into() }
}

/// Whether `--json` is among the words before `--`.
fn wants_json() -> bool {
    std::env::args().skip(1).take_while(|word| word != "--").any(|word| word == "--json")
}

/// clap's text as an error of ours: its first part is the message, tips are hints.
fn wrong(text: &str) -> CommandError {
    let mut parts = text.split("\n\n");
    let message = parts.next().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
    let mut found = CommandError::new(Exit::Usage, message);
    for line in parts.flat_map(str::lines) {
        if let Some(tip) = line.trim().strip_prefix("tip: ") {
            found = found.hint(tip);
        } else if line.starts_with("Usage: ") {
            found = found.cause(line);
        }
    }
    found
}
