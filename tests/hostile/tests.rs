//! The replay judged by cases whose outcome is known, and the files of this
//! folder replayed.

use std::collections::BTreeSet;
use std::path::Path;

use crate::hostile::case::{self, Case};
use crate::hostile::isolation::Isolation;
use crate::hostile::pool::{self, Setting};
use crate::hostile::replay::replays;
use crate::hostile::verdict::{Answer, Line, Outcome, Seen, Wanted, judge};
use crate::support::programs;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/hostile");
const FILES: [&str; 4] = ["hostile-samples.jsonl", "benign-samples.jsonl", "more.jsonl", "more-benign.jsonl"];
/// Those that every run of the tests replays; `.ci/run` replays all of them.
const SAMPLES: [&str; 2] = ["hostile-samples.jsonl", "benign-samples.jsonl"];

fn line(way: &str, outcome: &str) -> Line {
    let text = "COMMIT is not permitted in a migration: the runner does it";
    Line { statement: 0, way: way.into(), outcome: outcome.into(), text: text.into() }
}

/// A run in which the guest met these outcomes by `query`.
fn seen(outcomes: &[&str]) -> Seen {
    let lines: Vec<Line> = outcomes.iter().map(|outcome| line("query", outcome)).collect();
    Seen { statements: lines.len(), lines, check: (Answer::No, Answer::No), ..Seen::default() }
}

#[track_caller]
fn check(wanted: &Wanted, seen: &Seen, outcome: Outcome) {
    let verdict = judge(wanted, seen);
    assert_eq!(verdict.outcome, outcome, "{}", verdict.reason);
}

fn failed(seen: Seen) -> Seen {
    Seen { error: Some("upgrade of `attack` failed".into()), ..seen }
}

fn applied(seen: Seen) -> Seen {
    Seen { recorded: true, ..seen }
}

#[test]
fn a_refusal_passes_only_before_the_statement_is_sent() {
    let wanted = Wanted::Refused;
    check(&wanted, &failed(seen(&["ok", "denied"])), Outcome::Refused);
    check(&wanted, &failed(seen(&["syntax"])), Outcome::Refused);
    check(&wanted, &failed(seen(&["database"])), Outcome::ServerOnly);
    check(&wanted, &failed(seen(&["limit"])), Outcome::StoppedLate);
    check(&wanted, &failed(seen(&["ok"])), Outcome::StoppedLate);
    check(&wanted, &applied(seen(&["ok"])), Outcome::Accepted);
    check(&wanted, &applied(seen(&["denied"])), Outcome::Accepted);
}

#[test]
fn a_statement_that_was_sent_and_then_denied_was_not_refused() {
    let mut run = failed(seen(&["denied"]));
    run.lines[0].text = "the session has another user than before".into();
    check(&Wanted::Refused, &run, Outcome::StoppedLate);
    check(&Wanted::Stopped, &run, Outcome::Stopped);
}

#[test]
fn a_refusal_that_leaves_something_is_none() {
    let left = Seen { changed: vec!["app.nums".into()], ..failed(seen(&["denied"])) };
    check(&Wanted::Refused, &left, Outcome::Escaped);
    check(&Wanted::Stopped, &left, Outcome::Escaped);
}

#[test]
fn every_way_in_has_to_refuse() {
    let mut run = failed(seen(&["denied"]));
    run.lines.extend([line("execute", "denied"), line("script", "syntax")]);
    check(&Wanted::Refused, &run, Outcome::Refused);
    let mut sent = run.clone();
    sent.lines.push(line("open-reader", "database"));
    check(&Wanted::Refused, &sent, Outcome::ServerOnly);
    run.lines.push(line("open-reader", "ok"));
    check(&Wanted::Refused, &run, Outcome::Escaped);
}

#[test]
fn the_check_counts_where_the_attack_made_it_true() {
    let run = |before, after| Seen { check: (before, after), ..applied(seen(&["ok"])) };
    let contained = Wanted::Contained { residual: None };
    check(&contained, &run(Answer::No, Answer::No), Outcome::Contained);
    check(&contained, &run(Answer::Yes, Answer::Yes), Outcome::Contained);
    check(&contained, &run(Answer::No, Answer::Yes), Outcome::Escaped);
    check(&contained, &run(Answer::Error("no table".into()), Answer::Yes), Outcome::Escaped);
    check(&contained, &run(Answer::No, Answer::Error("no table".into())), Outcome::Escaped);
    let known = Wanted::Contained { residual: Some("documented".into()) };
    check(&known, &run(Answer::No, Answer::Yes), Outcome::KnownResidual);
    check(&known, &run(Answer::No, Answer::No), Outcome::Contained);
}

#[test]
fn what_the_guest_was_given_counts_and_so_does_the_ledger() {
    let leak = Seen { leak: Some("s3cr3t".into()), ..failed(seen(&["ok", "denied"])) };
    check(&Wanted::Refused, &leak, Outcome::Escaped);
    let forged = Seen { ledger: Some("a strange revision".into()), ..failed(seen(&["denied"])) };
    check(&Wanted::Refused, &forged, Outcome::Escaped);
    check(&Wanted::Applied, &Seen { recorded: true, ..forged }, Outcome::BenignRefused);
}

