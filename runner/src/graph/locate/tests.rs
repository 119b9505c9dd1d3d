use super::super::build::tests::{graph, names};
use super::*;

/// Two branches of one base with a label each, merged; a branch with a base of
/// its own that depends on one of them; a package.
const SHAPE: &str = "a001:\nb001: a001 ! billing\nb002: b001\nc001: a001 ! search\nc002: c001\n\
    m001: b002 c002\nx001:\nx002: x001 | search\np:1a:\np:1b: 1a";

/// What a target names, with `applied` applied, or why it names nothing.
fn locate(target: &str, applied: &str) -> String {
    let graph = graph(SHAPE);
    let numbers = applied.split_whitespace().map(|id| graph.resolve(id).expect("a revision"));
    let applied = graph.needed_for(numbers);
    let found = target.parse::<Target>().and_then(|target| graph.locate(&target, Some(&applied)));
    found.map_or_else(|error| format!("error: {error}"), |found| names(&graph, &found))
}

#[test]
fn heads_of_everything_and_of_a_part() {
    assert_eq!(locate("heads", ""), "m001 p:1b x002");
    assert_eq!(locate("billing@head", ""), "m001");
    assert_eq!(locate("x001@head", ""), "x002");
    assert_eq!(locate("p:head", ""), "p:1b");
    assert_eq!(locate("billing@base", ""), "");
    insta::assert_snapshot!(locate("head", ""), @"error: there are 3 heads: `m001`, `p:1b`, `x002`");
    insta::assert_snapshot!(locate("nothing@head", ""), @"error: there is no branch `nothing`: it is neither a label nor the id of a revision");
    insta::assert_snapshot!(locate("q:head", ""), @"error: there is no package `q`");
}

#[test]
fn names_of_revisions() {
    assert_eq!(locate("billing", ""), "b001");
    assert_eq!(locate("b002", ""), "b002");
    assert_eq!(locate("m", ""), "m001");
    assert_eq!(locate("p:1a", ""), "p:1a");
    assert_eq!(locate("1b", ""), "p:1b");
    assert_eq!(locate("billing@b002", ""), "b002");
    insta::assert_snapshot!(locate("b00", ""), @"error: `b00` is the beginning of 2 revision ids: `b001`, `b002`");
    insta::assert_snapshot!(locate("zz", ""), @"error: no revision's id begins with `zz`, and no branch has that label");
    insta::assert_snapshot!(locate("billing@c002", ""), @"error: revision `c002` is not part of `billing`");
    insta::assert_snapshot!(locate("p:a001", ""), @"error: no revision's id begins with `p:a001`, and no branch has that label");
}

#[test]
fn steps_from_a_revision() {
    assert_eq!(locate("b001+1", ""), "b002");
    assert_eq!(locate("b001+2", ""), "m001");
    assert_eq!(locate("billing@a001+2", ""), "b002");
    assert_eq!(locate("c002-1", ""), "c001");
    assert_eq!(locate("c002-3", ""), "");
    assert_eq!(locate("billing@head-1", ""), "b002");
    assert_eq!(locate("search@base+2", ""), "c001");
    insta::assert_snapshot!(locate("a001+1", ""), @"error: `a001+1` is ambiguous: after `a001` the path divides into `b001`, `c001`");
    insta::assert_snapshot!(locate("m001-1", ""), @"error: `m001-1` is ambiguous: after `m001` the path divides into `b002`, `c002`");
    insta::assert_snapshot!(locate("b001+9", ""), @"error: `b001+9` asks for 9 steps, and there are 2");
    insta::assert_snapshot!(locate("c002-4", ""), @"error: `c002-4` asks for 4 steps, and there are 3");
}

#[test]
fn steps_from_where_the_database_is() {
    assert_eq!(locate("current", "b002 c001"), "b002 c001");
    assert_eq!(locate("current", ""), "");
    assert_eq!(locate("billing@current", "b002 c001"), "b002");
    assert_eq!(locate("current+1", "b001"), "b002");
    assert_eq!(locate("billing@+1", "a001"), "b001");
    assert_eq!(locate("billing@+1", "b001 c002"), "b002");
    assert_eq!(locate("search@+1", "x002"), "c002", "c001 is applied, below x002");
    assert_eq!(locate("p:+1", "b001"), "p:1a");
    insta::assert_snapshot!(locate("+1", "b001 c001"), @"error: `+1` is ambiguous: the database is at 2 heads: `b001`, `c001`");
    insta::assert_snapshot!(locate("+1", ""), @"error: `+1` is ambiguous: after `base` the path divides into `a001`, `p:1a`, `x001`");
    let without = graph(SHAPE).locate(&"current".parse().expect("a target"), None);
    insta::assert_snapshot!(without.expect_err("not known"), @"`current` depends on where the database is, and none is asked here");
}

fn range(text: &str, applied: &str) -> String {
    let graph = graph(SHAPE);
    let applied = graph.needed_for(applied.split_whitespace().map(|id| graph.resolve(id).expect("one")));
    let found =
        TargetRange::parse(text, |name| name == "p").and_then(|range| graph.range(&range, Some(&applied)));
    let inside = |mask: Vec<bool>| (0..graph.len()).filter(|&number| mask[number]).collect::<Vec<_>>();
    found.map_or_else(|error| format!("error: {error}"), |found| names(&graph, &inside(found)))
}

#[test]
fn ranges_include_both_ends() {
    assert_eq!(range("b001:m001", ""), "b001 b002 c001 c002 m001");
    assert_eq!(range("b001:b002", ""), "b001 b002");
    assert_eq!(range(":b001", ""), "a001 b001");
    assert_eq!(range("x001:", ""), "a001 b001 b002 c001 c002 m001 p:1a p:1b x001 x002");
    assert_eq!(range("x002:x002", ""), "x002");
    assert_eq!(range("-1:b002", ""), "b001 b002");
    assert_eq!(range("b001:+1", ""), "b001 b002");
    assert_eq!(range("current:billing@head", "b002"), "b002 c001 c002 m001");
    assert_eq!(range("p:1a:p:1b", ""), "p:1a p:1b");
    insta::assert_snapshot!(range("b002:c002", ""), @"error: revision `b002` is not before `c002`");
    insta::assert_snapshot!(range("-1:", ""), @"error: there are 3 heads: `m001`, `p:1b`, `x002`");
}

#[test]
fn a_package_can_have_what_another_one_has() {
    let graph = graph("p:1a:\nq:1a:\nq:2b: 1a");
    insta::assert_snapshot!(graph.resolve("1a").expect_err("ambiguous"), @"`1a` is the beginning of 2 revision ids: `p:1a`, `q:1a`");
    assert_eq!(graph.resolve("q:1"), Ok(1));
}
