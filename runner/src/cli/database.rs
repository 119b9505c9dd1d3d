//! Where the database is: the command line, the environment, `.env`,
//! `runner.toml`, in this order; and its password, where libpq would find it.

use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::fmt;
use std::path::{Path, PathBuf};

use runner::db::{ConnectionParameters, Location};
use runner::source::SettingOrigin;

use super::args::Global;
use super::error::CommandError;
use super::origin::Origin;

/// The file beside `runner.toml` whose variables count where the environment
/// does not have them.
const ENV_FILE: &str = ".env";

/// The folder of the server's socket, as Debian's libpq has it.
const SOCKETS: &str = "/var/run/postgresql";

/// The variables of compose files, with the parameters that they stand for.
const COMPOSE: [(&str, &str); 5] = [
    ("DB_HOST", "host"),
    ("DB_PORT", "port"),
    ("POSTGRES_DB", "dbname"),
    ("POSTGRES_USER", "user"),
    ("POSTGRES_PASSWORD", "password"),
];

/// A database that was found, and who said what of it.
pub struct Found {
    pub location: Location,
    /// Who named it.
    pub source: Source,
    /// Where those parameters are from that do not come from where the whole is.
    origins: BTreeMap<String, Origin>,
    /// Who named a place too, and was not heard.
    pub passed_over: Vec<Source>,
}

/// Who said where the database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `--database`.
    Option,
    /// `DATABASE_URL`.
    Url,
    /// libpq's variables.
    Libpq,
    /// Those of compose files.
    Compose,
    /// `database.url` in `runner.toml`.
    Config,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "--database",
            Self::Url => "DATABASE_URL",
            Self::Libpq => "PGHOST and the like",
            Self::Compose => "DB_HOST and the like",
            Self::Config => "runner.toml",
        })
    }
}

impl Found {
    /// Where a parameter that is set is from. `configured` is where
    /// `database.url` stands.
    pub fn origin(&self, parameter: &str, environment: &Environment, configured: &SettingOrigin) -> Origin {
        if let Some(origin) = self.origins.get(parameter) {
            return origin.clone();
        }
        match self.source {
            Source::Option => Origin::Option { option: "--database" },
            Source::Url => environment.origin("DATABASE_URL"),
            Source::Config => Origin::Setting(configured.clone()),
            // What no variable says is a default.
            Source::Libpq | Source::Compose => Origin::default_value(),
        }
    }
}

/// The environment, and behind it what `.env` says.
pub struct Environment {
    path: PathBuf,
    exists: bool,
    file: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the `.env` beside `runner.toml`, if there is one.
    pub fn of(root: &Path) -> Result<Self, CommandError> {
        let path = root.join(ENV_FILE);
        if !path.is_file() {
            return Ok(Self { path, exists: false, file: BTreeMap::new() });
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| CommandError::user(&format!("{} cannot be read", path.display()), error))?;
        match variables(&text) {
            Some(file) => Ok(Self { path, exists: true, file }),
            None => Err(CommandError::env_file(&path, first_wrong_line(&text))),
        }
    }

    /// A variable that is set, even if it is empty.
    pub fn value(&self, name: &str) -> Result<Option<String>, CommandError> {
        match env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(self.file.get(name).cloned()),
            Err(VarError::NotUnicode(_)) => Err(CommandError::variable_not_text(name)),
        }
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Result<Option<String>, CommandError> {
        Ok(self.value(name)?.filter(|value| !value.is_empty()))
    }

    /// Where a variable that is set is set.
    pub fn origin(&self, name: &str) -> Origin {
        let file = env::var_os(name).is_none().then(|| self.path.clone());
        Origin::Variable { variable: name.to_owned(), file }
    }

    /// The file and how many variables it has; none if there is no file.
    pub fn file_and_count(&self) -> Option<(&Path, usize)> {
        self.exists.then_some((self.path.as_path(), self.file.len()))
    }

    /// The parameters that libpq's variables give.
    fn libpq(&self) -> Result<ConnectionParameters, CommandError> {
        let mut wrong = None;
        let parameters = ConnectionParameters::of_variables(|name| {
            self.get(name).unwrap_or_else(|error| {
                wrong = Some(error);
                None
            })
        });
        wrong.map_or(Ok(parameters), Err)
    }

