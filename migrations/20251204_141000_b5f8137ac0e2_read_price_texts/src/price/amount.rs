//! Numbers with marks for thousands and for decimals.

use std::fmt;

use super::Reason;

/// An amount in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(u64);

impl Amount {
    /// What costs nothing.
    pub const ZERO: Self = Self(0);

    /// The largest that fits a `numeric(12, 2)`.
    const LARGEST: u64 = 999_999_999_999;
}

/// As PostgreSQL reads a `numeric`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// Reads digits and marks, as in `1.299,00`, `1'299.5`, `1 299`.
///
/// The last mark is for decimals where one or two digits follow it, and for
/// thousands where three do: prices have no thousandths.
///
/// # Errors
///
/// Fails where the marks do not stand where they belong, and where the number is
/// too large.
pub fn read(text: &str) -> Result<Amount, Reason> {
    let is_digit = |c: char| c.is_ascii_digit();
    let marks: Vec<char> = text.chars().filter(|c| !is_digit(*c)).collect();
    let groups: Vec<&str> = text.split(|c| !is_digit(c)).collect();
    let (whole, thousands, decimals) = match (&groups[..], &marks[..]) {
        ([whole @ .., decimals], [thousands @ .., '.' | ','])
            if decimals.len() < 3 && !thousands.contains(&marks[marks.len() - 1]) =>
        {
            (whole, thousands, *decimals)
        }
        (whole, thousands) => (whole, thousands, ""),
    };
    if !are_thousands(whole, thousands) {
        return Err(Reason::NotANumber);
    }
    let digits = format!("{}{decimals:0<2}", whole.concat());
    match digits.parse() {
        Ok(hundredths) if hundredths <= Amount::LARGEST => Ok(Amount(hundredths)),
        // Only digits are left, so this too is a large number.
        _ => Err(Reason::TooLarge),
    }
}

/// Whether there is one kind of mark, before each three digits.
fn are_thousands(groups: &[&str], marks: &[char]) -> bool {
    let is_one_kind = marks.windows(2).all(|pair| pair[0] == pair[1]);
    let are_three = groups.iter().skip(1).all(|group| group.len() == 3);
    is_one_kind && are_three && (marks.is_empty() || groups[0].len() <= 3)
}
