//! What the integration tests share.

mod alembic;
mod database;
mod guest;
mod project;
mod server;

pub use alembic::alembic_command;
pub use database::Database;
pub use guest::probe;
pub use project::{Finished, Project, filters, manifest};
pub use server::{Server, free_port};
