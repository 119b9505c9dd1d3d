//! What both are asked: a graph, where the database is, and a command.

use std::collections::BTreeSet;
use std::fmt;

use proptest::prelude::*;
use proptest::sample::Index;
use serde::Serialize;

use crate::support::shape::{Revision, Shape, shapes};

/// The most revisions of a graph.
const MOST_REVISIONS: usize = 12;

/// The cases of a graph.
const CASES: usize = 12;

/// A graph and what is asked of it.
#[derive(Clone, Debug)]
pub struct Question {
    pub shape: Shape,
    pub cases: Vec<Case>,
}

/// A command on a database.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    pub command: Command,
    pub target: String,
    /// The rows of Alembic's table: the tips of what is applied.
    pub rows: BTreeSet<String>,
    /// What is applied, by number.
    #[serde(skip)]
    pub applied: BTreeSet<usize>,
}

/// The commands that take a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    Upgrade,
    Downgrade,
    Stamp,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<&str> = self.rows.iter().map(String::as_str).collect();
        write!(f, "{:?} `{}` from [{}]", self.command, self.target, rows.join(" "))
    }
}

/// As the oracle reads it.
#[derive(Serialize)]
struct Line<'a> {
    revisions: &'a [Revision],
    cases: &'a [Case],
}

impl Question {
    /// The question as one line for the oracle.
    pub fn line(&self) -> String {
        let line = Line { revisions: &self.shape.revisions, cases: &self.cases };
        serde_json::to_string(&line).expect("plain values serialise")
    }
}

/// What decides a case.
#[derive(Clone, Debug)]
struct Choices {
    command: Command,
    applied: (u8, [Index; 3]),
    form: usize,
    names: [Index; 2],
    steps: u8,
}

/// Graphs, each with its cases.
pub fn questions() -> impl Strategy<Value = Question> {
    let command = prop_oneof![
        4 => Just(Command::Upgrade),
        4 => Just(Command::Downgrade),
        2 => Just(Command::Stamp),
    ];
    let choice = (command, (0..100_u8, any::<[Index; 3]>()), 0..FORMS.len(), any::<[Index; 2]>(), 1..=3_u8)
        .prop_map(|(command, applied, form, names, steps)| Choices { command, applied, form, names, steps });
    let spoiled = prop::option::weighted(0.05, (0..FAULTS.len(), any::<[Index; 2]>()));
    let cases = prop::collection::vec(choice, CASES);
    (shapes(MOST_REVISIONS), cases, spoiled).prop_map(|(mut shape, choices, spoiled)| {
        let cases = choices.iter().map(|choices| case(&shape, choices)).collect();
        if let Some((fault, picked)) = spoiled {
            let [one, other] = picked.map(|index| index.index(shape.revisions.len()));
            FAULTS[fault](&mut shape.revisions, one, other);
        }
        Question { shape, cases }
    })
}

/// Ways in which a set of revisions is wrong. Some need two revisions, and leave
/// a graph of one sound.
const FAULTS: [fn(&mut Vec<Revision>, usize, usize); 9] = [
    // An id twice.
    |revisions, one, _| revisions.push(revisions[one].clone()),
    |revisions, one, _| revisions[one].parents.push("nowhere".into()),
    |revisions, one, _| revisions[one].depends_on.push("nothing".into()),
    // Its own parent.
    |revisions, one, _| {
        let id = revisions[one].id.clone();
        revisions[one].parents.push(id);
    },
    // A cycle, if the other one comes later.
    |revisions, one, other| {
        let (first, last) = (one.min(other), one.max(other));
        let (first_id, last_id) = (revisions[first].id.clone(), revisions[last].id.clone());
        revisions[last].parents = vec![first_id];
        revisions[last].depends_on.clear();
        revisions[first].parents.push(last_id);
    },
    // A cycle of both kinds of edges.
    |revisions, one, other| {
        let (first, last) = (one.min(other), one.max(other));
        let (first_id, last_id) = (revisions[first].id.clone(), revisions[last].id.clone());
        revisions[last].parents = vec![first_id];
        revisions[first].depends_on.push(last_id);
    },
    // A dependency that is a parent.
    |revisions, one, _| {
        let parents = revisions[one].parents.clone();
        revisions[one].depends_on = parents;
    },
    // A label twice.
    |revisions, one, other| {
        for number in BTreeSet::from([one, other]) {
            revisions[number].labels.push("twice".into());
        }
    },
    // A label that is an id.
    |revisions, one, other| {
        let id = revisions[other].id.clone();
        revisions[one].labels.push(id);
    },
];

