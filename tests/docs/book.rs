//! The book: every page is in its summary, and every link in it leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_page_is_in_the_summary() {
    let docs = docs();
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).expect("there is a summary");
    let listed: BTreeSet<PathBuf> = links(&summary).map(|link| docs.join(link)).collect();
    let pages: BTreeSet<PathBuf> =
        pages(&docs).into_iter().filter(|page| !page.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, pages);
}

#[test]
fn every_link_leads_somewhere() {
    let root = docs().parent().expect("docs/ is in the repository").to_owned();
    let readmes = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root.join(name));
    let mut followed = 0;
    for page in pages(&docs()).into_iter().chain(readmes) {
        let text = fs::read_to_string(&page).expect("the page is UTF-8");
        for link in links(&text).filter(|link| !link.contains("://")) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => page.clone(),
                _ => page.parent().expect("it is in a folder").join(path),
            };
            assert!(target.exists(), "{}: `{link}` leads nowhere", page.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).expect("the page is UTF-8");
                assert!(anchors(&text).contains(heading), "{}: no heading `{link}`", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "only {followed} links were found");
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").canonicalize().expect("docs/ is there")
}

/// All pages of a folder and of those in it.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// Where the links of a page lead, those in blocks of code left out.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    let parts = prose.flat_map(|prose| prose.split("](").skip(1));
    parts.filter_map(|part| Some(part.split_once(')')?.0))
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(anchor).collect()
}
