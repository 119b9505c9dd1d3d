//! Events as lines, as JSON, or as a bar.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::builder::styling::AnsiColor;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use runner::db::Activity;
use runner::revision::Direction;
use runner::run::{Event, Reporter};

use super::printable::{printable, printable_lines};
use super::render::{count, duration};
use super::ui::{Ui, paint};

/// How often progress is told where no bar can be drawn.
const BETWEEN_LINES: Duration = Duration::from_secs(5);
/// The shortest time from which a rate is reckoned.
const SHORTEST: Duration = Duration::from_millis(200);

/// Shows the events of a run.
pub fn reporter(ui: &Ui) -> Reporter {
    if ui.json() {
        let ui = ui.clone();
        return Arc::new(move |event| ui.event(&event));
    }
    if ui.logs_json() {
        // The library has them in its log.
        return Arc::new(|_event| {});
    }
    let progress = Mutex::new(Progress { ui: ui.clone(), work: None });
    Arc::new(move |event| {
        if let Ok(mut progress) = progress.lock() {
            progress.show(event);
        }
    })
}

struct Progress {
    ui: Ui,
    work: Option<Work>,
}

/// What a migration is at.
struct Work {
    what: Option<String>,
    /// How far it was when it was first heard of, and when that was.
    first: u64,
    began: Instant,
    last_line: Option<Instant>,
    /// None where no bar can be drawn.
    bar: Option<ProgressBar>,
}

impl Progress {
    fn show(&mut self, event: Event) {
        if let Event::Progress { revision, what, done, total, estimated } = event {
            self.progress(revision.as_str(), what, &Far { done, total, estimated });
            return;
        }
        let line = line(&event, &self.ui);
        if matches!(event, Event::StepFinished { .. } | Event::StepFailed { .. } | Event::StepRetried { .. })
            && let Some(bar) = self.work.take().and_then(|work| work.bar)
        {
            bar.finish_and_clear();
        }
        let Some(line) = line else {
            return;
        };
        match self.work.as_ref().and_then(|work| work.bar.as_ref()) {
            Some(bar) => bar.suspend(|| self.ui.note(line)),
            None => self.ui.note(line),
        }
    }

    fn progress(&mut self, revision: &str, what: Option<String>, far: &Far) {
        let now = Instant::now();
        if self.work.as_ref().is_none_or(|work| work.what != what) {
            let bar = self.work.take().and_then(|work| work.bar);
            let bar = bar.or_else(|| self.ui.is_interactive().then(|| bar_of(revision)));
            self.work = Some(Work { what, first: far.done, began: now, last_line: None, bar });
        }
        let Some(work) = &mut self.work else { return };
        let text = work.text(far, now);
        if let Some(bar) = &work.bar {
            draw(bar, far, text);
        } else if work.last_line.is_none_or(|last| now.duration_since(last) >= BETWEEN_LINES) {
            work.last_line = Some(now);
            self.ui.note(format_args!("  working  {revision}: {text}"));
        }
    }
}

/// How far a migration is.
struct Far {
    done: u64,
    total: Option<u64>,
    estimated: bool,
}

impl Work {
    /// The work, the rate, and the time that is left: `reading 2,000 of about
    /// 9,000 rows, 700 rows/s, 10 s left`.
    fn text(&self, far: &Far, now: Instant) -> String {
        let elapsed = now.duration_since(self.began);
        let what = self.what.as_deref().map(|what| format!("{} ", printable(what))).unwrap_or_default();
        if self.what.is_some() && far.done == 0 && far.total.is_none() {
            return format!("{what}({})", seconds(elapsed));
        }
        let unit = if self.what.is_some() { " rows" } else { "" };
        let about = if far.estimated { "about " } else { "" };
        let total = far.total.map(|total| format!(" of {about}{}", HumanCount(total))).unwrap_or_default();
        let rate = rate(far.done.saturating_sub(self.first), elapsed);
        let speed = rate.map(|rate| format!(", {}{unit}/s", HumanCount(rate as u64))).unwrap_or_default();
        let left = rate.and_then(|rate| time_left(far, rate));
        let left = left.map(|left| format!(", {} left", seconds(left))).unwrap_or_default();
        format!("{what}{}{total}{unit}{speed}{left}", HumanCount(far.done))
    }
}

/// Work a second, once there is something to divide.
fn rate(done: u64, elapsed: Duration) -> Option<f64> {
    let rate = done as f64 / elapsed.as_secs_f64();
    (elapsed >= SHORTEST && rate >= 1.0).then_some(rate)
}

fn time_left(far: &Far, rate: f64) -> Option<Duration> {
    let left = far.total?.checked_sub(far.done).filter(|left| *left > 0)?;
    Duration::try_from_secs_f64(left as f64 / rate).ok()
}

