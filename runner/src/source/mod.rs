//! Revisions on disk: the project's configuration, its folders, the components
//! that its crates are built into, and the files of new revisions.
//!
//! Talks to no database and runs no component.

pub mod alembic;
mod artifact;
mod build;
mod config;
mod migrations_dir;
mod scan;
mod template;
mod toolchain;

pub use artifact::{Artifact, ArtifactError, artifact_path, encode, load_artifact, sql_component};
pub use build::{BuildError, Built, build};
pub use config::{
    CONFIG_FILE, Config, ConfigError, DatabaseConfig, LedgerConfig, MigrationsConfig, Project, SessionConfig,
};
pub use migrations_dir::MigrationsDir;
pub use scan::{Found, ScanError, ScanErrors, Scripts, scan};
pub(crate) use template::slug;
pub use template::{NewRevision, TemplateError, init, new_revision, write_revision};
pub use toolchain::{Toolchain, ToolchainError};
