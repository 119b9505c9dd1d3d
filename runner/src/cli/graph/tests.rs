//! Drawings of one graph that has everything, and laws for random ones.

use std::path::Path;

use proptest::prelude::*;
use runner::graph::TargetRange;
use runner::ledger::Applied;
use runner::revision::{Digest, Manifest, RevisionId};
use runner::run::{OnDisk, State};
use runner::source::Found;

use super::layout::{Size, layered};
use super::simplify::MOST_BOXES;
use super::*;
use crate::cli::ui::without_colours;
use crate::cli::view::View;

fn found(id: &str, more: &str) -> Found {
    let text = format!("revision = \"{id}\"\nkind = \"sql\"\n{more}");
    Found {
        dir: format!("migrations/{id}").into(),
        manifest: Manifest::parse(Path::new("migration.toml"), &text).expect("a sound manifest"),
        source_digest: Digest::of(id.as_bytes()),
        scripts: None,
        text: text.into(),
    }
}

fn applied(id: &str, parents: &[&str], message: &str, source: &str) -> Applied {
    let id_of = |text: &str| RevisionId::new(text).expect("an id");
    Applied {
        revision: id_of(id),
        parents: parents.iter().map(|parent| id_of(parent)).collect(),
        depends_on: Vec::new(),
        labels: if id == "b1" { vec!["payments".into()] } else { Vec::new() },
        message: message.into(),
        source_digest: Digest::of(source.as_bytes()),
        component_digest: Some(Digest::of(b"component")),
        applied_at: "2026-01-01T00:00:00Z".into(),
        applied_by: "postgres".into(),
    }
}

/// A branch, a merge, labels, a dependency, and every standing. The messages try
/// what they can.
fn on_disk() -> OnDisk {
    let found = [
        found("a1", "parents = []\nmessage = \"create the catalogue\""),
        found("b1", "parents = [\"a1\"]\nmessage = \"create payments\"\nlabels = [\"payments\"]"),
        found(
            "b2",
            "parents = [\"b1\"]\nmessage = \"pay sellers out, once a week, to the bank account that they named when they signed up for it\"",
        ),
        found(
            "c1",
            "parents = [\"a1\"]\nmessage = \"\\u001b[31m\\\"reviews\\\" <b> & `x` #1 \\\\N _y_ 茶の間\"\nlabels = [\"reviews\", \"trust\"]",
        ),
        found("c2", "parents = [\"c1\"]\nmessage = \"rate sellers\"\ndepends_on = [\"payments\"]"),
        found("d1", "parents = [\"b2\", \"c2\"]\nmessage = \"hold payouts\""),
    ];
    OnDisk::new(found.into()).expect("a sound graph")
}

fn whole(view: View) -> Drawing {
    let all = view.range(&TargetRange::default()).expect("everything");
    Drawing::new(&view, &all)
}

fn state() -> State {
    let applied = vec![
        applied("a1", &[], "create the catalogue", "a1"),
        applied("b1", &["a1"], "create payments", "what it was when it was applied"),
        applied("c1", &["a1"], "create reviews", "c1"),
        applied("x9", &["c1"], "an experiment\u{9b}2J", "x9"),
    ];
    State::new(on_disk(), Some(applied))
}

