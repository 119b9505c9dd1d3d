//! Alembic as an oracle: random graphs, states and commands, asked of both.

mod alembic;
mod difference;
mod ours;
mod question;

use std::collections::BTreeMap;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use runner::graph::{Graph, GraphError};

use crate::support::shape::Shape;
use alembic::{OfCase, OfGraph};
use difference::{Difference, Disagreement};
use ours::{Answer, Done};
use question::{Case, Command, Question, questions};

const GRAPHS: usize = 3_000;

/// How often we agree, and why we do not.
#[derive(Default)]
struct Tally {
    both_succeed: usize,
    both_fail: usize,
    differences: BTreeMap<Difference, usize>,
    /// What differs for no reason that we know: how large the graph is, and a
    /// description.
    unexplained: Vec<(usize, String)>,
}

#[test]
fn we_do_what_alembic_does_but_for_named_differences() {
    // The same graphs in every run: the bounds of the differences hold for them.
    let mut runner = TestRunner::deterministic();
    let mut question = || questions().new_tree(&mut runner).expect("a question").current();
    let questions: Vec<Question> = (0..GRAPHS).map(|_| question()).collect();
    let mut tally = Tally::default();
    for (question, answer) in questions.iter().zip(alembic::ask(&questions)) {
        tally.graph(question, &answer);
    }
    tally.print();
    tally.unexplained.sort();
    let first: Vec<&str> = tally.unexplained.iter().take(5).map(|(_, text)| text.as_str()).collect();
    assert!(
        first.is_empty(),
        "{} differ for no known reason:\n{}",
        tally.unexplained.len(),
        first.join("\n")
    );
    for difference in Difference::ALL {
        let (found, most) = (tally.differences.get(&difference).copied().unwrap_or(0), difference.most());
        assert!(found <= most, "{difference:?}: {found} cases, and at most {most} are expected");
        assert!(found > 0, "{difference:?} is no difference any more");
    }
    assert!(tally.both_succeed > 12_000, "too few cases are ones in which both succeed");
}

#[test]
fn every_difference_is_described() {
    let text = include_str!("../ARCHITECTURE.md");
    for difference in Difference::ALL {
        assert!(text.contains(&format!("`{difference:?}`")), "{difference:?} is not in ARCHITECTURE.md");
    }
}

impl Tally {
    fn graph(&mut self, question: &Question, theirs: &OfGraph) {
        match (question.shape.graph(), theirs) {
            (Ok(graph), OfGraph::Read { cases }) => {
                for (case, theirs) in question.cases.iter().zip(cases) {
                    self.case(&question.shape, &graph, case, theirs);
                }
            }
            (Err(_), OfGraph::Refused { .. }) => self.both_fail += 1,
            (Err(errors), OfGraph::Read { .. }) => match errors.as_slice() {
                [GraphError::DuplicateId { .. }, ..] => self.differ(Difference::DuplicateId),
                errors
                    if errors.iter().all(|error| matches!(error, GraphError::RedundantDependency { .. })) =>
                {
                    self.differ(Difference::DependsOnParent);
                }
                [GraphError::Cycle(_), ..] => self.differ(Difference::CycleWithEntry),
                _ => self.unexplained(&question.shape, &format!("ours: {errors:?}\ntheirs: sound")),
            },
            (Ok(_), OfGraph::Refused { error }) => {
                self.unexplained(&question.shape, &format!("ours: sound\ntheirs: {error}"));
            }
        }
    }

    fn case(&mut self, shape: &Shape, graph: &Graph, case: &Case, theirs: &OfCase) {
        let ours = ours::answer(graph, shape, case);
        check_order(shape, case, &ours, theirs);
        let disagreement = Disagreement { shape, graph, case, ours: &ours, theirs };
        if disagreement.is_none() {
            match ours {
                Ok(_) => self.both_succeed += 1,
                Err(_) => self.both_fail += 1,
            }
            return;
        }
        match disagreement.reason() {
            Some(difference) => self.differ(difference),
            None => self.unexplained(shape, &format!("{case}\nours: {ours:?}\ntheirs: {theirs:?}")),
        }
    }

    fn differ(&mut self, difference: Difference) {
        *self.differences.entry(difference).or_default() += 1;
    }

    fn unexplained(&mut self, shape: &Shape, text: &str) {
        self.unexplained.push((shape.revisions.len(), format!("{shape}{text}\n")));
    }

    fn print(&self) {
        println!("{GRAPHS} graphs; both succeed: {}, both fail: {}", self.both_succeed, self.both_fail);
        for (difference, count) in &self.differences {
            println!("  {difference:?}: {count} (at most {})", difference.most());
        }
        println!("  for no known reason: {}", self.unexplained.len());
    }
}

/// Both orders have to respect every edge of the graph.
fn check_order(shape: &Shape, case: &Case, ours: &Answer, theirs: &OfCase) {
    if let Ok(Done { steps, .. }) = ours {
        check_steps(shape, case, steps);
    }
    if let OfCase::Done { steps, .. } = theirs {
        check_steps(shape, case, steps);
    }
}

fn check_steps(shape: &Shape, case: &Case, steps: &[String]) {
    let mut applied = case.applied.clone();
    for step in steps {
        let number = shape.find(step).expect("steps are revisions");
        let sound = match case.command {
            Command::Upgrade => {
                let ready = shape.before(number).iter().all(|before| applied.contains(before));
                ready && applied.insert(number)
            }
            Command::Downgrade => {
                let removed = applied.remove(&number);
                removed && !applied.iter().any(|&other| shape.before(other).contains(&number))
            }
            Command::Stamp => false,
        };
        assert!(sound, "{step} comes at the wrong place of {steps:?}\n{shape}{case}");
    }
}
