//! What was measured, as Markdown.

use std::fmt::Write as _;

use super::contender::Contender::{self, Alembic, Guest, Native, Update};
use super::guest::Way::{Rewrite, Tuples, Typed};
use super::measure::shown;
use super::python::Way::{Copy, Executemany, Loop};
use super::table::{Cluster, SETTINGS};
use super::{Figures, Options, python};

/// The most memory that a run may need, in KiB.
const MOST_KIB: f64 = 64.0 * 1024.0;

/// A ratio, and what is promised of it.
struct Promise {
    one: Contender,
    other: Contender,
    says: &'static str,
    limit: Limit,
}

/// A bound of a ratio.
#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing is promised: it is there to be known.
    Told,
}

impl Limit {
    fn verdict(self, found: f64) -> String {
        let (holds, words, bound) = match self {
            Self::AtMost(bound) => (found <= bound, "at most", bound),
            Self::AtLeast(bound) => (found >= bound, "at least", bound),
            Self::Told => return "|".to_owned(),
        };
        format!("{words} {bound} | {}", if holds { "yes" } else { "**no**" })
    }
}

const PROMISES: [Promise; 8] = [
    promise(Guest(Typed), Native, "guest / native Rust", Limit::AtMost(1.05)),
    promise(Guest(Typed), Update, "in place, typed rows / SQL `UPDATE`", Limit::AtMost(1.5)),
    promise(Guest(Tuples), Update, "in place, binary tuples / SQL `UPDATE`", Limit::AtMost(1.5)),
    promise(Guest(Rewrite), Update, "rewrite / SQL `UPDATE`", Limit::AtMost(0.6)),
    promise(Guest(Typed), Guest(Tuples), "typed rows / binary tuples", Limit::Told),
    promise(Alembic(Copy), Guest(Typed), "Alembic with `COPY` by hand / in place", Limit::AtLeast(1.2)),
    promise(Alembic(Executemany), Guest(Typed), "Alembic with `executemany` / in place", Limit::AtLeast(3.0)),
    promise(Alembic(Loop), Guest(Typed), "Alembic row by row / in place", Limit::AtLeast(15.0)),
];

const fn promise(one: Contender, other: Contender, says: &'static str, limit: Limit) -> Promise {
    Promise { one, other, says, limit }
}

/// The tables, and what they were measured on.
pub fn markdown(options: &Options, cluster: &Cluster, has_python: bool, figures: &Figures) -> String {
    let mut text = format!(
        "`{}`: medians of {}, {} rows with a primary key and two indexes.\n\n",
        options.command(),
        rounds(options.rounds),
        grouped(options.rows),
    );
    times(&mut text, figures);
    ratios(&mut text, figures);
    batches(&mut text, figures);
    let _ = writeln!(text, "{}", surroundings(cluster, has_python));
    text
}

fn times(text: &mut String, figures: &Figures) {
    *text += "| who makes the change | time | of the `UPDATE` |\n|---|---:|---:|\n";
    for (contender, median) in figures.times.medians() {
        let ratio = figures.times.ratio(contender, Update).expect("the yardstick was measured");
        let _ = writeln!(text, "| {} | {} | {ratio:.2} |", contender.name(), shown(median));
    }
}

fn ratios(text: &mut String, figures: &Figures) {
    *text += "\n| ratio | found | promised | kept |\n|---|---:|---:|---|\n";
    for Promise { one, other, says, limit } in &PROMISES {
        let _ = match figures.times.ratio(*one, *other) {
            Some(found) => writeln!(text, "| {says} | {found:.2} | {} |", limit.verdict(found)),
            None => writeln!(text, "| {says} | left out | | |"),
        };
    }
    let [few, many] = figures.peaks[..] else { return };
    let most = many.kib as f64;
    for (says, found, limit) in [
        ("memory, of 64 MiB", most / MOST_KIB, Limit::AtMost(1.0)),
        ("memory, of that for a tenth of the rows", most / few.kib as f64, Limit::AtMost(1.1)),
    ] {
        let _ = writeln!(text, "| {says} | {found:.2} | {} |", limit.verdict(found));
    }
}

fn batches(text: &mut String, figures: &Figures) {
    if figures.batches.is_empty() {
        return text.push('\n');
    }
    *text += "\n| rows a batch | in place |\n|---:|---:|\n";
    for (rows, median) in &figures.batches {
        let _ = writeln!(text, "| {} | {} |", grouped((*rows).into()), shown(*median));
    }
    *text += "\n| narrow rows | the runner's peak memory | time |\n|---:|---:|---:|\n";
    for peak in &figures.peaks {
        let (rows, mib) = (grouped(peak.rows), peak.kib as f64 / 1024.0);
        let _ = writeln!(text, "| {rows} | {mib:.1} MiB | {} |", shown(peak.took));
    }
    *text += "\n";
}

fn surroundings(cluster: &Cluster, has_python: bool) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let python = match has_python {
        true => python::versions(),
        false => "Alembic was left out, since it could not be installed".to_owned(),
    };
    format!(
        "PostgreSQL {} ({}) on the same machine, {cores} cores; runner {}, tokio-postgres {}; {python}.",
        cluster.ask("SHOW server_version"),
        SETTINGS.join(", "),
        env!("CARGO_PKG_VERSION"),
        tokio_postgres_version(),
    )
}

/// From the lock file: a crate does not tell its version.
fn tokio_postgres_version() -> &'static str {
    let lock = include_str!("../../../Cargo.lock");
    let mut rest = lock.lines().skip_while(|line| *line != "name = \"tokio-postgres\"").skip(1);
    let version = rest.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.unwrap_or("of an unknown version")
}

fn rounds(rounds: usize) -> String {
    match rounds {
        1 => "one round".to_owned(),
        more => format!("{more} rounds"),
    }
}

/// A number with commas, as in 1,000,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
