//! Opening files in the user's editor.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::error::CommandError;

/// Opens files in the editor of VISUAL or EDITOR and waits for its end.
pub fn open(files: &[PathBuf]) -> Result<(), CommandError> {
    let (variable, editor) = chosen().ok_or_else(CommandError::no_editor)?;
    // As git does it: the shell splits what the variable says into words, so
    // that `code --wait` and quoted paths work; the files are its arguments.
    let script = format!("{editor} \"$@\"");
    let status = Command::new("sh").args(["-c", &script, &editor]).args(files).status();
    let status = status.map_err(|error| CommandError::user("the editor cannot be started", error))?;
    match status.success() {
        true => Ok(()),
        false => Err(CommandError::editor(variable, &editor, status)),
    }
}

/// The variable that names an editor, and the editor.
fn chosen() -> Option<(&'static str, String)> {
    let value = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    ["VISUAL", "EDITOR"].into_iter().find_map(|name| Some((name, value(name)?)))
}
