//! What a revision is: its id, its manifest, its digests.
//!
//! Plain values: parse, validate, display. Reads no files, knows no graph, no
//! database and no component.

mod capability;
mod digest;
mod direction;
mod id;
mod manifest;
mod pattern;
mod plugin;
mod requirement;
mod secret;
mod userinfo;

pub use capability::{Capabilities, CapabilityError, CodeGrant, Request};
pub use digest::{Digest, DigestError, SourceDigest};
pub use direction::Direction;
pub use id::{IdError, Label, PackageName, RevisionId};
pub use manifest::{Imported, Kind, Manifest, ManifestError, Place, Tool, TransactionMode};
pub use pattern::{Pattern, PatternError, name_pattern, object_pattern};
pub use plugin::{PluginName, PluginNameError, PluginUse};
pub use requirement::{Requirement, RequirementError};
pub use secret::{HIDDEN, MIN_SECRET, Redactor, SecretRef};
pub use userinfo::without_passwords;
