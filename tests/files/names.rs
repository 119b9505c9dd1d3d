//! The names of folders.

use super::{refused, snapshot};
use crate::support::{Project, filters};

#[test]
fn folders_are_named_by_the_template() {
    let project = Project::without_database();
    let name = |config: &str, args: &[&str]| {
        project.write("runner.toml", format!("[migrations]\n{config}"));
        let args = [&["revision", "-m", "Add the users' table"], args].concat();
        let dir = project.ok(&args);
        let dir = dir.trim_end().strip_prefix("migrations/").expect("below it").to_owned();
        std::fs::remove_dir_all(project.path("migrations").join(&dir)).expect("removes it");
        dir
    };
    let short = "file_template = \"{rev}_{slug}\"\ntruncate_slug_length = 9\n";
    assert_eq!(name(short, &["--rev-id", "a1"]), "a1_add_the");
    let dated =
        name("file_template = \"{year}/{month}/{day}_{rev}\"\nrecursive = true\n", &["--rev-id", "a1"]);
    let shape: Vec<usize> = dated.split('/').map(str::len).collect();
    assert_eq!(shape, [4, 2, 5], "{dated}");
    let hour = |zone: &str| {
        let config = format!("file_template = \"{{epoch}}_{{hour}}\"\ntimezone = \"{zone}\"\n");
        let name = name(&config, &[]);
        let (epoch, hour) = name.split_once('_').expect("two parts");
        let (epoch, hour): (i64, i64) = (epoch.parse().expect("a number"), hour.parse().expect("a number"));
        (hour - epoch / 3600).rem_euclid(24)
    };
    assert_eq!((hour("utc"), hour("Asia/Tokyo"), hour("asia/dubai")), (0, 9, 4));
}

#[test]
fn names_that_cannot_be_are_refused() {
    let project = Project::without_database();
    let said = |config: &str| {
        project.write("runner.toml", format!("[migrations]\n{config}\n"));
        refused(&project, &["revision", "-m", "-", "--rev-id", "a"])
    };
    snapshot!(said("file_template = \"{revision}\""), @r"
    exit code 1
    Error: runner.toml:2:17: `file_template` knows no token `{revision}`; there are `{rev}`, `{slug}`, `{epoch}`, `{year}`, `{month}`, `{day}`, `{hour}`, `{minute}`, `{second}`
    ");
    snapshot!(said("timezone = \"Europe/Atlantis\""), @r"
    exit code 1
    Error: runner.toml:2:12: there is no time zone `Europe/Atlantis`; write `utc`, `local` or a name as in `Europe/Berlin`
    ");
    snapshot!(said("truncate_slug_length = 0"), @r"
    exit code 1
    Error: runner.toml:2:24: invalid value: integer `0`, expected a nonzero usize
    ");
    snapshot!(said("file_template = \"{year}/{rev}\"").replace(&jiff_year(), "[year]"), @r"
    exit code 1
    Error: migrations/[year]/a would not be found again: migrations is not searched deeper
    Hint: Set `recursive = true` in [migrations] in runner.toml, or leave `/` out of `file_template`.
    ");
    snapshot!(said("file_template = \"{slug}\""), @r#"
    exit code 1
    Error: `file_template` makes "" of this revision, which cannot be a folder's name
    Hint: Put `{rev}` into `file_template` in runner.toml.
    "#);
    project.write("runner.toml", "[migrations]\nfile_template = \"{slug}\"\n");
    project.ok(&["revision", "-m", "Add users"]);
    snapshot!(refused(&project, &["revision", "-m", "add  USERS"]), @r"
    exit code 1
    Error: migrations/add_users exists already: `file_template` makes the same name of two revisions
    Hint: Put `{rev}` into `file_template` in runner.toml.
    ");
}

fn jiff_year() -> String {
    jiff::Timestamp::now().strftime("%Y").to_string()
}
