//! PostgreSQL migrations as sandboxed WebAssembly components.
//!
//! The program `runner` is a thin layer over this library, which decides and
//! acts, and never prints, exits or reads the environment. [`run::Migrator`] is
//! where to begin; ARCHITECTURE.md says who may know whom.
//!
//! ```no_run
//! # async fn at_application_start() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use runner::db::Location;
//! use runner::host::{Compiler, Host, HostConfig, Limits};
//! use runner::run::Migrator;
//! use runner::source::Project;
//!
//! let project = Project::load(Path::new("runner.toml"))?;
//! let location = Location::parse("postgresql://app@localhost/app")?;
//! let compiler = Compiler::InProcess;
//! let host = Host::new(HostConfig { limits: Limits::default(), cache: None, compiler })?;
//! let migrator = Migrator::new(project, location, host, "app".into(), Arc::new(|_event| {}));
//! let state = migrator.state().await?;
//! assert!(state.drift().is_empty(), "the database and the revisions disagree");
//! # Ok(())
//! # }
//! ```

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::exit)]

pub mod db;
pub mod graph;
pub mod host;
pub mod ledger;
pub mod plan;
pub mod policy;
pub mod revision;
pub mod run;
pub mod source;
