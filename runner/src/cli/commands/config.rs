use std::path::Path;

use runner::source::{Project, Setting, SettingOrigin};
use serde::Serialize;
use serde_json::Value;

use crate::cli::args::Global;
use crate::cli::context;
use crate::cli::database::{self, Environment, Found};
use crate::cli::error::CommandError;
use crate::cli::exit_code::Exit;
use crate::cli::origin::Origin;
use crate::cli::printable::printable;
use crate::cli::render::count;
use crate::cli::ui::Ui;

/// Show every setting, and where its value is from
///
/// Above all where the database is, and which option, variable or file said so. No
/// password is shown, only whether there is one. Needs no database.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Everything that the command shows.
#[derive(Serialize)]
struct Shown {
    config: File,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_file: Option<EnvFile>,
    database: Option<Database>,
    settings: Vec<Setting>,
}

/// The configuration file.
#[derive(Serialize)]
struct File {
    file: String,
    from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<String>,
}

/// The file of variables.
#[derive(Serialize)]
struct EnvFile {
    file: String,
    variables: usize,
}

/// Where the database is.
#[derive(Serialize)]
struct Database {
    location: String,
    named_by: String,
    /// Who named one too, and was not heard.
    passed_over: Vec<String>,
    parts: Vec<Part>,
}

/// A part of the location.
#[derive(Serialize)]
struct Part {
    name: &'static str,
    value: String,
    from: Origin,
}

pub fn run(_args: &Args, global: &Global, ui: &Ui) -> Result<Exit, CommandError> {
    let project = context::project(global)?;
    let environment = Environment::of(&project.root)?;
    let settings = project.effective_settings(global.name.as_deref())?;
    let found = database::location(global, project.config.database.url.as_deref(), &environment)?;
    let shown = Shown {
        config: file(&project, global),
        env_file: environment
            .file_and_count()
            .map(|(path, variables)| EnvFile { file: path.display().to_string(), variables }),
        database: found.map(|found| database_of(&found, &environment, &settings)),
        settings,
    };
    match ui.json() {
        true => ui.answer(&shown),
        false => lines(&shown).iter().for_each(|line| ui.line(printable(line))),
    }
    Ok(Exit::Done)
}

fn file(project: &Project, global: &Global) -> File {
    if project.is_bundle() && global.config.is_none() {
        return File {
            file: project.file.display().to_string(),
            from: "--bundle",
            section: global.name.clone(),
        };
    }
    let from = match (&global.config, std::env::var_os("RUNNER_CONFIG")) {
        (None, _) => "the nearest one",
        (Some(file), Some(variable)) if *file == Path::new(&variable) => "RUNNER_CONFIG",
        (Some(_), _) => "--config",
    };
    File { file: project.file.display().to_string(), from, section: global.name.clone() }
}

fn database_of(found: &Found, environment: &Environment, settings: &[Setting]) -> Database {
    let configured = settings.iter().find(|setting| setting.key == "database.url");
    let configured = configured.map_or(SettingOrigin::Default, |setting| setting.from.clone());
    let origin = |name: &str| found.origin(name, environment, &configured);
    let part = |part: runner::db::LocationPart| Part {
        name: part.name,
        from: if part.is_given { origin(part.name) } else { Origin::default_value() },
        value: part.value,
    };
    Database {
        location: found.location.to_string(),
        named_by: found.source.to_string(),
        passed_over: found.passed_over.iter().map(ToString::to_string).collect(),
        parts: found.location.parts().into_iter().map(part).collect(),
    }
}

fn lines(shown: &Shown) -> Vec<String> {
    let section = shown.config.section.as_ref().map(|name| format!(", [named.{name}]")).unwrap_or_default();
    let mut lines = vec![format!("Configuration: {}{section} ({})", shown.config.file, shown.config.from)];
    if let Some(file) = &shown.env_file {
        lines.push(format!("Variables: {} ({})", file.file, count(file.variables, "variable")));
    }
    lines.push(String::new());
    lines.extend(database_lines(shown.database.as_ref()));
    lines.push(String::new());
    lines.push("Settings:".into());
    let rows = shown.settings.iter().map(|setting| {
        let from = Origin::Setting(setting.from.clone());
        [setting.key.clone(), value_text(&setting.value), from.to_string()]
    });
    lines.extend(table(rows.collect()));
    lines
}

fn database_lines(database: Option<&Database>) -> Vec<String> {
    let Some(database) = database else {
        return vec!["Database: none is configured".into()];
    };
    let mut lines = vec![format!("Database: {} (named by {})", database.location, database.named_by)];
    let rows =
        database.parts.iter().map(|part| [part.name.to_owned(), part.value.clone(), part.from.to_string()]);
    lines.extend(table(rows.collect()));
    if !database.passed_over.is_empty() {
        lines.push(format!("  Set too, and passed over: {}", database.passed_over.join(", ")));
    }
    lines
}

/// A value as runner.toml has it.
fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "(not set)".into(),
        other => other.to_string(),
    }
}

/// Columns that are as wide as they need to be.
fn table(rows: Vec<[String; 3]>) -> Vec<String> {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count().min(WIDEST));
        widths.max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    rows.iter().map(|[name, value, from]| format!("  {name:first$}  {value:second$}  {from}")).collect()
}

/// The widest column, in characters: one long value must not push the others away.
const WIDEST: usize = 50;
