//! A case as it is on disk: a folder with `case.toml` and the scripts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::revision::{
    Capabilities, Digest, Kind, Manifest, ManifestError, PluginName, RevisionId, TransactionMode,
};
use crate::run::RunError;
use crate::source::Found;

/// The file that makes a folder a case.
pub(super) const CASE_FILE: &str = "case.toml";

/// One case.
pub(super) struct Case {
    /// The name of its folder.
    pub(super) name: String,
    pub(super) dir: PathBuf,
    text: String,
    pub(super) settings: Settings,
    /// `before.sql`.
    pub(super) before: String,
    /// `after.sql`; none where the upgrade is to fail.
    pub(super) after: Option<String>,
}

/// `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) description: String,
    /// Whether the downgrade is to refuse.
    #[serde(default)]
    pub(super) irreversible: bool,
    /// What the upgrade is to fail with.
    pub(super) error: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    capabilities: Option<Capabilities>,
    /// For some tables: the query whose rows are compared after the upgrade in
    /// place of the table's own, where values are random.
    #[serde(default)]
    pub(super) rows: BTreeMap<String, String>,
    /// Revisions of the same plugin that follow the first one.
    #[serde(default)]
    then: Vec<Then>,
}

/// A revision that follows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    #[serde(default)]
    params: Map<String, Value>,
    /// Those of the first revision unless they are given.
    #[serde(default)]
    capabilities: Option<Capabilities>,
}

impl Case {
    /// The case as revisions that the plugin runs, one behind the other.
    pub(super) fn revisions(&self, name: &PluginName) -> Vec<Found> {
        let Settings { params, capabilities, then, .. } = &self.settings;
        let followers = then.iter().map(|then| (&then.params, then.capabilities.as_ref()));
        let all = std::iter::once((params, capabilities.as_ref())).chain(followers);
        let id = |place: usize| RevisionId::new(format!("case{place}")).expect("it is an id");
        let of = |(place, (params, granted)): (usize, (&Map<String, Value>, Option<&Capabilities>))| Found {
            dir: self.dir.clone(),
            manifest: Manifest {
                since: None,
                revision: id(place),
                parents: (place > 1).then(|| id(place - 1)).into_iter().collect(),
                message: self.settings.description.clone(),
                labels: Vec::new(),
                depends_on: Vec::new(),
                kind: Kind::Plugin,
                plugin: Some(name.clone().into()),
                transaction: TransactionMode::default(),
                created: None,
                imported: None,
                params: params.clone(),
                capabilities: granted.or(capabilities.as_ref()).cloned(),
            },
            source_digest: Digest::of(self.text.as_bytes()),
            scripts: None,
            text: self.text.as_str().into(),
        };
        (1..).zip(all).map(of).collect()
    }
}

/// Reads the cases below a folder, in the order of their names.
pub(super) fn read_cases(dir: &Path) -> Result<Vec<Case>, RunError> {
    let unreadable =
        |error: std::io::Error| RunError::Case { path: dir.to_owned(), reason: error.to_string() };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        let reason = "it has no cases; each is a folder with case.toml, before.sql and after.sql".into();
        return Err(RunError::Case { path: dir.to_owned(), reason });
    }
    folders.iter().map(|folder| read_case(folder)).collect()
}

fn read_case(dir: &Path) -> Result<Case, RunError> {
    let read = |name: &str| {
        let path = dir.join(name);
        std::fs::read_to_string(&path).map_err(|error| RunError::Case { path, reason: error.to_string() })
    };
    let text = read(CASE_FILE)?;
    let file = dir.join(CASE_FILE);
    let settings: Settings = toml::from_str(&text).map_err(|error| {
        let ManifestError { place, message, .. } = ManifestError::from_toml(&file, &text, &error);
        RunError::Case { path: PathBuf::from(place.to_string()), reason: message }
    })?;
    if settings.error.is_some() && !settings.then.is_empty() {
        let reason = "`error` and `[[then]]` do not go together: a case that fails has one revision".into();
        return Err(RunError::Case { path: file, reason });
    }
    if settings.error.as_ref().is_some_and(|error| error.trim().is_empty()) {
        let reason = "`error` is empty, which is in every message: say what this one is to have in it".into();
        return Err(RunError::Case { path: file, reason });
    }
    let after = match settings.error {
        Some(_) => None,
        None => Some(read("after.sql")?),
    };
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Case { name, dir: dir.to_owned(), before: read("before.sql")?, after, text, settings })
}
