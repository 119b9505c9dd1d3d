use proptest::prelude::*;

use super::*;

const GOOD: [&str; 20] = [
    "head",
    "heads",
    "base",
    "current",
    "+2",
    "-1",
    "ae10",
    "2024_01.init",
    "label@head",
    "label@heads",
    "label@base",
    "ae10@head",
    "ae10+2",
    "label@+2",
    "label@-1",
    "head-2",
    "billing:head",
    "billing:ae10",
    "billing:label@head",
    "billing:label@ae10-3",
];

#[test]
fn the_grammar() {
    for text in GOOD {
        assert_eq!(text.parse::<Target>().expect("a target").to_string(), text);
    }
    assert_eq!("+2".parse(), Ok(Target::Relative(Scope::default(), 2)));
    let scope = Scope { package: Some("billing".into()), branch: Some("label".into()) };
    let point = Point { scope, symbol: Symbol::Revision("ae10".into()) };
    assert_eq!("billing:label@ae10-3".parse(), Ok(Target::From(point, -3)));
}

#[test]
fn errors_point_at_the_character() {
    let error = |text: &str| text.parse::<Target>().expect_err("malformed").to_string();
    insta::assert_snapshot!(error(""), @r"
    `` is not a target: an id, `head`, `base`, `+N` or `-N` is expected
      
      ^
    ");
    insta::assert_snapshot!(error("+"), @r"
    `+` is not a target: a number of steps is expected
      +
       ^
    ");
    insta::assert_snapshot!(error("ae10+2x"), @r"
    `ae10+2x` is not a target: a digit is expected
      ae10+2x
            ^
    ");
    insta::assert_snapshot!(error("label@ab!c"), @r"
    `label@ab!c` is not a target: an id holds letters, digits, `_` and `.` only
      label@ab!c
              ^
    ");
    insta::assert_snapshot!(error("label@"), @r"
    `label@` is not a target: an id, `head`, `base`, `+N` or `-N` is expected
      label@
            ^
    ");
    insta::assert_snapshot!(error("@head"), @r"
    `@head` is not a target: a label or an id is expected before `@`
      @head
      ^
    ");
    insta::assert_snapshot!(error(":head"), @r"
    `:head` is not a target: the name of a package is expected before `:`
      :head
      ^
    ");
    insta::assert_snapshot!(error("a:b:c"), @r"
    `a:b:c` is not a target: an id holds letters, digits, `_` and `.` only
      a:b:c
         ^
    ");
    insta::assert_snapshot!(error("heads-1"), @r"
    `heads-1` is not a target: steps are counted from one revision, as in `head-2`
      heads-1
           ^
    ");
    insta::assert_snapshot!(error("+0"), @r"
    `+0` is not a target: zero steps lead nowhere
      +0
       ^
    ");
    insta::assert_snapshot!(error("größe"), @r"
    `größe` is not a target: an id holds letters, digits, `_` and `.` only
      größe
        ^
    ");
    insta::assert_snapshot!(error("-99999999999999999999"), @r"
    `-99999999999999999999` is not a target: the number is too large
      -99999999999999999999
       ^
    ");
}

fn range(text: &str) -> Result<TargetRange, TargetError> {
    TargetRange::parse(text, |name| name == "billing")
}

#[test]
fn ranges() {
    for text in [":", "a:", ":b", "a:b", "-3:current", "current:+3", "label@a:label@head", "base:heads"] {
        assert_eq!(range(text).expect("a range").to_string(), text);
    }
    let parts = |text: &str| {
        let range = range(text).expect("a range");
        [range.from, range.to].map(|end| end.map_or_else(String::new, |target| target.to_string()))
    };
    assert_eq!(parts("billing:a:billing:b"), ["billing:a", "billing:b"]);
    assert_eq!(parts("a:billing:b"), ["a", "billing:b"]);
    assert_eq!(parts("billing:a:"), ["billing:a", ""]);
    assert_eq!(parts("billing:"), ["billing", ""], "nothing is left for the package's colon");
}

#[test]
fn errors_in_a_range_point_at_the_character_of_the_whole() {
    let error = |text: &str| range(text).expect_err("malformed").to_string();
    insta::assert_snapshot!(error("abc"), @r"
    `abc` is not a target: a range is two targets with a `:` between them
      abc
         ^
    ");
    insta::assert_snapshot!(error("a:b!"), @r"
    `a:b!` is not a target: an id holds letters, digits, `_` and `.` only
      a:b!
         ^
    ");
}

proptest! {
    #[test]
    fn parsing_never_panics_and_what_parses_is_displayed_as_typed(text in "\\PC{0,12}|[-+a-z0-9@:.]{0,8}") {
        if let Ok(target) = text.parse::<Target>() {
            prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
        }
        if let Ok(range) = TargetRange::parse(&text, |name| name == "a") {
            prop_assert_eq!(TargetRange::parse(&range.to_string(), |name| name == "a"), Ok(range));
        }
    }
}
