//! `[migrations] timezone`: the clock of new revisions.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

/// The time zone of the times in a new revision's name and manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Zone {
    /// `utc`, the default: names made in two places are in the order of time.
    #[default]
    Utc,
    /// `local`: that of the machine.
    Local,
    /// A name as in `Europe/Berlin`.
    Named(TimeZone),
}

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{0}`; write `utc`, `local` or a name as in `Europe/Berlin`")]
pub struct UnknownZone(String);

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        match name.to_ascii_lowercase().as_str() {
            "utc" => Ok(Self::Utc),
            "local" => Ok(Self::Local),
            _ => TimeZone::get(&name).map(Self::Named).map_err(|_| UnknownZone(name)),
        }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        match zone {
            Zone::Utc => "utc".into(),
            Zone::Local => "local".into(),
            Zone::Named(zone) => zone.iana_name().expect("it was found by its name").into(),
        }
    }
}

impl Zone {
    /// A moment on this zone's clock. `local` is the machine's zone, which the
    /// library does not look up by itself.
    pub fn at(&self, now: Timestamp, local: &TimeZone) -> Zoned {
        now.to_zoned(match self {
            Self::Utc => TimeZone::UTC,
            Self::Local => local.clone(),
            Self::Named(zone) => zone.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_moment_on_three_clocks() {
        let now: Timestamp = "2026-07-01T12:00:00Z".parse().expect("a moment");
        let local = TimeZone::fixed(jiff::tz::offset(-3));
        let hour = |name: &str| Zone::try_from(name.to_owned()).expect("a zone").at(now, &local).hour();
        assert_eq!([hour("UTC"), hour("local"), hour("Europe/Berlin"), hour("asia/tokyo")], [12, 9, 14, 21]);
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused() {
        let error = Zone::try_from("Europe/Atlantis".to_owned()).expect_err("no zone");
        insta::assert_snapshot!(error, @"there is no time zone `Europe/Atlantis`; write `utc`, `local` or a name as in `Europe/Berlin`");
    }
}
