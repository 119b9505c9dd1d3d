use plugin_sdk::prelude::*;

#[derive(FromRow)]
struct User<'a> {
    name: &'a str,
}

fn example(tx: &Transaction) -> Result<()> {
    let mut longest = "";
    tx.read::<User>("select name from public.users", &[])?.for_each(|user| {
        if user.name.len() > longest.len() {
            longest = user.name;
        }
        Ok(())
    })
}

fn main() {}
