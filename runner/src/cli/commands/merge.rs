use runner::revision::{Label, RevisionId};
use runner::run::{Migrator, Place};
use runner::source::Template;

use crate::cli::args::Global;
use crate::cli::author::{self, Request};
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// Make a revision that brings branches together
///
/// It is of kind `sql`, and may stay without a statement.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The revisions to bring together: `heads`, or ids
    #[arg(required = true, value_name = "REVISIONS")]
    revisions: Vec<String>,

    /// What the revision does, in one line; `merge A and B` if it is left out
    #[arg(short, long)]
    message: Option<String>,

    /// Begin a branch with this label (can be repeated)
    #[arg(long, value_name = "LABEL", value_parser = author::label)]
    branch_label: Vec<Label>,

    /// Its id, instead of a random one
    #[arg(long, value_name = "ID", value_parser = author::id)]
    rev_id: Option<RevisionId>,

    /// Merge revisions that others follow already
    #[arg(long)]
    splice: bool,
}

pub fn run(args: Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let on_disk = Migrator::on_disk(&project)?;
    let mut parents = Vec::new();
    for text in &args.revisions {
        parents.extend(author::parents(&on_disk.graph, text)?);
    }
    if parents.len() < 2 {
        return Err(CommandError::nothing_to_merge(&parents));
    }
    let request = Request {
        template: Template::Merge,
        plugin: None,
        message: args.message.unwrap_or_else(|| message(&parents)),
        id: args.rev_id,
        parents,
        labels: args.branch_label,
        depends_on: Vec::new(),
        place: Place { splice: args.splice, migrations: None },
        edit: false,
    };
    author::write(&project, &on_disk, request, ui)
}

/// `merge a, b and c`.
fn message(parents: &[RevisionId]) -> String {
    let names: Vec<&str> = parents.iter().map(RevisionId::as_str).collect();
    match names.split_last() {
        Some((last, others)) => format!("merge {} and {last}", others.join(", ")),
        None => "merge".into(),
    }
}

impl CommandError {
    fn nothing_to_merge(parents: &[RevisionId]) -> Self {
        let named = match parents {
            [] => "none is named".to_owned(),
            parents => format!("only `{}` is named", parents[0]),
        };
        Self::new(Exit::Error, format!("a merge takes at least two revisions; {named}"))
            .hint("Run `runner heads` to see the heads.")
    }
}
