use std::path::PathBuf;

use runner::graph::Target;

use crate::cli::args::{Global, Resolve};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::count;
use crate::cli::ui::Ui;
use crate::cli::{context, progress};

/// Write one file with everything that a deployment needs
///
/// It holds the manifests, the SQL, the built components, their digests, and the settings of
/// runner.toml but for where the database is; no sources. `runner upgrade head --bundle FILE` runs
/// it where there is no Rust and no checkout. The same sources and components make the same bytes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only what this target needs, itself included: an id, LABEL@head, PACKAGE:head, `head-2`
    #[arg(default_value = "heads")]
    target: String,

    /// The file
    #[arg(short, long, value_name = "FILE", default_value = "bundle.tar")]
    output: PathBuf,

    #[command(flatten)]
    pub resolve: Resolve,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let target: Target = context::target(&args.target)?;
    let bundler = context::bundler(global, progress::reporter(ui))?;
    context::refuse_range(&args.target, bundler.project())?;
    let outcome = context::block_on(bundler.write(&target, &args.output))?;
    if ui.json() {
        ui.answer(&outcome);
        return Ok(Exit::Done);
    }
    ui.line(outcome.file.display());
    ui.note(format_args!(
        "{}, {} of their own, {} bytes, digest {}",
        count(outcome.revisions, "revision"),
        count(outcome.components, "component"),
        outcome.bytes,
        outcome.digest
    ));
    Ok(Exit::Done)
}
