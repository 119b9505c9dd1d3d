//! Several servers side by side, each with one case at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use super::cluster::Cluster;
use super::isolation::Isolation;
use super::replay::{Replay, Replayed};
use super::verdict::{Outcome, Verdict};

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
pub fn run(setting: &Setting, replays: &[Replay], mut each: impl FnMut(&Replay, &Verdict)) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        for _ in 0..setting.servers.clamp(1, replays.len().max(1)) {
            let sender = sender.clone();
            scope.spawn(|| work(setting, replays, &next, sender));
        }
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
    });
}

/// Takes one replay after another. A server that a case has changed is thrown
/// away.
fn work(setting: &Setting, replays: &[Replay], next: &AtomicUsize, done: Sender<(usize, Verdict)>) {
    let mut server: Option<Cluster> = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(replay) = replays.get(number) else {
            return;
        };
        let replayed = match ready(server.take(), setting) {
            Ok(cluster) => {
                let replayed = replay.run(&cluster, setting.isolation, number);
                server = replayed.is_clean.then_some(cluster);
                replayed
            }
            Err(reason) => {
                Replayed { verdict: Verdict { outcome: Outcome::Broken, reason }, is_clean: false }
            }
        };
        if done.send((number, replayed.verdict)).is_err() {
            return;
        }
    }
}

fn ready(server: Option<Cluster>, setting: &Setting) -> Result<Cluster, String> {
    match server {
        Some(server) => Ok(server),
        None => Cluster::start(Path::new(&setting.programs), setting.isolation),
    }
}
