//! Events as lines, as JSON, or as a bar.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::builder::styling::AnsiColor;
use indicatif::{ProgressBar, ProgressStyle};
use runner::revision::Direction;
use runner::run::{Event, Reporter};

use super::printable::{printable, printable_lines};
use super::render::{count, duration};
use super::ui::{Ui, paint};

/// How often progress is told where no bar can be drawn.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Shows the events of a run.
pub fn reporter(ui: &Ui) -> Reporter {
    if ui.json() {
        let ui = ui.clone();
        return Arc::new(move |event| ui.event(&event));
    }
    let progress = Mutex::new(Progress { ui: ui.clone(), bar: None, last_line: None });
    Arc::new(move |event| {
        if let Ok(mut progress) = progress.lock() {
            progress.show(event);
        }
    })
}

struct Progress {
    ui: Ui,
    bar: Option<ProgressBar>,
    last_line: Option<Instant>,
}

impl Progress {
    fn show(&mut self, event: Event) {
        if let Event::Progress { revision, done, total, .. } = event {
            self.progress(revision.as_str(), done, total);
            return;
        }
        let line = line(&event, &self.ui);
        if matches!(event, Event::StepFinished { .. } | Event::StepFailed { .. } | Event::StepRetried { .. })
            && let Some(bar) = self.bar.take()
        {
            bar.finish_and_clear();
        }
        let Some(line) = line else {
            return;
        };
        match &self.bar {
            Some(bar) => bar.suspend(|| self.ui.note(line)),
            None => self.ui.note(line),
        }
    }

    fn progress(&mut self, revision: &str, done: u64, total: Option<u64>) {
        if self.ui.is_interactive() {
            let bar = self.bar.get_or_insert_with(|| bar(revision));
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(done);
        } else if self.last_line.is_none_or(|last| last.elapsed() >= BETWEEN_LINES) {
            self.last_line = Some(Instant::now());
            let total = total.map(|total| format!(" of {total}")).unwrap_or_default();
            self.ui.note(format_args!("  working  {revision}: {done}{total}"));
        }
    }
}

fn bar(revision: &str) -> ProgressBar {
    const TEMPLATE: &str = "  working  {prefix} {wide_bar} {pos}/{len} {per_sec} {eta}";
    let style = ProgressStyle::with_template(TEMPLATE).expect("the template is a constant");
    ProgressBar::new(0).with_style(style).with_prefix(revision.to_owned())
}

fn line(event: &Event, ui: &Ui) -> Option<String> {
    Some(match event {
        Event::Planned { steps: 0, .. } | Event::Progress { .. } | Event::StepFailed { .. } => return None,
        Event::Planned { direction, steps } => {
            format!("{} to {direction}.", count(*steps, "revision"))
        }
        Event::Isolation { isolation, login: Some(login), role: Some(role) } => format!(
            "Isolation: {}; migrations run as {} with the rights of {}.",
            isolation.as_str(),
            printable(login),
            printable(role),
        ),
        Event::Isolation { isolation, .. } => {
            format!("Isolation: {}; migrations run in the runner's own session.", isolation.as_str())
        }
        Event::WaitingForLock { holder } => {
            let holder = holder.as_deref().unwrap_or("another session");
            format!("Waiting for another runner: {}.", printable(holder))
        }
        Event::Building { revisions } => format!("Building {}.", count(revisions.len(), "component")),
        Event::StepStarted { revision, direction, message, number, total } => {
            if !ui.is_verbose() {
                return None;
            }
            format!("  {direction} {number} of {total}: {revision} {}", printable(message))
        }
        Event::Warning { revision, message } => {
            format!("  {} {revision}: {}", paint("warning", AnsiColor::Yellow), printable_lines(message))
        }
        Event::Log { revision, level, message } => return log_line(revision.as_str(), level, message, ui),
        Event::StepRetried { revision, attempt, reason, pause_ms } => {
            format!(
                "  retrying {revision}: {}; attempt {attempt} in {}",
                printable_lines(reason),
                duration(*pause_ms)
            )
        }
        Event::StepFinished { revision, direction, message, duration_ms, statements, rows, committed } => {
            let word = match direction {
                _ if !committed => "ran     ".to_owned(),
                Direction::Upgrade => paint("applied ", AnsiColor::Green),
                Direction::Downgrade => paint("reverted", AnsiColor::Green),
            };
            let work = format!("{}, {}", count(*statements, "statement"), count(*rows, "row"));
            format!("  {word} {revision} {} ({}, {work})", printable(message), duration(*duration_ms))
        }
    })
}

fn log_line(revision: &str, level: &str, message: &str, ui: &Ui) -> Option<String> {
    let wanted = match level {
        "trace" | "debug" => ui.is_verbose(),
        _ => true,
    };
    let level = match level {
        "warn" => paint("warning", AnsiColor::Yellow),
        "error" => paint("error", AnsiColor::Red),
        other => other.to_owned(),
    };
    // Guest-controlled: it must not be able to draw on the terminal.
    let message = printable_lines(message).to_string();
    wanted.then(|| format!("  {level}     {revision}: {}", message.replace('\n', "\n           ")))
}
