//! The end of a run that succeeded: what it did, in one line or one event.

use runner::run::Summary;
use serde::Serialize;

use super::render::{backup, count, duration, heads};
use super::ui::Ui;

/// The last event of a run.
#[derive(Serialize)]
struct Finished<'a> {
    event: &'static str,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Says what a run did. `verb` is what became of the revisions: `applied`.
pub fn show(summary: &Summary, verb: &str, ui: &Ui) {
    if ui.json() {
        ui.event(&Finished { event: "finished", summary });
    } else {
        ui.note(line(summary, verb));
        if let Some(backup) = backup(summary.backup.as_ref()) {
            ui.note(backup);
        }
    }
}

fn line(summary: &Summary, verb: &str) -> String {
    let at = heads(&summary.heads);
    if summary.steps.is_empty() {
        return format!("Nothing to do: the database is at {at}");
    }
    let retries = (summary.retries > 0).then(|| match summary.retries {
        1 => ", 1 retry".to_owned(),
        number => format!(", {number} retries"),
    });
    format!(
        "Done: {} {verb} in {} ({}, {}{}); the database is at {at}",
        count(summary.steps.len(), "revision"),
        duration(summary.duration_ms),
        count(summary.statements, "statement"),
        count(summary.rows, "row"),
        retries.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use runner::revision::RevisionId;

    use super::*;

    #[test]
    fn a_run_is_summed_up_in_a_line() {
        let id = RevisionId::new("a1").expect("an id");
        let mut summary = Summary {
            steps: vec![id.clone()],
            heads: vec![id],
            duration_ms: 1_240,
            statements: 3,
            rows: 1,
            retries: 0,
            backup: None,
        };
        insta::assert_snapshot!(line(&summary, "applied"), @"Done: 1 revision applied in 1.2 s (3 statements, 1 row); the database is at a1");
        summary.retries = 2;
        insta::assert_snapshot!(line(&summary, "reverted"), @"Done: 1 revision reverted in 1.2 s (3 statements, 1 row, 2 retries); the database is at a1");
        summary.steps.clear();
        insta::assert_snapshot!(line(&summary, "applied"), @"Nothing to do: the database is at a1");
    }
}
