use plugin_sdk::prelude::*;

fn example(tx: &Transaction) -> Result<()> {
    tx.update("public.users").key(7);
    Ok(())
}

fn main() {}
