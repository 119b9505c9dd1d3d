use std::path::PathBuf;

use runner::source;
use serde_json::json;

use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// Make a new project: runner.toml and a folder for its migrations
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the project
    #[arg(default_value = ".")]
    dir: PathBuf,
}

pub fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let made = source::init(&args.dir)?;
    if ui.json() {
        ui.answer(&json!({ "made": made }));
        return Ok(Exit::Done);
    }
    for path in made {
        ui.line(format_args!("made {}", path.display()));
    }
    ui.note("Next: runner revision -m \"create the first table\"");
    Ok(Exit::Done)
}
