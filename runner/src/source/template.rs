//! The files of a new project and of a new revision.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;

use crate::revision::{Kind, Manifest, RevisionId};

use super::{CONFIG_FILE, Project, Scripts};

/// The longest slug in a folder's name, in characters.
const SLUG_LENGTH: usize = 40;

/// What a new revision is made of.
#[derive(Clone, Debug)]
pub struct NewRevision {
    /// Its id.
    pub id: RevisionId,
    /// One line of text.
    pub message: String,
    /// What runs it.
    pub kind: Kind,
    /// The revisions before it.
    pub parents: Vec<RevisionId>,
    /// When it is made, in UTC.
    pub created: DateTime,
    /// What `plugin-sdk` is in a new workspace's Cargo.toml, as TOML.
    pub sdk: String,
}

/// Why files were not made.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There is something already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The message is empty or has several lines.
    #[error("the message must be one line of text")]
    Message,
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Makes a project in a folder and returns the files made.
pub fn init(dir: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let config = dir.join(CONFIG_FILE);
    let migrations = dir.join("migrations");
    if config.exists() {
        return Err(TemplateError::Exists(config));
    }
    create_dir(&migrations)?;
    write_new(&config, include_str!("templates/runner.toml"))?;
    let mut made = vec![config, migrations];
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        write_new(&ignore, "/.runner\n/migrations/target\n")?;
        made.push(ignore);
    }
    Ok(made)
}

/// Makes a revision's folder and returns it.
pub fn new_revision(project: &Project, new: &NewRevision) -> Result<PathBuf, TemplateError> {
    if new.message.trim().is_empty() || new.message.contains(['\n', '\r']) {
        return Err(TemplateError::Message);
    }
    let migrations = project.migrations_dir();
    let dir = migrations.join(new.folder_name());
    if dir.exists() {
        return Err(TemplateError::Exists(dir));
    }
    create_dir(&dir)?;
    write_new(&dir.join("migration.toml"), &new.manifest())?;
    match new.kind {
        Kind::Sql => {
            write_new(&dir.join("upgrade.sql"), &new.filled(include_str!("templates/upgrade.sql")))?;
            write_new(&dir.join("downgrade.sql"), &new.filled(include_str!("templates/downgrade.sql")))?;
        }
        Kind::Rust => {
            write_new(&dir.join("Cargo.toml"), &new.filled(include_str!("templates/crate.toml")))?;
            create_dir(&dir.join("src"))?;
            write_new(&dir.join("src/lib.rs"), &new.filled(include_str!("templates/lib.rs")))?;
            ensure_workspace(&migrations, new)?;
        }
        Kind::Imported => {}
    }
    Ok(dir)
}

/// Writes the folder of a revision that was made elsewhere.
pub fn write_revision(
    dir: &Path,
    manifest: &Manifest,
    scripts: Option<&Scripts>,
) -> Result<(), TemplateError> {
    let text = toml::to_string(manifest).expect("a manifest is a TOML document");
    create_dir(dir)?;
    write_new(&dir.join("migration.toml"), &text)?;
    if let Some(Scripts { upgrade, downgrade }) = scripts {
        write_new(&dir.join("upgrade.sql"), upgrade)?;
        if let Some(downgrade) = downgrade {
            write_new(&dir.join("downgrade.sql"), downgrade)?;
        }
    }
    Ok(())
}

/// A crate needs a workspace that says which SDK it is built against.
fn ensure_workspace(migrations: &Path, new: &NewRevision) -> Result<(), TemplateError> {
    let absolute = std::path::absolute(migrations).unwrap_or_else(|_| migrations.to_owned());
    let is_workspace = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        text.contains("[workspace.dependencies]") && text.contains("plugin-sdk")
    };
    if absolute.ancestors().any(is_workspace) {
        return Ok(());
    }
    write_new(&migrations.join("Cargo.toml"), &new.filled(include_str!("templates/workspace.toml")))
}

