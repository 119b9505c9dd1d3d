//! Which partitions there are.

use plugin_kit::ident;
use plugin_sdk::prelude::*;

use crate::PartitionTable;

/// The most partitions: planning a query takes longer with each.
const MAX_PARTITIONS: usize = 1000;

/// The time that one partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Params)]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// What its name ends with.
    pub name: String,
    /// Where it begins, as SQL has it between quotes.
    pub from: String,
    /// Where the next one begins.
    pub to: String,
}

/// The partitions from the oldest row to so many after the newest one; around now
/// for a table without rows.
///
/// # Errors
///
/// More partitions than there should be, a time that is infinite, and the server's
/// error.
pub fn ranges(tx: &Transaction, plugin: &PartitionTable, time_type: &str) -> Result<Vec<Range>> {
    let starts: Vec<(String,)> = tx.query_as(&starts_sql(plugin, time_type), &[])?;
    let starts: Vec<String> = starts.into_iter().map(|(start,)| start).collect();
    let partitions = starts.len().saturating_sub(1);
    ensure!(
        (1..=MAX_PARTITIONS).contains(&partitions),
        "{} would have {partitions} or more partitions, from {} on: choose a longer `period`, or look for rows \
         with a wrong `{}`",
        plugin.table,
        starts.first().map_or("-infinity", String::as_str),
        plugin.column
    );
    let zone = if time_type == "timestamptz" { " 00:00:00+00" } else { "" };
    let range = |pair: &[String]| Range {
        name: plugin.period.name(&pair[0]),
        from: format!("{}{zone}", pair[0]),
        to: format!("{}{zone}", pair[1]),
    };
    Ok(starts.windows(2).map(range).collect())
}

/// The statement for the days on which partitions begin, and the one on which the
/// last ends; one more than there may be is enough.
pub(crate) fn starts_sql(plugin: &PartitionTable, time_type: &str) -> String {
    let (column, unit) = (ident(&plugin.column), plugin.period.unit());
    let table = crate::TableName::parse(&plugin.table).map(|table| table.sql()).unwrap_or_default();
    let in_utc = |time: &str| match time_type {
        "timestamptz" => format!("{time} at time zone 'UTC'"),
        _ => format!("{time}::timestamp"),
    };
    let (oldest, newest) = (in_utc(&format!("min({column})")), in_utc(&format!("max({column})")));
    let (ahead, limit) = (plugin.ahead + 1, MAX_PARTITIONS + 2);
    format!(
        "select to_char(start, 'YYYY-MM-DD') from (
             select date_trunc('{unit}', coalesce({oldest}, now() at time zone 'UTC')) as first,
                 date_trunc('{unit}', coalesce({newest}, now() at time zone 'UTC')) as last from {table}
         ) as found, generate_series(first, last + {ahead} * interval '1 {unit}', interval '1 {unit}') as start
         where isfinite(first) and isfinite(last) order by start limit {limit}"
    )
}

impl Period {
    fn unit(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// `2025_01` for a month that begins on `2025-01-01`.
    fn name(self, start: &str) -> String {
        let parts = match self {
            Self::Day | Self::Week => 3,
            Self::Month => 2,
            Self::Year => 1,
        };
        start.splitn(3, '-').take(parts).collect::<Vec<_>>().join("_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_named_after_their_beginning() {
        assert_eq!(Period::Year.name("2025-01-01"), "2025");
        assert_eq!(Period::Month.name("2025-01-01"), "2025_01");
        assert_eq!(Period::Week.name("2024-12-30"), "2024_12_30");
    }
}
