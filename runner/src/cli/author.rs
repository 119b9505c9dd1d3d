//! What the commands that write revisions share.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use runner::graph::{Graph, GrowError, Target, TargetError};
use runner::revision::{IdError, Kind, Label, Requirement, RevisionId};
use runner::run::{AuthorError, OnDisk, Place, Written, write_revision};
use runner::source::{
    HookError, NewFiles, NewRevision, PluginTexts, Project, Template, TemplateError, run_hooks,
};
use serde_json::json;

use super::context;
use super::editor;
use super::error::CommandError;
use super::exit_code::Exit;
use super::ui::Ui;

/// A revision to be written, as the command line says it.
pub struct Request {
    pub template: Template,
    /// What runs it, for the template `plugin`.
    pub plugin: Option<PluginTexts>,
    pub message: String,
    pub id: Option<RevisionId>,
    pub parents: Vec<RevisionId>,
    pub labels: Vec<Label>,
    pub depends_on: Vec<String>,
    pub place: Place,
    pub edit: bool,
}

/// Writes a revision, says where it is, runs the hooks, opens the editor.
pub fn write(project: &Project, on_disk: &OnDisk, request: Request, ui: &Ui) -> Result<Exit, CommandError> {
    let new = NewRevision {
        id: request.id.unwrap_or_else(|| RevisionId::from_random(rand::random())),
        message: request.message,
        template: request.template,
        plugin: request.plugin,
        parents: request.parents,
        labels: request.labels,
        depends_on: depends_on(&on_disk.graph, &request.depends_on)?,
        created: project.config.migrations.timezone.at(Timestamp::now(), &TimeZone::system()),
        sdk: sdk(),
    };
    let (parents, labels, depends_on) = (new.parents.clone(), new.labels.clone(), new.depends_on.clone());
    let Written { id, files } = write_revision(project, on_disk, new, &request.place)?;
    if ui.json() {
        ui.answer(&json!({
            "revision": id,
            "parents": parents,
            "labels": labels,
            "depends_on": depends_on,
            "path": files.dir,
            "files": files.files,
        }));
    } else {
        ui.line(files.dir.display());
    }
    hooks(project, &files, ui)?;
    if request.edit {
        editor::open(&to_edit(files.kind, &files.dir))?;
    }
    Ok(Exit::Done)
}

fn hooks(project: &Project, files: &NewFiles, ui: &Ui) -> Result<(), CommandError> {
    for run in run_hooks(project, files).map_err(|error| CommandError::hook(&error, &files.dir))? {
        ui.note(format_args!("Ran hook `{}`: {}", run.hook, run.command));
        if ui.is_verbose() && !run.output.is_empty() {
            ui.note(run.output);
        }
    }
    Ok(())
}

/// The files of a revision that people write: both scripts, or the crate's first
/// file; where a crate has it elsewhere, its Cargo.toml, which says where.
pub fn to_edit(kind: Kind, dir: &Path) -> Vec<PathBuf> {
    let (names, else_name): (&[&str], _) = match kind {
        Kind::Sql => (&["upgrade.sql", "downgrade.sql"], "upgrade.sql"),
        Kind::Rust => (&["src/lib.rs"], "Cargo.toml"),
        Kind::Plugin | Kind::Imported => (&[], "migration.toml"),
    };
    let found: Vec<_> = names.iter().map(|name| dir.join(name)).filter(|path| path.is_file()).collect();
    if found.is_empty() { vec![dir.join(else_name)] } else { found }
}

/// The revisions that a target names, for `--head` and `merge`: none for `base`.
pub fn parents(graph: &Graph, text: &str) -> Result<Vec<RevisionId>, CommandError> {
    let found = graph.locate(&context::target(text)?, None);
    Ok(graph.ids(&found.map_err(|error| CommandError::parent(&error))?))
}

/// What `--depends-on` names: labels and versions of packages stay what they are,
/// everything else becomes a full id.
fn depends_on(graph: &Graph, texts: &[String]) -> Result<Vec<String>, CommandError> {
    let resolve = |text: &String| match graph.find_label(text) {
        Some(_) => Ok(text.clone()),
        None if is_range(graph, text) => Ok(text.clone()),
        None => {
            let target: Target = text.parse()?;
            graph.locate_one(&target, None).map(|found| graph.node(found).id.to_string())
        }
    };
    let found: Result<_, TargetError> = texts.iter().map(resolve).collect();
    found.map_err(|error| CommandError::target(&error))
}

/// Whether versions of a package are meant, rather than a revision of a branch: a
/// label that is there is a branch.
fn is_range(graph: &Graph, text: &str) -> bool {
    let range: Option<Requirement> = text.parse().ok().filter(|_| Requirement::is_meant(text));
    range.is_some_and(|range| graph.find_label(range.package.as_str()).is_none())
}

