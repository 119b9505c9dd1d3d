//! `runner.lock`: which plugins a project uses, to the byte.
//!
//! One block a plugin, sorted, each line with its own key, so that two branches
//! that add different plugins merge without a conflict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::revision::{Digest, ManifestError, Place, PluginName};

/// The name of the file, beside `runner.toml`.
pub const LOCK_FILE: &str = "runner.lock";

/// The version of the file's format.
const FORMAT: u32 = 1;

const HEADER: &str = "# Written by `runner plugin`. It belongs under version control.\nversion = 1\n";

/// The plugins of a project. A plugin that two named sections have from different
/// sources is in it twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    plugins: BTreeMap<(PluginName, String), Locked>,
}

/// Which plugin it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its name.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// Where it is from, as in `layout:vendor/plugins`.
    pub source: String,
    /// The digest of the component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// For a crate: the digest of its sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sources: Option<Digest>,
    /// The version of the interface that it was made for.
    pub interface: String,
    /// The capabilities that it asks for, each as in `write ${table}`; what is new
    /// among them is asked about when it is updated.
    #[serde(default)]
    pub capabilities: Vec<String>,
}

/// What a plugin is pinned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pin {
    /// The component's bytes.
    Digest(Digest),
    /// The sources of a crate: what a compiler makes of them differs between
    /// compilers, as for revisions of kind `rust`.
    Sources(Digest),
}

/// Why a `runner.lock` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockFileError {
    /// It cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// git left its marks in it.
    #[error("{place}: a merge conflict is not resolved")]
    Conflict {
        /// Where the first mark is.
        place: Place,
    },
    /// It is wrong.
    #[error(transparent)]
    Invalid(#[from] ManifestError),
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    plugin: Vec<Locked>,
}

#[derive(Serialize)]
struct Blocks<'a> {
    plugin: [&'a Locked; 1],
}

impl Locked {
    /// One plugin.
    pub fn new(name: PluginName, version: Version, source: String, pin: Pin) -> Self {
        let (digest, sources) = match pin {
            Pin::Digest(digest) => (Some(digest), None),
            Pin::Sources(sources) => (None, Some(sources)),
        };
        Self { name, version, source, digest, sources, interface: String::new(), capabilities: Vec::new() }
    }

    /// What it is pinned by.
    pub fn pin(&self) -> Pin {
        match (self.digest, self.sources) {
            (Some(digest), _) => Pin::Digest(digest),
            (None, Some(sources)) => Pin::Sources(sources),
            (None, None) => unreachable!("a lock is read with one of both"),
        }
    }
}

impl Lock {
    /// Reads the file of a project; a project without one has no plugins.
    pub fn load(root: &Path) -> Result<Self, LockFileError> {
        let path = root.join(LOCK_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(LockFileError::Io { path, source }),
        }
    }

    /// Parses the file's text; `file` is for messages only.
    pub fn parse(file: &Path, text: &str) -> Result<Self, LockFileError> {
        if let Some(at) = conflict(text) {
            return Err(LockFileError::Conflict { place: Place::of(file, text, at) });
        }
        let read: File =
            toml::from_str(text).map_err(|error| ManifestError::from_toml(file, text, &error))?;
        let wrong = |offset: usize, message: String| ManifestError {
            place: Place::of(file, text, offset),
            message,
            hint: None,
        };
        if read.version != FORMAT {
            let message = format!("the lock has version {}; this runner knows {FORMAT}", read.version);
            let hint = Some("Use the runner that wrote it, or a newer one.".into());
            return Err(ManifestError { hint, ..wrong(0, message) }.into());
        }
        let mut lock = Self::default();
        let blocks = text.match_indices("[[plugin]]").map(|(at, _)| at);
        for (plugin, at) in read.plugin.into_iter().zip(blocks.chain(std::iter::repeat(0))) {
            if plugin.digest.is_some() == plugin.sources.is_some() {
                let name = &plugin.name;
                let message = format!("plugin `{name}` is pinned by one of `digest` and `sources`");
                return Err(wrong(at, message).into());
            }
            let name = plugin.name.clone();
            if lock.insert(plugin).is_some() {
                return Err(wrong(at, format!("plugin `{name}` is in the lock twice")).into());
            }
        }
        Ok(lock)
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let block = |plugin| {
            let text = toml::to_string(&Blocks { plugin: [plugin] }).expect("our own values are TOML");
            format!("\n{text}")
        };
        self.plugins.values().map(block).fold(HEADER.to_owned(), |text, block| text + &block)
    }