#[test]
fn text_tells_everything_apart_without_colour() {
    insta::assert_snapshot!(without_colours(&text(&whole(View { state: state(), knows_database: true }))), @r#"
    ✕  x9 missing (current) an experiment\u{9b}2J
    │ ○    d1 pending (head) hold payouts
    │ ├─╮
    │ │ ○  c2 pending rate sellers
    ╭───┤    depends on b1
    │ │ ╷
    ● │ ╷  c1 applied [reviews] [trust] \u{1b}[31m"reviews" <b> & `x` #1 \N _y_ 茶の間
    │ │ ╷
    │ ○ ╷  b2 pending pay sellers out, once a week, to the bank account that they named when…
    │ ├─╯
    │ ◆  b1 changed (current) [payments] create payments
    ├─╯
    ●  a1 applied create the catalogue
    "#);
}

#[test]
fn text_without_a_database_has_plain_revisions() {
    let drawn = text(&whole(View { state: State::new(on_disk(), None), knows_database: false }));
    assert_eq!(drawn, without_colours(&drawn));
    insta::assert_snapshot!(drawn, @r#"
    *    d1 (head) hold payouts
    ├─╮
    │ *    c2 rate sellers
    │ ├─╮    depends on b1
    │ │ ╷
    │ * ╷  c1 [reviews] [trust] \u{1b}[31m"reviews" <b> & `x` #1 \N _y_ 茶の間
    │ │ ╷
    * │ ╷  b2 pay sellers out, once a week, to the bank account that they named when…
    ├───╯
    * │  b1 [payments] create payments
    ├─╯
    *  a1 create the catalogue
    "#);
}

#[test]
fn text_is_coloured_by_standing() {
    let drawn = text(&whole(View { state: state(), knows_database: true }));
    for color in ["32m●", "36m○", "33m◆", "31m✕"] {
        assert!(drawn.contains(color), "{color}: {drawn:?}");
    }
}

#[test]
fn dot_is_quoted() {
    insta::assert_snapshot!(dot(&whole(View { state: state(), knows_database: true })), @r##"
    digraph revisions {
      rankdir=BT;
      node [shape=box, fontname="sans-serif", fontsize=11];
      edge [color="#7b8794"];
      "x9" [label="x9 ✕ missing\nan experiment\\u{9b}2J\n(current)", tooltip="an experiment\\u{9b}2J", style="filled,dotted", fillcolor="#fde5dc", color="#bf3c00", fontcolor="#1b2430", penwidth=2.5];
      "d1" [label="d1 ○ pending\nhold payouts\n(head)", tooltip="hold payouts", style="filled,rounded,dashed", fillcolor="#ffffff", color="#0b62a4", fontcolor="#1b2430"];
      "c2" [label="c2 ○ pending\nrate sellers", tooltip="rate sellers", style="filled,rounded,dashed", fillcolor="#ffffff", color="#0b62a4", fontcolor="#1b2430"];
      "c1" [label="c1 ● applied\n\\u{1b}[31m\"reviews\" <b> &amp; `x` #1 \\N _y_ 茶の間\n[reviews] [trust]", tooltip="\\u{1b}[31m\"reviews\" <b> &amp; `x` #1 \\N _y_ 茶の間", style="filled,rounded", fillcolor="#e2f4ed", color="#00765a", fontcolor="#1b2430"];
      "b2" [label="b2 ○ pending\npay sellers out, once a week, to the bank accou…", tooltip="pay sellers out, once a week, to the bank account that they named when they signed up for it", style="filled,rounded,dashed", fillcolor="#ffffff", color="#0b62a4", fontcolor="#1b2430"];
      "b1" [label="b1 ◆ changed\ncreate payments\n(current) [payments]", tooltip="create payments", style="filled,rounded", fillcolor="#fdf0d2", color="#a86400", fontcolor="#1b2430", peripheries=2, penwidth=2.5];
      "a1" [label="a1 ● applied\ncreate the catalogue", tooltip="create the catalogue", style="filled,rounded", fillcolor="#e2f4ed", color="#00765a", fontcolor="#1b2430"];
      "c1" -> "x9";
      "b2" -> "d1";
      "c2" -> "d1";
      "c1" -> "c2";
      "b1" -> "c2" [style=dashed, arrowhead=empty];
      "a1" -> "c1";
      "b1" -> "b2";
      "a1" -> "b1";
    }
    "##);
}

#[test]
fn mermaid_is_escaped() {
    insta::assert_snapshot!(mermaid(&whole(View { state: state(), knows_database: true })), @r#"
    flowchart BT
      r0[/"x9 ✕ missing<br/>an experiment#92;u{9b}2J<br/>(current)"/]:::missing
      r1(["d1 ○ pending<br/>hold payouts<br/>(head)"]):::pending
      r2(["c2 ○ pending<br/>rate sellers"]):::pending
      r3["c1 ● applied<br/>#92;u{1b}[31m#34;reviews#34; #60;b#62; #38; #96;x#96; #35;1 #92;N #95;y#95; 茶の間<br/>[reviews] [trust]"]:::applied
      r4(["b2 ○ pending<br/>pay sellers out, once a week, to the bank accou…"]):::pending
      r5{{"b1 ◆ changed<br/>create payments<br/>(current) [payments]"}}:::changed
      r6["a1 ● applied<br/>create the catalogue"]:::applied
      r3 --> r0
      r4 --> r1
      r2 --> r1
      r3 --> r2
      r5 -.-> r2
      r6 --> r3
      r5 --> r4
      r6 --> r5
      classDef applied fill:#e2f4ed,stroke:#00765a,color:#1b2430
      classDef pending fill:#ffffff,stroke:#0b62a4,color:#1b2430,stroke-dasharray:5 3
      classDef changed fill:#fdf0d2,stroke:#a86400,color:#1b2430
      classDef missing fill:#fde5dc,stroke:#bf3c00,color:#1b2430,stroke-dasharray:2 3
      style r0 stroke-width:3px
      style r5 stroke-width:3px
    "#);
}

#[test]
fn svg_is_escaped_and_has_a_legend_of_what_there_is() {
    let drawn = svg(&whole(View { state: state(), knows_database: true }));
    for part in [
        "\\u{1b}[31m&quot;reviews&quot; &lt;b&gt; &amp;",
        "pending: not applied yet",
        "missing: applied, not on disk",
        "is needed by (depends_on)",
        "<g class=\"applied\"",
        "<g class=\"changed current\"",
        "<g class=\"missing current\"",
        "prefers-color-scheme:dark",
    ] {
        assert!(drawn.contains(part), "{part}: {drawn}");
    }
    assert!(drawn.chars().all(|character| character == '\n' || !character.is_control()), "{drawn:?}");
    let plain = svg(&whole(View { state: State::new(on_disk(), None), knows_database: false }));
    assert!(!plain.contains("pending: not applied yet"), "{plain}");
    assert_eq!(plain.matches("class=\"dependency\"").count(), 2, "one edge, and the legend's line");
}

/// A small picture, without the style sheet.
#[test]
fn svg_has_boxes_edges_and_pills() {
    let found = vec![
        found("a1", "parents = []\nmessage = \"create the catalogue\""),
        found("b1", "parents = [\"a1\"]\nmessage = \"add prices\"\nlabels = [\"shop\"]"),
    ];
    let state = State::new(
        OnDisk::new(found).expect("a sound graph"),
        Some(vec![applied("a1", &[], "create the catalogue", "a1")]),
    );
    let drawn = svg(&whole(View { state, knows_database: true }));
    let (before, after) = drawn.split_once("<style>").expect("a style sheet");
    let (_, after) = after.split_once("</defs>").expect("the heads of arrows");
    insta::assert_snapshot!(format!("{before}…{after}"), @r#"
    <svg xmlns="http://www.w3.org/2000/svg" width="348" height="300" viewBox="0 0 348 300" role="img" aria-label="revision graph">
    <title>Revision graph (2 boxes)</title>
    …
    <rect class="page" width="100%" height="100%"/>
    <g transform="translate(39 24)">
    <path class="edge" marker-end="url(#arrow)" d="M135.0 118.0Q135.0 98.0 135.0 78.0"/>
    <g class="pending" transform="translate(0.0 0.0)">
    <title>b1 add prices</title>
    <rect class="box" x="0" y="0" width="270.0" height="78.0" rx="8"/>
    <circle class="sign hollow" cx="18" cy="17.5" r="5"/>
    <text class="id" x="32" y="22">b1</text>
    <text class="word" x="258" y="22" text-anchor="end">pending</text>
    <text x="12" y="39">add prices</text>
    <rect class="pill place" x="12.0" y="49" width="40.4" height="18" rx="9"/><text class="tag place" x="32.2" y="62" text-anchor="middle">head</text>
    <rect class="pill" x="58.4" y="49" width="40.4" height="18" rx="9"/><text class="tag" x="78.6" y="62" text-anchor="middle">shop</text>
    </g>
    <g class="applied current" transform="translate(0.0 118.0)">
    <title>a1 create the catalogue</title>
    <rect class="box" x="0" y="0" width="270.0" height="78.0" rx="8"/>
    <circle class="sign" cx="18" cy="17.5" r="5"/>
    <text class="id" x="32" y="22">a1</text>
    <text class="word" x="258" y="22" text-anchor="end">applied</text>
    <text x="12" y="39">create the catalogue</text>
    <rect class="pill place" x="12.0" y="49" width="60.2" height="18" rx="9"/><text class="tag place" x="42.1" y="62" text-anchor="middle">current</text>
    </g>
    </g>
    <g transform="translate(24 256)">
    <g transform="translate(0 0)"><g class="applied"><circle class="sign" cx="12" cy="0" r="5"/>
    </g><text class="note" x="32" y="4">applied</text></g>
    <g transform="translate(92.1 0)"><g class="pending"><circle class="sign hollow" cx="12" cy="0" r="5"/>
    </g><text class="note" x="32" y="4">pending: not applied yet</text></g>
    <g transform="translate(0 22)"><path class="edge" marker-end="url(#arrow)" d="M0 0L24 0"/><text class="note" x="32" y="4">is followed by</text></g>
    </g>
    </svg>
    "#);
}

#[test]
fn an_empty_graph_is_drawn_too() {
    let empty = Drawing { nodes: Vec::new() };
    assert_eq!(text(&empty), "");
    assert!(svg(&empty).ends_with("</svg>\n"));
    assert_eq!(mermaid(&empty), "flowchart BT\n");
}

/// A line of revisions with a labelled one in the middle and a head at the end.
fn long(length: usize) -> Drawing {
    let node = |place: usize| Node {
        id: format!("r{}", length - place),
        labels: if place == length / 2 { vec!["middle".into()] } else { Vec::new() },
        is_head: place == 0,
        parents: if place + 1 < length { vec![place + 1] } else { Vec::new() },
        stands_for: 1,
        ..Node::default()
    };
    Drawing { nodes: (0..length).map(node).collect() }
}

#[test]
fn long_stretches_become_one_box_each() {
    let ids = |drawing: &Drawing| drawing.nodes.iter().map(|node| node.id.clone()).collect::<Vec<_>>();
    let simplified = simplify(&long(10_000));
    assert_eq!(ids(&simplified.drawing), ["r10000", "4999 revisions", "r5000", "4998 revisions", "r1"]);
    assert_eq!(simplified.in_stretches, 9_997);
    let few = long(MOST_BOXES);
    assert_eq!(simplify(&few).drawing, few);
}

/// Every second revision has two parents: nothing can be joined, so the oldest
/// are.
#[test]
fn a_history_of_merges_keeps_its_newest_part() {
    let node = |place: usize| Node {
        id: format!("r{place}"),
        parents: [place + 1, place + 2].into_iter().filter(|parent| *parent < 10_000).collect(),
        stands_for: 1,
        ..Node::default()
    };
    let simplified = simplify(&Drawing { nodes: (0..10_000).map(node).collect() });
    assert_eq!(simplified.drawing.nodes.len(), MOST_BOXES);
    assert_eq!(simplified.drawing.nodes.last().expect("some").id, "9751 revisions");
    assert!(svg(&simplified.drawing).contains("9751 revisions"));
}

/// Edges of a random graph: each node's parents and dependencies have larger
/// places.
fn graphs(most: usize) -> impl Strategy<Value = Drawing> {
    let nodes = (1..most).prop_flat_map(|count| {
        proptest::collection::vec(
            (proptest::collection::vec(1..6_usize, 0..3), proptest::bool::weighted(0.1)),
            count,
        )
    });
    nodes.prop_map(|nodes| {
        let count = nodes.len();
        let node = |(place, (distances, depends)): (usize, (Vec<usize>, bool))| {
            let mut parents: Vec<usize> =
                distances.into_iter().map(|distance| place + distance).filter(|to| *to < count).collect();
            parents.sort_unstable();
            parents.dedup();
            let depends_on = if depends && parents.len() > 1 { parents.split_off(1) } else { Vec::new() };
            Node { id: format!("r{place}"), parents, depends_on, stands_for: 1, ..Node::default() }
        };
        Drawing { nodes: nodes.into_iter().enumerate().map(node).collect() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn boxes_never_overlap_and_edges_lead_upwards(drawing in graphs(40)) {
        let boxes: Vec<Size> =
            (0..drawing.nodes.len()).map(|place| Size { width: 200.0, height: 40.0 + 10.0 * (place % 3) as f64 }).collect();
        let edges: Vec<_> = drawing.edges().map(|edge| (edge.from, edge.to)).collect();
        let layout = layered(&boxes, &edges);
        for (a, (one, first)) in layout.centres.iter().zip(&boxes).enumerate() {
            for (two, second) in layout.centres.iter().zip(&boxes).skip(a + 1) {
                let apart = (one.x - two.x).abs() >= (first.width + second.width) / 2.0
                    || (one.y - two.y).abs() >= (first.height + second.height) / 2.0;
                prop_assert!(apart, "{one:?} {two:?}");
            }
        }
        for ((from, to), route) in edges.iter().zip(&layout.routes) {
            prop_assert!(layout.centres[*to].y < layout.centres[*from].y);
            prop_assert!(route.len() >= 2);
        }
        prop_assert_eq!(layered(&boxes, &edges).centres, layout.centres);
    }

    #[test]
    fn simplified_drawings_lose_no_revision(drawing in graphs(900)) {
        let simplified = simplify(&drawing).drawing;
        prop_assert!(simplified.nodes.len() <= MOST_BOXES);
        prop_assert_eq!(simplified.nodes.iter().map(|node| node.stands_for).sum::<usize>(), drawing.nodes.len());
        let mut pairs = std::collections::HashSet::new();
        for edge in simplified.edges() {
            prop_assert!(edge.from > edge.to, "an edge leads to what is older");
            prop_assert!(pairs.insert((edge.from, edge.to)), "no edge occurs twice");
        }
    }

    #[test]
    fn text_has_every_revision_once(drawing in graphs(60)) {
        let text = text(&drawing);
        prop_assert_eq!(text.lines().filter(|line| line.contains('*')).count(), drawing.nodes.len());
    }
}
