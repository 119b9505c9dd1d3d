//! The command: files in, a line a case, counts at the end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use super::case;
use super::isolation::Isolation;
use super::pool::{self, Setting};
use super::replay::{Replay, replays};
use super::verdict::{Outcome, Verdict};
use crate::support::programs;

const USAGE: &str = "\
Replay hostile SQL through the runner

Usage: cargo xtask hostile FILE.jsonl... [--isolation role|policy] [--postgres 15|18|FOLDER]
                                         [--only TEXT] [--servers N]

  --isolation WHICH  How the guest is kept apart; role unless said otherwise
  --postgres WHICH   A version, or the folder of a server's programs; the newest
                     that is installed unless said otherwise
  --only TEXT        Only the cases whose id has this text
  --servers N        How many servers work side by side; 2 unless said otherwise
";

/// The longest reason that is printed, in characters.
const REASON: usize = 200;

/// What the command line says.
struct Args {
    files: Vec<PathBuf>,
    setting: Setting,
    only: Option<String>,
}

/// Runs the command. 1: a case failed; 2: the command line or a file is wrong.
pub fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let ready = parse(&args).and_then(|args| Ok((all_replays(&args)?, args)));
    match ready {
        Ok(((replays, broken), args)) => report(&args.setting, &replays, &broken),
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(args: &[String]) -> Result<Args, String> {
    let (mut files, mut only, mut folder) = (Vec::new(), None, None);
    let (mut isolation, mut servers) = (Isolation::Role, 2);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--isolation" => isolation = value()?.parse()?,
            "--postgres" => folder = Some(PathBuf::from(value()?)),
            "--only" => only = Some(value()?.clone()),
            "--servers" => servers = value()?.parse().map_err(|error| format!("--servers: {error}"))?,
            other if other.starts_with('-') => return Err(format!("there is no option `{other}`")),
            file => files.push(PathBuf::from(file)),
        }
    }
    if files.is_empty() {
        return Err("which file?".into());
    }
    let programs = folder.unwrap_or_else(programs);
    Ok(Args { files, setting: Setting { isolation, programs, servers }, only })
}

/// The replays of all files, and what is wrong with lines that are no cases.
fn all_replays(args: &Args) -> Result<(Vec<Replay>, Vec<String>), String> {
    let (mut all, mut broken) = (Vec::new(), Vec::new());
    for file in &args.files {
        for case in case::read(file)? {
            match case {
                Ok(case) => {
                    for field in case.unknown() {
                        eprintln!("note: {}: the replay does not know the field `{field}`", case.id);
                    }
                    all.extend(replays(case, args.setting.isolation));
                }
                Err(error) => broken.push(error),
            }
        }
    }
    if let Some(only) = &args.only {
        all.retain(|replay| replay.id.contains(only));
    }
    Ok((all, broken))
}

fn report(setting: &Setting, replays: &[Replay], broken: &[String]) -> ExitCode {
    let total = replays.len() + broken.len();
    let programs = setting.programs.display();
    println!("{total} replays, isolation {}, server {programs}", setting.isolation.word());
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    for error in broken {
        *counts.entry(Outcome::Broken).or_default() += 1;
        println!("FAIL {:36} {}: {error}", "", Outcome::Broken);
    }
    let ran = pool::run(setting, replays, |replay, verdict| {
        *counts.entry(verdict.outcome).or_default() += 1;
        println!("{}", line(replay, verdict));
    });
    if let Err(error) = ran {
        eprintln!("error: no server for the cases: {error}");
        return ExitCode::FAILURE;
    }
    println!();
    for outcome in Outcome::ALL {
        if let Some(count) = counts.get(&outcome) {
            println!("{count:6} {outcome}");
        }
    }
    let failed: usize =
        counts.iter().filter(|(outcome, _)| outcome.is_failure()).map(|(_, count)| count).sum();
    println!("{failed:6} of {total} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(replay: &Replay, verdict: &Verdict) -> String {
    let mark = if verdict.outcome.is_failure() { "FAIL" } else { "ok" };
    let reason: String = verdict.reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = reason.chars().take(REASON).collect();
    format!("{mark:4} {:36} {}: {short}", replay.id, verdict.outcome)
}
