//! Running the program that makes a backup.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::db::ClientAccess;
use crate::revision::{HIDDEN, Redactor};

use super::BackupError;

/// How much of what the program says is kept, in bytes.
const MOST_SAID: usize = 4 << 10;
/// How long it may take to end by itself, once it is told to.
const GRACE: Duration = Duration::from_millis(500);
/// What stands for as long as it wants.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

/// A call of the program.
pub(super) struct Call<'a> {
    pub(super) program: &'a str,
    pub(super) args: Vec<String>,
    /// Where it runs.
    pub(super) folder: &'a Path,
    pub(super) access: &'a ClientAccess,
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", self.hide(arg)))
    }
}

impl Call<'_> {
    /// Runs the program to its end, to the limit, or until `told` is done, and
    /// returns the end of what it said.
    pub(super) async fn run(
        &self,
        limit: Option<Duration>,
        told: impl Future<Output = ()>,
    ) -> Result<String, BackupError> {
        let mut child = self.start()?;
        let group = Group::of(&child);
        let said = tokio::spawn(end_of(child.stderr.take()));
        let limit = limit.filter(|limit| !limit.is_zero());
        let ended = tokio::select! {
            status = child.wait() => Ended::Itself(status),
            () = tokio::time::sleep(limit.unwrap_or(FOREVER)) => Ended::Late(limit.unwrap_or(FOREVER)),
            () = told => Ended::Told,
        };
        if !matches!(ended, Ended::Itself(_)) {
            group.signal(Signal::TERM);
            let _ = timeout(GRACE, child.wait()).await;
        }
        // It may have left others behind.
        drop(group);
        let said = self.hide(&said_at_last(said).await);
        let command = self.to_string();
        match ended {
            Ended::Itself(Ok(status)) if status.success() => Ok(said),
            Ended::Itself(Ok(status)) => Err(BackupError::Failed { command, status, said }),
            Ended::Itself(Err(source)) => Err(BackupError::Start { program: command, source }),
            Ended::Late(limit) => Err(BackupError::TooLong { command, limit, said }),
            Ended::Told => Err(BackupError::Interrupted(command)),
        }
    }

    /// Starts it in a process group of its own. The password is in its
    /// environment, where no list of processes shows it to others.
    fn start(&self) -> Result<Child, BackupError> {
        let mut command = Command::new(self.path());
        command.args(&self.args).current_dir(self.folder).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        for (name, value) in &self.access.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => BackupError::NoProgram(self.program.to_owned()),
            _ => BackupError::Start { program: self.program.to_owned(), source },
        })
    }

    /// The program: looked for on the path, or, if its name has a `/`, from
    /// where it runs.
    fn path(&self) -> PathBuf {
        match self.program.contains('/') {
            true => self.folder.join(self.program),
            false => self.program.into(),
        }
    }

    /// A text without the password, however short that is.
    fn hide(&self, text: &str) -> String {
        let Some(password) = self.access.password.as_deref().filter(|password| !password.is_empty()) else {
            return text.to_owned();
        };
        let hidden = Redactor::new([password.to_owned()]).hide(text).into_owned();
        hidden.replace(password, HIDDEN)
    }
}

/// How it came to an end.
enum Ended {
    Itself(io::Result<ExitStatus>),
    Late(Duration),
    Told,
}

/// A process group, all of which is killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // It may be gone already.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// The end of all that is read.
async fn end_of(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let (mut end, mut buffer) = (Vec::new(), [0; 1 << 10]);
    let Some(mut from) = from else { return end };
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        end.extend_from_slice(&buffer[..read]);
        let beyond = end.len().saturating_sub(MOST_SAID);
        end.drain(..beyond);
    }
    end
}

/// What was said, once nobody is left who could say more.
async fn said_at_last(said: JoinHandle<Vec<u8>>) -> String {
    let said = timeout(GRACE, said).await.ok().and_then(Result::ok).unwrap_or_default();
    String::from_utf8_lossy(&said).trim().to_owned()
}
