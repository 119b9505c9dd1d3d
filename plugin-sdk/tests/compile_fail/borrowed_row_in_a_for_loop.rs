use plugin_sdk::prelude::*;

#[derive(FromRow)]
struct User<'a> {
    name: &'a str,
}

fn example(tx: &Transaction) -> Result<()> {
    for user in tx.read::<User>("select name from public.users", &[])? {
        info!("{}", user?.name);
    }
    Ok(())
}

fn main() {}
