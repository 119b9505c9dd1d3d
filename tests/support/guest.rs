//! The guest crates of `tests/guests` as components.

use std::path::Path;
use std::sync::LazyLock;

use runner::source::Toolchain;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// `probe`, built once a test run.
pub fn probe() -> &'static [u8] {
    static PROBE: LazyLock<Vec<u8>> = LazyLock::new(|| build("probe"));
    &PROBE
}

/// `replay`, built once a test run.
pub fn replay() -> &'static [u8] {
    static REPLAY: LazyLock<Vec<u8>> = LazyLock::new(|| build("replay"));
    &REPLAY
}

/// `bulk`, built once a test run.
pub fn bulk() -> &'static [u8] {
    static BULK: LazyLock<Vec<u8>> = LazyLock::new(|| build("bulk"));
    &BULK
}

/// `change-users`, built once a run.
pub fn change_guest() -> &'static [u8] {
    static CHANGE: LazyLock<Vec<u8>> = LazyLock::new(|| build("change-users"));
    &CHANGE
}

/// A plugin of `plugins/`, built anew.
pub fn plugin(name: &str) -> Vec<u8> {
    build(name)
}

fn build(package: &str) -> Vec<u8> {
    let root = Path::new(ROOT);
    let toolchain = Toolchain::find().expect("a compiler for guests");
    let module =
        toolchain.build_module(root, package, &root.join("target/guests")).expect("the guest builds");
    let encoded =
        wit_component::ComponentEncoder::default().module(&module).and_then(|encoder| encoder.encode());
    encoded.expect("encodes")
}
