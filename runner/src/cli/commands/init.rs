use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use runner::source::{self, INIT_TEMPLATES};
use serde_json::json;

use crate::cli::author;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// Make a new project: runner.toml and a folder for its migrations
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the project
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// What to make it from; `runner list-templates` tells about them
    #[arg(short, long, value_name = "TEMPLATE", default_value = INIT_TEMPLATES[0].name)]
    #[arg(value_parser = PossibleValuesParser::new(INIT_TEMPLATES.map(|template| template.name)))]
    template: String,
}

pub fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let template = INIT_TEMPLATES.iter().find(|template| template.name == args.template);
    let template = template.expect("the grammar takes the names of templates only");
    let made = source::init(&args.dir, template, &author::sdk())?;
    if ui.json() {
        ui.answer(&json!({ "made": made, "template": template.name }));
        return Ok(Exit::Done);
    }
    for path in made {
        ui.line(format_args!("made {}", path.display()));
    }
    ui.note("Next: runner revision -m \"create the first table\"");
    Ok(Exit::Done)
}
