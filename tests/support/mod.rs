//! What the integration tests share.

mod alembic;
mod database;
mod guest;
mod project;
mod server;
pub mod shape;

pub use alembic::{alembic_command, alembic_is_there};
pub use database::{Database, execute};
pub use guest::{bulk, change_guest, plugin, probe, replay};
pub use project::{Finished, Project, filters, manifest};
pub use server::{Server, free_port, programs};
