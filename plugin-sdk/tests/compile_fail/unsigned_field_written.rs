use plugin_sdk::prelude::*;

#[derive(ToRow)]
struct User {
    id: u64,
}

fn main() {}
