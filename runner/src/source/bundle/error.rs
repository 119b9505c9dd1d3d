//! Why a file is no bundle, or none that can be used.

use std::io;
use std::path::PathBuf;

use crate::revision::{Digest, ManifestError, RevisionId};
use crate::source::PluginError;

/// A bundle that cannot be used. Nothing was done with it.
#[derive(Debug, thiserror::Error)]
#[error("the bundle {} cannot be used", path.display())]
pub struct BundleError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub fault: BundleFault,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleFault {
    /// The file cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// The file cannot be written.
    #[error("it cannot be written")]
    Unwritable(#[source] io::Error),
    /// No bundle is as large.
    #[error("it has {bytes} bytes, and a bundle has at most {most}")]
    TooLarge {
        /// The size of the file.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// It is no tar archive.
    #[error("it is no tar archive")]
    NotAnArchive,
    /// What follows the first files is none.
    #[error("the archive is broken after {files} files: {reason}")]
    Broken {
        /// How many files could be read.
        files: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file's contents end before they should.
    #[error("it ends in the middle of {0}")]
    Truncated(String),
    /// There are too many files.
    #[error("it holds more than {0} files")]
    TooManyEntries(usize),
    /// A link, or anything else that is no file.
    #[error("its entry {0} is no regular file")]
    NoFile(String),
    /// A name that stands for two files.
    #[error("it holds {0} twice")]
    Twice(String),
    /// An archive of something else.
    #[error("it holds no {0}, so it is no bundle")]
    NotABundle(&'static str),
    /// A file that no bundle has.
    #[error("it holds {0}, which is no part of a bundle")]
    Foreign(String),
    /// JSON that is not what it should be.
    #[error("{entry} cannot be understood")]
    Json {
        /// The file.
        entry: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The layout is of a version that we do not know.
    #[error("its layout has version {0}; this runner reads 1.0.0")]
    LayoutVersion(String),
    /// Another artifact, or a bundle of a later runner.
    #[error("it holds an artifact of type `{found}`; this runner reads `{expected}`")]
    Kind {
        /// The type that it has.
        found: String,
        /// Ours.
        expected: &'static str,
    },
    /// The index names several artifacts, or none.
    #[error("index.json names {0} artifacts; a bundle is one")]
    Artifacts(usize),
    /// A blob that is named and not there.
    #[error("it lacks {entry} ({what})")]
    Missing {
        /// The file.
        entry: String,
        /// What it is.
        what: String,
    },
    /// A blob that is not what its name says.
    #[error("{entry} ({what}) was changed: its digest is {found}")]
    Changed {
        /// The file.
        entry: String,
        /// What it is.
        what: String,
        /// The digest of what is there.
        found: Digest,
    },
    /// A blob is not as long as its descriptor says.
    #[error("{entry} ({what}) has {found} bytes; {expected} were announced")]
    Size {
        /// The file.
        entry: String,
        /// What it is.
        what: String,
        /// Its length.
        found: u64,
        /// What the descriptor says.
        expected: u64,
    },
    /// A layer that a bundle does not have, or not in this place.
    #[error("its layer {0} is none of a bundle")]
    Layer(String),
    /// Something between the files was changed.
    #[error("it was changed at byte {at}, outside of its files' contents")]
    Framing {
        /// Where, from 0.
        at: usize,
    },
    /// Something follows its end, or its end is not there.
    #[error("it does not end where a bundle ends, at byte {at}")]
    End {
        /// Where it would end.
        at: usize,
    },
    /// The settings cannot be understood.
    #[error("its settings cannot be understood; it was made by runner {runner}")]
    Settings {
        /// The version that made it.
        runner: String,
        /// Why.
        source: Box<ManifestError>,
    },
    /// A manifest in it is wrong.
    #[error("a manifest in it is wrong")]
    Manifest(#[source] Box<ManifestError>),
    /// The list of revisions and their texts disagree.
    #[error("revision `{revision}` in it {wrong}")]
    Revision {
        /// The revision.
        revision: RevisionId,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// There are texts for no revision.
    #[error("it holds texts for {0}, which is no revision of it")]
    Stray(String),
    /// The configuration chooses other folders than the bundle was made of.
    #[error("it was made of the migrations in {made_of}; the settings name {wanted}")]
    Folders {
        /// What is in the bundle.
        made_of: String,
        /// What is asked for.
        wanted: String,
    },
    /// A folder's name that is not UTF-8.
    #[error("the name of {} is not UTF-8, and a bundle cannot hold it", .0.display())]
    Name(PathBuf),
    /// A plugin that is not pinned.
    #[error(transparent)]
    Plugin(Box<PluginError>),
    /// A crate that is not built.
    #[error("revision `{0}` is not built")]
    NotBuilt(RevisionId),
}
