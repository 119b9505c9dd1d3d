//! The template of a new plugin: a crate with tests and a case, which pass as
//! they are.

use std::path::{Path, PathBuf};

use crate::revision::PluginName;
use crate::source::TemplateError;
use crate::source::new_revision::write_folder;
use crate::source::template::type_name;
use crate::source::tokens::substitute;

const FILES: [(&str, &str); 8] = [
    ("Cargo.toml", include_str!("../templates/plugin/Cargo.toml")),
    ("README.md", include_str!("../templates/plugin/README.md")),
    ("src/lib.rs", include_str!("../templates/plugin/src/lib.rs")),
    ("src/tests.rs", include_str!("../templates/plugin/src/tests.rs")),
    ("cases/adds_a_column/case.toml", include_str!("../templates/plugin/cases/adds_a_column/case.toml")),
    ("cases/adds_a_column/before.sql", include_str!("../templates/plugin/cases/adds_a_column/before.sql")),
    ("cases/adds_a_column/after.sql", include_str!("../templates/plugin/cases/adds_a_column/after.sql")),
    (".gitignore", "/target\n/.runner\n"),
];

/// Makes the crate of a plugin in a folder that did not exist, and returns its
/// files. `sdk` is what the crate `plugin-sdk` is, as the value of a dependency in
/// Cargo.toml.
pub fn new_plugin(dir: &Path, name: &PluginName, sdk: &str) -> Result<Vec<PathBuf>, TemplateError> {
    let workspace = match is_in_workspace(dir) {
        true => "",
        false => "\n# A workspace of its own.\n[workspace]\n",
    };
    let token = |token: &str| match token {
        "name" => Some(name.to_string()),
        "type" => Some(type_name(name.as_str())),
        "sdk" => Some(sdk.to_owned()),
        "workspace" => Some(workspace.to_owned()),
        "dollar" => Some("$".to_owned()),
        _ => None,
    };
    let filled = |(path, text): &(&'static str, &str)| {
        Ok((Path::new(*path), substitute(Path::new(path), text, token)?))
    };
    let files: Vec<_> = FILES.iter().map(filled).collect::<Result<_, TemplateError>>()?;
    write_folder(dir, &files)
}

/// Whether a cargo workspace is around a folder.
fn is_in_workspace(dir: &Path) -> bool {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let is_workspace = |folder: &Path| {
        std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains("[workspace"))
    };
    absolute.ancestors().skip(1).any(is_workspace)
}
