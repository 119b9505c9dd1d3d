use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::args;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::render::count;
use crate::cli::ui::Ui;

/// Print the manual page, or write the pages of all commands to a folder
///
/// To read the page: `runner man | man -l -`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the pages of all commands to this folder, which is made if need be
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    match &args.dir {
        None => ui.text(&page()),
        Some(dir) => {
            let pages = write(dir).map_err(|error| {
                CommandError::user(&format!("the manual cannot be written to {}", dir.display()), error)
            })?;
            ui.note(format_args!("Wrote {} to {}", count(pages, "page"), dir.display()));
        }
    }
    Ok(Exit::Done)
}

fn page() -> String {
    let mut page = Vec::new();
    Man::new(args::Args::command()).render(&mut page).expect("writing to memory does not fail");
    String::from_utf8(page).expect("our own texts are UTF-8")
}

/// Writes one page a command, and says how many there are.
fn write(dir: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(args::Args::command(), dir)?;
    let is_ours = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("runner");
    Ok(std::fs::read_dir(dir)?.flatten().filter(is_ours).count())
}
