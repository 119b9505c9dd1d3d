//! A registry on loopback, for the length of a test: Debian's `docker-registry`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use runner::revision::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::free_port;

const PROGRAM: &str = "docker-registry";

/// Who may use a registry that asks: this name, with this password.
pub const USER: &str = "tester";
pub const PASSWORD: &str = "correct-horse";
/// The same for the registry, as bcrypt makes it; made once, since that takes a
/// program that nothing else needs.
const HTPASSWD: &str = "$2y$05$abcdefghijklmnopqrstuuZ0Fx87Pb/Aqb0E90lfvCwzXnaFKUHpS";

/// By this header of its answers a registry is known to be the one that was started.
const OURS: &str = "X-Runner-Test";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry that runs.
pub struct Registry {
    port: u16,
    child: Child,
    dir: TempDir,
}

impl Registry {
    /// Starts an empty one, which lets everybody do everything.
    pub fn start() -> Self {
        Self::with(&[], "")
    }

    /// Starts an empty one that speaks TLS, with this certificate and its key.
    pub fn with_tls(certificate: &str, key: &str) -> Self {
        let files = [("server.crt", certificate), ("server.key", key)];
        Self::with(&files, "  tls:\n    certificate: DIR/server.crt\n    key: DIR/server.key\n")
    }

    /// Starts an empty one, which asks for [`USER`] and [`PASSWORD`].
    pub fn that_asks() -> Self {
        let htpasswd = format!("{USER}:{HTPASSWD}\n");
        let auth = "auth:\n  htpasswd:\n    realm: test\n    path: DIR/htpasswd\n";
        Self::with(&[("htpasswd", &htpasswd)], auth)
    }

    fn with(files: &[(&str, &str)], more: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("runner-registry-").tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).expect("writes");
        }
        // Another program may take the port before the registry does.
        for _ in 0..20 {
            let port = free_port();
            let mut child = run(dir.path(), port, more);
            if answers(&mut child, dir.path(), port) {
                return Self { port, child, dir };
            }
        }
        panic!("the registry does not start")
    }

    /// The namespace of the tests in it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}/team/plugins", self.port)
    }

    /// Its host, as credentials are kept for it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Puts the artifacts of a layout into its folder; each plugin is there under its
    /// name and version.
    pub fn import(&self, layout: &Path) {
        let read = |path: &str| std::fs::read(layout.join(path)).expect("a file of the layout");
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().expect("a digest");
            read(&format!("blobs/{}", digest.replace(':', "/")))
        };
        let index: Value = serde_json::from_slice(&read("index.json")).expect("JSON");
        for entry in index["manifests"].as_array().expect("a list") {
            let bytes = blob(entry);
            let manifest: Value = serde_json::from_slice(&bytes).expect("JSON");
            let said = |key: &str| manifest["annotations"][key].as_str().expect("an annotation");
            let name = said("org.opencontainers.image.title");
            let layers = manifest["layers"].as_array().expect("a list");
            for part in layers.iter().chain([&manifest["config"]]) {
                self.blob(name, &blob(part));
            }
            self.tag(name, said("org.opencontainers.image.version"), &bytes);
        }
    }

    /// Puts an artifact of one layer into its folder, in the place of what had the
    /// tag.
    pub fn put(&self, name: &str, tag: &str, layer_type: &str, layer: &[u8]) {
        let descriptor = |kind: &str, bytes: &[u8]| json!({ "mediaType": kind, "digest": self.blob(name, bytes), "size": bytes.len() });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
            "layers": [descriptor(layer_type, layer)],
        });
        self.tag(name, tag, manifest.to_string().as_bytes());
    }

    /// The file of the largest blob: a component.
    pub fn largest_blob(&self) -> PathBuf {
        let blobs = self.storage().join("blobs/sha256");
        let folders =
            |path: PathBuf| std::fs::read_dir(path).expect("a folder").flatten().map(|entry| entry.path());
        let files = folders(blobs).flat_map(folders).map(|folder| folder.join("data"));
        files.max_by_key(|file| file.metadata().expect("a file").len()).expect("a blob")
    }

    fn blob(&self, name: &str, bytes: &[u8]) -> String {
        let digest = Digest::of(bytes).to_string();
        let hex = &digest["sha256:".len()..];
        self.write(&format!("blobs/sha256/{}/{hex}/data", &hex[..2]), bytes);
        self.write(&format!("{}/_layers/sha256/{hex}/link", repository(name)), digest.as_bytes());
        digest
    }

    fn tag(&self, name: &str, tag: &str, manifest: &[u8]) {
        let digest = self.blob(name, manifest);
        let (hex, folder) = (&digest["sha256:".len()..], format!("{}/_manifests", repository(name)));
        for link in [
            format!("{folder}/revisions/sha256/{hex}/link"),
            format!("{folder}/tags/{tag}/index/sha256/{hex}/link"),
            format!("{folder}/tags/{tag}/current/link"),
        ] {
            self.write(&link, digest.as_bytes());
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.storage().join(path);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("writes");
    }

    fn storage(&self) -> PathBuf {
        self.dir.path().join("data/docker/registry/v2")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn repository(name: &str) -> String {
    format!("repositories/team/plugins/{name}")
}

fn run(dir: &Path, port: u16, more: &str) -> Child {
    let file = dir.join("config.yml");
    let dir = dir.display().to_string();
    let text = format!(
        "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    \
         rootdirectory: {dir}/data\nhttp:\n  addr: 127.0.0.1:{port}\n  headers:\n    {OURS}: [{dir}]\n{}",
        more.replace("DIR", &dir)
    );
    std::fs::write(&file, text).expect("the file can be written");
    let mut command = Command::new(PROGRAM);
    command.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("{PROGRAM}: {error}; `cargo xtask test` installs docker-registry where it is missing")
    })
}

/// What a registry answers to whoever asks whether it is one.
fn greeting(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Waits until it answers, or has ended. Something else may answer at its port.
fn answers(child: &mut Child, dir: &Path, port: u16) -> bool {
    let ours = format!("{OURS}: {}", dir.display()).to_lowercase();
    let began = Instant::now();
    loop {
        if child.try_wait().expect("it can be asked").is_some() {
            return false;
        }
        // One that speaks TLS says so, and no more.
        let is_ours = |answer: String| {
            let answer = answer.to_lowercase();
            answer.contains(&ours) || answer.contains("http request to an https server")
        };
        if greeting(port).is_ok_and(is_ours) {
            return true;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "the registry does not answer");
        std::thread::sleep(Duration::from_millis(10));
    }
}
