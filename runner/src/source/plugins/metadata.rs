//! What a finished plugin says about itself beside the interface: custom sections
//! under the names that the WebAssembly tools read and write, with the plain text
//! in them. See "Tool conventions", and the annotations of OCI that they are
//! named after.

use serde::Serialize;

use crate::source::artifact::{append_section, section};
use crate::source::compile::Package;

/// What a component says about itself in custom sections. None of it decides
/// anything: name, version, parameters and capabilities are what the component
/// answers, and the interface is what it imports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Its version.
    pub version: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Its licence, as an SPDX expression.
    pub licenses: Option<String>,
    /// Where its sources are.
    pub source: Option<String>,
}

impl Metadata {
    /// What a crate's Cargo.toml says.
    pub(super) fn of_package(package: &Package) -> Self {
        Self {
            version: Some(package.version.clone()),
            description: package.description.clone(),
            licenses: package.license.clone(),
            source: package.repository.clone(),
        }
    }

    /// Reads what a component says.
    pub fn of_component(component: &[u8]) -> Self {
        let read =
            |name: &str| section(component, name).map(|text| String::from_utf8_lossy(text).into_owned());
        Self {
            version: read("version"),
            description: read("description"),
            licenses: read("licenses"),
            source: read("source"),
        }
    }

    /// Appends it to a component.
    pub(super) fn append_to(&self, component: &mut Vec<u8>) {
        let sections = [
            ("version", &self.version),
            ("description", &self.description),
            ("licenses", &self.licenses),
            ("source", &self.source),
        ];
        for (name, text) in sections {
            if let Some(text) = text {
                append_section(component, name, text.as_bytes());
            }
        }
    }
}