    /// A plugin of a source.
    pub fn get(&self, name: &PluginName, source: &str) -> Option<&Locked> {
        self.plugins.get(&(name.clone(), source.to_owned()))
    }

    /// All of them, by name.
    pub fn plugins(&self) -> impl Iterator<Item = &Locked> {
        self.plugins.values()
    }

    /// Puts one in the place of the one from the same source.
    pub fn insert(&mut self, plugin: Locked) -> Option<Locked> {
        self.plugins.insert((plugin.name.clone(), plugin.source.clone()), plugin)
    }

    /// Leaves out what nothing declares any more.
    pub fn retain(&mut self, is_declared: impl Fn(&Locked) -> bool) {
        self.plugins.retain(|_, plugin| is_declared(plugin));
    }
}

/// Where the first mark of a merge conflict is.
fn conflict(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| line.starts_with(mark))
            || line.trim_end() == "======="
        {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(name: &str, source: &str) -> Locked {
        let pin = Pin::Digest(Digest::of(name.as_bytes()));
        let name = PluginName::new(name).expect("a name");
        let mut locked = Locked::new(name, Version::new(1, 2, 0), source.to_owned(), pin);
        locked.interface = "0.1.1".into();
        locked.capabilities = vec!["write ${table}".into()];
        locked
    }

    fn error(text: &str) -> String {
        Lock::parse(Path::new("runner.lock"), text).expect_err("is wrong").to_string()
    }

    #[test]
    fn a_lock_survives_being_written_down_and_is_sorted() {
        let mut lock = Lock::default();
        for (name, source) in [("b", "layout:v"), ("a", "path:../a"), ("b", "layout:w")] {
            assert_eq!(lock.insert(locked(name, source)), None);
        }
        let text = lock.to_text();
        assert_eq!(Lock::parse(Path::new(LOCK_FILE), &text).expect("parses"), lock);
        insta::assert_snapshot!(text, @r#"
        # Written by `runner plugin`. It belongs under version control.
        version = 1

        [[plugin]]
        name = "a"
        version = "1.2.0"
        source = "path:../a"
        digest = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
        interface = "0.1.1"
        capabilities = ["write ${table}"]

        [[plugin]]
        name = "b"
        version = "1.2.0"
        source = "layout:v"
        digest = "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
        interface = "0.1.1"
        capabilities = ["write ${table}"]

        [[plugin]]
        name = "b"
        version = "1.2.0"
        source = "layout:w"
        digest = "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
        interface = "0.1.1"
        capabilities = ["write ${table}"]
        "#);
    }

    #[test]
    fn what_is_wrong_with_a_lock_is_said_with_its_place() {
        let sound = {
            let mut lock = Lock::default();
            lock.insert(locked("a", "layout:v"));
            lock.to_text()
        };
        let merged = format!("{sound}<<<<<<< HEAD\n[[plugin]]\n=======\n>>>>>>> other\n");
        insta::assert_snapshot!(error(&merged), @"runner.lock:11:1: a merge conflict is not resolved");
        let block = &sound[sound.find("[[plugin]]").expect("a block")..];
        insta::assert_snapshot!(error(&format!("{sound}\n{block}")), @"runner.lock:12:1: plugin `a` is in the lock twice");
        assert!(error(&sound.replace("sha256:ca", "sha256:c")).contains("is no digest"));
        assert!(error(&sound.replace("digest", "sorces")).contains("unknown key `sorces`"));
        insta::assert_snapshot!(error(&sound.replace("version = 1\n", "version = 2\n")), @"runner.lock:1:1: the lock has version 2; this runner knows 1");
        let line = sound.lines().find(|line| line.starts_with("digest")).expect("a digest");
        insta::assert_snapshot!(error(&sound.replace(&format!("{line}\n"), "")), @"runner.lock:4:1: plugin `a` is pinned by one of `digest` and `sources`");
    }
}
