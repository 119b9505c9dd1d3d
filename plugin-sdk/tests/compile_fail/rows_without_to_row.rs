use plugin_sdk::prelude::*;

struct User {
    id: i64,
}

fn example(tx: &Transaction) -> Result<Counts> {
    tx.update("public.users").rows([User { id: 1 }])
}

fn main() {}
