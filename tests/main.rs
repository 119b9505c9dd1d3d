//! The integration tests: the program and the library on a real PostgreSQL.
//!
//! One program for all of them, so that there is one server for a run, and one
//! thing to link.

mod support;

mod alembic_import;
mod audit;
mod bad_input;
mod bench_data;
mod branches;
mod cli;
mod component;
mod data;
mod docs;
#[cfg(feature = "embedded")]
mod embedded;
mod executor;
mod files;
mod fuzz;
mod graph;
#[expect(dead_code, reason = "its command is a program of its own")]
mod hostile;
#[path = "hostile/tests.rs"]
mod hostile_tests;
mod ledger;
mod library;
mod location;
mod migrations;
mod offline;
mod oracle;
mod plugin;
mod plugins;
mod properties;
mod sandbox;
mod secrets;
mod security;
mod stamp;
mod suggest;
mod tidy;
mod tls;
mod types;
mod wire;
mod wit_frozen;
