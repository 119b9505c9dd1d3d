//! How components are compiled and run: one configuration for all engines.

use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};
use wasmtime::{Config, Engine, OptLevel, Strategy};

/// Makes an engine. The engines of the host and of the compiling child process
/// have the same configuration, so that the one can load what the other made.
pub(super) fn new() -> wasmtime::Result<Engine> {
    Engine::new(&config())
}

/// A digest that is equal for engines that can load each other's artifacts.
pub(super) fn compatibility(engine: &Engine) -> [u8; 32] {
    let mut hasher = DigestHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .parallel_compilation(true)
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_component_model(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_features(refused_features(), false);
    config
}

/// What no compiler emits without being asked to: each proposal that is off is
/// code of the engine that a hostile component cannot reach.
///
/// Threads, GC, exceptions and stack switching are not even compiled in (wasmtime's cargo
/// features), which is why they have no method here.
fn refused_features() -> wasmtime::WasmFeatures {
    use wasmtime::WasmFeatures as F;
    F::THREADS
        | F::SHARED_EVERYTHING_THREADS
        | F::GC
        | F::FUNCTION_REFERENCES
        | F::EXCEPTIONS
        | F::LEGACY_EXCEPTIONS
        | F::STACK_SWITCHING
        | F::CUSTOM_PAGE_SIZES
        | F::WIDE_ARITHMETIC
}

/// The standard library's hashes have 64 bits and may change with its version.
struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        u64::from_le_bytes(digest[..8].try_into().expect("the digest has 32 bytes"))
    }
}
