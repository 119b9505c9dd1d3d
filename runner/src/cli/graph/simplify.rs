//! Pictures of long histories: stretches of revisions become one box each.

use super::model::{Drawing, Node};

/// The most boxes of a picture. More take long to lay out, and nobody can find
/// anything among them.
pub const MOST_BOXES: usize = 250;

/// The shortest stretch that is drawn as one box.
const SHORTEST_STRETCH: usize = 3;

/// A drawing that is small enough for a picture.
#[derive(Clone, Debug)]
pub struct Simplified {
    /// The drawing.
    pub drawing: Drawing,
    /// How many revisions are in boxes for several.
    pub in_stretches: usize,
}

/// Makes a drawing smaller if it has too many nodes: first each stretch of
/// revisions that there is nothing to say about becomes one node; if that is not
/// enough, everything but the newest nodes does.
pub fn simplify(drawing: &Drawing) -> Simplified {
    let mut drawing = drawing.clone();
    if drawing.nodes.len() > MOST_BOXES {
        drawing = joined(&drawing, &stretches(&drawing));
    }
    if drawing.nodes.len() > MOST_BOXES {
        let groups: Vec<usize> = (0..drawing.nodes.len()).map(|place| place.min(MOST_BOXES - 1)).collect();
        drawing = joined(&drawing, &groups);
    }
    let in_stretches = drawing.nodes.iter().map(|node| node.stands_for).filter(|count| *count > 1).sum();
    Simplified { drawing, in_stretches }
}

/// For each node the number of its group; the numbers rise by one from group to
/// group. Only nodes that follow each other in the drawing are grouped.
fn stretches(drawing: &Drawing) -> Vec<usize> {
    let inside = inside(drawing);
    let follows = |place: usize| {
        place > 0
            && inside[place - 1]
            && inside[place]
            && drawing.nodes[place - 1].parents == [place]
            && drawing.nodes[place - 1].standing == drawing.nodes[place].standing
    };
    let mut groups: Vec<usize> = Vec::with_capacity(drawing.nodes.len());
    let mut place = 0;
    let mut group = 0;
    while place < drawing.nodes.len() {
        let end =
            (place + 1..drawing.nodes.len()).find(|&next| !follows(next)).unwrap_or(drawing.nodes.len());
        for _ in place..end {
            groups.push(group);
            group += usize::from(end - place < SHORTEST_STRETCH);
        }
        group += usize::from(end - place >= SHORTEST_STRETCH);
        place = end;
    }
    groups
}

/// Which nodes may disappear in a stretch: one edge in, one out, and nothing
/// that one would look for.
fn inside(drawing: &Drawing) -> Vec<bool> {
    let mut followers = vec![0_usize; drawing.nodes.len()];
    let mut is_needed = vec![false; drawing.nodes.len()];
    for edge in drawing.edges() {
        followers[edge.from] += 1;
        is_needed[edge.from] |= edge.is_dependency;
    }
    let is_plain = |(place, node): (usize, &Node)| {
        let is_marked = node.is_head || node.is_current || !node.labels.is_empty();
        !is_marked
            && !is_needed[place]
            && followers[place] == 1
            && node.parents.len() == 1
            && node.depends_on.is_empty()
    };
    drawing.nodes.iter().enumerate().map(is_plain).collect()
}

/// Makes each group one node.
fn joined(drawing: &Drawing, groups: &[usize]) -> Drawing {
    let mut nodes: Vec<Node> = Vec::new();
    for (place, node) in drawing.nodes.iter().enumerate() {
        let group = groups[place];
        let moved =
            |places: &[usize]| places.iter().map(|&place| groups[place]).filter(|&to| to != group).collect();
        let (parents, depends_on): (Vec<usize>, Vec<usize>) = (moved(&node.parents), moved(&node.depends_on));
        match nodes.get_mut(group) {
            None => nodes.push(Node { parents, depends_on, ..node.clone() }),
            Some(first) => {
                first.parents.extend(parents);
                first.depends_on.extend(depends_on);
                absorb(first, node);
            }
        }
    }
    nodes.iter_mut().for_each(without_repetition);
    Drawing { nodes }
}

fn absorb(first: &mut Node, node: &Node) {
    first.stands_for += node.stands_for;
    first.id = format!("{} revisions", first.stands_for);
    first.message = format!("down to {}", node.id);
    first.is_head |= node.is_head;
    first.is_current |= node.is_current;
    first.labels.clear();
    if first.standing != node.standing {
        first.standing = None;
    }
}

fn without_repetition(node: &mut Node) {
    for places in [&mut node.parents, &mut node.depends_on] {
        places.sort_unstable();
        places.dedup();
    }
    let parents = std::mem::take(&mut node.parents);
    node.depends_on.retain(|other| !parents.contains(other));
    node.parents = parents;
}
