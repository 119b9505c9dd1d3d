//! Who makes the change, and how long each takes, in turns.

use std::time::Duration;

use super::measure::{median, shown, time};
use super::table::{Copy, Template};
use super::{guest, native, python};

/// The yardstick.
const UPDATE: &str = "
    UPDATE public.users
    SET first_name = split_part(full_name, ' ', 1),
        last_name = CASE WHEN strpos(full_name, ' ') > 0
            THEN substr(full_name, strpos(full_name, ' ') + 1) END,
        email = lower(email)";

/// A way to make the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// One UPDATE, all of it in the server.
    Update,
    Guest(guest::Way),
    Native,
    Alembic(python::Way),
}

impl Contender {
    /// All, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::Update,
        Self::Guest(guest::Way::Typed),
        Self::Guest(guest::Way::Tuples),
        Self::Guest(guest::Way::Rewrite),
        Self::Native,
        Self::Alembic(python::Way::Copy),
        Self::Alembic(python::Way::Executemany),
        Self::Alembic(python::Way::Loop),
    ];

    /// Its row in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Update => "one SQL `UPDATE`",
            Self::Guest(guest::Way::Typed) => "guest, in place, typed rows",
            Self::Guest(guest::Way::Tuples) => "guest, in place, binary tuples",
            Self::Guest(guest::Way::Rewrite) => "guest, rewrite",
            Self::Guest(guest::Way::Readings) => "guest, narrow rows",
            Self::Native => "native Rust, the plan of in place",
            Self::Alembic(python::Way::Loop) => "Alembic, an `UPDATE` for each row",
            Self::Alembic(python::Way::Executemany) => "Alembic, `executemany`",
            Self::Alembic(python::Way::Copy) => "Alembic, psycopg `COPY` by hand",
        }
    }

    fn run(self, copy: &Copy<'_>) -> Duration {
        match self {
            Self::Update => time(|| copy.execute(UPDATE)),
            Self::Guest(way) => guest::upgrade(copy, way, guest::BATCH_ROWS),
            Self::Native => time(|| {
                native::change(&copy.url, guest::BATCH_ROWS);
            }),
            Self::Alembic(way) => python::upgrade(copy, way),
        }
    }
}

/// The times of all, round by round.
#[derive(Default)]
pub struct Times {
    of: Vec<(Contender, Vec<Duration>)>,
    /// What the table says after the change, as the first has left it.
    fingerprint: Option<String>,
}

impl Times {
    /// Runs some in turns, each on a fresh copy, and compares what they leave.
    ///
    /// # Panics
    ///
    /// Fails where one leaves another table than the first.
    pub fn measure(&mut self, template: &Template<'_>, contenders: &[Contender], rounds: usize) {
        let mut all: Vec<_> = contenders.iter().map(|contender| (*contender, Vec::new())).collect();
        for round in 0..rounds {
            for (contender, times) in &mut all {
                let copy = template.copy();
                let took = contender.run(&copy);
                eprintln!("round {} of {rounds}: {}: {}", round + 1, contender.name(), shown(took));
                times.push(took);
                if round == 0 {
                    let found = copy.fingerprint();
                    let expected = self.fingerprint.get_or_insert_with(|| found.clone());
                    assert_eq!(found, *expected, "{}: another table than the others", contender.name());
                }
            }
        }
        self.of.extend(all);
    }

    /// Who was measured, with the median.
    pub fn medians(&self) -> impl Iterator<Item = (Contender, Duration)> {
        self.of.iter().map(|(contender, times)| (*contender, median(times.clone())))
    }

    /// How many times as long one takes as another: the median over the rounds,
    /// since what else a machine does comes and goes from round to round. None
    /// where one of them was left out.
    pub fn ratio(&self, one: Contender, other: Contender) -> Option<f64> {
        let of = |wanted| self.of.iter().find(|(contender, _)| *contender == wanted).map(|(_, times)| times);
        let (one, other) = (of(one)?, of(other)?);
        if one.len() != other.len() {
            return Some(median(one.clone()).as_secs_f64() / median(other.clone()).as_secs_f64());
        }
        let mut ratios: Vec<f64> =
            one.iter().zip(other).map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        Some(ratios[ratios.len() / 2])
    }
}