fn case(shape: &Shape, choices: &Choices) -> Case {
    let applied = applied(shape, choices);
    let command = choices.command;
    // A way down begins where the database is, mostly.
    let known: Vec<usize> = match command {
        Command::Downgrade if choices.steps > 1 && !applied.is_empty() => applied.iter().copied().collect(),
        _ => (0..shape.revisions.len()).collect(),
    };
    let mut target = (FORMS[choices.form])(&Names { shape, choices, known });
    // All of these fail; a few are enough.
    if command == Command::Upgrade && choices.steps > 1 && target.ends_with("base") {
        target = "heads".into();
    }
    Case { command, target, rows: shape.ids(&shape.tips(&applied)), applied }
}

/// A state that upgrades to some revisions lead to.
fn applied(shape: &Shape, choices: &Choices) -> BTreeSet<usize> {
    let (share, starts) = &choices.applied;
    let count = shape.revisions.len();
    let number = |index: &Index| index.index(count);
    match share {
        0..10 => BTreeSet::new(),
        10..25 => (0..count).collect(),
        25..60 => shape.closure(starts[..1].iter().map(number)),
        60..85 => shape.closure(starts[..2].iter().map(number)),
        _ => shape.closure(starts.iter().map(number)),
    }
}

/// The words that a target is made of.
struct Names<'a> {
    shape: &'a Shape,
    choices: &'a Choices,
    /// The revisions to choose from.
    known: Vec<usize>,
}

impl Names<'_> {
    fn revision(&self, which: usize) -> &Revision {
        &self.shape.revisions[self.known[self.choices.names[which].index(self.known.len())]]
    }

    fn id(&self) -> &str {
        &self.revision(0).id
    }

    fn other_id(&self) -> &str {
        &self.revision(1).id
    }

    /// An id without its end.
    fn prefix(&self) -> &str {
        let id = self.id();
        &id[..id.len().min(1 + self.choices.names[1].index(id.len()))]
    }

    /// One of the labels, or one that nobody has.
    fn label(&self) -> &str {
        let labels: Vec<&String> =
            self.shape.revisions.iter().flat_map(|revision| &revision.labels).collect();
        if labels.is_empty() {
            return self.other_id();
        }
        // One more than there are, now and then, is a label that nobody has.
        let which = self.choices.names[1].index(labels.len() + usize::from(labels.len() > 2));
        labels.get(which).map_or("nolabel", |label| label)
    }

    fn steps(&self) -> u8 {
        self.choices.steps
    }
}

/// Every form that a target can have.
const FORMS: [fn(&Names) -> String; 42] = [
    |_| "head".into(),
    |_| "heads".into(),
    |_| "base".into(),
    |names| names.id().into(),
    |names| names.id().into(),
    |names| names.prefix().into(),
    |names| names.prefix().into(),
    |names| names.label().into(),
    |names| names.label()[..names.label().len() - 1].into(),
    |names| format!("{}@{}", &names.label()[..names.label().len() - 1], names.id()),
    |names| format!("{}@head", names.label()),
    |names| format!("{}@head", names.label()),
    |names| format!("{}@heads", names.label()),
    |names| format!("{}@base", names.label()),
    |names| format!("{}@{}", names.label(), names.id()),
    |names| format!("{}@{}", names.label(), names.prefix()),
    |names| format!("{}@head", names.id()),
    |names| format!("{}@heads", names.id()),
    |names| format!("{}@base", names.id()),
    |names| format!("{}@head", names.prefix()),
    |names| format!("{}@{}", names.other_id(), names.id()),
    |names| format!("+{}", names.steps()),
    |names| format!("+{}", names.steps()),
    |names| format!("-{}", names.steps()),
    |names| format!("-{}", names.steps()),
    |names| format!("{}+{}", names.id(), names.steps()),
    |names| format!("{}-{}", names.id(), names.steps()),
    |names| format!("{}+{}", names.prefix(), names.steps()),
    |names| format!("{}+{}", names.label(), names.steps()),
    |names| format!("{}-{}", names.label(), names.steps()),
    |names| format!("{}@+{}", names.label(), names.steps()),
    |names| format!("{}@-{}", names.label(), names.steps()),
    |names| format!("{}@+{}", names.id(), names.steps()),
    |names| format!("{}@-{}", names.id(), names.steps()),
    |names| format!("{}@{}+{}", names.label(), names.id(), names.steps()),
    |names| format!("{}@{}-{}", names.label(), names.id(), names.steps()),
    |names| format!("head-{}", names.steps()),
    |names| format!("{}@head-{}", names.label(), names.steps()),
    |names| format!("{}@base+{}", names.label(), names.steps()),
    |names| format!("base+{}", names.steps()),
    |names| format!("heads-{}", names.steps()),
    |names| {
        ["", "nope", "@head", "cafe@", "a@b@c", "current", "+", "be:cafe", "head+1", "base-1"]
            [names.choices.names[0].index(10)]
        .into()
    },
];
