//! The integration tests: the program and the library on a real PostgreSQL.
//!
//! One program for all of them, so that there is one server for a run, and one
//! thing to link.

mod support;

mod executor;
mod migrations;
mod tidy;
mod wit_frozen;
