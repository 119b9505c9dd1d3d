//! What a component is, read from its bytes before anything is compiled.

use semver::Version;
use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

use super::error::LoadError;
use super::limits::Limits;

/// The version of the interface that this host offers.
pub const INTERFACE_VERSION: &str = "0.1.1";

const PACKAGE: &str = "runner:migration/";
const IMPORTS: [&str; 3] = ["types", "sql", "host"];
const EXPORT: &str = "migration";

/// Checks size, kind, imports, exports and function sizes.
///
/// Whether the code is valid is the compiler's to say; names cannot lie, since
/// the types behind them are compared when the component is linked.
pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    if bytes.len() > limits.component_bytes {
        return Err(LoadError::TooLarge { size: bytes.len(), limit: limits.component_bytes });
    }
    check_header(bytes)?;
    let surface = Surface::read(bytes, limits)?;
    surface.check_imports()?;
    surface.check_exports()
}

/// What a component shows to the outside.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Interface {
    /// The names of its imports, in its order.
    pub imports: Vec<String>,
    /// The names of its exports, in its order.
    pub exports: Vec<String>,
    /// The version of our interface that it was made for.
    pub version: String,
}

impl Interface {
    /// Reads it from a component's bytes, once they passed what every component
    /// that is loaded has to pass.
    pub fn of(bytes: &[u8], limits: &Limits) -> Result<Self, LoadError> {
        check(bytes, limits)?;
        let surface = Surface::read(bytes, limits)?;
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let ours = surface.exports.iter().filter_map(|name| Name::parse(name));
        let version = ours.map(|name| name.version.to_owned()).next().unwrap_or_default();
        Ok(Self { imports: owned(&surface.imports), exports: owned(&surface.exports), version })
    }
}

/// The version of the interface that a component was made for, if it is a later one
/// than ours.
pub(super) fn later_version(bytes: &[u8], limits: &Limits) -> Option<String> {
    let found = Interface::of(bytes, limits).ok()?.version;
    let ours = Version::parse(INTERFACE_VERSION).ok()?;
    Version::parse(&found).is_ok_and(|version| version > ours).then_some(found)
}

fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotWebAssembly);
    }
    if Parser::is_core_wasm(bytes) {
        return Err(LoadError::CoreModule);
    }
    match Parser::is_component(bytes) {
        true => Ok(()),
        false => {
            Err(LoadError::Damaged { message: "its header is neither a module's nor a component's".into() })
        }
    }
}

/// What a component shows to the outside. The names are guest-controlled.
#[derive(Default)]
struct Surface<'a> {
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
}

impl<'a> Surface<'a> {
    fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, LoadError> {
        let mut surface = Self::default();
        // Modules and components inside the component have imports and exports
        // too, which are nobody's business.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(damaged)? {
                Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section {
                        surface.imports.push(import.map_err(damaged)?.name.name);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section {
                        let export = export.map_err(damaged)?;
                        if export.kind == ComponentExternalKind::Instance {
                            surface.exports.push(export.name.name);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => check_function(body.as_bytes().len(), limits)?,
                _ => {}
            }
        }
        match depth {
            0 => Ok(surface),
            _ => Err(LoadError::Damaged { message: "it ends too early".into() }),
        }
    }

    fn check_imports(&self) -> Result<(), LoadError> {
        for name in &self.imports {
            match Name::parse(name) {
                Some(ours) if !ours.is_compatible() => return Err(ours.wrong_version()),
                Some(ours) if IMPORTS.contains(&ours.interface) => {}
                _ => return Err(LoadError::Import { name: (*name).to_owned(), remedy: remedy(name) }),
            }
        }
        Ok(())
    }

    fn check_exports(&self) -> Result<(), LoadError> {
        let ours = self.exports.iter().filter_map(|name| Name::parse(name));
        let Some(migration) = ours.into_iter().find(|name| name.interface == EXPORT) else {
            let names: Vec<_> = self.exports.iter().map(|name| format!("`{name}`")).collect();
            let found = if names.is_empty() { "no interface".into() } else { names.join(", ") };
            return Err(LoadError::NotAMigration { found });
        };
        match migration.is_compatible() {
            true => Ok(()),
            false => Err(migration.wrong_version()),
        }
    }
}

fn check_function(size: usize, limits: &Limits) -> Result<(), LoadError> {
    match size > limits.function_bytes {
        true => Err(LoadError::FunctionTooLarge { size, limit: limits.function_bytes }),
        false => Ok(()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn damaged(error: wasmparser::BinaryReaderError) -> LoadError {
    LoadError::Damaged { message: error.to_string() }
}

/// The name of one of our interfaces, as in `runner:migration/sql@0.1.0`.
struct Name<'a> {
    interface: &'a str,
    version: &'a str,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
        Some(Self { interface, version })
    }

    /// Before 1.0 a new minor version may break, a patch only adds.
    fn is_compatible(&self) -> bool {
        let series = |version: &str| version.rsplit_once('.').map(|(series, _)| series.to_owned());
        !self.version.contains(['-', '+']) && series(self.version) == series(INTERFACE_VERSION)
    }

    fn wrong_version(&self) -> LoadError {
        LoadError::Version { found: self.version.to_owned() }
    }
}

fn remedy(name: &str) -> &'static str {
    if name.starts_with("wasi:") {
        "build it for `wasm32-unknown-unknown` (`runner build` does), or stub WASI (`componentize-py --stub-wasi`, \
         `componentize-js` with all features disabled)"
    } else {
        "a migration has the interfaces `host` and `sql` of `runner:migration`, and nothing else"
    }
}
