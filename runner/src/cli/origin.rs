//! Where a part of a database's location is from.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use runner::source::SettingOrigin;

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// An option of the command line.
    Option {
        /// As it is typed.
        option: &'static str,
    },
    /// A variable.
    Variable {
        /// Its name.
        variable: String,
        /// The file that sets it; none if the environment does.
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<PathBuf>,
    },
    /// A service file.
    Service {
        /// The service.
        service: String,
        /// The file.
        file: PathBuf,
    },
    /// The password file.
    PasswordFile {
        /// The file.
        file: PathBuf,
    },
    /// `runner.toml`, or nobody.
    #[serde(untagged)]
    Setting(SettingOrigin),
}

impl Origin {
    /// Nobody has said anything.
    pub fn default_value() -> Self {
        Self::Setting(SettingOrigin::Default)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option { option } => f.write_str(option),
            Self::Variable { variable, file: None } => f.write_str(variable),
            Self::Variable { variable, file: Some(file) } => write!(f, "{variable} in {}", file.display()),
            Self::Service { service, file } => write!(f, "service `{service}` of {}", file.display()),
            Self::PasswordFile { file } => write!(f, "the password file {}", file.display()),
            Self::Setting(SettingOrigin::Default) => f.write_str("default"),
            Self::Setting(SettingOrigin::Bundle) => f.write_str("the bundle"),
            Self::Setting(SettingOrigin::File { file, line }) => write!(f, "{}:{line}", file.display()),
            Self::Setting(SettingOrigin::Section { file, line, name }) => {
                write!(f, "{}:{line}, [named.{name}]", file.display())
            }
        }
    }
}
