//! The compiler for guests.
//!
//! This file is also part of the build script, which needs a guest built before
//! there is a runner; so it uses the standard library only.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The target that guests are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// The profile that guests are compiled with, and its settings: fast code,
/// small, nothing to unwind.
pub const PROFILE: &str = "guest";
const PROFILE_SETTINGS: [&str; 7] = [
    "profile.guest.inherits=\"release\"",
    "profile.guest.opt-level=3",
    "profile.guest.debug=false",
    "profile.guest.strip=true",
    "profile.guest.lto=true",
    "profile.guest.codegen-units=1",
    "profile.guest.panic=\"abort\"",
];

/// A compiler that can build guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The cargo on the path; its compiler has the target.
    Installed,
    /// Debian's packages rustc-web, cargo-web and rust-web-src, which build the
    /// standard library themselves.
    Debian {
        /// The linker, from Debian's package lld.
        linker: PathBuf,
    },
}

/// Why guests cannot be built here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolchainError {
    /// There is no cargo.
    NoCargo,
    /// There is one, and it has not the target.
    NoTarget,
}

impl std::fmt::Display for ToolchainError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoCargo => {
                f.write_str("cargo is not installed, and migrations of kind `rust` must be built")
            }
            Self::NoTarget => write!(f, "the Rust compiler here has no target {TARGET}"),
        }
    }
}

impl std::error::Error for ToolchainError {}

impl ToolchainError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoCargo => {
                "Install Rust with rustup, or run `runner build` on a machine that has it and deploy the components."
            }
            Self::NoTarget => "Run `rustup target add wasm32-unknown-unknown`.",
        }
    }
}

impl Toolchain {
    /// Finds a compiler that can build guests.
    pub fn find() -> Result<Self, ToolchainError> {
        match target_libraries("rustc") {
            Some(libraries) if libraries.is_dir() => return Ok(Self::Installed),
            _ => {}
        }
        if let Some(debian) = Self::find_debian() {
            return Ok(debian);
        }
        match Command::new("cargo").arg("--version").output() {
            Ok(_) => Err(ToolchainError::NoTarget),
            Err(_) => Err(ToolchainError::NoCargo),
        }
    }

    fn find_debian() -> Option<Self> {
        let sources = sysroot("/usr/bin/rustc")?.join("lib/rustlib/src/rust/library");
        if !sources.is_dir() || !Path::new("/usr/bin/cargo").is_file() {
            return None;
        }
        let linkers = ["/usr/bin/wasm-ld", "/usr/bin/rust-lld", "/usr/bin/wasm-ld-19", "/usr/bin/wasm-ld-14"];
        let linker = linkers.into_iter().map(PathBuf::from).find(|path| path.is_file())?;
        Some(Self::Debian { linker })
    }

    /// The beginning of a `cargo build` for guests.
    pub fn cargo_build(&self, target_dir: &Path) -> Command {
        let mut command = match self {
            Self::Installed => Command::new("cargo"),
            Self::Debian { linker } => {
                let mut command = Command::new("/usr/bin/cargo");
                command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        };
        command
            .arg("build")
            .args(["--target", TARGET, "--profile", PROFILE])
            .arg("--target-dir")
            .arg(target_dir);
        for setting in PROFILE_SETTINGS {
            command.args(["--config", setting]);
        }
        if let Self::Debian { .. } = self {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        // What a surrounding cargo sets for its own compilation is not for
        // this one.
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"]
        {
            command.env_remove(name);
        }
        command
    }
}

impl Toolchain {
    /// Compiles one package of a workspace and returns its module. The error is
    /// for people.
    pub fn build_module(
        &self,
        workspace: &Path,
        package: &str,
        target_dir: &Path,
    ) -> Result<Vec<u8>, String> {
        let mut command = self.cargo_build(target_dir);
        command.args(["--package", package, "--manifest-path"]).arg(workspace.join("Cargo.toml"));
        let status = command.status().map_err(|error| format!("cargo cannot be run: {error}"))?;
        if !status.success() {
            return Err(format!("the package `{package}` did not compile"));
        }
        let file = format!("{}.wasm", package.replace('-', "_"));
        let module = target_dir.join(TARGET).join(PROFILE).join(file);
        std::fs::read(&module).map_err(|error| format!("{}: {error}", module.display()))
    }
}

fn target_libraries(rustc: &str) -> Option<PathBuf> {
    Some(sysroot(rustc)?.join("lib/rustlib").join(TARGET).join("lib"))
}

fn sysroot(rustc: &str) -> Option<PathBuf> {
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}
