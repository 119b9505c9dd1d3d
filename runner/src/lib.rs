//! PostgreSQL migrations as sandboxed WebAssembly components.
//!
//! The program `runner` is a thin layer over this library, which decides and
//! acts, and never prints, exits or reads the environment. [`run::Migrator`] is
//! where to begin; ARCHITECTURE.md says who may know whom.
//!
//! An application that must not run on a schema of another version asks when it
//! starts:
//!
//! ```no_run
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//!
//! use runner::db::Location;
//! use runner::run::Migrator;
//! use runner::source::Project;
//!
//! let project = Project::load(Path::new("runner.toml"))?;
//! let location = Location::parse("postgresql://app@localhost/app")?;
//! // Takes no lock and writes nothing. The error names what is not applied.
//! Migrator::open(project, location)?.check_current().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A program of its own can ask for the status, run an upgrade and hear what
//! happens meanwhile:
//!
//! ```no_run
//! # async fn deploy(migrator: runner::run::Migrator) -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use runner::graph::Target;
//! use runner::revision::Direction;
//! use runner::run::{Event, Options, Standing};
//!
//! let status = migrator.status().await?;
//! println!("{} revisions are pending", status.count(Standing::Pending));
//!
//! let migrator = migrator.as_actor("deployment 42").reporting_to(Arc::new(|event| {
//!     if let Event::StepFinished { revision, duration_ms, .. } = event {
//!         println!("{revision} took {duration_ms} ms");
//!     }
//! }));
//! let summary = migrator.go(Direction::Upgrade, &Target::heads(), Options::default()).await?;
//! println!("the database is at {:?}", summary.heads);
//! # Ok(())
//! # }
//! ```
//!
//! `runner/examples/at_start.rs` is a whole program that does both.

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::exit)]

pub mod audit;
pub mod bulk;
pub mod db;
pub mod graph;
pub mod host;
pub mod ledger;
pub mod plan;
pub mod policy;
pub mod revision;
pub mod run;
pub mod sandbox;
pub mod source;
