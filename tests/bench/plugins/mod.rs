//! The plugins of the catalogue over many rows, each against the SQL or the native
//! Rust that does the same; adding a plugin that is in the store; and a plan over
//! many revisions that few plugins run.

mod add;
mod catalogue;
mod native;
pub mod plan;
mod run;
mod same;

use std::time::Duration;

use super::{data, measure, support};
use catalogue::{SUBJECTS, Subject};
pub use data::Options;
use data::table::Cluster;

/// A way of a plugin, measured.
pub struct Figure {
    what: String,
    ours: Duration,
    other: Duration,
    /// The median of the rounds' ratios.
    ratio: f64,
    limit: f64,
}

/// Measures all that was chosen, and prints a line for each.
pub fn run(options: &Options) {
    println!("{:<66} {:>10} {:>10}  ratio", format!("{} rows", options.rows), "plugin", "other");
    figures(options, print);
    if options.chooses("add") {
        add::run();
    }
    if options.chooses("plan") {
        plan::run();
    }
}

/// Measures the plugins, and returns how many figures there are.
pub fn figures(options: &Options, tell: impl Fn(&Figure)) -> usize {
    let cluster = Cluster::start();
    let chosen = SUBJECTS.iter().filter(|subject| options.chooses(subject.name));
    let measured = chosen.flat_map(|subject| measured(&cluster, subject, options));
    measured.inspect(|figure| tell(figure)).count()
}

/// A plugin's two ways; one of a plugin that cannot be taken back.
fn measured(cluster: &Cluster, subject: &Subject, options: &Options) -> Vec<Figure> {
    let template = cluster.template(&subject.name.replace('-', "_"), subject.before, options.rows);
    let component = support::plugin(subject.name);
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        let times = run::round(&template, subject, &component, round);
        eprintln!("round {round} of {}: {}: {}", options.rounds, subject.name, times.shown());
        ups.push(times.up);
        downs.extend(times.down);
    }
    let up = figure(subject.name, "upgrade", subject.up.name(), subject.limits.0, &ups);
    let down = subject
        .down
        .as_ref()
        .map(|reference| figure(subject.name, "downgrade", reference.name(), subject.limits.1, &downs));
    std::iter::once(up).chain(down).collect()
}

fn figure(name: &str, way: &str, other: &str, limit: f64, times: &[(Duration, Duration)]) -> Figure {
    let mut ratios: Vec<f64> =
        times.iter().map(|(ours, other)| ours.as_secs_f64() / other.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    Figure {
        what: format!("{name}, {way} / {other}"),
        ours: measure::median(times.iter().map(|(ours, _)| *ours).collect()),
        other: measure::median(times.iter().map(|(_, other)| *other).collect()),
        ratio: ratios[ratios.len() / 2],
        limit,
    }
}

fn print(figure: &Figure) {
    let Figure { what, ours, other, ratio, limit } = figure;
    let verdict = if ratio <= limit { "ok" } else { "OVER" };
    println!(
        "{what:<66} {:>10} {:>10}  {ratio:>5.2} (at most {limit}) {verdict}",
        measure::shown(*ours),
        measure::shown(*other)
    );
}
