//! A connection pool in front of the shared server, for the length of a test.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::server::{self, as_owner, free_port, owner};

/// Where Debian puts it.
const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// A pool that runs.
pub struct Pool {
    port: u16,
    child: Child,
    _dir: TempDir,
}

impl Pool {
    /// Starts a pool in this mode (`session`, `transaction`, `statement`), with
    /// further lines for its configuration.
    pub fn start(mode: &str, more: &str) -> Self {
        let port = free_port();
        let dir = tempfile::Builder::new().prefix("runner-pool-").tempdir().expect("a folder");
        let owner = owner();
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(dir.path(), Some(user), Some(group))
                .expect("root may give folders away");
        }
        let file = dir.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             logfile = {}\n{more}\n",
            server::shared().port,
            dir.path().join("log").display(),
        );
        // Without a user to log in as, `auth_type = any` takes that of the
        // database.
        let text = text.replace("* = host", "* = user=owner host");
        std::fs::write(&file, text).expect("the file can be written");
        let mut command = as_owner(Path::new(PROGRAM), owner);
        command.arg("--quiet").arg(&file).stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{PROGRAM}: {error}; `cargo xtask test` installs pgbouncer where it is missing")
        });
        let pool = Self { port, child, _dir: dir };
        pool.wait();
        pool
    }

    /// A URL of the server by way of the pool.
    pub fn url(&self, url: &str) -> String {
        url.replace(&format!(":{}/", server::shared().port), &format!(":{}/", self.port))
    }

    fn wait(&self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "the pool does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
