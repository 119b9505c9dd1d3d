//! The embedded server: PostgreSQL compiled to WebAssembly, in this process.

use std::path::PathBuf;

use pglite_oxide::PgliteServer;

/// A running embedded server. It takes one connection at a time.
pub(super) struct Embedded(PgliteServer);

impl Embedded {
    /// Starts it on a free port of the loopback interface. Blocks until it
    /// answers. The error is the whole chain of causes as one text.
    pub(super) fn start(path: Option<PathBuf>) -> Result<Self, String> {
        let builder = match path {
            Some(path) => PgliteServer::builder().path(path),
            None => PgliteServer::builder().temporary(),
        };
        builder.start().map(Self).map_err(|error| format!("{error:#}"))
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        self.0.database_url()
    }

    /// Stops it. The connection must be closed before.
    pub(super) fn stop(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::debug!("the embedded server did not stop cleanly: {error:#}");
        }
    }
}
