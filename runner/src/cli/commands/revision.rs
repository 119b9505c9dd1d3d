use std::path::PathBuf;

use clap::ValueEnum;
use runner::revision::{Label, PluginName, RevisionId};
use runner::run::{Migrator, Place};
use runner::source::{self, PluginTexts, Template};

use crate::cli::args::{Global, Resolve};
use crate::cli::author::{self, Request};
use crate::cli::context;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::plugin;
use crate::cli::ui::Ui;

/// Make a new revision
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the revision does, in one line
    #[arg(short, long, default_value = "empty message")]
    message: String,

    /// What runs it
    #[arg(long, value_name = "KIND", default_value = "sql")]
    kind: KindArg,

    /// A plugin of runner.toml that runs it, in place of a kind
    #[arg(long, value_name = "NAME", conflicts_with = "kind", value_parser = |text: &str| PluginName::new(text))]
    plugin: Option<PluginName>,

    /// The revision that it follows: `head`, `heads`, LABEL@head, an id or the beginning of one;
    /// `base` makes a new base
    #[arg(long, value_name = "REVISION", default_value = "head")]
    head: String,

    /// Let it follow a revision that others follow already
    #[arg(long)]
    splice: bool,

    /// Begin a branch with this label (can be repeated)
    #[arg(long, value_name = "LABEL", value_parser = author::label)]
    branch_label: Vec<Label>,

    /// The folder of migrations to make it in
    #[arg(long, value_name = "DIR")]
    version_path: Option<PathBuf>,

    /// Its id, instead of a random one
    #[arg(long, value_name = "ID", value_parser = author::id)]
    rev_id: Option<RevisionId>,

    /// A revision or a label of another branch that must come before it, or versions of another package
    /// as in `billing@1.2` (can be repeated)
    #[arg(long, value_name = "REVISION")]
    depends_on: Vec<String>,

    /// Open it in the editor that VISUAL or EDITOR names
    #[arg(long)]
    edit: bool,

    #[command(flatten)]
    pub resolve: Resolve,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    /// upgrade.sql and downgrade.sql
    Sql,
    /// A Rust crate
    Rust,
}

impl From<KindArg> for Template {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Sql => Self::Sql,
            KindArg::Rust => Self::Rust,
        }
    }
}

pub fn run(args: Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let on_disk = Migrator::on_disk(&project)?;
    let plugin = args.plugin.map(|name| usage(name, global)).transpose()?;
    let request = Request {
        template: if plugin.is_some() { Template::Plugin } else { args.kind.into() },
        plugin,
        message: args.message,
        id: args.rev_id,
        parents: author::parents(&on_disk.graph, &args.head)?,
        labels: args.branch_label,
        depends_on: args.depends_on,
        place: Place { splice: args.splice, migrations: args.version_path },
        edit: args.edit,
    };
    author::write(&project, &on_disk, request, ui)
}

/// What a manifest says of a plugin that is pinned.
fn usage(name: PluginName, global: &Global) -> Result<PluginTexts, CommandError> {
    let manager = plugin::manager(global)?;
    let info = context::block_on(manager.pinned(&name))?;
    Ok(PluginTexts { name, usage: source::usage(&info.description) })
}
