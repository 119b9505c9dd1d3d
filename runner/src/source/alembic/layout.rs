//! Where an Alembic project keeps its revisions.

use std::path::{Path, PathBuf};

use super::config::{Settings, is_alembic_toml};
use super::file::decode;
use super::python::Module;
use super::remark::configured;
use super::{Finding, relative};

/// The folders of an Alembic project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The folder that holds the configuration; the script directory where
    /// there is none. Alembic runs here.
    pub root: PathBuf,
    /// `alembic.ini`
    pub ini: Option<PathBuf>,
    /// A pyproject.toml with `[tool.alembic]`.
    pub toml: Option<PathBuf>,
    /// The section of the .ini file.
    pub section: String,
    /// The folder with env.py.
    pub script_dir: PathBuf,
    /// The folders with the revisions.
    pub versions: Vec<PathBuf>,
    /// Whether folders below them hold revisions, too.
    pub recursive: bool,
    /// What the settings and env.py do that has no counterpart here.
    pub findings: Vec<Finding>,
}

/// Why there is no Alembic project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Nothing there is Alembic's.
    #[error("{} is no Alembic project: it holds neither alembic.ini, nor a pyproject.toml with [tool.alembic], nor env.py and versions/", .0.display())]
    NotFound(PathBuf),
    /// A file cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The settings are wrong.
    #[error("{0}")]
    Settings(String),
    /// `package:path` of a package that is not here.
    #[error("`{text}` names the package `{package}`, which is not below {}", root.display())]
    Package {
        /// The setting's text.
        text: String,
        /// The package.
        package: String,
        /// Where it was looked for.
        root: PathBuf,
    },
    /// The folder of revisions is not there.
    #[error("{} is no folder", .0.display())]
    NoFolder(PathBuf),
}

impl LayoutError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Name the folder with alembic.ini, or the script directory itself.",
            Self::Package { .. } => "Name the script directory itself instead of the project.",
            Self::Unreadable { .. } | Self::Settings(_) | Self::NoFolder(_) => {
                "Does Alembic itself work there? Try `alembic history`."
            }
        }
    }
}

impl Layout {
    /// Finds the project of a folder, of an alembic.ini or of a pyproject.toml.
    pub fn find(dir: &Path, section: &str) -> Result<Self, LayoutError> {
        let is_toml = |path: &Path| std::fs::read_to_string(path).is_ok_and(|text| is_alembic_toml(&text));
        if dir.is_file() {
            let is_toml = dir.extension().is_some_and(|extension| extension == "toml");
            let (ini, toml) = if is_toml { (None, Some(dir)) } else { (Some(dir), None) };
            return Self::of_settings(ini.map(Path::to_owned), toml.map(Path::to_owned), section);
        }
        let ini = Some(dir.join("alembic.ini")).filter(|path| path.is_file());
        let toml = Some(dir.join("pyproject.toml")).filter(|path| is_toml(path));
        if ini.is_some() || toml.is_some() {
            return Self::of_settings(ini, toml, section);
        }
        if !dir.join("env.py").is_file() || !dir.join("versions").is_dir() {
            return Err(LayoutError::NotFound(dir.to_owned()));
        }
        Ok(Self::above(dir, section).unwrap_or_else(|| Self::of_script_dir(dir, section)))
    }

    /// The project above a script directory, if its settings name it.
    fn above(dir: &Path, section: &str) -> Option<Self> {
        let absolute = dir.canonicalize().ok()?;
        absolute.ancestors().skip(1).find_map(|folder| {
            let has_any = folder.join("alembic.ini").is_file() || folder.join("pyproject.toml").is_file();
            let found = has_any.then(|| Self::find(folder, section).ok()).flatten()?;
            (found.script_dir.canonicalize().ok()? == absolute).then_some(found)
        })
    }

    /// The project's env.py, relative to the project.
    pub fn env_py(&self) -> PathBuf {
        relative(&self.root, &self.script_dir.join("env.py"))
    }

    fn of_script_dir(dir: &Path, section: &str) -> Self {
        Self {
            root: dir.to_owned(),
            ini: None,
            toml: None,
            section: section.to_owned(),
            script_dir: dir.to_owned(),
            versions: vec![dir.join("versions")],
            recursive: false,
            findings: Vec::new(),
        }
        .with_env_py()
    }

