//! `numeric`, as the text that PostgreSQL prints.

use std::fmt;
use std::str::FromStr;

use super::{FieldError, FromField, PgType, ToField, expect_type, fixed, oid};

/// A `numeric` of any size, as PostgreSQL prints it: trailing zeros are kept,
/// and there are `NaN`, `Infinity` and `-Infinity`.
///
/// There is no arithmetic here: compute in SQL, or with a decimal crate of your
/// choice over [`as_str`](Self::as_str).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Numeric(String);

impl Numeric {
    /// The number's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest floating-point number.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<i64> for Numeric {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

/// Takes an optional sign and digits with at most one point between them, or one
/// of the three names. No exponent.
impl FromStr for Numeric {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        Digits::parse(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromField<'_> for Numeric {
    fn reads(ty: PgType<'_>) -> bool {
        ty.oid == oid::NUMERIC
    }

    fn readable() -> String {
        "numeric".to_owned()
    }

    fn from_bytes(_: PgType<'_>, bytes: &[u8]) -> Result<Self, FieldError> {
        numeric_from_binary(bytes).map(Self)
    }
}

impl ToField for Numeric {
    const OID: u32 = oid::NUMERIC;

    fn writes(ty: PgType<'_>) -> bool {
        expect_type(ty, oid::NUMERIC)
    }

    fn writable() -> String {
        "numeric".to_owned()
    }

    fn encode(&self, _: PgType<'_>, out: &mut Vec<u8>) -> Result<(), FieldError> {
        numeric_to_binary(&self.0, out)
    }
}

// The sign field of the binary format.
const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// The most digits that PostgreSQL keeps behind the point.
const MAX_SCALE: usize = 16383;

/// The binary format: digits in base 10,000, the first of them worth
/// 10,000 to the power of `weight`, shown with `scale` places behind the point.
struct Digits {
    groups: Vec<u16>,
    weight: i16,
    sign: u16,
    scale: u16,
}

/// Reads the binary format into the text that the server prints.
fn numeric_from_binary(bytes: &[u8]) -> Result<String, FieldError> {
    Ok(Digits::from_binary(bytes)?.to_text())
}

/// Appends the binary format of a number that is given as text.
pub(crate) fn numeric_to_binary(text: &str, out: &mut Vec<u8>) -> Result<(), FieldError> {
    Digits::parse(text)?.to_binary(out);
    Ok(())
}

impl Digits {
    fn special(sign: u16) -> Self {
        Self { groups: Vec::new(), weight: 0, sign, scale: 0 }
    }

    fn from_binary(bytes: &[u8]) -> Result<Self, FieldError> {
        let (head, tail) = bytes.split_first_chunk::<8>().ok_or_else(broken)?;
        let field = |index: usize| u16::from_be_bytes([head[index], head[index + 1]]);
        let groups = tail.chunks(2).map(fixed::<2>);
        let groups = groups.map(|group| group.map(u16::from_be_bytes)).collect::<Result<Vec<_>, _>>();
        let groups = groups.map_err(|_| broken())?;
        let digits = Self { weight: field(2).cast_signed(), sign: field(4), scale: field(6), groups };
        let known_sign = matches!(digits.sign, POSITIVE | NEGATIVE | NAN | INFINITY | NEGATIVE_INFINITY);
        let in_base = digits.groups.iter().all(|group| *group < 10_000);
        let fits = usize::from(field(0)) == digits.groups.len();
        let in_scale = usize::from(digits.scale) <= MAX_SCALE;
        match known_sign && in_base && fits && in_scale {
            true => Ok(digits),
            false => Err(broken()),
        }
    }

    fn to_binary(&self, out: &mut Vec<u8>) {
        // `parse` keeps the weight within an `i16`, and the scale within its own
        // limit, so there are fewer groups than fit.
        out.extend_from_slice(&(self.groups.len() as u16).to_be_bytes());
        out.extend_from_slice(&self.weight.to_be_bytes());
        out.extend_from_slice(&self.sign.to_be_bytes());
        out.extend_from_slice(&self.scale.to_be_bytes());
        for group in &self.groups {
            out.extend_from_slice(&group.to_be_bytes());
        }
    }

    fn parse(text: &str) -> Result<Self, FieldError> {
        match text {
            "NaN" => return Ok(Self::special(NAN)),
            "Infinity" => return Ok(Self::special(INFINITY)),
            "-Infinity" => return Ok(Self::special(NEGATIVE_INFINITY)),
            _ => {}
        }
        let (sign, number) = match text.strip_prefix('-') {
            Some(number) => (NEGATIVE, number),
            None => (POSITIVE, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(FieldError::new(format!("`{text}` is not a number")));
        }
        Self::from_parts(sign, whole.trim_start_matches('0'), fraction)
            .ok_or_else(|| FieldError::new("is a number larger than PostgreSQL allows"))
    }

    /// Groups the digits in fours, counted from the point in both directions,
    /// and leaves out the groups of zeros at both ends.
    fn from_parts(sign: u16, whole: &str, fraction: &str) -> Option<Self> {
        if fraction.len() > MAX_SCALE {
            return None;
        }
        let padding = (4 - whole.len() % 4) % 4;
        let whole_groups = whole.len().div_ceil(4);
        let mut digits = vec![b'0'; padding];
        digits.extend_from_slice(whole.as_bytes());
        digits.extend_from_slice(fraction.as_bytes());
        digits.resize(digits.len().next_multiple_of(4), b'0');
        let group = |four: &[u8]| four.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        let groups: Vec<u16> = digits.chunks(4).map(group).collect();

        let scale = fraction.len() as u16;
        let Some(first) = groups.iter().position(|group| *group != 0) else {
            return Some(Self { groups: Vec::new(), weight: 0, sign: POSITIVE, scale });
        };
        let last = groups.iter().rposition(|group| *group != 0)?;
        let weight = i16::try_from(whole_groups as i64 - 1 - first as i64).ok()?;
        Some(Self { groups: groups[first..=last].to_vec(), weight, sign, scale })
    }

    fn to_text(&self) -> String {
        match self.sign {
            NAN => return "NaN".to_owned(),
            INFINITY => return "Infinity".to_owned(),
            NEGATIVE_INFINITY => return "-Infinity".to_owned(),
            _ => {}
        }
        let mut text = String::with_capacity(16 + 4 * self.groups.len());
        if self.sign == NEGATIVE {
            text.push('-');
        }
        let sign = text.len();
        (0..=i32::from(self.weight)).for_each(|index| self.push_group(index, &mut text));
        let digits = text[sign..].trim_start_matches('0').len();
        text.replace_range(sign..text.len() - digits, "");
        if digits == 0 {
            text.push('0');
        }
        if self.scale > 0 {
            text.push('.');
            let end = text.len() + usize::from(self.scale);
            let first = i32::from(self.weight) + 1;
            let count = i32::from(self.scale.div_ceil(4));
            (first..first + count).for_each(|index| self.push_group(index, &mut text));
            text.truncate(end);
        }
        text
    }

    /// Appends four digits; zeros before the first group and behind the last.
    fn push_group(&self, index: i32, text: &mut String) {
        let group = usize::try_from(index).ok().and_then(|index| self.groups.get(index));
        let group = group.copied().unwrap_or(0);
        for unit in [1000, 100, 10, 1] {
            text.push(char::from(b'0' + (group / unit % 10) as u8));
        }
    }
}

#[cold]
fn broken() -> FieldError {
    FieldError::new("is not a number in PostgreSQL's binary format")
}

#[cfg(test)]
mod tests;
