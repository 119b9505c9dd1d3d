//! A million rows changed by code: by a guest, in the ways that the interface
//! offers, and by its peers. One run, ratios, and a table to paste.

mod contender;
mod guest;
mod native;
mod options;
mod python;
mod report;
#[path = "../../guests/change/src/split.rs"]
mod split;
pub mod table;

use std::time::Duration;

use super::{measure, support};
use contender::{Contender, Times};
use guest::Peak;
pub use options::Options;
use table::{Cluster, Template};

/// Rows a batch, to see that the default is the right one.
const BATCHES: [u32; 4] = [100, 1_000, guest::BATCH_ROWS, 10_000];

/// How many times as many rows the second measurement of memory has.
const MANY: u64 = 10;

/// Everything that was measured.
struct Figures {
    times: Times,
    /// Empty where only some were asked for, and so is `peaks`.
    batches: Vec<(u32, Duration)>,
    peaks: Vec<Peak>,
}

/// Measures all, and returns the table as Markdown.
pub fn run(options: &Options) -> String {
    let cluster = Cluster::start();
    let python = support::alembic_is_there();
    if let Err(reason) = &python {
        eprintln!("Alembic is left out: {reason}");
    }
    let users = cluster.users(options.rows);
    let times = contend(&users, options, python.is_ok());
    let (mut batches, mut peaks) = (Vec::new(), Vec::new());
    if options.only.is_none() {
        batches = time_batches(&users, options.rounds);
        peaks.extend([options.rows, options.rows * MANY].map(|rows| peak(&cluster, rows)));
    }
    let figures = Figures { times, batches, peaks };
    report::markdown(options, &cluster, python.is_ok(), &figures)
}

fn contend(users: &Template<'_>, options: &Options, has_python: bool) -> Times {
    let is_chosen = |contender: &Contender| {
        let is_python = matches!(contender, Contender::Alembic(_));
        *contender == Contender::Update || (options.chooses(contender.name()) && (has_python || !is_python))
    };
    // Once is enough for what takes longer than all the others together.
    let is_slow = |contender: &Contender| *contender == Contender::Alembic(python::Way::Loop);
    let (slow, fast): (Vec<_>, Vec<_>) = Contender::ALL.into_iter().filter(is_chosen).partition(is_slow);
    let mut times = Times::default();
    times.measure(users, &fast, options.rounds);
    times.measure(users, &slow, 1);
    times
}

/// The change in place with batches of several sizes, in turns.
fn time_batches(users: &Template<'_>, rounds: usize) -> Vec<(u32, Duration)> {
    let mut times: Vec<(u32, Vec<Duration>)> = BATCHES.iter().map(|rows| (*rows, Vec::new())).collect();
    for _ in 0..rounds {
        for (rows, times) in &mut times {
            times.push(guest::upgrade(&users.copy(), guest::Way::Typed, *rows));
        }
    }
    times.into_iter().map(|(rows, times)| (rows, measure::median(times))).collect()
}

fn peak(cluster: &Cluster, rows: u64) -> Peak {
    guest::peak(&cluster.readings(rows).copy(), rows)
}
