//! The pages of docs/: what they say is run, and where they point is there.

mod alembic;
mod book;
mod page;
mod plugins;
mod recovery;
