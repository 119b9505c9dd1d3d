//! The guide's first migration, with its tests. A doc test cannot run them: what is
//! marked `#[test]` does not exist there.

#![allow(clippy::unwrap_used, reason = "the guide's tests are as short as tests are")]

#[rustfmt::skip]
#[path = "guide/clean_users.rs"]
mod clean_users;

#[test]
fn the_guide_shows_what_is_tested() {
    let guide = include_str!("../src/guide.md");
    let (migration, tests) = include_str!("guide/clean_users.rs").split_once("\n#[cfg(test)]").unwrap();
    for block in [migration.to_owned(), format!("#[cfg(test)]{tests}")] {
        assert!(guide.contains(&format!("```\n{block}```")), "the guide does not show:\n{block}");
    }
}
