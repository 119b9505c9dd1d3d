use plugin_sdk::prelude::*;

#[derive(FromRow)]
struct User {
    email: String,
}

struct Clean {
    email: String,
}

fn example(tx: &Transaction) -> Result<Counts> {
    tx.transform::<User, Clean>("public.users").map(|user| Ok(Clean { email: user.email.to_lowercase() }))
}

fn main() {}