    fn of_settings(ini: Option<PathBuf>, toml: Option<PathBuf>, section: &str) -> Result<Self, LayoutError> {
        let texts = (ini.as_deref().map(read_text).transpose()?, toml.as_deref().map(read_text).transpose()?);
        let settings = Settings::parse(
            ini.as_deref().zip(texts.0.as_deref()),
            toml.as_deref().zip(texts.1.as_deref()),
            section,
        );
        let settings = settings.map_err(LayoutError::Settings)?;
        let file = ini.as_ref().or(toml.as_ref()).expect("one of them was found");
        let root = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let get = |name: &str| settings.text(name).map_err(LayoutError::Settings);
        let unset = || LayoutError::Settings(format!("{} sets no script_location", file.display()));
        let packages = settings.list("prepend_sys_path").map_err(LayoutError::Settings)?;
        let script_dir = resolve(&root, &packages, &get("script_location")?.ok_or_else(unset)?)?;
        let locations = settings.list("version_locations").map_err(LayoutError::Settings)?;
        let versions = match locations.is_empty() {
            true => vec![script_dir.join("versions")],
            false => {
                let found = locations.iter().map(|location| resolve(&root, &packages, location));
                found.collect::<Result<_, _>>()?
            }
        };
        if let Some(missing) = versions.iter().find(|folder| !folder.is_dir()) {
            return Err(LayoutError::NoFolder(missing.clone()));
        }
        let recursive = get("recursive_version_locations")?.as_deref() == Some("true");
        let findings = of_config(&settings, &relative(&root, file)).map_err(LayoutError::Settings)?;
        let section = section.to_owned();
        Ok(Self { root, ini, toml, section, script_dir, versions, recursive, findings }.with_env_py())
    }

    /// Adds what env.py does that has no counterpart here.
    fn with_env_py(mut self) -> Self {
        let file = self.env_py();
        let bytes = std::fs::read(self.script_dir.join("env.py")).unwrap_or_default();
        let module = decode(&bytes).ok().and_then(|text| Module::parse(text).ok());
        // Online and offline mode are configured alike: each is said once.
        for (name, line) in module.iter().flat_map(configured) {
            if let Some(what) = of_argument(name)
                && !self.findings.iter().any(|known| known.what == what)
            {
                self.findings.push(Finding::at(&file, line, what));
            }
        }
        self
    }
}

/// What settings have no counterpart here.
fn of_config(settings: &Settings, file: &Path) -> Result<Vec<Finding>, String> {
    let mut found = Vec::new();
    if settings.has_section("post_write_hooks") {
        found.push(Finding::at(file, 0, "post_write_hooks: write the hooks into runner.toml"));
    }
    for name in ["file_template", "timezone", "truncate_slug_length"] {
        if settings.text(name)?.is_some() {
            found.push(Finding::at(
                file,
                0,
                format!("`{name}`: new revisions are named as runner.toml says"),
            ));
        }
    }
    if settings.text("sourceless")?.as_deref() == Some("true") {
        found.push(Finding::at(file, 0, "`sourceless`: revisions without their .py file are not read"));
    }
    Ok(found)
}

/// What an argument of `context.configure` does that has no counterpart here.
fn of_argument(name: &str) -> Option<&'static str> {
    Some(match name {
        "on_version_apply" => "`on_version_apply`: its callbacks are not called any more",
        "version_table" | "version_table_schema" => {
            "the table of versions has another name: pass it to `runner stamp --from-alembic --alembic-table`"
        }
        "process_revision_directives"
        | "include_object"
        | "include_name"
        | "compare_type"
        | "compare_server_default"
        | "render_item" => "what is set for autogenerate stays with Alembic",
        "transaction_per_migration" => {
            "`transaction_per_migration`: every revision has a transaction of its own here, always"
        }
        _ => return None,
    })
}

/// The folder that a setting names: a path, or `package:path`.
fn resolve(root: &Path, packages: &[String], text: &str) -> Result<PathBuf, LayoutError> {
    let path = Path::new(text);
    let Some((package, below)) = text.split_once(':').filter(|_| !path.is_absolute()) else {
        return Ok(root.join(path));
    };
    let folder: PathBuf = package.split('.').chain(below.split(':')).collect();
    let roots = packages.iter().map(|package| root.join(package));
    let mut candidates = std::iter::once(root.to_owned()).chain(roots).map(|root| root.join(&folder));
    candidates.find(|candidate| candidate.is_dir()).ok_or_else(|| LayoutError::Package {
        text: text.to_owned(),
        package: package.to_owned(),
        root: root.to_owned(),
    })
}

fn read_text(path: &Path) -> Result<String, LayoutError> {
    std::fs::read_to_string(path)
        .map_err(|error| LayoutError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}
