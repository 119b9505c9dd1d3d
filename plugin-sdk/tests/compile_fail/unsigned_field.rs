use plugin_sdk::prelude::*;

#[derive(FromRow)]
struct User {
    id: u64,
}

fn main() {}
