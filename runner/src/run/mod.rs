//! Running a plan: decide, prepare everything, then one loop.
//!
//! Emits a closed set of [`Event`]s and prints nothing. Everything of a plan is
//! read, verified, compiled and checked before the first statement of the first
//! step.

mod alone;
mod apart;
mod author;
mod backup;
mod beside;
mod blocked;
mod bundle;
mod effects;
mod ensure;
mod error;
mod event;
mod executor;
mod handover;
mod import;
mod isolation;
mod lock;
mod migrator;
mod overrides;
mod partly;
mod pinned;
mod planned;
mod plugins;
mod precondition;
mod prepare;
mod read;
mod rules;
mod sandbox;
mod script;
mod secrets;
mod settings;
mod sink;
mod stamp;
mod state;
mod status;
mod step;
mod stop;
mod suggest;
mod trace;
mod verify;
mod versions;

pub use alone::ResumeError;
pub use author::{AuthorError, Place, Written, write_revision};
pub use backup::{Backup, BackupError, Backups};
pub use bundle::{BundleOutcome, Bundler};
pub use error::{Failed, PrepareError, ReadOnly, RunError, StepError};
pub use event::{Event, Reporter};
pub use import::{Import, ImportError, ImportOptions, ImportOutcome, ImportedRevision};
pub use migrator::{Migrator, Options, Summary};
pub use overrides::{Override, OverrideError};
pub use planned::check_plugins;
pub use plugins::{
    CaseFailure, CaseOutcome, Cases, PluginChange, PluginInfo, PluginManager, PluginUseOf, ScratchUse,
    UpdateOptions,
};
pub use read::{Reader, wait_for};
pub use sandbox::SandboxStatus;
pub use script::{ScriptOptions, Scripter};
pub use secrets::Secrets;
pub use settings::Settings;
pub use stamp::{FromAlembic, StampOptions};
pub use state::{OnDisk, State};
pub use status::{NotCurrent, RevisionStatus, Standing, Status};
pub use stop::SoFar;
pub use suggest::Suggestion;
pub use verify::{Finding, Verification};
