//! The revisions that a command is about: those on disk or, where a database is
//! asked, those that are applied too. And how they are listed.

use std::rc::Rc;

use runner::graph::{Graph, Target, TargetRange};
use runner::ledger::Applied;
use runner::revision::{Label, RevisionId};
use runner::run::{Migrator, OnDisk, Reader, Reporter, Standing, State};
use serde_json::{Value, json};

use super::args::Global;
use super::context;
use super::database::{self, Environment};
use super::error::CommandError;
use super::printable::printable;
use super::render::ids;
use super::span::Wait;

/// The revisions, and what is known of them.
pub struct View {
    /// Those on disk and, if a database was asked, those that are applied.
    pub state: State,
    /// Whether one was asked.
    pub knows_database: bool,
}

impl View {
    /// The revisions on disk; with what is applied if that is needed.
    pub fn open(global: &Global, needs_database: bool) -> Result<Self, CommandError> {
        Self::open_within(global, needs_database, Wait::default(), &context::silent())
    }

    /// The same, and waits for a server that is not there yet.
    pub fn open_within(
        global: &Global,
        needs_database: bool,
        wait: Wait,
        reporter: &Reporter,
    ) -> Result<Self, CommandError> {
        let state = match needs_database {
            true => {
                let (project, location) = context::project_and_location(global)?;
                let reader = Reader::new(project, location).waiting(wait.limit);
                context::block_on(reader.state(reporter))?
            }
            false => State::new(Migrator::on_disk(&context::project(global)?)?, None),
        };
        Ok(Self { state, knows_database: needs_database })
    }

    /// With what is applied wherever a database is configured.
    pub fn open_with_database_if_any(global: &Global) -> Result<Self, CommandError> {
        let project = context::project(global)?;
        let has_database = database::location(
            global,
            project.config.database.url.as_deref(),
            &Environment::of(&project.root)?,
        )?
        .is_some();
        Self::open(global, has_database)
    }

    pub fn on_disk(&self) -> &OnDisk {
        &self.state.on_disk
    }

    /// The graph of all revisions of the view.
    pub fn graph(&self) -> &Graph {
        &self.state.graph
    }

    pub fn applied(&self, id: &RevisionId) -> Option<&Applied> {
        self.state.applied.get(id)
    }

    /// Where a revision stands; none where no database was asked.
    pub fn standing(&self, id: &RevisionId) -> Option<Standing> {
        self.knows_database.then(|| self.state.standing(id))
    }

    /// What is applied, as a mask; none where no database was asked.
    pub fn applied_mask(&self) -> Option<Vec<bool>> {
        self.knows_database.then(|| self.state.applied_mask())
    }

    /// The revisions that a target names.
    pub fn locate(&self, target: &Target) -> Result<Vec<usize>, CommandError> {
        let found = self.graph().locate(target, self.applied_mask().as_deref());
        found.map_err(|error| CommandError::target(&error))
    }

    /// The revisions of a range, newest first.
    pub fn range(&self, range: &TargetRange) -> Result<Vec<usize>, CommandError> {
        let inside = self.graph().range(range, self.applied_mask().as_deref());
        let inside = inside.map_err(|error| CommandError::target(&error))?;
        let mut order = self.graph().order();
        order.reverse();
        order.retain(|&number| inside[number]);
        Ok(order)
    }

    /// What a revision does; whoever prints it makes it [`printable`].
    pub fn message(&self, id: &RevisionId) -> &str {
        let on_disk = self.on_disk().revisions.get(id).map(|found| found.manifest.message.as_str());
        on_disk.or_else(|| self.applied(id).map(|applied| applied.message.as_str())).unwrap_or_default()
    }
}

/// Revisions as lines of text, in Alembic's words.
pub struct Listing<'a> {
    view: &'a View,
    labels: Vec<Rc<[Label]>>,
    /// The heads of what is applied, as a mask; none if they are not marked.
    current: Option<Vec<bool>>,
}

impl<'a> Listing<'a> {
    pub fn new(view: &'a View) -> Self {
        Self { view, labels: view.graph().labels(), current: None }
    }

    /// Marks where the database is.
    pub fn with_current(view: &'a View) -> Self {
        let graph = view.graph();
        let heads = view.applied_mask().map(|applied| graph.heads_of(&applied));
        let current = heads.map(|heads| graph.mask(&graph.ids(&heads)));
        Self { current, ..Self::new(view) }
    }

    /// `revision (labels) (head)`.
    pub fn name(&self, number: usize) -> String {
        format!("{}{}", self.view.graph().node(number).id, self.marks(number))
    }

