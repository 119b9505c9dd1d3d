//! Several servers side by side, each with one case at a time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use super::cluster::Cluster;
use super::isolation::Isolation;
use super::replay::Replay;
use super::verdict::Verdict;

/// What all cases have in common.
#[derive(Clone, Debug)]
pub struct Setting {
    pub isolation: Isolation,
    /// The folder of the server's programs.
    pub programs: PathBuf,
    /// How many servers there are.
    pub servers: usize,
}

/// Runs the replays and hands out each verdict, in the order of the replays.
/// Fails where a server cannot be prepared.
pub fn run(
    setting: &Setting,
    replays: &[Replay],
    mut each: impl FnMut(&Replay, &Verdict),
) -> Result<(), String> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        let worker = |sender| work(setting, replays, &next, sender);
        let workers: Vec<_> = (0..setting.servers.clamp(1, replays.len().max(1)))
            .map(|_| {
                scope.spawn({
                    let sender = sender.clone();
                    move || worker(sender)
                })
            })
            .collect();
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut told = 0;
        for (number, verdict) in receiver {
            waiting.insert(number, verdict);
            while let Some(verdict) = waiting.remove(&told) {
                each(&replays[told], &verdict);
                told += 1;
            }
        }
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })
}

/// Takes one replay after another. A server that a case has changed is thrown
/// away.
fn work(
    setting: &Setting,
    replays: &[Replay],
    next: &AtomicUsize,
    done: Sender<(usize, Verdict)>,
) -> Result<(), String> {
    let mut server: Option<Cluster> = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(replay) = replays.get(number) else {
            return Ok(());
        };
        let cluster = match server.take() {
            Some(cluster) => cluster,
            None => Cluster::start(&setting.programs, setting.isolation)
                .inspect_err(|_| next.store(replays.len(), Ordering::Relaxed))?,
        };
        let replayed = replay.run(&cluster, setting.isolation, number);
        server = replayed.is_clean.then_some(cluster);
        if done.send((number, replayed.verdict)).is_err() {
            return Ok(());
        }
    }
}
