//! Where a database is and what its password is, in the forms that libpq reads:
//! variables, service files, password files.
//!
//! Pure: whoever calls reads the environment and the files. See PostgreSQL's
//! manual, libpq, "Environment Variables", "The Connection Service File" and
//! "The Password File".

use std::path::Path;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::location::{Location, LocationError, ServerLocation};

/// The variables that say something of a connection, with the parameter that
/// each stands for.
const VARIABLES: [(&str, &str); 14] = [
    ("PGSERVICE", "service"),
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGCHANNELBINDING", "channel_binding"),
];

/// The parameters that have no variable and that the driver knows.
const OTHERS: [&str; 7] = [
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "sslnegotiation",
    "tcp_user_timeout",
];

/// The folders in which builds of libpq look for the server's socket.
const SOCKETS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// Those that say where a database is; a user or a password alone does not.
const PLACES: [&str; 4] = ["service", "host", "hostaddr", "dbname"];

/// Parameters of a connection by name, each at most once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConnectionParameters(Vec<(String, String)>);

impl ConnectionParameters {
    /// What the variables say. An empty one counts as not set, as in libpq.
    pub fn of_variables(mut variable: impl FnMut(&str) -> Option<String>) -> Self {
        let set = VARIABLES.iter().filter_map(|(name, parameter)| Some((*parameter, variable(name)?)));
        let mut parameters = Self::default();
        set.filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| parameters.set(name, value));
        parameters
    }

    /// The variable that stands for a parameter; none if there is none.
    pub fn variable_of(parameter: &str) -> Option<&'static str> {
        VARIABLES.iter().find(|(_, known)| *known == parameter).map(|(name, _)| *name)
    }

    /// The names of the parameters that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The parameters of a section of a service file. None if it has no such
    /// section.
    ///
    /// # Errors
    ///
    /// Says which line is wrong, from 1.
    pub fn of_service(text: &str, service: &str) -> Result<Option<Self>, usize> {
        let mut found: Option<Self> = None;
        let mut is_inside = false;
        for (line, number) in text.lines().map(str::trim).zip(1_usize..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                is_inside = name == service;
                if is_inside {
                    found.get_or_insert_default();
                }
                continue;
            }
            let Some(parameters) = found.as_mut().filter(|_| is_inside) else { continue };
            let (name, value) = line.split_once('=').ok_or(number)?;
            let name = name.trim();
            // What is no name may be a piece of a password, and is not to be told.
            if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                return Err(number);
            }
            parameters.set(name, value.trim().to_owned());
        }
        Ok(found)
    }

    /// Gives a parameter its value, unless it has one.
    pub fn set(&mut self, name: &str, value: String) {
        if self.get(name).is_none() {
            self.0.push((name.to_owned(), value));
        }
    }

    /// Gives the parameters that are not set the values that they have there.
    pub fn fill(&mut self, others: Self) {
        others.0.into_iter().for_each(|(name, value)| self.set(&name, value));
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Takes a parameter out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// The first parameter that a service cannot have: one that we do not know,
    /// or another service.
    pub fn unknown(&self) -> Option<&str> {
        let is_known = |name: &str| {
            let mut ours = VARIABLES.iter().map(|(_, parameter)| *parameter).chain(OTHERS);
            name != "service" && ours.any(|known| known == name)
        };
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !is_known(name))
    }

    /// Whether they say where a database is.
    pub fn name_a_place(&self) -> bool {
        PLACES.iter().any(|name| self.get(name).is_some())
    }

    /// Where the database is.
    ///
    /// # Errors
    ///
    /// A parameter that nobody knows, or a value that it cannot have.
    pub fn location(&self) -> Result<Location, LocationError> {
        Location::of_parameters(self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

/// The password that a password file has for the server of a location; none if
/// no line fits. A location with several hosts gets that of the first one.
pub(super) fn password_for(server: &ServerLocation, file: &str) -> Option<String> {
    let config = &server.config;
    let user = config.get_user().unwrap_or_default();
    let host = host_field(config);
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let database = config.get_dbname().unwrap_or(user);
    let wanted = [host.as_str(), port.as_str(), database, user];
    file.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line);
        let password = (fields.len() == 5).then(|| fields.pop()).flatten()?;
        let fits = fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        fits.then_some(password)
    })
}

/// What a password file calls the first host: its name, else its address, else
/// the folder of its socket, which is `localhost` where it is the usual one.
fn host_field(config: &Config) -> String {
    let here = || "localhost".to_owned();
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) if !name.is_empty() => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => match SOCKETS.iter().any(|usual| folder == Path::new(usual)) {
            true => here(),
            false => folder.display().to_string(),
        },
        _ => config.get_hostaddrs().first().map_or_else(here, ToString::to_string),
    }
}

