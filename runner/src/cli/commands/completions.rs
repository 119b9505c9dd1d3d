use clap::{CommandFactory as _, ValueEnum};
use clap_complete::{Generator, Shell};
use clap_complete_nushell::Nushell;

use crate::cli::args;
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// Print a script with which a shell completes commands and options
///
/// For bash, for example: `runner completions bash >
/// ~/.local/share/bash-completion/completions/runner`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: ShellArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShellArg {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

pub fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let script = match args.shell {
        ShellArg::Bash => script(Shell::Bash),
        ShellArg::Elvish => script(Shell::Elvish),
        ShellArg::Fish => script(Shell::Fish),
        ShellArg::Nushell => script(Nushell),
        ShellArg::PowerShell => script(Shell::PowerShell),
        ShellArg::Zsh => script(Shell::Zsh),
    };
    ui.text(&script);
    Ok(Exit::Done)
}

fn script(shell: impl Generator) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::Args::command(), "runner", &mut script);
    String::from_utf8(script).expect("our own texts are UTF-8")
}
