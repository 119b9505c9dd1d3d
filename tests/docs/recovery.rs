//! docs/recovery.md: each situation is made for real, and what the page advises is
//! done.

use super::page;

const PAGE: &str = include_str!("../../docs/recovery.md");

#[test]
fn what_the_page_advises_helps() {
    let commands = page::commands(PAGE);
    assert!(commands.len() > 60, "only {} commands were found", commands.len());
    page::run("docs/recovery.md", &commands, &[]);
}
