//! An application that migrates its database when it is told to, and refuses to
//! start on a schema of another version.
//!
//! ```sh
//! cargo run --release -p runner --example at_start -- runner.toml "$DATABASE_URL" --migrate
//! ```

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use runner::db::Location;
use runner::graph::Target;
use runner::revision::Direction;
use runner::run::{Event, Migrator, Options, Standing};
use runner::source::Project;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(file), Some(url)) = (args.first(), args.get(1)) else {
        return Err("usage: at_start RUNNER_TOML DATABASE_URL [--migrate]".into());
    };
    let project = Project::load(Path::new(file))?;
    let migrator =
        Migrator::open(project, Location::parse(url)?)?.as_actor("at_start").reporting_to(Arc::new(show));
    let status = migrator.status().await?;
    println!("{} applied, {} pending", status.count(Standing::Applied), status.count(Standing::Pending));
    if args.iter().any(|arg| arg == "--migrate") {
        migrator.go(Direction::Upgrade, &Target::heads(), Options::default()).await?;
    }
    migrator.check_current().await?;
    println!("the schema is the one that this program was made for");
    Ok(())
}

fn show(event: Event) {
    if let Event::StepFinished { revision, message, duration_ms, .. } = event {
        println!("{revision} {message} ({duration_ms} ms)");
    }
}