#[test]
fn stopped_by_any_layer_is_enough_where_code_is_granted() {
    check(&Wanted::Stopped, &failed(seen(&["denied"])), Outcome::Refused);
    check(&Wanted::Stopped, &failed(seen(&["ok", "database"])), Outcome::Stopped);
    check(&Wanted::Stopped, &failed(seen(&["ok"])), Outcome::Stopped);
    check(&Wanted::Stopped, &applied(seen(&["ok"])), Outcome::Accepted);
}

#[test]
fn an_ordinary_migration_has_to_be_applied() {
    check(&Wanted::Applied, &applied(seen(&["ok", "ok"])), Outcome::Applied);
    check(&Wanted::Applied, &failed(seen(&["denied"])), Outcome::BenignRefused);
    check(&Wanted::Applied, &failed(seen(&["database"])), Outcome::BenignFailed);
    check(&Wanted::Applied, &failed(seen(&["ok"])), Outcome::BenignFailed);
    check(&Wanted::Applied, &seen(&["ok"]), Outcome::BenignFailed);
}

#[test]
fn a_replay_that_did_not_work_is_no_pass() {
    let never = Seen { statements: 1, ..failed(seen(&[])) };
    check(&Wanted::Refused, &never, Outcome::Broken);
    check(&Wanted::Refused, &Seen { hung: true, ..failed(seen(&["denied"])) }, Outcome::Broken);
    let grant = Seen { error: Some("[capabilities] `grant`: no".into()), ..never.clone() };
    check(&Wanted::Refused, &grant, Outcome::Refused);
    check(&Wanted::Applied, &grant, Outcome::BenignFailed);
    let joined = Seen {
        error: Some("what its manifest grants reaches what it does not grant: secret.child".into()),
        ..never.clone()
    };
    check(&Wanted::Refused, &joined, Outcome::Broken);
    check(&Wanted::Contained { residual: None }, &joined, Outcome::Contained);
    let other = Seen { wrong_isolation: Some("`policy`".into()), ..failed(seen(&["denied"])) };
    check(&Wanted::Refused, &other, Outcome::Broken);
}

/// Cases that are wrong on purpose, each with what the replay must say of it.
const WRONG: [(&str, Outcome); 6] = [
    (
        r#"{"id": "a", "expect": "reject", "grant": ["dml"], "statements": ["DELETE FROM app.nums"]}"#,
        Outcome::Accepted,
    ),
    (
        r#"{"id": "b", "expect": "reject", "grant": ["read"], "statements": ["SELECT 1 / 0"]}"#,
        Outcome::ServerOnly,
    ),
    (
        r#"{"id": "c", "expect": "contained", "grant": ["dml"], "statements": ["INSERT INTO app.nums VALUES (1, 1)"],
            "check": "SELECT EXISTS (SELECT FROM app.nums)"}"#,
        Outcome::Escaped,
    ),
    (
        r#"{"id": "d", "expect": "contained", "grant": ["read"], "statements": ["SELECT email FROM app.users"],
            "result_must_not_match": "^..a@example"}"#,
        Outcome::Escaped,
    ),
    (
        r#"{"id": "e", "grant": ["dml"], "statements": ["DELETE FROM app.undeclared"]}"#,
        Outcome::BenignRefused,
    ),
    (r#"{"id": "f", "grant": ["read"], "statements": ["SELECT 1 / 0"]}"#, Outcome::BenignFailed),
];

#[test]
fn the_replay_finds_what_is_wrong_in_a_real_run() {
    let setting = Setting { isolation: Isolation::Policy, programs: programs(), servers: 1 };
    let cases = WRONG.iter().map(|(text, _)| serde_json::from_str(text).expect("a case"));
    let all: Vec<_> = cases.flat_map(|case| replays(case, setting.isolation)).collect();
    let mut found = Vec::new();
    let ran = pool::run(&setting, &all, |_, verdict| found.push(verdict.clone()));
    ran.expect("a server starts");
    for ((text, wanted), found) in WRONG.iter().zip(&found) {
        assert_eq!(found.outcome, *wanted, "{text}: {}", found.reason);
    }
}

#[test]
fn the_files_of_this_folder_are_understood() {
    let mut ids = BTreeSet::new();
    for file in FILES {
        let cases = read(file);
        assert!(cases.len() >= 30, "{file} has {} cases", cases.len());
        for case in cases {
            assert!(case.unknown().is_empty(), "{}: {:?}", case.id, case.unknown());
            assert!(ids.insert(case.id.clone()), "{} is there twice", case.id);
        }
    }
}

#[test]
fn no_sample_escapes_one_login() {
    replay_all(Isolation::Policy);
}

#[test]
fn no_sample_escapes_a_login_of_its_own() {
    replay_all(Isolation::Role);
}

/// Replays the samples on the newest server that is installed.
fn replay_all(isolation: Isolation) {
    let setting = Setting { isolation, programs: programs(), servers: 2 };
    let cases = SAMPLES.iter().flat_map(|file| read(file));
    let all: Vec<_> = cases.flat_map(|case| replays(case, isolation)).collect();
    let mut failed = Vec::new();
    let ran = pool::run(&setting, &all, |replay, verdict| {
        if verdict.outcome.is_failure() {
            failed.push(format!("{}: {}: {}", replay.id, verdict.outcome, verdict.reason));
        }
    });
    ran.expect("servers start");
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), all.len(), failed.join("\n"));
}

fn read(file: &str) -> Vec<Case> {
    let cases = case::read(&Path::new(FOLDER).join(file)).expect("the file can be read");
    cases.into_iter().map(|case| case.expect("every line is a case")).collect()
}
