//! What an operator is shown of a repair: one line of it, where the damage is.

/// How many characters of a line are shown.
const WIDTH: usize = 80;
/// How many of them stand before the first that changes.
const LEAD: usize = 30;

/// The first line that a repair changed, before and after; none where nothing changed.
/// Of a long line it is the part around the first change.
pub fn example(before: &str, after: &str) -> Option<[String; 2]> {
    let (before, after) = before.lines().zip(after.lines()).find(|(before, after)| before != after)?;
    let same = before.chars().zip(after.chars()).take_while(|(before, after)| before == after).count();
    let is_short = [before, after].iter().all(|line| line.chars().count() <= WIDTH);
    let start = if is_short { 0 } else { same.saturating_sub(LEAD) };
    Some([before, after].map(|line| part(line, start)))
}

/// Characters of a line from `start` on, with an ellipsis for what is left out.
fn part(line: &str, start: usize) -> String {
    let mut rest = line.chars().skip(start);
    let shown: String = rest.by_ref().take(WIDTH).collect();
    let [head, tail] = [start > 0, rest.next().is_some()].map(|is_cut| if is_cut { "…" } else { "" });
    format!("{head}{shown}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(example("Ã©tÃ©", "été"), Some(["Ã©tÃ©".to_owned(), "été".to_owned()]));
        assert_eq!(example("same", "same"), None);
    }

    #[test]
    fn of_a_document_the_first_line_that_changes_is_shown() {
        let shown = example("# Title\n\n‚úÖ done\n‚úÖ tested\n", "# Title\n\n✅ done\n✅ tested\n");
        assert_eq!(shown, Some(["‚úÖ done".to_owned(), "✅ done".to_owned()]));
    }

    #[test]
    fn of_a_long_line_the_part_around_the_change_is_shown() {
        let (ahead, behind) = ("a".repeat(200), "z".repeat(200));
        let shown = example(&format!("{ahead}Ã©{behind}"), &format!("{ahead}é{behind}"));
        let lead = "a".repeat(LEAD);
        assert_eq!(
            shown,
            Some([
                format!("…{lead}Ã©{}…", "z".repeat(WIDTH - LEAD - 2)),
                format!("…{lead}é{}…", "z".repeat(WIDTH - LEAD - 1)),
            ])
        );
    }
}
