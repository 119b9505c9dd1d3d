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
    let root = Path::new(ROOT);
    let toolchain = Toolchain::find().expect("a compiler for guests");
    let module =
        toolchain.build_module(root, "probe", &root.join("target/guests")).expect("the probe builds");
    let encoded =
        wit_component::ComponentEncoder::default().module(&module).and_then(|encoder| encoder.encode());
    encoded.expect("encodes")
}
