//! How a step's session is set up.

use std::time::Duration;

use jiff::SignedDuration;

use crate::db::{dollar_quoted, quote_identifier, quote_literal};
use crate::source::SessionConfig;

/// Takes back what a step before did to the session.
const RESET: &str = "RESET SESSION AUTHORIZATION; DISCARD TEMP; RESET ALL;";

/// What else every step may have left that costs next to nothing to take back.
const CLOSE: &str = "CLOSE ALL; UNLISTEN *; DISCARD SEQUENCES;";

/// Takes back the statements that only code can have prepared by SQL.
///
/// Not `DISCARD ALL`, which is all of that and would also release the advisory
/// lock, and deallocate the statements that the driver has prepared for itself
/// and does not prepare again; those were not prepared by SQL.
pub(super) const FORGET: &str = "DO $forget$ DECLARE found pg_catalog.text; BEGIN \
    FOR found IN SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql LOOP \
    EXECUTE pg_catalog.format('DEALLOCATE %I', found); END LOOP; END $forget$;";

/// What a statement means must not depend on what the server, the database or
/// the login has been set to.
const PINNED: [(&str, &str); 4] = [
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
    ("transform_null_equals", "off"),
    ("check_function_bodies", "on"),
];

/// The readers' cursors are read to their end, and not to a tenth of their rows,
/// for which the server plans them otherwise. A migration sees it by `SHOW`, and
/// in the cursors of its own functions. Scripts open no readers and go without.
const WHOLE_CURSORS: (&str, &str) = ("cursor_tuple_fraction", "1");

/// The end of the migration's part: its deferred constraints are checked while
/// its rights still hold, then a role that it took on is given back.
/// The ledger's own names and texts mean what we mean by them.
pub(super) const SETTLE: &str = "SET CONSTRAINTS ALL IMMEDIATE; RESET SESSION AUTHORIZATION; \
    SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL client_encoding = 'UTF8';";

/// The settings of the session, ready to be sent.
#[derive(Clone, Debug)]
pub struct Settings {
    script: String,
    /// The calls that make the settings, with commas between them.
    calls: String,
    /// The same, with those that only a run has.
    all_calls: String,
    /// The settings themselves.
    parameters: Vec<(&'static str, String)>,
    /// How long to wait for another runner.
    pub lock_wait: Duration,
    /// How long a statement waits for a lock; none for ever.
    pub lock_timeout: Option<Duration>,
    /// How often a step is tried again.
    pub retries: u32,
    /// How long a step may take; none for as long as it wants.
    pub step_timeout: Option<Duration>,
}

impl Settings {
    /// Reads them from the configuration.
    pub fn new(config: &SessionConfig) -> Self {
        let mut settings = vec![("search_path", search_path(&config.search_path))];
        settings.extend(PINNED.map(|(name, value)| (name, value.to_owned())));
        settings.extend(
            [
                ("lock_timeout", config.lock_timeout),
                ("statement_timeout", config.statement_timeout),
                ("idle_in_transaction_session_timeout", config.idle_in_transaction_session_timeout),
            ]
            // A bare number is milliseconds; see PostgreSQL's manual,
            // "Parameter Names and Values".
            .map(|(name, value)| (name, value.as_millis().max(0).to_string())),
        );
        let set = |(name, value): &(&str, String)| {
            format!("pg_catalog.set_config('{name}', {}, false)", quote_literal(value))
        };
        // One statement for all of them: each one that is sent costs the server
        // ten microseconds a step.
        let calls = settings.iter().map(set).collect::<Vec<_>>().join(", ");
        let whole_cursors = (WHOLE_CURSORS.0, WHOLE_CURSORS.1.to_owned());
        let all_calls = format!("{calls}, {}", set(&whole_cursors));
        let script = format!("{RESET} {CLOSE} {FORGET} SELECT {all_calls}; ");
        settings.push(whole_cursors);
        Self {
            script,
            calls,
            all_calls,
            parameters: settings,
            lock_wait: positive(config.lock_wait).unwrap_or_default(),
            lock_timeout: positive(config.lock_timeout),
            retries: config.retries,
            step_timeout: positive(config.step_timeout),
        }
    }

    /// The statements that bring the session back to a known state, whatever
    /// the step before did to it.
    pub(super) fn script(&self) -> &str {
        &self.script
    }

    /// What takes back what the step before did to the session, but for
    /// statements that it prepared by SQL; those need [`FORGET`], which costs
    /// much and is hardly ever needed.
    pub(super) fn reset(&self) -> String {
        format!("{RESET} {CLOSE}")
    }

    /// The calls that make the settings, as a list for SELECT.
    pub(super) fn calls(&self) -> &str {
        &self.all_calls
    }

    /// The settings by themselves, for a session that begins with them.
    pub(super) fn parameters(&self) -> &[(&'static str, String)] {
        &self.parameters
    }

    /// The same without a result, for a script that somebody else runs.
    pub(super) fn quiet_script(&self) -> String {
        let body = dollar_quoted(&format!("BEGIN PERFORM {}; END", self.calls));
        format!("{RESET}\nSET client_encoding = 'UTF8';\nDO {body};\n")
    }
}

fn positive(duration: SignedDuration) -> Option<Duration> {
    Duration::try_from(duration).ok().filter(|duration| !duration.is_zero())
}

/// Each schema quoted, so that the list is right whatever the names hold.
fn search_path(text: &str) -> String {
    let schemas = text.split(',').map(|schema| quote_identifier(schema.trim().trim_matches('"')));
    schemas.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_sent_as_sql() {
        let config = SessionConfig { search_path: "app, \"$user\", o'x".into(), ..SessionConfig::default() };
        insta::assert_snapshot!(Settings::new(&config).script(), @r#"RESET SESSION AUTHORIZATION; DISCARD TEMP; RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD SEQUENCES; DO $forget$ DECLARE found pg_catalog.text; BEGIN FOR found IN SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql LOOP EXECUTE pg_catalog.format('DEALLOCATE %I', found); END LOOP; END $forget$; SELECT pg_catalog.set_config('search_path', '"app", "$user", "o''x"', false), pg_catalog.set_config('standard_conforming_strings', 'on', false), pg_catalog.set_config('backslash_quote', 'safe_encoding', false), pg_catalog.set_config('transform_null_equals', 'off', false), pg_catalog.set_config('check_function_bodies', 'on', false), pg_catalog.set_config('lock_timeout', '5000', false), pg_catalog.set_config('statement_timeout', '0', false), pg_catalog.set_config('idle_in_transaction_session_timeout', '300000', false), pg_catalog.set_config('cursor_tuple_fraction', '1', false);"#);
    }
}