/// A time without what is smaller than a second.
fn seconds(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn bar_of(revision: &str) -> ProgressBar {
    let bar = ProgressBar::no_length().with_prefix(revision.to_owned());
    // The time goes on where the work does not tell how far it is.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn draw(bar: &ProgressBar, far: &Far, text: String) {
    const WITH_TOTAL: &str = "  working  {prefix} {wide_bar} {msg}";
    const WITHOUT: &str = "  working  {prefix} {spinner} {msg}";
    let template = if far.total.is_some() { WITH_TOTAL } else { WITHOUT };
    bar.set_style(ProgressStyle::with_template(template).expect("the templates are constants"));
    match far.total {
        Some(total) => bar.set_length(total),
        None => bar.unset_length(),
    }
    bar.set_message(text);
    bar.set_position(far.done);
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
        Event::WaitingForServer { reason, .. } => format!("Waiting: {}.", printable(reason)),
        Event::WaitingForLock { holder, left_ms, .. } => {
            let holder = holder.as_ref().map_or_else(|| "it has just gone".into(), Activity::since);
            let left = seconds(Duration::from_millis(*left_ms).max(Duration::from_secs(1)));
            format!("Waiting for another runner, for at most {left}: {}.", printable(&holder))
        }
        Event::ChangedMeanwhile { applied, reverted } => {
            let done = [(applied, "applied"), (reverted, "taken back")]
                .into_iter()
                .filter(|(revisions, _)| !revisions.is_empty())
                .map(|(revisions, done)| format!("{done} {}", count(revisions.len(), "revision")));
            format!("Another runner has {} meanwhile.", done.collect::<Vec<_>>().join(", and "))
        }
        Event::Blocked { revision, by } => {
            let by = by.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            format!("  waiting  {revision}: blocked by {}", printable(&by))
        }
        Event::BackupStarted { file } => format!("Backing up to {}", file.display()),
        Event::BackupFinished { bytes, duration_ms, .. } => {
            format!("Backed up: {} bytes in {}.", HumanCount(*bytes), duration(*duration_ms))
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
        Event::StepRetried { revision, attempt, attempts, reason, sqlstate, pause_ms, .. } => {
            format!(
                "  retrying {revision}: {} ({sqlstate}); attempt {attempt} of {attempts} in {}",
                printable_lines(reason),
                duration(*pause_ms)
            )
        }
        Event::StepResumed { revision, done, total, .. } => {
            format!("  resuming {revision}: {done} of {total} statements are done")
        }
        Event::StatementFinished { revision, number, total, duration_ms, .. } => {
            format!("  done     {revision}: statement {number} of {total} ({})", duration(*duration_ms))
        }
        Event::StepFinished {
            revision,
            direction,
            message,
            duration_ms,
            statements,
            rows,
            committed,
            ..
        } => {
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// A terminal of 100 columns that keeps what is drawn.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn push(&self, text: &str) -> io::Result<()> {
            self.0.lock().expect("no panic").push_str(text);
            Ok(())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, line: &str) -> io::Result<()> {
            self.push(line)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.push(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().expect("no panic").clear();
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is said `elapsed` after 1,000 were done.
    fn told(what: Option<&str>, far: &Far, elapsed: Duration) -> String {
        let began = Instant::now();
        let what = what.map(str::to_owned);
        let work = Work { what, first: 1_000, began, last_line: None, bar: None };
        work.text(far, began + elapsed)
    }

    fn far(done: u64, total: Option<u64>, estimated: bool) -> Far {
        Far { done, total, estimated }
    }

    #[test]
    fn rows_have_a_rate_and_a_time_left() {
        let reading = Some("reading");
        let ten = Duration::from_secs(10);
        assert_eq!(
            told(reading, &far(2_001_000, Some(5_001_000), true), ten),
            "reading 2,001,000 of about 5,001,000 rows, 200,000 rows/s, 15 s left"
        );
        assert_eq!(
            told(reading, &far(2_001_000, Some(9_001_000), false), ten),
            "reading 2,001,000 of 9,001,000 rows, 200,000 rows/s, 35 s left"
        );
        assert_eq!(
            told(Some("writing public.users"), &far(11_000, None, false), ten),
            "writing public.users 11,000 rows, 1,000 rows/s"
        );
        assert_eq!(
            told(reading, &far(3_000, Some(3_000), false), ten),
            "reading 3,000 of 3,000 rows, 200 rows/s"
        );
        assert_eq!(told(reading, &far(1_000, None, false), Duration::ZERO), "reading 1,000 rows");
    }

    #[test]
    fn what_does_not_count_has_its_time() {
        let applying = "applying 1,000,000 rows to public.users";
        let text = told(Some(applying), &far(0, None, false), Duration::from_secs(75));
        assert_eq!(text, "applying 1,000,000 rows to public.users (1 min 15 s)");
    }

    #[test]
    fn a_migration_counts_in_its_own_unit() {
        assert_eq!(told(None, &far(1_000, Some(2_000), false), Duration::ZERO), "1,000 of 2,000");
        assert_eq!(
            told(None, &far(1_500, Some(2_000), false), Duration::from_secs(5)),
            "1,500 of 2,000, 100/s, 5 s left"
        );
    }

    #[test]
    fn a_table_s_name_cannot_draw_on_the_terminal() {
        let text = told(Some("writing \u{1b}[2Jx"), &far(2, None, false), Duration::ZERO);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_bar_shows_how_much_is_done_and_the_text() {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let bar = ProgressBar::with_draw_target(None, target).with_prefix("a1b2");
        let half = far(500, Some(1_000), false);
        draw(&bar, &half, told(Some("reading"), &half, Duration::ZERO));
        bar.force_draw();
        let drawn = screen.0.lock().expect("no panic").clone();
        assert!(drawn.starts_with("  working  a1b2 █"), "{drawn}");
        assert!(drawn.trim_end().ends_with("reading 500 of 1,000 rows"), "{drawn}");
        let (full, empty) = (drawn.matches('█').count(), drawn.matches('░').count());
        assert!(full.abs_diff(empty) <= 1 && full > 20, "{full} {empty} {drawn}");
    }
}
