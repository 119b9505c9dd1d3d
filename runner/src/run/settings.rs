//! How a step's session is set up.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::SignedDuration;

use crate::db::quote_literal;
use crate::source::SessionConfig;

/// The settings of the session, ready to be sent.
#[derive(Clone, Debug)]
pub struct Settings {
    script: String,
    /// How long to wait for another runner.
    pub lock_wait: Duration,
    /// How often a step is tried again.
    pub retries: u32,
    /// How long a step may take; none for as long as it wants.
    pub step_timeout: Option<Duration>,
}

impl Settings {
    /// Reads them from the configuration.
    pub fn new(config: &SessionConfig) -> Self {
        let mut script = String::from("RESET SESSION AUTHORIZATION; DISCARD TEMP; RESET ALL; ");
        let mut set = |name: &str, value: String| {
            write!(script, "SET {name} = {value}; ").expect("a string takes everything");
        };
        set("search_path", search_path(&config.search_path));
        for (name, value) in [
            ("lock_timeout", config.lock_timeout),
            ("statement_timeout", config.statement_timeout),
            ("idle_in_transaction_session_timeout", config.idle_in_transaction_session_timeout),
        ] {
            // A bare number is milliseconds; see PostgreSQL's manual,
            // "Parameter Names and Values".
            set(name, value.as_millis().max(0).to_string());
        }
        Self {
            script,
            lock_wait: positive(config.lock_wait).unwrap_or_default(),
            retries: config.retries,
            step_timeout: positive(config.step_timeout),
        }
    }

    /// The statements that bring the session back to a known state, whatever
    /// the step before did to it.
    pub(super) fn script(&self) -> &str {
        &self.script
    }
}

fn positive(duration: SignedDuration) -> Option<Duration> {
    Duration::try_from(duration).ok().filter(|duration| !duration.is_zero())
}

/// Each schema as a string constant: `SET search_path` takes a list of them.
fn search_path(text: &str) -> String {
    let schemas = text.split(',').map(|schema| quote_literal(schema.trim().trim_matches('"')));
    schemas.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_sent_as_sql() {
        let config = SessionConfig { search_path: "app, \"$user\", o'x".into(), ..SessionConfig::default() };
        insta::assert_snapshot!(Settings::new(&config).script(), @"RESET SESSION AUTHORIZATION; DISCARD TEMP; RESET ALL; SET search_path = 'app', '$user', 'o''x'; SET lock_timeout = 5000; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 300000;");
    }
}
