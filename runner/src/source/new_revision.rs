//! Writing the files of a new revision.

use std::io;
use std::path::{Path, PathBuf};

use crate::revision::{Kind, Manifest};

use super::init::ensure_workspace;
use super::scan::MANIFEST_FILE;
use super::{MigrationsDir, NewRevision, Project, Scripts, TemplateError};

/// The files of a new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFiles {
    /// The revision's folder.
    pub dir: PathBuf,
    /// What runs the revision.
    pub kind: Kind,
    /// The files in it.
    pub files: Vec<PathBuf>,
}

/// Makes a revision's folder in a folder of migrations. Nothing is written unless
/// everything can be made from the template.
pub fn new_revision(
    project: &Project,
    migrations: &MigrationsDir,
    new: &NewRevision,
) -> Result<NewFiles, TemplateError> {
    new.check_message()?;
    let longest_slug = project.config.migrations.truncate_slug_length.get();
    let slug = super::folder_name::slug(&new.message, longest_slug);
    let file_template = &project.config.migrations.file_template;
    let name = file_template.render(&new.id, &slug, &new.created)?;
    check_place(migrations, &name)?;
    let files = new.template.files(project)?;
    let texts = files.iter().map(|file| Ok((file.path.as_path(), file.filled(new, longest_slug)?)));
    let texts: Vec<_> = texts.collect::<Result<_, TemplateError>>()?;
    let dir = migrations.path.join(name);
    let files = write_folder(&dir, &texts).map_err(|error| match error {
        TemplateError::Exists(path) if path == dir && !file_template.is_unique() => {
            TemplateError::Taken(path)
        }
        other => other,
    })?;
    let kind = new.template.kind();
    if kind == Kind::Rust {
        ensure_workspace(&migrations.path, file_template.depth(), &new.sdk).inspect_err(|_| remove(&dir))?;
    }
    Ok(NewFiles { dir, kind, files })
}

/// Writes the folder of a revision that was made elsewhere.
pub fn write_revision(
    dir: &Path,
    manifest: &Manifest,
    scripts: Option<&Scripts>,
) -> Result<(), TemplateError> {
    let text = toml::to_string(manifest).expect("a manifest is a TOML document");
    let mut files = vec![(Path::new(MANIFEST_FILE), text)];
    if let Some(Scripts { upgrade, downgrade }) = scripts {
        files.push((Path::new("upgrade.sql"), upgrade.clone()));
        files.extend(downgrade.iter().map(|text| (Path::new("downgrade.sql"), text.clone())));
    }
    write_folder(dir, &files).map(|_| ())
}

/// A revision is where it is found again, and never inside another one.
fn check_place(migrations: &MigrationsDir, name: &Path) -> Result<(), TemplateError> {
    let dir = migrations.path.join(name);
    if name.components().count() > 1 && !migrations.is_recursive() {
        return Err(TemplateError::NotRecursive { dir, migrations: migrations.path.clone() });
    }
    let mut above = name.ancestors().skip(1).map(|folder| migrations.path.join(folder));
    match above.find(|folder| folder.join(MANIFEST_FILE).exists()) {
        Some(revision) => Err(TemplateError::Nested { dir, revision }),
        None => Ok(()),
    }
}

/// Makes a folder that did not exist and the files in it; all of them or none.
/// Of two programs that make the same one, the second one fails.
pub(super) fn write_folder(dir: &Path, files: &[(&Path, String)]) -> Result<Vec<PathBuf>, TemplateError> {
    if let Some(above) = dir.parent() {
        create_dir(above)?;
    }
    std::fs::create_dir(dir).map_err(|source| failed(dir, source))?;
    let write = |(path, text): &(&Path, String)| {
        let path = dir.join(path);
        path.parent().map(create_dir).transpose()?;
        write_new(&path, text).map(|()| path)
    };
    let written: Result<_, _> = files.iter().map(write).collect();
    written.inspect_err(|_| remove(dir))
}

/// Takes back what was written before something failed. What cannot be removed
/// is left: the failure itself is what is reported.
fn remove(dir: &Path) {
    if let Err(error) = std::fs::remove_dir_all(dir) {
        tracing::debug!("{} could not be removed: {error}", dir.display());
    }
}

pub(super) fn create_dir(path: &Path) -> Result<(), TemplateError> {
    std::fs::create_dir_all(path).map_err(|source| TemplateError::Io { path: path.to_owned(), source })
}

