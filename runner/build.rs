//! Builds the component that runs revisions of kind `sql`, which the runner
//! carries with it.
//!
//! Packagers who have no WebAssembly target can build it elsewhere and name it
//! in `RUNNER_SQL_COMPONENT`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "src/source/toolchain.rs"]
mod toolchain;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=RUNNER_SQL_COMPONENT");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let component = match env::var_os("RUNNER_SQL_COMPONENT") {
        Some(path) => {
            println!("cargo::rerun-if-changed={}", Path::new(&path).display());
            fs::read(path)?
        }
        None => build(&out)?,
    };
    fs::write(out.join("sql.wasm"), component)?;
    Ok(())
}

fn build(out: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    // The lock file says which versions of its dependencies the component is made of.
    for source in ["wit", "plugins/sql", "plugin-sdk", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let toolchain = toolchain::Toolchain::find().map_err(|error| format!("{error}. {}", error.hint()))?;
    // Guests share one folder beside the profiles' own: TARGET/PROFILE/build/PACKAGE/out.
    let target_dir = out.ancestors().nth(4).ok_or("OUT_DIR is not where cargo puts it")?.join("guests");
    let module = toolchain.build_module(&root, "sql", &target_dir)?;
    Ok(wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode()?)
}