    /// The parameters that the variables of compose files give. Without a host
    /// they are about the server's container and name no place.
    fn compose(&self) -> Result<ConnectionParameters, CommandError> {
        let mut parameters = ConnectionParameters::default();
        for (variable, parameter) in COMPOSE {
            if let Some(value) = self.get(variable)? {
                parameters.set(parameter, value);
            }
        }
        Ok(parameters)
    }

    /// A file that a variable names, or the one in the home folder.
    fn file_of(&self, variable: &str, in_home: &str) -> Result<Option<PathBuf>, CommandError> {
        let named = self.get(variable)?.map(PathBuf::from);
        Ok(named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(in_home))))
    }
}

/// What the text of a `.env` says; none if it cannot be read. The error is not
/// kept: it repeats the line, which may hold a password.
fn variables(text: &str) -> Option<BTreeMap<String, String>> {
    dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>().ok()
}

/// The line, from 1, where the first entry of a `.env` begins that cannot be
/// read. Inside quotes an entry may span lines.
fn first_wrong_line(text: &str) -> usize {
    let (mut start, mut entry) = (1, String::new());
    for (line, number) in text.split_inclusive('\n').zip(1_usize..) {
        entry.push_str(line);
        if variables(&entry).is_some() {
            entry.clear();
            start = number + 1;
        }
    }
    start
}

/// Where the database is, and who said so. `configured` is `database.url` of
/// runner.toml.
pub fn location(
    global: &Global,
    configured: Option<&str>,
    environment: &Environment,
) -> Result<Option<Found>, CommandError> {
    let Some(mut found) = found(global, configured, environment)? else {
        return Ok(None);
    };
    if found.location.lacks_password()
        && let Some((password, origin)) = password(&found.location, environment)?
    {
        found.location.set_password(&password);
        found.origins.insert("password".into(), origin);
    }
    Ok(Some(found))
}

fn found(
    global: &Global,
    configured: Option<&str>,
    environment: &Environment,
) -> Result<Option<Found>, CommandError> {
    let url = environment.get("DATABASE_URL")?;
    let (libpq, compose) = (environment.libpq()?, environment.compose()?);
    let named = [
        (Source::Option, global.database.is_some()),
        (Source::Url, url.is_some()),
        (Source::Libpq, libpq.name_a_place()),
        (Source::Compose, compose.get("host").is_some()),
        (Source::Config, configured.is_some()),
    ];
    let mut sources = named.into_iter().filter(|(_, names)| *names).map(|(source, _)| source);
    let Some(source) = sources.next() else { return Ok(None) };
    let (location, origins) = match source {
        Source::Option => written(global.database.as_deref().unwrap_or_default(), source, environment)?,
        Source::Url => written(&url.unwrap_or_default(), source, environment)?,
        Source::Config => written(configured.unwrap_or_default(), source, environment)?,
        Source::Libpq => {
            described(libpq, |name| ConnectionParameters::variable_of(name), source, environment)?
        }
        Source::Compose => described(compose, compose_variable, source, environment)?,
    };
    Ok(Some(Found { location, source, origins, passed_over: sources.collect() }))
}

/// The variable of compose files that stands for a parameter.
fn compose_variable(parameter: &str) -> Option<&'static str> {
    COMPOSE.iter().find(|(_, known)| *known == parameter).map(|(name, _)| *name)
}

/// A location, and where those of its parameters are from that have a source of
/// their own.
type Described = (Location, BTreeMap<String, Origin>);

/// A location that somebody wrote: a URL, parameters, or the name of a service.
fn written(text: &str, source: Source, environment: &Environment) -> Result<Described, CommandError> {
    match text.trim().strip_prefix("service=") {
        Some(name) if !name.contains(char::is_whitespace) => {
            let mut parameters = ConnectionParameters::default();
            parameters.set("service", name.to_owned());
            described(parameters, |_| None, source, environment)
        }
        _ => {
            let location = Location::parse(text).map_err(|error| CommandError::location(source, error))?;
            Ok((location, BTreeMap::new()))
        }
    }
}

