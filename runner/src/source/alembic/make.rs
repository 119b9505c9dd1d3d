//! Revisions of ours out of revisions of Alembic's.

use std::collections::HashMap;

use jiff::civil::DateTime;

use super::Finding;
use super::file::RevisionFile;
use super::offline::{Offline, Said};
use super::script::{Created, Script};
use super::sql::{Refusal, scripts};
use crate::revision::{IdError, Imported, Kind, Label, Manifest, RevisionId, Tool, TransactionMode};
use crate::source::Scripts;
use crate::source::folder_name::slug;

/// The most of a message that is part of a folder's name, in characters: what
/// Alembic takes by default.
const LONGEST_SLUG: usize = 40;

/// The date of a folder whose revision, and those before it, have none.
const NO_DATE: &str = "00000000_000000";

/// A revision of ours, not yet written.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The name of its folder.
    pub folder: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its scripts; none where it can only be stamped.
    pub scripts: Option<Scripts>,
    /// What of it could not be carried over.
    pub findings: Vec<Finding>,
}

/// Makes revisions of those whose id `wanted` says yes to; the others are there
/// already. Reports everything that stands against it.
pub fn make(
    files: &[RevisionFile],
    offline: Option<&Offline>,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Made>, Vec<Finding>> {
    let dates = dates(files);
    let (mut made, mut wrong) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| wanted(&file.script.revision)) {
        let date = dates.get(file.script.revision.as_str()).copied();
        match make_one(file, offline, date) {
            Ok(revision) => made.push(revision),
            Err(found) => wrong.extend(found),
        }
    }
    if wrong.is_empty() { Ok(made) } else { Err(wrong) }
}

fn make_one(
    file: &RevisionFile,
    offline: Option<&Offline>,
    date: Option<DateTime>,
) -> Result<Made, Vec<Finding>> {
    let script = &file.script;
    let mut manifest = manifest(file)?;
    let said = offline.and_then(|offline| offline.revisions.get(&script.revision));
    if let Some(wrong) = said.and_then(|said| contradiction(script, said)) {
        return Err(vec![Finding::at(&file.file, 0, wrong)]);
    }
    let version = offline.map_or("", |offline| offline.alembic.as_str());
    let (scripts, mut findings) = match scripts(file, said, version) {
        Ok((scripts, findings)) => (Some(scripts), findings),
        Err(Refusal { line, reason }) => {
            manifest.kind = Kind::Imported;
            let finding = Finding::at(&file.file, line, reason);
            if let Some(imported) = &mut manifest.imported {
                imported.reason = Some(finding.to_string());
            }
            (None, vec![finding])
        }
    };
    findings.extend(redundant(file));
    let date = date.map_or_else(|| NO_DATE.to_owned(), |date| date.strftime("%Y%m%d_%H%M%S").to_string());
    let folder = format!("{date}_{}_{}", manifest.revision, slug(&script.message, LONGEST_SLUG));
    Ok(Made { folder, manifest, scripts, findings })
}

/// The manifest of a revision of kind `sql`; the attributes that are no ids and
/// no labels of ours are reported.
fn manifest(file: &RevisionFile) -> Result<Manifest, Vec<Finding>> {
    let script = &file.script;
    let mut wrong = Vec::new();
    let mut refuse = |what: &str, error: &dyn std::fmt::Display| {
        let what = format!("{what} cannot be carried over: {error}; rename it in Alembic first");
        wrong.push(Finding::at(&file.file, 0, what));
    };
    let revision = plain_id(&script.revision);
    let revision = revision.map_err(|error| refuse("the revision's id", &error)).ok();
    let (mut parents, mut labels) = (Vec::new(), Vec::new());
    for parent in &script.down_revision {
        match plain_id(parent) {
            Ok(parent) => parents.push(parent),
            Err(error) => refuse("a `down_revision`", &error),
        }
    }
    for label in &script.branch_labels {
        match Label::new(label.as_str()) {
            Ok(label) => labels.push(label),
            Err(error) => refuse("a branch label", &error),
        }
    }
    for other in &script.depends_on {
        if let Err(error) = plain_id(other) {
            refuse("a `depends_on`", &error);
        }
    }
    let Some(revision) = revision.filter(|_| wrong.is_empty()) else {
        return Err(wrong);
    };
    Ok(Manifest {
        revision,
        parents,
        message: script.message.clone(),
        labels,
        depends_on: script.depends_on.iter().filter(|id| !is_parent(script, id)).cloned().collect(),
        since: None,
        kind: Kind::Sql,
        plugin: None,
        transaction: TransactionMode::Revision,
        created: script.created.map(created),
        imported: Some(Imported {
            tool: Tool::Alembic,
            file: file.file.display().to_string(),
            digest: file.digest,
            reason: None,
        }),
        params: serde_json::Map::new(),
        capabilities: None,
    })
}

/// Alembic has no use for a dependency on a parent, and we take none.
fn is_parent(script: &Script, id: &str) -> bool {
    script.down_revision.iter().any(|parent| parent == id)
}

/// The dependencies that are left out, since they are parents.
fn redundant(file: &RevisionFile) -> impl Iterator<Item = Finding> + '_ {
    let redundant = file.script.depends_on.iter().filter(|id| is_parent(&file.script, id));
    redundant.map(|id| {
        let what = format!("`depends_on` names `{id}`, which is its `down_revision` already: left out");
        Finding::at(&file.file, 0, what)
    })
}

/// An id without a package: Alembic has none.
fn plain_id(text: &str) -> Result<RevisionId, IdError> {
    Label::new(text).and_then(|_| RevisionId::new(text))
}

fn created(created: Created) -> String {
    let zone = if created.is_utc { "Z" } else { "" };
    format!("{}{zone}", created.at.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// What our reading of the file and Python's make of it differently. That would
/// be a bug of ours, or a module that changes its own attributes.
fn contradiction(script: &Script, said: &Said) -> Option<String> {
    let pairs = [
        ("down_revision", &script.down_revision, &said.down_revision),
        ("branch_labels", &script.branch_labels, &said.branch_labels),
        ("depends_on", &script.depends_on, &said.depends_on),
    ];
    pairs.into_iter().find_map(|(name, read, python)| {
        let mut read = read.clone();
        read.sort();
        let differs = read != *python;
        differs.then(|| format!("`{name}` reads {read:?}, and is {python:?} when the module is run"))
    })
}

/// The dates of the revisions; one without gets the latest of those before it,
/// so that the folders stay in order.
fn dates(files: &[RevisionFile]) -> HashMap<&str, DateTime> {
    let mut dates: HashMap<&str, DateTime> = HashMap::new();
    let mut undated = Vec::new();
    for file in files {
        match file.script.created {
            Some(created) => {
                dates.insert(&file.script.revision, created.at);
            }
            None => undated.push(&file.script),
        }
    }
    loop {
        let before = undated.len();
        undated.retain(|script| {
            let parents = script.down_revision.iter().map(|parent| dates.get(parent.as_str()).copied());
            let latest = parents.collect::<Option<Vec<_>>>().and_then(|parents| parents.into_iter().max());
            if let Some(latest) = latest {
                dates.insert(&script.revision, latest);
            }
            latest.is_none()
        });
        if undated.len() == before {
            return dates;
        }
    }
}
