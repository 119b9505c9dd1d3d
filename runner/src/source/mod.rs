//! Revisions on disk: the project's configuration, its folders, the components
//! that its crates are built into, and the files of new revisions.
//!
//! Talks to no database and runs no component.

pub mod alembic;
mod artifact;
mod backup;
mod build;
mod build_stop;
mod bundle;
mod compile;
mod config;
mod effective;
mod folder_name;
mod grants;
mod hooks;
mod init;
mod migrations_dir;
mod new_revision;
mod oci;
mod plugins;
mod scan;
mod span;
mod template;
mod tokens;
mod toolchain;
mod zone;

pub use artifact::{Artifact, ArtifactError, artifact_path, encode, load_artifact, sql_component};
pub use backup::{BackupCommand, BackupConfig, BackupConfigError};
pub use build::{Built, build, build_until};
pub use build_stop::BuildStop;
pub use bundle::{Bundle, BundleError, BundleFault, Packed};
pub use compile::BuildError;
pub use config::{
    CONFIG_FILE, Config, ConfigError, DatabaseConfig, Isolation, LedgerConfig, MigrationsConfig, Project,
    SandboxConfig, SessionConfig,
};
pub use effective::{Setting, SettingOrigin};
pub use folder_name::{FolderNameError, FolderTemplate, FolderTemplateError};
pub use grants::{GrantsError, grants_table, write_grants};
pub use hooks::{FilePattern, Hook, HookCommand, HookConfigError, HookError, HookRun, run_hooks};
pub use init::{INIT_TEMPLATES, InitTemplate, init};
pub use migrations_dir::MigrationsDir;
pub use new_revision::{NewFiles, new_revision, write_revision};
pub use plugins::{
    Access, BuiltPlugin, Destination, Exclusive, Fetched, LOCK_FILE, LayoutFault, Lock, LockFileError,
    Locked, Metadata, Parameter, Pin, PluginEntry, PluginError, PluginFiles, PluginRange, PluginSource,
    Publication, RegistryAddress, RegistryAddressError, RegistryConfig, RegistryFault, Store, build_plugins,
    new_plugin, newest_version, publish, usage, with_plugin, without_plugin,
};
pub use scan::{Found, ScanError, ScanErrors, Scripts, scan};
pub use template::{NewRevision, PluginTexts, TEMPLATE_TOKENS, Template, TemplateError};
pub use tokens::UnknownToken;
pub use toolchain::{Toolchain, ToolchainError};
pub use zone::{UnknownZone, Zone};