/// Writes a file that does not exist yet.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), TemplateError> {
    use io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    let written =
        options.write(true).create_new(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: io::Error) -> TemplateError {
    match source.kind() {
        io::ErrorKind::AlreadyExists => TemplateError::Exists(path.to_owned()),
        _ => TemplateError::Io { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::RevisionId;
    use crate::source::{FolderTemplate, INIT_TEMPLATES, Template, init, scan};

    fn new(message: &str, template: Template) -> NewRevision {
        NewRevision {
            id: RevisionId::from_random(0x8b01_c7d2_aa90),
            message: message.to_owned(),
            template,
            parents: vec![RevisionId::from_random(1)],
            labels: Vec::new(),
            depends_on: Vec::new(),
            created: "2026-11-21T10:30:00Z[UTC]".parse().expect("a time"),
            plugin: None,
            sdk: "\"0.1.0\"".into(),
        }
    }

    fn project(root: &Path, file_template: &str, templates: Option<&str>) -> Project {
        let mut project = Project::of_text(root.to_owned(), "");
        let migrations = &mut project.config.migrations;
        migrations.file_template = FolderTemplate::try_from(file_template.to_owned()).expect("a template");
        migrations.templates = templates.map(PathBuf::from);
        migrations.recursive = true;
        project
    }

    fn make(project: &Project, new: &NewRevision) -> Result<NewFiles, TemplateError> {
        new_revision(project, &project.migrations_dirs()[0], new)
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        std::fs::write(path, text).expect("writes");
    }

    /// What is in the folder of migrations.
    fn folders(project: &Project) -> usize {
        std::fs::read_dir(project.migrations_dir()).map_or(0, Iterator::count)
    }

    #[test]
    fn a_new_project_and_its_revisions_are_found_again() {
        let root = tempfile::tempdir().expect("a folder");
        init(root.path(), &INIT_TEMPLATES[0], "\"0.1.0\"").expect("makes the project");
        let again = init(root.path(), &INIT_TEMPLATES[0], "\"0.1.0\"");
        assert!(matches!(again, Err(TemplateError::Exists(_))));
        let project = Project::load(&Project::find(root.path()).expect("finds it")).expect("reads it");
        for (message, template) in [("say \"hi\" {x}", Template::Sql), ("repair", Template::Rust)] {
            make(&project, &new(message, template)).expect("makes a revision");
        }
        let found = scan(&project.migrations_dirs()).expect("sound");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].manifest.message, "say \"hi\" {x}");
        assert!(found[1].dir.ends_with("20261121_103000_8b01c7d2aa90_say_hi_x"));
        assert!(matches!(make(&project, &new("a\nb", Template::Sql)), Err(TemplateError::Message)));
    }

    #[test]
    fn two_revisions_never_share_a_folder_nor_nest() {
        let root = tempfile::tempdir().expect("a folder");
        let same = project(root.path(), "{slug}", None);
        make(&same, &new("Add Users", Template::Sql)).expect("makes one");
        assert!(matches!(make(&same, &new("add: users", Template::Sql)), Err(TemplateError::Taken(_))));
        let mut nested = project(root.path(), "add_users/{rev}", None);
        assert!(matches!(make(&nested, &new("x", Template::Sql)), Err(TemplateError::Nested { .. })));
        nested.config.migrations.recursive = false;
        assert!(matches!(make(&nested, &new("x", Template::Sql)), Err(TemplateError::NotRecursive { .. })));
    }

    #[test]
    fn folders_in_folders_are_made() {
        let root = tempfile::tempdir().expect("a folder");
        let project = project(root.path(), "{year}/{month}/{rev}", None);
        let made = make(&project, &new("x", Template::Rust)).expect("makes it");
        assert!(made.dir.ends_with("2026/11/8b01c7d2aa90") && made.dir.join("src/lib.rs").is_file());
        let workspace = std::fs::read_to_string(root.path().join("migrations/Cargo.toml")).expect("reads");
        assert!(workspace.contains("\"*/*/*/src/..\""), "{workspace}");
    }

    #[test]
    fn a_project_can_have_its_own_templates() {
        let root = tempfile::tempdir().expect("a folder");
        write(root.path(), "own/sql/upgrade.sql", "-- ours: ${message} after ${parents}\n");
        write(root.path(), "own/sql/checks/after.sql", "SELECT '${slug}';\n");
        write(root.path(), "own/sql/.swp", "\u{0}");
        let project = project(root.path(), "{rev}", Some("own"));
        let made = make(&project, &new("add users", Template::Sql)).expect("makes it");
        let read = |path: &str| std::fs::read_to_string(made.dir.join(path)).expect("reads");
        assert_eq!(read("upgrade.sql"), "-- ours: add users after 000000000001\n");
        assert_eq!(read("checks/after.sql"), "SELECT 'add_users';\n");
        assert_eq!(made.files.len(), 3, "the manifest is the one that is built in");
        assert!(!made.dir.join("downgrade.sql").exists());
    }

    #[test]
    fn a_template_that_is_wrong_leaves_nothing_behind() {
        let root = tempfile::tempdir().expect("a folder");
        let project = project(root.path(), "{rev}", Some("own"));
        let error = |path: &str, text: &str| {
            write(root.path(), path, text);
            let error = make(&project, &new("m", Template::Sql)).expect_err("is wrong");
            assert_eq!(folders(&project), 0);
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default()).replace(&root.path().display().to_string(), "")
        };
        assert!(matches!(make(&project, &new("m", Template::Sql)), Err(TemplateError::NoFolder(_))));
        insta::assert_snapshot!(error("own/sql/downgrade.sql", ""), @"the template `sql` in /own/sql has no upgrade.sql");
        insta::assert_snapshot!(error("own/sql/upgrade.sql", "\n${mesage}"), @"/own/sql/upgrade.sql:2:1: there is no token `${mesage}`");
        write(root.path(), "own/sql/upgrade.sql", "");
        insta::assert_snapshot!(error("own/sql/migration.toml", "revision = ${revision}"), @"the template makes a manifest that cannot be read: /own/sql/migration.toml:1:12: string values must be quoted, expected literal string");
        let fixed = "revision = \"${revision}\"\nparents = []\nmessage = \"m\"\nkind = \"sql\"\n";
        insta::assert_snapshot!(error("own/sql/migration.toml", fixed), @"/own/sql/migration.toml does not take over the revision's `parents`");
    }

    #[test]
    fn what_was_begun_is_taken_back() {
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("new");
        let files = [(Path::new("a"), String::new()), (Path::new("a/b"), String::new())];
        assert!(write_folder(&dir, &files).is_err());
        assert!(!dir.exists());
    }
}
