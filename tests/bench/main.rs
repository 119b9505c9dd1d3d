//! Benchmarks that print ratios measured in one run: `cargo xtask bench NAME`.

mod graph;
mod measure;
mod policy;
mod start;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use all of it")]
mod support;

fn main() {
    // cargo adds `--bench`.
    let names: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    match names.as_slice() {
        [name] if name == "graph" => graph::run(),
        [name] if name == "policy" => policy::run(),
        [name] if name == "start" => start::run(),
        _ => {
            eprintln!("which benchmark? there are: graph, policy, start");
            std::process::exit(2);
        }
    }
}
