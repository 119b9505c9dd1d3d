//! A project in a folder of its own, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Database;

/// A project.
pub struct Project {
    dir: TempDir,
    url: Option<String>,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Finished {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self {
            code: output.status.code().expect("it ends by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Project {
    /// An empty project that uses a database.
    pub fn new(database: &Database) -> Self {
        Self::at(database.url.clone())
    }

    /// An empty project that uses the database at this URL.
    pub fn at(url: String) -> Self {
        Self { url: Some(url), ..Self::without_database() }
    }

    /// An empty project.
    pub fn without_database() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let project = Self { dir, url: None };
        project.write("runner.toml", "");
        std::fs::create_dir(project.path("migrations")).expect("a folder");
        project
    }

    /// A file or a folder of the project.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("creates the folder");
        std::fs::write(path, text).expect("writes the file");
    }

    /// Adds a revision of kind `sql`. `parents` are separated by spaces.
    pub fn sql(&self, id: &str, parents: &str, upgrade: &str, downgrade: &str) {
        let dir = format!("migrations/{id}");
        self.write(&format!("{dir}/migration.toml"), manifest(id, parents, "sql", ""));
        self.write(&format!("{dir}/upgrade.sql"), upgrade);
        self.write(&format!("{dir}/downgrade.sql"), downgrade);
    }

    /// Adds revisions `a`, `b` … in one line, each creating a table `t_a` …
    pub fn tables(&self, ids: &[&str]) {
        let mut parent = "";
        for id in ids {
            let upgrade = format!("CREATE TABLE public.t_{id} (id int PRIMARY KEY);\n");
            self.sql(id, parent, &upgrade, &format!("DROP TABLE public.t_{id};\n"));
            parent = id;
        }
    }

    /// Adds a revision of kind `rust` whose component is built already.
    /// `more` is appended to its manifest.
    pub fn component(&self, id: &str, parents: &str, component: &[u8], more: &str) {
        let dir = format!("migrations/{id}");
        self.write(&format!("{dir}/migration.toml"), manifest(id, parents, "rust", more));
        self.write(&format!("{dir}/Cargo.toml"), "# built already\n");
        self.write(&format!(".runner/components/{id}.wasm"), component);
    }

    /// The command, ready to run in the project's folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        without_settings(&mut command);
        command.env("XDG_CACHE_HOME", cache_dir()).env("USER", "tester");
        command.env("XDG_DATA_HOME", self.path(".data"));
        // Nobody's credentials.
        command.env("DOCKER_CONFIG", self.path(".docker"));
        command.env("XDG_RUNTIME_DIR", self.path(".run")).env("XDG_CONFIG_HOME", self.path(".config"));
        if let Some(url) = &self.url {
            command.env("DATABASE_URL", url);
        }
        command
    }

    /// Runs the program.
    pub fn run(&self, args: &[&str]) -> Finished {
        Finished::of(&mut self.command(args))
    }

    /// Runs the program, which must succeed, and returns what it answers.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let finished = self.run(args);
        assert_eq!(finished.code, 0, "{args:?}: {}", finished.stderr);
        finished.stdout
    }

    /// Runs the program, which must fail with this code, and returns what it
    /// says.
    #[track_caller]
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        let finished = self.run(args);
        assert_eq!(finished.code, code, "{args:?}: {}{}", finished.stdout, finished.stderr);
        finished.stderr
    }
}

/// Takes out of a command's environment what the runner reads there: what the machine
/// has must not decide a test.
pub fn without_settings(command: &mut Command) {
    let ours = [
        "DATABASE_URL",
        "RUNNER_CONFIG",
        "RUNNER_LOCKED",
        "RUNNER_LOG",
        "RUNNER_LOG_FORMAT",
        "RUNNER_OFFLINE",
        "NO_COLOR",
        "TRACEPARENT",
    ];
    let places = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        ["PG", "DB_", "POSTGRES_", "OTEL_", "DOCKER_", "REGISTRY_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    });
    ours.into_iter().map(Into::into).chain(places).for_each(|name: std::ffi::OsString| {
        command.env_remove(name);
    });
}

/// The text of a manifest; `more` is appended.
pub fn manifest(id: &str, parents: &str, kind: &str, more: &str) -> String {
    let parents: Vec<_> = parents.split_whitespace().map(|parent| format!("{parent:?}")).collect();
    format!(
        "revision = {id:?}\nparents = [{}]\nmessage = \"message of {id}\"\nkind = {kind:?}\n{more}",
        parents.join(", ")
    )
}

/// One cache for all tests, kept from run to run: compiling a component takes
/// longer than most tests.
fn cache_dir() -> &'static Path {
    Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

/// What differs from run to run in the program's output, for snapshots.
pub fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"\d+(\.\d+)? (ms|s)\b", "[time]"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
        (r"test_\d+", "[database]"),
        (r"\d{4}-\d{2}-\d{2}T[\d:.]+Z", "[when]"),
        (r"tester@[^)]+", "tester@[host]"),
        (r#""duration_ms":\d+"#, r#""duration_ms":0"#),
        (r"offset 0x[0-9a-f]+", "offset [offset]"),
        (r"sha256:[0-9a-f]{64}", "[digest]"),
    ]
}
