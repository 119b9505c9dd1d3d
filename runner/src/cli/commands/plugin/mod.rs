//! `runner plugin`: one file for each group of its commands.

mod look;
mod make;
mod pin;

use std::path::PathBuf;

use runner::revision::PluginName;

use crate::cli::args::{Global, Resolve};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::ui::Ui;

/// Use, look at and make plugins: components that several projects share
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

impl Args {
    /// How the lock and the network may be used. What works on a plugin's crate has
    /// no runner.lock.
    pub fn resolve(&self) -> Resolve {
        let without_lock = |network| Resolve { network, ..Resolve::default() };
        match &self.command {
            Command::Add(args) => args.resolve,
            Command::Remove(args) => args.resolve,
            Command::Update(args) => args.resolve,
            Command::List(args) => args.resolve,
            Command::Show(args) => args.resolve,
            Command::Why(args) => args.resolve,
            Command::Test(args) => without_lock(args.network),
            Command::Publish(args) => without_lock(args.network),
            Command::New(_) => Resolve::default(),
        }
    }
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(pin::Add),
    Remove(pin::Remove),
    Update(pin::Update),
    List(look::List),
    Show(look::Show),
    Why(look::Why),
    New(make::New),
    Test(make::Test),
    Publish(make::Publish),
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    match &args.command {
        Command::Add(args) => pin::add(args, global, ui),
        Command::Remove(args) => pin::remove(args, global, ui),
        Command::Update(args) => pin::update(args, global, ui),
        Command::List(args) => look::list(args, global, ui),
        Command::Show(args) => look::show(args, global, ui),
        Command::Why(args) => look::why(args, global, ui),
        Command::New(args) => make::new(args, ui),
        Command::Test(args) => make::test(args, global, ui),
        Command::Publish(args) => make::publish(args, global, ui),
    }
}

/// Reads a plugin's name on the command line.
fn name(text: &str) -> Result<PluginName, runner::revision::PluginNameError> {
    PluginName::new(text)
}

/// A path of the command line as runner.toml is to have it: relative to that file
/// where it is not complete.
fn seen_from(root: &std::path::Path, path: &std::path::Path) -> PathBuf {
    if path.is_absolute() || root.as_os_str().is_empty() {
        return path.to_owned();
    }
    let absolute = |path: &std::path::Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (path, root) = (absolute(path), absolute(root));
    let same = path.iter().zip(root.iter()).take_while(|(one, other)| one == other).count();
    let up = root.iter().skip(same).map(|_| "..".as_ref());
    up.chain(path.iter().skip(same)).collect()
}
