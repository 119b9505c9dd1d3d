//! Benchmarks that print ratios measured in one run: `cargo xtask bench NAME`.

mod data;
mod deploy;
mod graph;
mod measure;
mod policy;
mod start;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use all of it")]
mod support;

fn main() {
    // cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.as_slice() {
        [name, options @ ..] if name == "data" => data(options),
        [name] if name == "deploy" => deploy::run(),
        [name] if name == "graph" => graph::run(),
        [name] if name == "policy" => policy::run(),
        [name] if name == "start" => start::run(),
        _ => {
            eprintln!("which benchmark? there are: data, deploy, graph, policy, start");
            std::process::exit(2);
        }
    }
}

fn data(options: &[String]) {
    match data::Options::parse(options) {
        Ok(options) => println!("{}", data::run(&options)),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(2);
        }
    }
}
