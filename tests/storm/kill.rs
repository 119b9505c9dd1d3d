//! `kill -9` at any moment of a run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::boundaries::Boundaries;
use super::chance::{Chance, SEED, seed};
use super::history;
use super::runner::Runner;
use crate::support::{Database, Project};

/// The variable with the number of kills; `cargo xtask storm` sets it.
const KILLS: &str = "RUNNER_STORM_KILLS";
/// For every day.
const FEW: usize = 100;

/// How many go on at once, each on a database of its own.
const WORKERS: usize = 2;

/// How often the whole way is measured.
const MEASURED: usize = 3;

#[test]
fn killed_at_any_moment_a_database_is_at_a_boundary_and_the_next_run_goes_on() {
    let kills = match std::env::var(KILLS) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{KILLS}={text:?} is no number")),
        Err(_) => FEW,
    };
    let seed = seed();
    println!("{kills} kills; {SEED}={seed} makes the same choices again");
    let boundaries = Boundaries::record();
    let left = AtomicUsize::new(kills);
    let places: Vec<usize> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let chance = Chance::of(seed.wrapping_add(worker as u64));
                let (boundaries, left) = (&boundaries, &left);
                scope.spawn(move || work(boundaries, chance, left))
            })
            .collect();
        let ended = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.flat_map(|places| places.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    assert_eq!(places.len(), kills);
    let mut met = vec![0; 21];
    places.iter().for_each(|&place| met[place] += 1);
    println!("kills by the number of revisions that were applied then: {met:?}");
    // A clock that is wrong would kill before the beginning, or at the end.
    assert!(met.iter().filter(|&&count| count > 0).count() > 5, "the kills met few places: {met:?}");
}

/// Kills runs until none is left to be killed, and says where each was.
fn work(boundaries: &Boundaries, mut chance: Chance, left: &AtomicUsize) -> Vec<usize> {
    let whole = (0..MEASURED).map(|_| whole_way(boundaries)).max().expect("it was measured");
    let mut places = Vec::new();
    while take_one(left) {
        let place = loop {
            // Where the run was over before its time, that was no kill.
            if let Some(place) = kill_one(boundaries, chance.up_to(whole)) {
                break place;
            }
        };
        places.push(place);
    }
    places
}

fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// How long a run takes from an empty database to the head.
fn whole_way(boundaries: &Boundaries) -> Duration {
    let (database, project) = fresh();
    let began = Instant::now();
    project.ok(&["upgrade", "head"]);
    let took = began.elapsed();
    assert_eq!(boundaries.check(&database, "undisturbed"), 20);
    database.drop_it();
    took
}

fn fresh() -> (Database, Project) {
    let database = Database::new();
    let project = Project::new(&database);
    history::write(&project);
    (database, project)
}

/// Kills a run after this time, looks, and has the next run go on. None where it
/// was over already.
fn kill_one(boundaries: &Boundaries, after: Duration) -> Option<usize> {
    let (database, project) = fresh();
    let mut runner = Runner::start(&project, 0);
    sleep(after);
    let was_over = runner.has_ended();
    runner.kill();
    wait_for_the_server(&database);
    let place = boundaries.check(&database, &format!("killed after {after:?}"));
    project.ok(&["upgrade", "head"]);
    let when = format!("killed after {after:?}, and gone on");
    assert_eq!(boundaries.check(&database, &when), 20, "{when}");
    assert_eq!(super::boundaries::state(&database), boundaries.head(), "{when}");
    let done = "SELECT count(*), count(DISTINCT revision) FROM runner.journal WHERE outcome = 'done'";
    assert_eq!(database.value(done), "20|20", "{when}: each step has succeeded once");
    database.drop_it();
    (!was_over).then_some(place)
}

/// The server notices by itself that its client is gone, and rolls back.
fn wait_for_the_server(database: &Database) {
    let gone = format!(
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = '{}' AND backend_type = 'client backend'",
        database.name
    );
    let began = Instant::now();
    while database.elsewhere(&gone) != "t" {
        assert!(began.elapsed() < Duration::from_secs(60), "a session outlives its client");
        sleep(Duration::from_millis(5));
    }
}
