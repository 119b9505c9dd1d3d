//! Fuzzing, for a bounded time: mutations of interesting texts are thrown at
//! every parser of what users type and write. A failure prints a seed; run it
//! again with `arbtest(..).seed(..)`.
//!
//! `ARBTEST_BUDGET_MS` sets how long each target runs.

use std::path::Path;
use std::time::Duration;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use runner::graph::{Target, TargetError, TargetRange};
use runner::plan;
use runner::revision::{Direction, Label, Manifest, ManifestError, RevisionId};
use runner::source::{ConfigError, Project};

use crate::support::shape::Shape;

/// How long each target runs.
const BUDGET: Duration = Duration::from_secs(5);

/// The most random bytes that decide one input.
const MOST_ENTROPY: u32 = 4_096;

/// What users type, and what they nearly type.
const TARGETS: &[&str] = &[
    "head",
    "heads",
    "base",
    "current",
    "ae10",
    "ae1027c6",
    "+2",
    "-1",
    "+0",
    "ae10+2",
    "head-2",
    "label@head",
    "label@heads",
    "label@base",
    "label@+2",
    "label@-1",
    "ae10@head",
    "billing:ae10",
    "billing:label@head-3",
    "ae10:head",
    ":ae10",
    "ae10:",
    ":",
    "billing:ae10:billing:be",
    "-3:current",
    "current:+2",
    "a@b@c",
    "@",
    "+",
    "-99999999999999999999",
    "+9223372036854775808",
    "heads-1",
    "é@head",
    "head\u{301}",
];

/// Pieces that the grammars are made of.
const PIECES: &[&str] = &[
    "head", "heads", "base", "current", "label", "billing", "ae10", "@", ":", "+", "-", "1", "0", "_", ".",
    " ", "\n", "\t", "\u{0}", "\u{feff}", "é", "日", "🦀", "\u{202e}", "[", "]", "\"", "'", "=", "#", "{",
    "}", ",",
];

const MANIFESTS: &[&str] = &[
    include_str!("../migrations/20251103_091200_3f2a9c1b7d4e_create_catalogue/migration.toml"),
    include_str!("../migrations/20251110_164500_d41f6a3c9e27_seed_listings/migration.toml"),
    include_str!("../migrations/20251121_103000_8b01c7d2aa90_repair_listing_text/migration.toml"),
    "revision = \"a\"\nparents = []\nmessage = \"m\"\nkind = \"sql\"\n",
    "revision = \"a\"\nparents = [\"b\", \"c\"]\nmessage = \"m\"\nlabels = [\"l\"]\ndepends_on = [\"l\", \"d\"]\n\
     kind = \"rust\"\ntransaction = \"revision\"\n[params]\nn = 1\nt = 1979-05-27\n[capabilities]\nread = [\"*\"]\n",
    "\u{feff}revision = 7\r\nparents = \"x\"\r\n",
];

const CONFIGS: &[&str] = &[
    include_str!("../runner.toml"),
    include_str!("../runner/src/source/templates/init/runner.toml"),
    "[migrations]\ndirs = [\"a\", { path = \"b\", package = \"p\", recursive = true }]\n\
     [database]\nurl = \"postgres://localhost/x\"\n[ledger]\nschema = \"runner\"\n[limits]\nmemory = \"64 MiB\"\n",
    "[session]\nlock_timeout = \"5s\"\nstatement_timeout = \"1h\"\n",
];

#[test]
fn targets() {
    let graph = sample();
    fuzz(|u| {
        let text = mutation(u, TARGETS)?;
        match text.parse::<Target>() {
            Err(error) => check_place(&text, &error),
            Ok(target) => {
                assert_eq!(target.to_string().parse::<Target>().as_ref(), Ok(&target), "{text:?}");
                // What it means may be an error, and never a panic.
                for applied in [&[][..], &["ae10", "be"], &["ae10", "be", "cafe", "ae11"]] {
                    let applied = applied.iter().map(|id| RevisionId::new(*id).expect("an id")).collect();
                    for direction in [Direction::Upgrade, Direction::Downgrade] {
                        let _ = plan::build(&graph, &applied, direction, &target);
                    }
                }
            }
        }
        Ok(())
    });
}

#[test]
fn ranges() {
    let graph = sample();
    let is_package = |name: &str| name == "billing";
    fuzz(|u| {
        let text = mutation(u, TARGETS)?;
        match TargetRange::parse(&text, is_package) {
            Err(error) => check_place(&text, &error),
            Ok(range) => {
                let written = range.to_string();
                assert_eq!(TargetRange::parse(&written, is_package).as_ref(), Ok(&range), "{text:?}");
                let _ = graph.range(&range, Some(&vec![true; graph.len()]));
            }
        }
        Ok(())
    });
}

