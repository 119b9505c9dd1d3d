//! Writing the grants of a revision into its manifest.

use std::io;
use std::path::{Path, PathBuf};

use crate::revision::{Capabilities, Manifest, ManifestError};

use super::scan::MANIFEST_FILE;

const HEADER: &str = "[capabilities]";

/// Why the grants were not written. The manifest is as it was.
#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    /// The manifest cannot be read or written.
    #[error("{} cannot be changed", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is written in a way that we would have to guess at, such as with an
    /// inline table.
    #[error("{} says its grants in a way that is not changed by itself: write them by hand", .0.display())]
    Unusual(PathBuf),
    /// What would be written is no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// The grants as the table of a manifest.
pub fn grants_table(capabilities: &Capabilities) -> String {
    let lines = toml::to_string(capabilities).expect("lists of texts are TOML");
    format!("{HEADER}\n{lines}")
}

/// Puts the grants into the manifest of the revision in `dir`, in the place of
/// its `[capabilities]` or at its end. Everything else stays as it is written.
pub fn write_grants(dir: &Path, capabilities: &Capabilities) -> Result<(), GrantsError> {
    let path = dir.join(MANIFEST_FILE);
    let failed = |source| GrantsError::Io { path: path.clone(), source };
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    let changed = with_grants(&text, capabilities);
    if Manifest::parse(&path, &changed)?.grants().as_ref() != Some(capabilities) {
        return Err(GrantsError::Unusual(path));
    }
    std::fs::write(&path, changed).map_err(failed)
}

fn with_grants(text: &str, capabilities: &Capabilities) -> String {
    let table = grants_table(capabilities);
    let Some(start) = header(text) else {
        let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
        return format!("{text}{gap}{table}");
    };
    let body = start + text[start..].find('\n').map_or(text.len() - start, |end| end + 1);
    let end = next_table(&text[body..]).map_or(text.len(), |next| body + next);
    match &text[end..] {
        "" => format!("{}{table}", &text[..start]),
        rest => format!("{}{table}\n{rest}", &text[..start]),
    }
}

/// Where the line of the table's header begins.
fn header(text: &str) -> Option<usize> {
    line_starts(text).find(|start| text[*start..].trim_start_matches([' ', '\t']).starts_with(HEADER))
}

/// Where the next table begins, with the comments right above it.
fn next_table(text: &str) -> Option<usize> {
    let is_header = |start: &usize| text[*start..].starts_with('[') && !is_inside_list(&text[..*start]);
    let mut found = line_starts(text).find(is_header)?;
    while let Some(above) = text[..found].strip_suffix('\n') {
        let start = above.rfind('\n').map_or(0, |newline| newline + 1);
        if !above[start..].starts_with('#') {
            break;
        }
        found = start;
    }
    Some(found)
}

/// Whether a list that begins in the text is not closed in it.
fn is_inside_list(text: &str) -> bool {
    text.matches('[').count() > text.matches(']').count()
}

fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities() -> Capabilities {
        Capabilities {
            read: vec!["app.a".into(), "app.b".into()],
            set_local: true,
            ..Capabilities::default()
        }
    }

    const HEAD: &str = "revision = \"b\"\nparents = []\nmessage = \"m\"\nkind = \"rust\"\n";
    const TABLE: &str = "[capabilities]\nread = [\"app.a\", \"app.b\"]\nset_local = true\n";

    #[test]
    fn the_table_takes_the_place_of_the_one_that_is_there() {
        let cases = [
            (HEAD.to_owned(), format!("{HEAD}\n{TABLE}")),
            (format!("{HEAD}\n[capabilities]\n"), format!("{HEAD}\n{TABLE}")),
            (
                format!(
                    "{HEAD}\n# why\n[capabilities] # what\nwrite = [\n  \"x\",\n]\n\n# params\n[params]\nn = 1\n"
                ),
                format!("{HEAD}\n# why\n{TABLE}\n# params\n[params]\nn = 1\n"),
            ),
            (
                format!("{HEAD}\n[params]\nn = [\n  [1],\n]\n\n[capabilities]\nread = []"),
                format!("{HEAD}\n[params]\nn = [\n  [1],\n]\n\n{TABLE}"),
            ),
        ];
        for (before, after) in cases {
            assert_eq!(with_grants(&before, &capabilities()), after);
            Manifest::parse(Path::new("m"), &after).expect("is a manifest");
        }
    }

    #[test]
    fn what_is_written_in_another_way_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(MANIFEST_FILE);
        let text = format!("capabilities = {{ read = [\"x.y\"] }}\n{HEAD}");
        std::fs::write(&path, &text).expect("writes");
        assert!(write_grants(dir.path(), &capabilities()).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), text);
        std::fs::write(&path, HEAD).expect("writes");
        write_grants(dir.path(), &capabilities()).expect("writes the grants");
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), format!("{HEAD}\n{TABLE}"));
    }
}