    /// `revision (labels) (head), message`.
    pub fn described(&self, number: usize) -> String {
        let message = self.view.message(&self.view.graph().node(number).id);
        format!("{}, {}", self.name(number), printable(message))
    }

    /// `parents -> revision (labels) (head), message`.
    pub fn line(&self, number: usize) -> String {
        format!("{} -> {}", self.parents(number), self.described(number))
    }

    /// Parents, and in brackets what else it needs.
    fn parents(&self, number: usize) -> String {
        let graph = self.view.graph();
        let parents = match graph.parents(number) {
            [] => "<base>".into(),
            parents => ids(&graph.ids(parents)),
        };
        match graph.dependencies(number) {
            [] => parents,
            dependencies => format!("{parents} (depends on {})", ids(&graph.ids(dependencies))),
        }
    }

    /// Labels, and where the revision stands in the graph.
    fn marks(&self, number: usize) -> String {
        let graph = self.view.graph();
        let mut marks = Vec::new();
        if !self.labels[number].is_empty() {
            let labels: Vec<_> = self.labels[number].iter().map(ToString::to_string).collect();
            marks.push(labels.join(", "));
        }
        let id = &graph.node(number).id;
        let disk = &self.view.on_disk().graph;
        let is_head = disk.find(id).is_some_and(|number| disk.children(number).is_empty());
        let is_current = self.current.as_ref().is_some_and(|current| current[number]);
        let words = [
            (is_head, "head"),
            (is_current, "current"),
            (graph.children(number).len() > 1, "branchpoint"),
            (graph.parents(number).len() > 1, "mergepoint"),
            (disk.find(id).is_none(), "missing on disk"),
        ];
        marks.extend(words.iter().filter(|(holds, _)| *holds).map(|(_, word)| (*word).to_owned()));
        marks.iter().map(|mark| format!(" ({mark})")).collect()
    }

    /// All that the disk and the ledger say, a line each.
    pub fn details(&self, number: usize) -> Vec<String> {
        let graph = self.view.graph();
        let node = graph.node(number);
        let mut lines = vec![format!("Rev: {}", self.name(number))];
        lines.push(format!(
            "{}: {}",
            if graph.parents(number).len() > 1 { "Merges" } else { "Parent" },
            ids_or_base(&graph.ids(graph.parents(number)))
        ));
        if !graph.dependencies(number).is_empty() {
            lines.push(format!("Depends on: {}", ids(&graph.ids(graph.dependencies(number)))));
        }
        if graph.children(number).len() > 1 {
            lines.push(format!("Branches into: {}", ids(&graph.ids(graph.children(number)))));
        }
        if let Some(found) = self.view.on_disk().revisions.get(&node.id) {
            lines.push(format!("Path: {}", found.dir.display()));
            lines.push(format!("Kind: {}", found.manifest.kind.as_str()));
            lines.extend(found.manifest.created.as_ref().map(|created| format!("Created: {created}")));
        }
        if let Some(applied) = self.view.applied(&node.id) {
            lines.push(format!("Applied: {} by {}", applied.applied_at, applied.applied_by));
        }
        lines.push(format!("\n    {}\n", printable(self.view.message(&node.id))));
        lines
    }

    pub fn json(&self, number: usize) -> Value {
        let graph = self.view.graph();
        let node = graph.node(number);
        let found = self.view.on_disk().revisions.get(&node.id);
        let mut answer = json!({
            "revision": node.id,
            "parents": graph.ids(graph.parents(number)),
            "depends_on": graph.ids(graph.dependencies(number)),
            "labels": self.labels[number].iter().collect::<Vec<_>>(),
            "message": self.view.message(&node.id),
            "kind": found.map(|found| found.manifest.kind),
            "path": found.map(|found| &found.dir),
            "source_digest": found.map(|found| found.source_digest),
            "is_head": graph.children(number).is_empty(),
            "is_branch_point": graph.children(number).len() > 1,
            "is_merge_point": graph.parents(number).len() > 1,
        });
        if self.view.knows_database {
            let applied = self.view.applied(&node.id);
            answer["applied"] = json!(applied.is_some());
            answer["applied_at"] = json!(applied.map(|applied| &applied.applied_at));
            answer["applied_by"] = json!(applied.map(|applied| &applied.applied_by));
            answer["component"] = json!(applied.map(|applied| &applied.component_digest));
        }
        answer
    }
}

fn ids_or_base(revisions: &[RevisionId]) -> String {
    if revisions.is_empty() { "<base>".into() } else { ids(revisions) }
}