#[test]
fn ids() {
    fuzz(|u| {
        let text = mutation(u, TARGETS)?;
        if let Ok(id) = RevisionId::new(text.as_str()) {
            assert_eq!(id.as_str(), text);
            // Every id can be typed, and means itself.
            assert_eq!(text.parse::<Target>(), Ok(Target::revision(&id)), "{text:?}");
            assert_eq!(Target::revision(&id).to_string(), text);
        }
        if let Ok(label) = Label::new(text.as_str()) {
            assert_eq!(label.as_str(), text);
            assert!(text.parse::<Target>().is_ok(), "{text:?}");
            assert!(format!("{label}@head").parse::<Target>().is_ok(), "{text:?}");
        }
        Ok(())
    });
}

#[test]
fn manifests() {
    let file = Path::new("migrations/x/migration.toml");
    fuzz(|u| {
        let text = mutation(u, MANIFESTS)?;
        match Manifest::parse(file, &text) {
            Err(error) => check_line(&text, &error),
            Ok(manifest) => {
                let written = serde_json::to_string(&manifest).expect("a manifest serialises");
                assert_eq!(serde_json::from_str::<Manifest>(&written).expect("it is read again"), manifest);
            }
        }
        Ok(())
    });
}

#[test]
fn configurations() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("runner.toml");
    fuzz(|u| {
        let text = mutation(u, CONFIGS)?;
        std::fs::write(&file, &text).expect("the file can be written");
        if let Err(error) = Project::load(&file) {
            let ConfigError::Invalid(error) = error else { panic!("{text:?}: {error}") };
            check_line(&text, &error);
        }
        Ok(())
    });
}

fn fuzz(property: impl FnMut(&mut Unstructured<'_>) -> Result<()>) {
    let fuzz = arbtest(property).size_max(MOST_ENTROPY);
    match std::env::var_os("ARBTEST_BUDGET_MS") {
        Some(_) => fuzz.run(),
        None => fuzz.budget(BUDGET).run(),
    }
}

/// One of the texts, changed in a few places.
fn mutation(u: &mut Unstructured<'_>, corpus: &[&str]) -> Result<String> {
    let mut text: Vec<char> = u.choose(corpus)?.chars().collect();
    for _ in 0..u.int_in_range(0..=5)? {
        let from = u.int_in_range(0..=text.len())?;
        let to = u.int_in_range(from..=text.len().min(from + 12))?;
        let new: Vec<char> = match u.int_in_range(0..=5)? {
            0 => Vec::new(),
            1 | 2 => u.choose(PIECES)?.chars().collect(),
            3 => vec![u.arbitrary()?],
            // A part of another text.
            4 => {
                let other: Vec<char> = u.choose(corpus)?.chars().collect();
                let start = u.int_in_range(0..=other.len())?;
                other[start..other.len().min(start + 20)].to_vec()
            }
            // The same again.
            _ => text[from..to].repeat(u.int_in_range(1..=3)?),
        };
        text.splice(from..to, new);
    }
    Ok(text.into_iter().collect())
}

/// The character that a message points at is one of the text, or its end.
fn check_place(text: &str, error: &TargetError) {
    let TargetError::Malformed { text: named, at, .. } = error else {
        panic!("{text:?} cannot be parsed, and the error is not that it is malformed: {error}");
    };
    assert_eq!(named, text);
    assert!(*at <= text.chars().count(), "{text:?}: character {at}");
    assert!(!error.to_string().is_empty());
}

/// The place that a message names is one of the text, or its end.
fn check_line(text: &str, error: &ManifestError) {
    let (line, column) = (error.place.line, error.place.column);
    let named = text.split('\n').nth(line.wrapping_sub(1));
    let Some(named) = named else { panic!("{text:?}: line {line} of {}", text.split('\n').count()) };
    assert!((1..=named.chars().count() + 1).contains(&column), "{text:?}: {line}:{column}");
    assert!(!error.to_string().is_empty());
}

/// A small graph with branches, a package, a label and a dependency.
fn sample() -> runner::graph::Graph {
    let shape = "\
ae10:
be: ae10 ! label
cafe: ae10
billing:ae10: ! billinglabel
billing:be: billing:ae10 | cafe
ae11: be cafe
";
    Shape::parse(shape).graph().expect("a sound graph")
}