/// A location by its parameters, and the variables that have them; what a service
/// says comes after them.
fn described(
    mut parameters: ConnectionParameters,
    variable_of: impl Fn(&str) -> Option<&'static str>,
    source: Source,
    environment: &Environment,
) -> Result<Described, CommandError> {
    let origin = |name: &str| Some((name.to_owned(), environment.origin(variable_of(name)?)));
    let mut origins: BTreeMap<_, _> = parameters.names().filter_map(origin).collect();
    if let Some(name) = parameters.take("service") {
        let (filled, file) = service(&name, environment)?;
        for parameter in filled.names() {
            let origin = || Origin::Service { service: name.clone(), file: file.clone() };
            origins.entry(parameter.to_owned()).or_insert_with(origin);
        }
        parameters.fill(filled);
    }
    if parameters.get("host").is_none() && parameters.get("hostaddr").is_none() {
        let host = if Path::new(SOCKETS).is_dir() { SOCKETS } else { "localhost" };
        parameters.set("host", host.to_owned());
        origins.insert("host".into(), Origin::default_value());
    }
    let location = parameters.location().map_err(|error| CommandError::location(source, error))?;
    Ok((location, origins))
}

/// What the user's service file says of a service, or else the system's; and which
/// file it was.
fn service(name: &str, environment: &Environment) -> Result<(ConnectionParameters, PathBuf), CommandError> {
    let of_system = environment.get("PGSYSCONFDIR")?.map(|folder| Path::new(&folder).join("pg_service.conf"));
    let files = [environment.file_of("PGSERVICEFILE", ".pg_service.conf")?, of_system];
    for file in files.into_iter().flatten() {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let found = ConnectionParameters::of_service(&text, name);
        if let Some(found) = found.map_err(|line| CommandError::service_file(&file, line))? {
            return match found.unknown() {
                Some(parameter) => Err(CommandError::service_parameter(&file, name, parameter)),
                None => Ok((found, file)),
            };
        }
    }
    Err(CommandError::no_service(name))
}

/// The password that the environment or the user's password file has.
fn password(
    location: &Location,
    environment: &Environment,
) -> Result<Option<(String, Origin)>, CommandError> {
    if let Some(password) = environment.get("PGPASSWORD")? {
        return Ok(Some((password, environment.origin("PGPASSWORD"))));
    }
    let Some(file) = environment.file_of("PGPASSFILE", ".pgpass")? else { return Ok(None) };
    let Ok(text) = std::fs::read_to_string(&file) else { return Ok(None) };
    if is_open_to_others(&file) {
        tracing::warn!("{} is left out: others may read it (chmod 600)", file.display());
        return Ok(None);
    }
    Ok(location.password_of(&text).map(|password| (password, Origin::PasswordFile { file })))
}

/// Whether others than the owner may read or write a file.
fn is_open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_that_cannot_be_read_is_found() {
        let before = "# ours\n\nA='one\n\n# two'\nexport B=c # d\n";
        assert!(variables(before).is_some());
        for wrong in ["C: d\nE=f\n", "C=d e\n\nE='f\n", "C=\\t", "C='d\ne\nf\n"] {
            assert!(variables(&format!("{before}{wrong}")).is_none());
            assert_eq!(first_wrong_line(&format!("{before}{wrong}")), 7, "{wrong}");
            assert_eq!(first_wrong_line(wrong), 1, "{wrong}");
        }
    }

    #[test]
    fn an_empty_variable_has_a_value_but_says_nothing() {
        let environment = Environment {
            path: ENV_FILE.into(),
            exists: true,
            file: variables("RUNNER_TEST_EMPTY=\n").expect("reads"),
        };
        let value = |name| environment.value(name).expect("is text");
        assert_eq!(value("RUNNER_TEST_EMPTY").as_deref(), Some(""));
        assert_eq!(value("RUNNER_TEST_NOT_SET"), None);
        assert_eq!(environment.get("RUNNER_TEST_EMPTY").expect("is text"), None);
    }
}
