//! A host to test migrations with: plain `cargo test`, no server, no
//! WebAssembly.
//!
//! A [`Mock`] is told what the server would answer. The migration runs against
//! it through the same [`Transaction`](crate::Transaction), with the same readers
//! and writers and the same bytes; afterwards the test asks what was done.
//!
//! ```
//! use plugin_sdk::mock::Mock;
//! use plugin_sdk::prelude::*;
//! use plugin_sdk::row;
//!
//! /// Copies the names of customers.
//! #[derive(Params)]
//! struct CopyNames {
//!     #[param(default = "public.names")]
//!     target: String,
//! }
//!
//! impl Migration for CopyNames {
//!     fn upgrade(&self, tx: &Transaction) -> Result<()> {
//!         let mut reader = tx.reader("select id, name from public.customers", &[])?;
//!         let mut writer = tx.writer(&self.target, &["id", "name"])?;
//!         for customer in reader.rows::<(i64, String)>() {
//!             let (id, name) = customer?;
//!             writer.write(&(id, name.trim()))?;
//!         }
//!         writer.finish()?;
//!         Ok(())
//!     }
//! }
//!
//! let mock = Mock::new();
//! mock.on_query("select id, name from public.customers")
//!     .returns(&[("id", "int8"), ("name", "text")], [row![1, " Ada "], row![2, "Grace"]]);
//! mock.table("public.names", &[("id", "int8"), ("name", "text")]);
//!
//! mock.upgrade(&CopyNames { target: "public.names".into() }).unwrap();
//! assert_eq!(
//!     mock.written::<(i64, String)>("public.names"),
//!     [(1, "Ada".to_owned()), (2, "Grace".to_owned())],
//! );
//! ```
//!
//! What it does not do: it runs no SQL, so it cannot tell whether a statement is
//! right. It keeps to the rules that the runner adds: a statement after an error
//! fails until a savepoint is rolled back, a migration that swallows an error
//! fails all the same, and so does one that drops a writer without finishing it.

mod control;
mod handles;
mod state;
pub(crate) mod sys;
mod table;

pub use control::{Expectation, Mock, MockTable};
pub use state::{LogLine, Statement};
