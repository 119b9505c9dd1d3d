//! The guest crate `tests/guests/probe` as a component.

use std::path::Path;
use std::sync::LazyLock;

use runner::source::Toolchain;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The component, built once a test run.
pub fn probe() -> &'static [u8] {
    static PROBE: LazyLock<Vec<u8>> = LazyLock::new(build);
    &PROBE
}

fn build() -> Vec<u8> {
    let target = Path::new(ROOT).join("target/guests");
    let mut command = Toolchain::find().expect("a compiler for guests").cargo_build(&target);
    let built =
        command.args(["--quiet", "--package", "probe"]).current_dir(ROOT).status().expect("cargo starts");
    assert!(built.success(), "the probe does not build");
    let module = std::fs::read(target.join("wasm32-unknown-unknown/guest/probe.wasm")).expect("reads");
    let encoded =
        wit_component::ComponentEncoder::default().module(&module).and_then(|encoder| encoder.encode());
    encoded.expect("encodes")
}
