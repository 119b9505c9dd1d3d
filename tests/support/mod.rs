//! What the integration tests share.

mod alembic;
mod blocker;
mod database;
mod guest;
mod pgbouncer;
mod project;
mod registry;
mod relay;
mod server;
pub mod shape;

pub use alembic::{alembic_command, alembic_is_there};
pub use blocker::{Blocker, holder};
pub use database::{Database, execute};
pub use guest::{bulk, change_guest, plugin, probe, replay};
pub use pgbouncer::Pool;
pub use project::{Finished, Project, filters, manifest, without_settings};
pub use registry::{PASSWORD, Registry, USER};
pub use relay::{Act, Moment, Relay};
pub use server::{Server, free_port, programs};
