//! Benchmarks that print ratios measured in one run: `cargo xtask bench NAME`.

mod data;
mod deploy;
mod graph;
mod measure;
mod plugins;
mod policy;
mod start;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use all of it")]
mod support;

fn main() {
    // cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.as_slice() {
        [name, options @ ..] if name == "data" => println!("{}", data::run(&parsed(options))),
        [name, options @ ..] if name == "plugins" => plugins::run(&parsed(options)),
        [name] if name == "deploy" => deploy::run(),
        [name] if name == "graph" => graph::run(),
        [name] if name == "policy" => policy::run(),
        [name] if name == "start" => start::run(),
        _ => {
            eprintln!("which benchmark? there are: data, deploy, graph, plugins, policy, start");
            std::process::exit(2);
        }
    }
}

fn parsed(options: &[String]) -> data::Options {
    data::Options::parse(options).unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(2);
    })
}
