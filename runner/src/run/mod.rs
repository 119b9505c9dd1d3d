//! Running a plan: decide, prepare everything, then one loop.
//!
//! Emits a closed set of [`Event`]s and prints nothing. Everything of a plan is
//! read, verified, compiled and checked before the first statement of the first
//! step.

mod apart;
mod author;
mod bundle;
mod effects;
mod ensure;
mod error;
mod event;
mod executor;
mod import;
mod isolation;
mod migrator;
mod overrides;
mod pinned;
mod plugins;
mod precondition;
mod prepare;
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
mod verify;

pub use author::{AuthorError, Place, Written, write_revision};
pub use bundle::{BundleOutcome, Bundler};
pub use error::{Failed, PrepareError, RunError, StepError};
pub use event::{Event, Reporter};
pub use import::{Import, ImportError, ImportOptions, ImportOutcome, ImportedRevision};
pub use migrator::{Migrator, Options, Summary};
pub use overrides::{Override, OverrideError};
pub use plugins::{
    CaseFailure, CaseOutcome, Cases, PluginChange, PluginInfo, PluginManager, PluginUseOf, UpdateOptions,
};
pub use sandbox::SandboxStatus;
pub use script::{ScriptOptions, Scripter};
pub use secrets::Secrets;
pub use settings::Settings;
pub use stamp::{FromAlembic, StampOptions};
pub use state::{OnDisk, State};
pub use status::{NotCurrent, RevisionStatus, Standing, Status};
pub use suggest::Suggestion;
pub use verify::{Finding, Verification};
