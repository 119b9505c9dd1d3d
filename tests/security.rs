//! docs/security.md: each claim names the test that holds it, and each of these
//! tests and cases exists.

use std::path::Path;

const PAGE: &str = include_str!("../docs/security.md");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The cases that the page names are in these files.
const CASES: [&str; 2] = [include_str!("hostile/hostile-samples.jsonl"), include_str!("hostile/more.jsonl")];

#[test]
fn every_test_and_case_of_the_page_exists() {
    let is_path = |span: &&str| {
        span.contains("::") && span.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
    };
    let tests: Vec<&str> = code_spans().filter(is_path).collect();
    assert!(tests.len() > 40, "only {} tests were found", tests.len());
    for test in tests {
        assert!(exists(test), "docs/security.md names `{test}`, and there is no such test");
    }
    let begins_a_case = |span: &&str| ["hi-", "ev-"].iter().any(|family| span.starts_with(family));
    for case in code_spans().filter(begins_a_case) {
        let beginning = format!("\"id\": \"{}", case.trim_end_matches('*'));
        let found = CASES.iter().any(|file| file.contains(&beginning));
        assert!(found, "docs/security.md names `{case}`, and there is no such case");
    }
}

/// What stands between backquotes in the text.
fn code_spans() -> impl Iterator<Item = &'static str> {
    let text = PAGE.split("```").step_by(2);
    text.flat_map(|text| text.split('`').skip(1).step_by(2))
}

/// Whether the function is in the file of its module: of the integration tests,
/// or of the library.
fn exists(test: &str) -> bool {
    let Some((module, function)) = test.rsplit_once("::") else {
        return false;
    };
    let path = module.replace("::", "/");
    // `#[path]` gives the replay's tests a name of their own.
    let path = path.replace("hostile_tests", "hostile/tests");
    let inline = path.strip_suffix("/tests").unwrap_or(&path);
    let files = [
        format!("tests/{path}.rs"),
        format!("runner/src/{path}.rs"),
        format!("runner/src/{path}/mod.rs"),
        format!("runner/src/{inline}.rs"),
    ];
    let declaration = format!("fn {function}(");
    let texts = files.iter().filter_map(|file| std::fs::read_to_string(Path::new(ROOT).join(file)).ok());
    texts.into_iter().any(|text| text.contains(&declaration))
}
