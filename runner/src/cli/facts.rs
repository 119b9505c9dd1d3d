//! What a program wants to know of an error without reading its words: the
//! server's SQLSTATE, and the file and line that somebody has to look at.

use std::error::Error;

use runner::db::{DbError, ServerError};
use runner::host::FailedStatement;
use runner::revision::{ManifestError, Place};
use runner::run::{PrepareError, RunError, StepError};
use runner::source::ScanError;

use super::render::byte_offset;

/// The server's SQLSTATE, if it was the server that objected.
pub fn sqlstate(error: &RunError) -> Option<String> {
    match error {
        RunError::Step(failed) => failed.error.database().and_then(DbError::sqlstate).map(str::to_owned),
        RunError::Connect(error) => error.server().map(|server| server.sqlstate.clone()),
        other => sqlstate_in(Some(other)),
    }
}

/// The same of an error and its causes.
pub fn sqlstate_in(mut error: Option<&(dyn Error + 'static)>) -> Option<String> {
    while let Some(cause) = error {
        let boxed = || cause.downcast_ref::<Box<ServerError>>().map(AsRef::as_ref);
        let server = cause.downcast_ref::<ServerError>().or_else(boxed);
        let found = server.map(|server| server.sqlstate.as_str());
        if let Some(found) = found.or_else(|| cause.downcast_ref::<DbError>().and_then(DbError::sqlstate)) {
            return Some(found.to_owned());
        }
        error = cause.source();
    }
    None
}

/// Where it is to be put right; the first place where there are several.
pub fn place(error: &RunError) -> Option<Place> {
    match error {
        RunError::Scan(errors) => errors.0.first().map(scan_place),
        RunError::Prepare { source, .. } => match source.as_ref() {
            PrepareError::Script { file, text, error } => {
                let offset = error.position().map_or(0, |position| byte_offset(text, position));
                Some(Place::of(file, text, offset))
            }
            _ => None,
        },
        RunError::Step(failed) => match &failed.error {
            StepError::Call { statement: Some(statement), script: Some(script), .. } => {
                Some(statement_place(statement, script))
            }
            _ => None,
        },
        RunError::Script { statement: Some(statement), script: Some(script), .. } => {
            Some(statement_place(statement, script))
        }
        _ => None,
    }
}

/// Where a file of ours is wrong.
pub fn manifest_place(error: &ManifestError) -> Place {
    error.place.clone()
}

fn statement_place(statement: &FailedStatement, script: &str) -> Place {
    let offset = statement.position.map_or(0, |position| byte_offset(&statement.text, position));
    let place = Place::of(script.as_ref(), &statement.text, offset);
    // Without a position the text is only known to be of this file.
    if statement.position.is_some() { place } else { Place { line: 0, ..place } }
}

fn scan_place(error: &ScanError) -> Place {
    let whole = |file: &std::path::Path| Place { file: file.to_owned(), line: 0, column: 0 };
    match error {
        ScanError::Manifest(error) => manifest_place(error),
        ScanError::Unreadable { path, .. } | ScanError::NotUtf8 { path, .. } => whole(path),
        ScanError::MissingFile { dir, .. } | ScanError::NoManifest { dir, .. } => whole(dir),
    }
}