/// Reads a new revision's id on the command line. Its package is that of its
/// folder.
pub fn id(text: &str) -> Result<RevisionId, IdError> {
    match text.contains(':') {
        true => Err(IdError::Character { text: text.to_owned(), found: ':' }),
        false => RevisionId::new(text),
    }
}

/// Reads a branch label on the command line.
pub fn label(text: &str) -> Result<Label, IdError> {
    Label::new(text)
}

/// What `plugin-sdk` is for a new workspace. Built from a checkout that is still
/// there, the checkout's own SDK fits best; otherwise the published one.
pub fn sdk() -> String {
    let checkout: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-sdk");
    match checkout.canonicalize() {
        Ok(path) if path.join("Cargo.toml").is_file() => {
            let path = toml::Value::String(path.display().to_string());
            format!("{{ path = {path} }}")
        }
        _ => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
    }
}

impl CommandError {
    /// `--head` leads nowhere, or to several heads.
    fn parent(error: &TargetError) -> Self {
        match error {
            TargetError::SeveralHeads { .. } => Self::new(Exit::Error, error.to_string())
                .hint("Name the one that the new revision follows: `--head ID`, or `--head LABEL@head`.")
                .hint("Or bring them together with `runner merge heads`."),
            _ => Self::target(error),
        }
    }

    /// A hook failed; the files are there.
    fn hook(error: &HookError, dir: &Path) -> Self {
        let found = Self::from_chain(Exit::Error, error)
            .outcome_line(format!("The revision was written all the same: {}", dir.display()));
        match error {
            HookError::Failed { output, .. } if !output.is_empty() => found.cause(output.clone()),
            HookError::NotFound { .. } => found
                .hint("Install it, or name it with its path; the path of `./x` begins where the hook runs."),
            _ => found,
        }
    }

    /// Nobody said which editor to use.
    pub fn no_editor() -> Self {
        Self::new(Exit::Error, "no editor is configured")
            .hint("Set VISUAL or EDITOR, as in `export EDITOR=vim` or `export EDITOR=\"code --wait\"`.")
    }

    /// The editor reported a failure.
    pub fn editor(variable: &str, editor: &str, status: std::process::ExitStatus) -> Self {
        let found = Self::new(Exit::Error, format!("the editor `{editor}` ended with {status}"));
        match status.code() {
            // What the shell answers where there is no such program.
            Some(127) => found.hint(format!("Set {variable} to an editor that is installed.")),
            _ => found,
        }
    }
}

impl From<AuthorError> for CommandError {
    fn from(error: AuthorError) -> Self {
        let found = Self::from_chain(Exit::Error, &error);
        match error {
            AuthorError::Template(error) => error.into(),
            AuthorError::Grow(errors) => {
                let not_a_head = errors.iter().any(|error| matches!(error, GrowError::NotAHead { .. }));
                let found = errors.iter().fold(found, |found, error| found.cause(error.to_string()));
                match not_a_head {
                    true => found.hint("Pass `--splice` to begin a new branch there."),
                    false => found,
                }
            }
            AuthorError::NotOurs { known, .. } | AuthorError::SeveralFolders(known) => {
                let known: Vec<_> = known.iter().map(|dir| dir.path.display().to_string()).collect();
                found.hint(format!("Pass one of them with `--version-path`: {}.", known.join(", ")))
            }
        }
    }
}

impl From<TemplateError> for CommandError {
    fn from(error: TemplateError) -> Self {
        let hint = match &error {
            TemplateError::Token(_) => Some("Run `runner list-templates -v` to see the tokens.".into()),
            TemplateError::Manifest(error) => error.hint.clone(),
            TemplateError::NotTakenOver { key, .. } => Some(match *key {
                "revision" | "kind" => format!("Let it say `{key} = \"${{{key}}}\"`."),
                key => format!("Let it say `{key} = [${{{key}}}]`."),
            }),
            TemplateError::NoFolder(_) => Some("It is `templates` in [migrations] in runner.toml.".into()),
            TemplateError::Name(_) | TemplateError::Taken(_) => {
                Some("Put `{rev}` into `file_template` in runner.toml.".into())
            }
            TemplateError::NotRecursive { .. } => Some(
                "Set `recursive = true` in [migrations] in runner.toml, or leave `/` out of `file_template`."
                    .into(),
            ),
            TemplateError::Nested { .. } => Some("Change `file_template` in runner.toml.".into()),
            TemplateError::Exists(_)
            | TemplateError::Message
            | TemplateError::Io { .. }
            | TemplateError::Read(_)
            | TemplateError::MissingFile { .. } => None,
        };
        let found = Self::from_chain(Exit::Error, &error);
        hint.into_iter().fold(found, |found, hint: String| found.hint(hint))
    }
}
