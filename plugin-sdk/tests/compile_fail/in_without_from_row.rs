use plugin_sdk::prelude::*;

struct User {
    email: String,
}

#[derive(ToRow)]
struct Clean {
    email: String,
}

fn example(tx: &Transaction) -> Result<Counts> {
    tx.transform::<User, Clean>("public.users").map(|user| Ok(Clean { email: user.email.to_lowercase() }))
}

fn main() {}
