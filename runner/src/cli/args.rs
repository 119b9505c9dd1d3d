//! The command line's grammar. The doc comments are the help.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};

use runner::run::Override;

use super::exit_code::Exit;
use super::logging::LogFormat;

use super::commands::{
    branches, build, bundle, check, completions, config, current, downgrade, edit, ensure_version, graph,
    heads, history, import, init, list_templates, man, merge, plan, plugin, redo, revision, sandbox, show,
    stamp, status, suggest, upgrade, verify, wait,
};

/// PostgreSQL migrations as sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "runner", version, max_term_width = 100, infer_long_args = false, after_long_help = Exit::help())]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Use this configuration file instead of the nearest runner.toml
    #[arg(short, long, global = true, value_name = "FILE", env = "RUNNER_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// Use a bundle that `runner bundle` made instead of a project's folder
    ///
    /// No runner.toml is looked for; what `--config` names lies over the bundle's settings.
    #[arg(long, global = true, value_name = "FILE", env = "RUNNER_BUNDLE", hide_env_values = true)]
    pub bundle: Option<PathBuf>,

    /// Use the named section `[named.NAME]` of the configuration file
    #[arg(short, long, global = true, value_name = "NAME")]
    pub name: Option<String>,

    /// Give migrations a parameter in place of what their manifests say (can be repeated)
    #[arg(short = 'x', global = true, value_name = "KEY=VALUE")]
    pub params: Vec<Override>,

    /// Where the database is: a PostgreSQL URL, `service=NAME`, `embedded` or `embedded:PATH`
    ///
    /// Without it, DATABASE_URL is used, then PGHOST, PGDATABASE and libpq's other variables, then
    /// DB_HOST (with DB_PORT, POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD), then `database.url`
    /// in runner.toml. A `.env` beside runner.toml has the variables that are not set.
    #[arg(short, long, global = true, value_name = "URL")]
    pub database: Option<String>,

    /// Print machine-readable JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,

    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print more (can be repeated)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// How the log on standard error is written; with `json` nothing else is written there
    ///
    /// What is logged, RUNNER_LOG says more finely than `--verbose`: `runner=debug`, or `warn`.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        env = "RUNNER_LOG_FORMAT",
        hide_env_values = true
    )]
    pub log_format: LogFormat,

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,

    /// What the command takes as options of its own.
    #[arg(skip)]
    pub resolve: Resolve,
}

impl Args {
    /// Whether a word of the command line is a command's name.
    pub fn is_command(word: &str) -> bool {
        <Self as clap::CommandFactory>::command().get_subcommands().any(|command| command.get_name() == word)
    }
}

impl Command {
    /// Whether it runs migrations, or looks at how they would run: only then
    /// parameters make sense.
    pub fn takes_params(&self) -> bool {
        matches!(
            self,
            Self::Upgrade(_)
                | Self::Downgrade(_)
                | Self::Redo(_)
                | Self::Plan(_)
                | Self::Stamp(_)
                | Self::Suggest(_)
        )
    }

    /// How it may use the lock and the network, if it takes components from anywhere.
    pub fn resolve(&self) -> Option<Resolve> {
        Some(match self {
            Self::Revision(args) => args.resolve,
            Self::Build(args) => args.resolve,
            Self::Bundle(args) => args.resolve,
            Self::Plugin(args) => args.resolve(),
            Self::Upgrade(args) => args.resolve,
            Self::Downgrade(args) => args.resolve.into(),
            Self::Stamp(args) => args.resolve,
            Self::Redo(args) => args.resolve,
            Self::Plan(args) => args.resolve,
            Self::Suggest(args) => args.resolve,
            Self::Check(args) => args.resolve,
            Self::Verify(args) => args.resolve,
            _ => return None,
        })
    }

    /// What a command is called that works on the sources of a project: none of
    /// the others needs any.
    pub fn needs_sources(&self) -> Option<&'static str> {
        Some(match self {
            Self::Init(_) => "init",
            Self::ListTemplates(_) => "list-templates",
            Self::Import(_) => "import",
            Self::Revision(_) => "revision",
            Self::Merge(_) => "merge",
            Self::Edit(_) => "edit",
            Self::Build(_) => "build",
            Self::Bundle(_) => "bundle",
            Self::Plugin(_) => "plugin",
            Self::Suggest(args) if args.writes() => "suggest --write",
            _ => return None,
        })
    }
}

/// How runner.lock and the network may be used.
#[derive(Clone, Copy, Debug, Default, ClapArgs)]
pub struct Resolve {
    /// Fail, before anything is done, if runner.lock is not there or would change
    #[arg(
        long,
        env = "RUNNER_LOCKED",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub locked: bool,

    #[command(flatten)]
    pub network: Network,
}

/// The same for what runs what the ledger kept, and needs no runner.lock: a variable
/// that is set for all commands does not ask for one.
#[derive(Clone, Copy, Debug, Default, ClapArgs)]
pub struct ResolveKept {
    /// Fail, before anything is done, if runner.lock is not there or would change
    #[arg(long)]
    locked: bool,

    #[command(flatten)]
    network: Network,
}

impl From<ResolveKept> for Resolve {
    fn from(ResolveKept { locked, network }: ResolveKept) -> Self {
        Self { locked, network }
    }
}

/// How the network may be used.
#[derive(Clone, Copy, Debug, Default, ClapArgs)]
pub struct Network {
    /// Ask nothing over a network but the database; cargo neither
    #[arg(
        long,
        env = "RUNNER_OFFLINE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub offline: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(init::Args),
    #[command(alias = "list_templates")]
    ListTemplates(list_templates::Args),
    Import(import::Args),
    Revision(revision::Args),
    Merge(merge::Args),
    Edit(edit::Args),
    Build(build::Args),
    Bundle(bundle::Args),
    Plugin(plugin::Args),
    Upgrade(upgrade::Args),
    Downgrade(downgrade::Args),
    Stamp(stamp::Args),
    #[command(alias = "ensure_version")]
    EnsureVersion(ensure_version::Args),
    Redo(redo::Args),
    Plan(plan::Args),
    Suggest(suggest::Args),
    Status(status::Args),
    Current(current::Args),
    Check(check::Args),
    Config(config::Args),
    Wait(wait::Args),
    History(history::Args),
    Heads(heads::Args),
    Branches(branches::Args),
    Show(show::Args),
    Graph(graph::Args),
    Verify(verify::Args),
    Sandbox(sandbox::Args),
    Completions(completions::Args),
    Man(man::Args),
}
