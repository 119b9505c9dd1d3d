//! The program as a child process that may be killed.

use std::collections::BTreeSet;
use std::process::{Child, ExitStatus, Stdio};

use crate::support::Project;

/// A running `upgrade head`. What it prints is kept in a file, so that nothing
/// waits for a reader.
pub struct Runner {
    child: Child,
    said: std::path::PathBuf,
}

impl Runner {
    /// Starts it. `number` tells the files of those that run at once apart.
    pub fn start(project: &Project, number: usize) -> Self {
        let said = project.path(&format!("runner-{number}.log"));
        let log = std::fs::File::create(&said).expect("the project's folder is ours");
        let mut command = project.command(&["upgrade", "head"]);
        let child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the program starts");
        Self { child, said }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it can be waited for")
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_some()
    }

    /// Ends it as the kernel does where memory runs out: nothing of it runs any
    /// more.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is ours");
        self.wait();
    }

    /// What it said on its standard error.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Whether it has a connection from this port of the loopback interface.
    pub fn has_port(&self, port: u16) -> bool {
        let sockets = sockets_of_port(port);
        let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", self.id())) else { return false };
        files.flatten().filter_map(|file| std::fs::read_link(file.path()).ok()).any(|target| {
            let target = target.to_string_lossy();
            target
                .strip_prefix("socket:[")
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|inode| sockets.contains(inode))
        })
    }
}

impl Drop for Runner {
    /// A test that fails leaves no program behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The inodes of the sockets with this local port; see proc(5), /proc/net/tcp.
fn sockets_of_port(port: u16) -> BTreeSet<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel is Linux");
    let local = format!(":{port:04X}");
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter(|fields| fields.get(1).is_some_and(|address| address.ends_with(&local)))
        .filter_map(|fields| fields.get(9).map(|inode| (*inode).to_owned()))
        .collect()
}
