//! A PostgreSQL server for the length of a test run.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where Debian keeps the server's programs; the newest version wins.
const INSTALLED: &str = "/usr/lib/postgresql";

/// Waits for the end of its standard input, which is the end of the test
/// program however it comes about, then stops the server and removes its
/// folder. `$1` is the folder, `$2` the server's programs.
const KEEPER: &str = r#"
"$2/postgres" -D "$1/data" >"$1/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$1"
"#;

/// A running server.
pub struct Server {
    pub port: u16,
    pub dir: PathBuf,
    /// Its standard input keeps the server alive.
    _keeper: Child,
}

/// Who owns the tests' databases: like the login of a deployment it may make
/// roles, and is no superuser.
pub const OWNER: &str = "owner";

/// The server that all tests of this program share.
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::start(&[]);
        let create = format!("CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB");
        super::database::execute(&server.url("postgres"), &create).expect("makes the role");
        server
    })
}

impl Server {
    /// Starts a server with further lines for postgresql.conf.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_with_files(settings, &[])
    }

    /// Starts a server that also finds these files in its data folder.
    pub fn start_with_files(settings: &[&str], files: &[(&str, &str)]) -> Self {
        Self::start_on(&programs(), settings, files)
    }

    /// Starts a server of the version whose programs are in this folder.
    pub fn start_on(programs: &Path, settings: &[&str], files: &[(&str, &str)]) -> Self {
        let (dir, owner) = (folder(), owner());
        let data = dir.join("data");
        let mut initdb = as_owner(&programs.join("initdb"), owner);
        initdb.arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C.UTF-8",
        ]);
        let output = initdb.output().expect("initdb runs");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let port = free_port();
        configure(&data, &dir, port, settings);
        for (name, text) in files {
            write_private(&data.join(name), text, owner);
        }
        Self::run(programs, dir, port)
    }

    /// Starts a standby of this server: a copy of its files that follows it.
    pub fn standby(&self) -> Self {
        let (dir, owner) = (folder(), owner());
        let data = dir.join("data");
        let mut copy = as_owner(&programs().join("pg_basebackup"), owner);
        copy.arg("-D").arg(&data).args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]);
        let output = copy.output().expect("pg_basebackup runs");
        assert!(output.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&output.stderr));
        let port = free_port();
        configure(&data, &dir, port, &[]);
        Self::run(&programs(), dir, port)
    }

    /// Runs the server whose files are in a folder.
    fn run(programs: &Path, dir: PathBuf, port: u16) -> Self {
        let mut keeper = as_owner(Path::new("/bin/sh"), owner());
        keeper.args(["-c", KEEPER, "keeper"]).arg(&dir).arg(programs);
        let keeper = keeper.stdin(Stdio::piped()).spawn().expect("the server starts");
        let server = Self { port, dir, _keeper: keeper };
        server.wait();
        server
    }

    /// The process that all of the server's others are children of.
    pub fn process(&self) -> String {
        let file = std::fs::read_to_string(self.dir.join("data/postmaster.pid")).expect("the server runs");
        file.lines().next().expect("its first line is the process").to_owned()
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    fn wait(&self) {
        let began = Instant::now();
        while super::database::execute(&self.url("postgres"), "SELECT 1").is_err() {
            let log = || std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(60), "the server does not answer:\n{}", log());
            sleep(Duration::from_millis(20));
        }
    }
}

/// A folder for a server's files, which only its user may enter.
fn folder() -> PathBuf {
    let dir = tempfile::Builder::new().prefix("runner-test-").tempdir().expect("a folder").keep();
    std::fs::set_permissions(&dir, Permissions::from_mode(0o700)).expect("the folder is ours");
    if let Some((user, group)) = owner() {
        chown(&dir, Some(user), Some(group)).expect("root may give folders away");
    }
    dir
}

/// The programs of the newest server that is installed.
pub fn programs() -> PathBuf {
    let versions = std::fs::read_dir(INSTALLED).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| {
        panic!(
            "no PostgreSQL server in {INSTALLED}; run the tests with `cargo xtask test`, which installs one"
        )
    })
}

/// The server refuses to run as root: then it runs as the user that Debian's
/// package made for it.
pub fn owner() -> Option<(u32, u32)> {
    let id = |option| {
        let output = Command::new("id").args([option, "postgres"]).output().expect("id runs");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("there is a user `postgres`")
    };
    let own = Command::new("id").arg("-u").output().expect("id runs");
    (own.stdout == b"0\n").then(|| (id("-u"), id("-g")))
}

pub fn as_owner(program: &Path, owner: Option<(u32, u32)>) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group).current_dir("/");
    }
    command
}

fn configure(data: &Path, dir: &Path, port: u16, settings: &[&str]) {
    let file = data.join("postgresql.conf");
    let mut text = std::fs::read_to_string(&file).expect("initdb wrote it");
    text.push_str(&format!(
        "\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
         fsync = off\nmax_connections = 200\nmax_prepared_transactions = 5\n{}\n",
        dir.display(),
        settings.join("\n")
    ));
    std::fs::write(&file, text).expect("the file can be written");
}

/// Writes a file that only the server may read: it refuses another key.
fn write_private(path: &Path, text: &str, owner: Option<(u32, u32)>) {
    std::fs::write(path, text).expect("the folder is ours");
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).expect("the file is ours");
    if let Some((user, group)) = owner {
        chown(path, Some(user), Some(group)).expect("root may give files away");
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
    listener.local_addr().expect("it is bound").port()
}
