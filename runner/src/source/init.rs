//! The templates of new projects.

use std::path::{Path, PathBuf};

use super::new_revision::{create_dir, write_new};
use super::tokens::substitute;
use super::{CONFIG_FILE, TemplateError};

/// What a new project can be made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitTemplate {
    /// Its name.
    pub name: &'static str,
    /// What it makes, in one line.
    pub summary: &'static str,
    /// The folders that hold migrations.
    dirs: &'static [&'static str],
    /// The other files, below the project's folder.
    files: &'static [(&'static str, &'static str)],
}

const WORKSPACE: &str = include_str!("templates/init/workspace.toml");
const IGNORED: &str = "/.runner\n/migrations/**/target\n";

/// All of them; the first one is the default.
pub const INIT_TEMPLATES: [InitTemplate; 5] = [
    InitTemplate {
        name: "generic",
        summary: "runner.toml and a folder for migrations",
        dirs: &["migrations"],
        files: &[(CONFIG_FILE, include_str!("templates/init/runner.toml"))],
    },
    InitTemplate {
        name: "rust",
        summary: "the same, and a cargo workspace for revisions of kind `rust`",
        dirs: &["migrations"],
        files: &[
            (CONFIG_FILE, include_str!("templates/init/runner.toml")),
            ("migrations/Cargo.toml", WORKSPACE),
        ],
    },
    InitTemplate {
        name: "dated",
        summary: "one folder a year and a month, searched recursively",
        dirs: &["migrations"],
        files: &[(CONFIG_FILE, include_str!("templates/init/dated.toml"))],
    },
    InitTemplate {
        name: "packages",
        summary: "two packages of migrations, each with its own folder and ids",
        dirs: &["migrations/core", "migrations/app"],
        files: &[(CONFIG_FILE, include_str!("templates/init/packages.toml"))],
    },
    InitTemplate {
        name: "multidb",
        summary: "two databases as named sections, for `runner --name NAME`",
        dirs: &["migrations/engine1", "migrations/engine2"],
        files: &[(CONFIG_FILE, include_str!("templates/init/multidb.toml"))],
    },
];

/// Makes a project in a folder and returns what was made. `sdk` is what the
/// crate `plugin-sdk` is, as the value of a dependency in Cargo.toml. Nothing is
/// written if one of the files is there already.
pub fn init(dir: &Path, template: &InitTemplate, sdk: &str) -> Result<Vec<PathBuf>, TemplateError> {
    let files = template.files.iter().map(|(path, text)| (dir.join(path), *text));
    let files: Vec<_> = files.collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(TemplateError::Exists(path.clone()));
    }
    let mut made = Vec::new();
    for folder in template.dirs.iter().map(|folder| dir.join(folder)) {
        create_dir(&folder)?;
        made.push(folder);
    }
    for (path, text) in files {
        write_new(&path, &filled(&path, text, 0, sdk)?)?;
        made.push(path);
    }
    // Whoever has one keeps it.
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        write_new(&ignore, IGNORED)?;
        made.push(ignore);
    }
    Ok(made)
}

/// A crate needs a workspace that says which SDK it is built against. Makes one
/// in a folder of migrations whose revisions are `depth` folders further down,
/// unless there is one there or above.
pub(super) fn ensure_workspace(migrations: &Path, depth: usize, sdk: &str) -> Result<(), TemplateError> {
    let absolute = std::path::absolute(migrations).unwrap_or_else(|_| migrations.to_owned());
    let is_workspace = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        text.contains("[workspace.dependencies]") && text.contains("plugin-sdk")
    };
    if absolute.ancestors().any(is_workspace) {
        return Ok(());
    }
    let path = migrations.join("Cargo.toml");
    write_new(&path, &filled(&path, WORKSPACE, depth, sdk)?)
}

fn filled(path: &Path, text: &str, depth: usize, sdk: &str) -> Result<String, TemplateError> {
    let token = |name: &str| match name {
        "members" => Some(format!("{}*/src/..", "*/".repeat(depth))),
        "sdk" => Some(sdk.to_owned()),
        _ => None,
    };
    Ok(substitute(path, text, token)?)
}
