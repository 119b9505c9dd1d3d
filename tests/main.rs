//! The integration tests: the program and the library on a real PostgreSQL.
//!
//! One program for all of them, so that there is one server for a run, and one
//! thing to link.

mod support;

mod alembic_import;
mod audit;
mod backup;
mod bad_input;
mod bench_data;
mod bench_plugins;
mod blocked;
mod branches;
mod bundle;
mod cli;
mod component;
mod conditions;
mod config;
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
mod interrupt;
mod ledger;
mod library;
mod location;
mod lock;
mod logs;
mod lost;
mod migrations;
mod none;
mod offline;
mod oracle;
#[cfg(feature = "otlp")]
mod otlp;
mod plugin;
#[path = "plugin/edges.rs"]
mod plugin_edges;
#[path = "plugin/pins.rs"]
mod plugin_pins;
mod plugins;
#[path = "plugins/cases.rs"]
mod plugins_cases;
#[path = "plugins/edited.rs"]
mod plugins_edited;
#[path = "plugins/pages.rs"]
mod plugins_pages;
#[path = "plugins/random.rs"]
mod plugins_random;
#[path = "plugins/row_security.rs"]
mod plugins_row_security;
mod pooler;
mod properties;
mod recipes;
mod registry;
mod sandbox;
mod secrets;
mod security;
mod stamp;
mod storm;
mod suggest;
mod tidy;
mod tls;
mod types;
mod versions;
mod waiting;
mod wire;
mod wit_frozen;