/// The fields of a line of a password file: a backslash takes the next
/// character as it is. All that follows the fourth colon is the password, so
/// that a colon in it does not make another line's password count.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let is_password = fields.len() == 5;
        let last = fields.last_mut().expect("there is one");
        match character {
            ':' if !is_password => fields.push(String::new()),
            '\\' => last.extend(characters.next()),
            other => last.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &'static [(&'static str, &'static str)]) -> ConnectionParameters {
        ConnectionParameters::of_variables(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn location(text: &str) -> Location {
        Location::parse(text).expect("a location")
    }

    #[test]
    fn variables_say_where_a_database_is() {
        let set = variables(&[
            ("PGHOST", "db one"),
            ("PGPORT", "5433"),
            ("PGUSER", "me"),
            ("PGDATABASE", "it's"),
            ("PGPASSWORD", "hunter2 \\ '"),
            ("PGSSLMODE", "verify-full"),
            ("PGOPTIONS", ""),
        ]);
        assert!(set.name_a_place());
        let shown = set.location().expect("a location").to_string();
        assert_eq!(shown, "database `it's` on db one:5433 as `me`");
        assert!(!variables(&[("PGUSER", "me"), ("PGPASSWORD", "x")]).name_a_place());
        let wrong = variables(&[("PGHOST", "db"), ("PGSSLMODE", "maybe")]).location();
        assert!(matches!(wrong, Err(LocationError::Parameter { name: "sslmode", .. })));
    }

    #[test]
    fn a_service_has_its_parameters_in_a_file() {
        let file =
            "# ours\n[other]\nhost=elsewhere\n\n[app]\nhost = db\nport=6000\ndbname=shop\n[app2]\nbroken\n";
        let mut found = ConnectionParameters::of_service(file, "app").expect("reads").expect("is there");
        assert_eq!((found.get("host"), found.get("port")), (Some("db"), Some("6000")));
        found.fill(variables(&[("PGPORT", "1"), ("PGUSER", "me")]));
        assert_eq!(found.location().expect("a location").to_string(), "database `shop` on db:6000 as `me`");
        assert!(ConnectionParameters::of_service(file, "none").expect("reads").is_none());
        assert_eq!(ConnectionParameters::of_service(file, "app2").err(), Some(10));
    }

    #[test]
    fn a_service_has_only_parameters_that_we_know() {
        let unknown = |lines: &str| {
            let found = ConnectionParameters::of_service(&format!("[app]\n{lines}"), "app");
            found.map(|found| found.expect("is there").unknown().map(str::to_owned))
        };
        assert_eq!(unknown("host=db\nsslmode=require\nsslrootcert=ca.pem\nkeepalives=1\n"), Ok(None));
        for name in ["sslcert", "sslkey", "gssencmode", "passfile", "service"] {
            assert_eq!(unknown(&format!("host=db\n{name}=x\n")), Ok(Some(name.to_owned())));
        }
        assert_eq!(unknown("host=db\npassword hunter2=x\n"), Err(3));
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let file = "# host:port:database:user:password\n\
            db:5433:*:me:one\n\
            db:*:app:me:t\\:w\\\\o\n\
            localhost:5432:app:me:three\n\
            too:few:fields\n\
            *:*:*:*:last\n";
        let password = |url: &str| location(url).password_of(file);
        assert_eq!(password("postgresql://me@db:5433/app").as_deref(), Some("one"));
        assert_eq!(password("postgresql://me@db/app").as_deref(), Some("t:w\\o"));
        assert_eq!(password("host=/var/run/postgresql user=me dbname=app").as_deref(), Some("three"));
        assert_eq!(password("postgresql://you@db/app").as_deref(), Some("last"));
        assert_eq!(location("embedded").password_of(file), None);
    }

    #[test]
    fn a_host_without_a_name_is_its_address_or_its_folder() {
        let file = "localhost:*:*:*:here\n\
            10.0.0.1:*:*:*:address\n\
            \\:\\:1:*:*:*:six\n\
            db:*:*:*:name\n\
            /srv/sockets:*:*:*:folder\n";
        let password = |text: &str| location(&format!("{text} user=me")).password_of(file);
        assert_eq!(password("hostaddr=10.0.0.1").as_deref(), Some("address"));
        assert_eq!(password("hostaddr=::1").as_deref(), Some("six"));
        assert_eq!(password("host=db hostaddr=10.0.0.1").as_deref(), Some("name"));
        assert_eq!(password("hostaddr=10.0.0.2"), None);
        assert_eq!(password("host=/srv/sockets").as_deref(), Some("folder"));
        assert_eq!(password("host=/srv/others"), None);
        for usual in SOCKETS {
            assert_eq!(password(&format!("host={usual}")).as_deref(), Some("here"));
        }
    }

    #[test]
    fn a_password_may_hold_a_colon() {
        let file = "db:*:*:me:a:b\\:c:\n*:*:*:*:other\n";
        assert_eq!(location("postgresql://me@db/app").password_of(file).as_deref(), Some("a:b:c:"));
    }

    #[test]
    fn a_password_that_is_given_is_not_looked_up() {
        let mut with = location("postgresql://me:own@db/app");
        assert!(!with.lacks_password());
        let mut without = location("postgresql://me@db/app");
        assert!(without.lacks_password());
        without.set_password("found");
        with.set_password("found");
        assert!(!without.lacks_password());
    }
}
