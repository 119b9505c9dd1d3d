use plugin_sdk::prelude::*;

struct User {
    id: i64,
}

fn example(tx: &Transaction) -> Result<()> {
    for user in tx.read::<User>("select id from public.users", &[])? {
        info!("{}", user?.id);
    }
    Ok(())
}

fn main() {}
