//! The project of the kill test: twenty revisions, of every kind.

use crate::support::{Project, change_guest, manifest};

/// Rows of the table that the code step changes.
const ROWS: usize = 2_000;

/// What a revision does.
pub enum Work {
    /// A script in one transaction.
    Script { upgrade: String, downgrade: String },
    /// Code that changes every row of `public.readings`.
    Code,
    /// Statements without a transaction around them.
    Apart { statements: Vec<String>, downgrade: String },
}

/// The revisions in their order; ids are `r01` … `r20`.
pub fn revisions() -> Vec<Work> {
    let mut revisions = vec![
        script(
            "CREATE TABLE public.readings (id bigint PRIMARY KEY, value integer NOT NULL);",
            "DROP TABLE public.readings;",
        ),
        script(
            &format!("INSERT INTO public.readings SELECT n, n % 1000 FROM generate_series(1, {ROWS}) n;"),
            "DELETE FROM public.readings;",
        ),
        Work::Code,
        script(
            "CREATE TYPE public.mood AS ENUM ('calm', 'stormy');\n\
             ALTER TABLE public.readings ADD COLUMN mood public.mood NOT NULL DEFAULT 'calm';",
            "ALTER TABLE public.readings DROP COLUMN mood;\nDROP TYPE public.mood;",
        ),
        script(
            "UPDATE public.readings SET mood = 'stormy' WHERE value % 3 = 0;",
            "UPDATE public.readings SET mood = 'calm';",
        ),
        script(
            "CREATE VIEW public.storms AS SELECT id FROM public.readings WHERE mood = 'stormy';",
            "DROP VIEW public.storms;",
        ),
        Work::Code,
    ];
    revisions.extend((8..=16).map(table));
    revisions.extend([
        apart(&["CREATE INDEX CONCURRENTLY readings_value ON public.readings (value)"], "readings_value"),
        script(
            "ALTER TABLE public.readings ADD CHECK (value >= 0);",
            "ALTER TABLE public.readings DROP CONSTRAINT readings_value_check;",
        ),
        apart(
            &[
                "ALTER TYPE public.mood ADD VALUE 'wild'",
                "CREATE INDEX CONCURRENTLY readings_mood ON public.readings (mood)",
            ],
            "readings_mood",
        ),
        script(
            "COMMENT ON TABLE public.readings IS 'after the storm';",
            "COMMENT ON TABLE public.readings IS NULL;",
        ),
    ]);
    assert_eq!(revisions.len(), 20);
    revisions
}

fn script(upgrade: &str, downgrade: &str) -> Work {
    Work::Script { upgrade: upgrade.into(), downgrade: downgrade.into() }
}

/// A table with rows, and what refers to it: several statements in one step.
fn table(number: usize) -> Work {
    script(
        &format!(
            "CREATE TABLE public.t_{number} (id int PRIMARY KEY, reading bigint REFERENCES public.readings);\n\
             INSERT INTO public.t_{number} SELECT n, n FROM generate_series(1, 200) n;\n\
             CREATE INDEX ON public.t_{number} (reading);"
        ),
        &format!("DROP TABLE public.t_{number};"),
    )
}

fn apart(statements: &[&str], index: &str) -> Work {
    let statements = statements.iter().map(|&statement| statement.to_owned()).collect();
    Work::Apart { statements, downgrade: format!("DROP INDEX CONCURRENTLY public.{index};") }
}

/// The id of a revision, counted from 1.
pub fn id(number: usize) -> String {
    format!("r{number:02}")
}

/// Writes the revisions into a project.
pub fn write(project: &Project) {
    let mut parent = String::new();
    for (work, number) in revisions().iter().zip(1..) {
        let id = id(number);
        match work {
            Work::Script { upgrade, downgrade } => project.sql(&id, &parent, upgrade, downgrade),
            Work::Code => project.component(&id, &parent, change_guest(), CODE),
            Work::Apart { statements, downgrade } => {
                project.sql(&id, &parent, &(statements.join(";\n") + ";\n"), downgrade);
                let text = manifest(&id, &parent, "sql", "transaction = \"none\"\n");
                project.write(&format!("migrations/{id}/migration.toml"), text);
            }
        }
        parent = id;
    }
}

/// What the manifest of the code grants, and asks for.
const CODE: &str = "\n[capabilities]\nread = [\"public.readings\"]\nwrite = [\"public.readings\"]\n\
    lock = [\"public.readings\"]\n\n[params]\nway = \"readings\"\nbatch-rows = 500\n";