impl NewRevision {
    fn folder_name(&self) -> String {
        format!("{}_{}_{}", self.created.strftime("%Y%m%d_%H%M%S"), self.id, slug(&self.message))
    }

    fn manifest(&self) -> String {
        let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let parents: Vec<_> = self.parents.iter().map(|parent| text(parent.as_str())).collect();
        format!(
            "revision = {}\nparents = [{}]\nmessage = {}\nkind = {}\ncreated = {}\n\n[capabilities]\n",
            text(self.id.as_str()),
            parents.join(", "),
            text(&self.message),
            text(self.kind.as_str()),
            text(&self.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        )
    }

    fn filled(&self, template: &str) -> String {
        let slug = slug(&self.message);
        template
            .replace("{package}", &format!("migration_{}_{slug}", self.id).replace('.', "_"))
            .replace("{type}", &type_name(&slug))
            .replace("{sdk}", &self.sdk)
            .replace("{message}", &self.message)
            .replace("{{", "{")
            .replace("}}", "}")
    }
}

/// The message as part of a file's name.
pub(crate) fn slug(message: &str) -> String {
    let words = message.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words.map(str::to_lowercase) {
        let joined = if slug.is_empty() { word } else { format!("{slug}_{word}") };
        if joined.chars().count() > SLUG_LENGTH && !slug.is_empty() {
            break;
        }
        slug = joined;
    }
    slug.chars().filter(char::is_ascii).take(SLUG_LENGTH).collect()
}

/// `repair_titles` as the name of a type: `RepairTitles`.
fn type_name(slug: &str) -> String {
    let words = slug.split('_').filter(|word| !word.is_empty());
    let name: String = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name,
        _ => format!("Migration{name}"),
    }
}

fn create_dir(path: &Path) -> Result<(), TemplateError> {
    std::fs::create_dir_all(path).map_err(|source| TemplateError::Io { path: path.to_owned(), source })
}

/// Writes a file that does not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), TemplateError> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    let written =
        options.write(true).create_new(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => TemplateError::Exists(path.to_owned()),
        _ => TemplateError::Io { path: path.to_owned(), source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{MigrationsDir, scan};

    fn new(message: &str, kind: Kind) -> NewRevision {
        NewRevision {
            id: RevisionId::from_random(0x8b01_c7d2_aa90),
            message: message.to_owned(),
            kind,
            parents: vec![RevisionId::from_random(1)],
            created: jiff::civil::date(2026, 11, 21).at(10, 30, 0, 0),
            sdk: "\"0.1.0\"".into(),
        }
    }

    #[test]
    fn names_are_made_from_the_message() {
        assert_eq!(
            new("Add e-mail index!", Kind::Sql).folder_name(),
            "20261121_103000_8b01c7d2aa90_add_e_mail_index"
        );
        assert_eq!(
            slug("a very long message that says everything there is to say"),
            "a_very_long_message_that_says_everything"
        );
        assert_eq!(type_name("repair_titles"), "RepairTitles");
        assert_eq!(type_name("2nd_try"), "Migration2ndTry");
        assert_eq!(type_name(""), "Migration");
    }

    #[test]
    fn a_new_project_and_its_revisions_are_found_again() {
        let root = tempfile::tempdir().expect("a folder");
        init(root.path()).expect("makes the project");
        assert!(matches!(init(root.path()), Err(TemplateError::Exists(_))));
        let file = Project::find(root.path()).expect("finds it");
        let project = Project::load(&file).expect("reads it");
        for (message, kind) in [("say \"hi\" {x}", Kind::Sql), ("repair", Kind::Rust)] {
            new_revision(&project, &new(message, kind)).expect("makes a revision");
        }
        let found = scan(&[MigrationsDir::new(project.migrations_dir())]).expect("sound");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].manifest.message, "say \"hi\" {x}");
        assert!(matches!(new_revision(&project, &new("a\nb", Kind::Sql)), Err(TemplateError::Message)));
    }
}
