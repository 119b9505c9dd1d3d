//! Data migrations: bulk changes on a real server.

mod rewrite;
