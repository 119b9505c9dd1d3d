//! What the integration tests share.

mod database;
mod project;
mod server;

pub use database::Database;
pub use project::{Finished, Project, filters};
