use std::path::{Path, PathBuf};

use clap::ValueEnum;
use runner::graph::Graph;
use runner::revision::{Kind, RevisionId};
use runner::run::Migrator;
use runner::source::{self, NewRevision};
use serde_json::json;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// Make a new revision
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the revision does, in one line
    #[arg(short, long)]
    message: String,

    /// What runs it
    #[arg(long, value_name = "KIND", default_value = "sql")]
    kind: KindArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    /// upgrade.sql and downgrade.sql
    Sql,
    /// A Rust crate
    Rust,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Sql => Self::Sql,
            KindArg::Rust => Self::Rust,
        }
    }
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let on_disk = Migrator::on_disk(&project)?;
    let new = NewRevision {
        id: RevisionId::from_random(rand::random()),
        message: args.message.clone(),
        kind: args.kind.into(),
        parents: parents(&on_disk.graph)?,
        created: jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).datetime(),
        sdk: sdk(),
    };
    let dir = source::new_revision(&project, &new)?;
    if ui.json() {
        ui.answer(&json!({ "revision": new.id, "parents": new.parents, "path": dir }));
    } else {
        ui.line(dir.display());
    }
    Ok(Exit::Done)
}

/// The new revision follows the one head.
fn parents(graph: &Graph) -> Result<Vec<RevisionId>, CommandError> {
    if graph.is_empty() {
        return Ok(Vec::new());
    }
    let head = graph.head().map_err(|error| CommandError::target(&error))?;
    Ok(graph.ids(&[head]))
}

/// What `plugin-sdk` is for a new workspace. Built from a checkout that is still
/// there, the checkout's own SDK fits best; otherwise the published one.
fn sdk() -> String {
    let checkout: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-sdk");
    match checkout.canonicalize() {
        Ok(path) if path.join("Cargo.toml").is_file() => {
            let path = toml::Value::String(path.display().to_string());
            format!("{{ path = {path} }}")
        }
        _ => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
    }
}
