//! The cases of the plugins in `plugins/`: what a plugin does has to be what SQL does
//! by hand, and its downgrade has to take it back.
//!
//! A case is a folder `plugins/NAME/cases/CASE` with `case.toml`, `before.sql`, and
//! `after.sql` where the upgrade does not fail.

use std::path::{Path, PathBuf};

use crate::support::{Database, Project, plugin};

/// A test for each plugin: they build and run side by side.
macro_rules! plugins {
    ($($test:ident => $plugin:literal),* $(,)?) => {
        /// The plugins that have a test.
        const TESTED: &[&str] = &[$($plugin),*];

        $(#[test]
        fn $test() {
            run_cases($plugin);
        })*
    };
}

plugins! {
    encrypt_column_cases => "encrypt-column",
    extract_lookup_cases => "extract-lookup",
    hash_column_cases => "hash-column",
    json_to_columns_cases => "json-to-columns",
    merge_columns_cases => "merge-columns",
    normalize_text_cases => "normalize-text",
    partition_table_cases => "partition-table",
    repair_text_cases => "repair-text",
    split_column_cases => "split-column",
    timestamps_cases => "timestamps",
    uuid_keys_cases => "uuid-keys",
}

#[test]
fn every_plugin_with_cases_is_tested() {
    let plugins = folders(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins")));
    let with_cases = plugins.into_iter().filter(|plugin| plugin.join("cases").is_dir());
    let names: Vec<String> = with_cases.map(|plugin| name(&plugin)).collect();
    assert_eq!(names, TESTED.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
}

/// What `case.toml` says.
struct Case {
    folder: PathBuf,
    /// The parameters and the capabilities, as a manifest has them.
    manifest: String,
    /// What the upgrade says when it has to fail.
    error: Option<String>,
    /// Whether the downgrade has to refuse.
    is_irreversible: bool,
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let text = std::fs::read_to_string(folder.join("case.toml")).expect("a case has a case.toml");
        let mut table: toml::Table =
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let described = table
            .remove("description")
            .is_some_and(|text| text.as_str().is_some_and(|text| !text.is_empty()));
        assert!(described, "{} has no description", folder.display());
        let error = table.remove("error").map(|error| error.as_str().expect("a text").to_owned());
        let is_irreversible =
            table.remove("irreversible").is_some_and(|value| value.as_bool().expect("true or false"));
        let unknown: Vec<_> =
            table.keys().filter(|key| !["params", "capabilities"].contains(&key.as_str())).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", folder.display());
        Self { folder, manifest: table.to_string(), error, is_irreversible }
    }

    fn sql(&self, file: &str) -> String {
        let path = self.folder.join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A database as it is before the upgrade.
    fn database(&self) -> Database {
        let database = Database::new();
        database.rows(&self.sql("before.sql"));
        database
    }

    fn run(&self, component: &[u8]) {
        let database = self.database();
        let before = contents(&database);
        let project = Project::new(&database);
        project.component("a", "", component, &self.manifest);
        let upgraded = project.run(&["upgrade", "head"]);
        if let Some(expected) = &self.error {
            assert_ne!(upgraded.code, 0, "it must fail: {}", upgraded.stderr);
            assert!(upgraded.stderr.contains(expected), "{}", upgraded.stderr);
            self.same(&contents(&database), &before, "a failed upgrade leaves all as it was");
            return;
        }
        assert_eq!(upgraded.code, 0, "{}: {}", self.folder.display(), upgraded.stderr);
        let by_hand = self.database();
        by_hand.rows(&self.sql("after.sql"));
        let after = contents(&database);
        self.same(&after, &contents(&by_hand), "the upgrade does what the SQL does");
        assert_ne!(after, before, "{}: the case changes nothing", self.folder.display());
        self.take_back(&project, &database, &before, &after);
    }

    fn take_back(&self, project: &Project, database: &Database, before: &[String], after: &[String]) {
        let downgraded = project.run(&["downgrade", "-1"]);
        if self.is_irreversible {
            assert_ne!(downgraded.code, 0);
            assert!(downgraded.stderr.contains("irreversible"), "{}", downgraded.stderr);
            self.same(&contents(database), after, "a refused downgrade leaves all as it was");
            return;
        }
        assert_eq!(downgraded.code, 0, "{}: {}", self.folder.display(), downgraded.stderr);
        self.same(&contents(database), before, "the downgrade restores what was there");
        project.ok(&["upgrade", "head"]);
        self.same(&contents(database), after, "a second upgrade gives the same");
    }

    #[track_caller]
    fn same(&self, found: &[String], expected: &[String], what: &str) {
        let only_in = |a: &[String], b: &[String]| {
            a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>()
        };
        assert!(
            found == expected,
            "{}: {what}; found {:#?}, expected {:#?}",
            self.folder.display(),
            only_in(found, expected),
            only_in(expected, found)
        );
    }
}

fn run_cases(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(name);
    assert!(folder.join("README.md").is_file(), "{name} has no README.md");
    let component = plugin(name);
    let cases = folders(&folder.join("cases"));
    assert!(!cases.is_empty(), "{name} has no cases");
    for folder in cases {
        Case::read(folder).run(&component);
    }
}

/// Schema and data, in an order that does not depend on where rows are stored.
fn contents(database: &Database) -> Vec<String> {
    let mut lines: Vec<String> = database.dump().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("it has a name").to_string_lossy().into_owned()
}
