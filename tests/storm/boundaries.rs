//! What a database may look like: the states between the steps.

use std::collections::BTreeSet;

use super::history::{self, Work};
use crate::support::{Database, Project};

/// The states of the history, recorded once by going through it undisturbed.
pub struct Boundaries {
    /// After so many revisions.
    after: Vec<String>,
    /// Inside the step that comes after so many revisions: what its statements
    /// without a transaction leave between them. Empty for all others.
    inside: Vec<BTreeSet<String>>,
}

impl Boundaries {
    /// Records them.
    pub fn record() -> Self {
        let database = Database::new();
        let project = Project::new(&database);
        history::write(&project);
        let (mut after, mut inside) = (vec![state(&database)], Vec::new());
        for work in history::revisions() {
            inside.push(between(&database, &work));
            project.ok(&["upgrade", "+1"]);
            after.push(state(&database));
        }
        assert_eq!(after.iter().collect::<BTreeSet<_>>().len(), after.len(), "the boundaries differ");
        Self { after, inside }
    }

    /// The end of the history.
    pub fn head(&self) -> &str {
        self.after.last().expect("there is one for the base")
    }

    /// Holds a database against its ledger, and says how many revisions are
    /// applied.
    pub fn check(&self, database: &Database, when: &str) -> usize {
        let applied = applied(database);
        let expected: Vec<String> = (1..=applied.len()).map(history::id).collect();
        assert_eq!(applied, expected, "{when}: the ledger has the first revisions and no others");
        let (found, boundary) = (state(database), &self.after[applied.len()]);
        let is_inside = self.inside.get(applied.len()).is_some_and(|states| states.contains(&found));
        if found != *boundary && !is_inside {
            let nearest = self.after.iter().position(|state| *state == found);
            panic!(
                "{when}: the ledger says {} revisions, the schema and the rows are {}:\n{}",
                applied.len(),
                nearest.map_or("those of no boundary".to_owned(), |nearest| format!("those of {nearest}")),
                difference(boundary, &found),
            );
        }
        applied.len()
    }
}

/// The revisions that the ledger has, in order; none where there is no ledger.
fn applied(database: &Database) -> Vec<String> {
    match database.has("runner.revision") {
        true => database.rows("SELECT revision FROM runner.revision ORDER BY revision"),
        false => Vec::new(),
    }
}

/// The schema and all rows, without the ledger. The rows of a table are sorted:
/// where they lie depends on what was tried before.
pub fn state(database: &Database) -> String {
    let (mut sorted, mut rows) = (String::new(), None);
    for line in database.dump().lines() {
        match &mut rows {
            None => {
                sorted += line;
                sorted.push('\n');
                rows = line.starts_with("COPY ").then(BTreeSet::new);
            }
            Some(found) if line == "\\." => {
                found.iter().for_each(|row: &String| sorted.extend([row, "\n"]));
                sorted += "\\.\n";
                rows = None;
            }
            // The first column of each table is its key: no row is there twice.
            Some(found) => assert!(found.insert(line.to_owned()), "twice: {line}"),
        }
    }
    sorted
}

/// What the statements of a step without a transaction leave, each alone and in
/// turn; seen on a copy. All of them done is a state inside too: the ledger may
/// not know yet.
fn between(database: &Database, work: &Work) -> BTreeSet<String> {
    let Work::Apart { statements, .. } = work else { return BTreeSet::new() };
    let copy = Database::copy_of(database);
    let states = statements.iter().map(|statement| {
        copy.rows(statement);
        state(&copy)
    });
    let states = states.collect();
    copy.drop_it();
    states
}

/// The lines in which two states differ.
fn difference(expected: &str, found: &str) -> String {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (expected, found) = (lines(expected), lines(found));
    let shown = |sign: char, lines: Vec<&String>| {
        lines.iter().take(10).map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    shown('-', expected.difference(&found).collect()) + &shown('+', found.difference(&expected).collect())
}
