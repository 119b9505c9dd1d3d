//! `numeric`: between its text and its binary format, exactly.
//!
//! The binary format is a count of digits to the base 10,000, the weight of the
//! first of them, a sign, and the number of decimal digits after the point
//! (`dscale`), each in 16 bits; then the digits. See `numeric_send` in
//! PostgreSQL's `numeric.c`.

use super::error::ConvertError;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// What `numeric_send` gives as the scale of both infinities, and nobody reads:
/// bits of their header.
const INFINITE_SCALE: u16 = 32;

/// PostgreSQL's own limits (`numeric.c`): digits before and after the point.
const MAX_BEFORE_POINT: usize = 131_072;
const MAX_AFTER_POINT: usize = 16_383;

/// Digits to the base 10 in one to the base 10,000.
const GROUP: usize = 4;

pub(super) fn numeric_wit_to_pg(text: &str, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    match text {
        "NaN" => push_header(out, 0, 0, NAN, 0),
        "Infinity" => push_header(out, 0, 0, INFINITY, INFINITE_SCALE),
        "-Infinity" => push_header(out, 0, 0, NEGATIVE_INFINITY, INFINITE_SCALE),
        _ => finite_wit_to_pg(text, out)?,
    }
    Ok(())
}

fn finite_wit_to_pg(text: &str, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    let invalid = || ConvertError::Numeric(shortened(text));
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !only_digits(whole) || !only_digits(fraction) {
        return Err(invalid());
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > MAX_BEFORE_POINT || fraction.len() > MAX_AFTER_POINT {
        return Err(invalid());
    }
    let (groups, weight) = groups_of(whole, fraction);
    let sign = if negative && !groups.is_empty() { NEGATIVE } else { 0 };
    push_header(out, to_u16(groups.len()), weight, sign, to_u16(fraction.len()));
    for group in groups {
        out.extend(group.to_be_bytes());
    }
    Ok(())
}

/// The digits to the base 10,000 without zeros at either end, and the weight of
/// the first.
fn groups_of(whole: &str, fraction: &str) -> (Vec<u16>, i16) {
    let before = whole.len().div_ceil(GROUP);
    let padding = before * GROUP - whole.len();
    let digits = std::iter::repeat_n(b'0', padding).chain(whole.bytes()).chain(fraction.bytes());
    let mut groups = vec![0_u16; before + fraction.len().div_ceil(GROUP)];
    for (index, digit) in digits.enumerate() {
        const PLACES: [u16; GROUP] = [1000, 100, 10, 1];
        groups[index / GROUP] += u16::from(digit - b'0') * PLACES[index % GROUP];
    }
    let leading = groups.iter().take_while(|&&group| group == 0).count();
    groups.drain(..leading);
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let weight = match groups.is_empty() {
        true => 0,
        false => weight_of(before, leading),
    };
    (groups, weight)
}

fn push_header(out: &mut Vec<u8>, digits: u16, weight: i16, sign: u16, scale: u16) {
    out.extend(digits.to_be_bytes());
    out.extend(weight.to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(scale.to_be_bytes());
}

fn to_u16(count: usize) -> u16 {
    u16::try_from(count).expect("limited to PostgreSQL's number of digits")
}

/// The weight of the first group that is not zero: the group before the point
/// has the weight 0.
fn weight_of(before: usize, leading: usize) -> i16 {
    let groups = |count: usize| i32::try_from(count).expect("limited to PostgreSQL's number of digits");
    i16::try_from(groups(before) - 1 - groups(leading)).expect("limited to PostgreSQL's number of digits")
}

/// A number that is shown in an error; it may have 100,000 digits.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(super) fn numeric_pg_to_wit(data: &[u8]) -> Result<String, &'static str> {
    let (header, rest) = data.split_first_chunk::<8>().ok_or("it is too short")?;
    let [d0, d1, w0, w1, s0, s1, f0, f1] = *header;
    let count = usize::from(u16::from_be_bytes([d0, d1]));
    let weight = i16::from_be_bytes([w0, w1]);
    let scale = usize::from(u16::from_be_bytes([f0, f1]));
    let (groups, []) = rest.as_chunks::<2>() else { return Err("its length is odd") };
    if groups.len() != count {
        return Err("its length does not fit its number of digits");
    }
    if scale > MAX_AFTER_POINT {
        return Err("it has too many digits after the point");
    }
    let sign = match u16::from_be_bytes([s0, s1]) {
        0 => "",
        NEGATIVE => "-",
        NAN => return Ok("NaN".into()),
        INFINITY => return Ok("Infinity".into()),
        NEGATIVE_INFINITY => return Ok("-Infinity".into()),
        _ => return Err("its sign is unknown"),
    };
    let groups: Vec<u16> = groups.iter().map(|group| u16::from_be_bytes(*group)).collect();
    if groups.iter().any(|&group| group > 9999) {
        return Err("one of its digits is too large");
    }
    Ok(format!("{sign}{}", finite_pg_to_wit(&groups, i32::from(weight), scale)))
}

fn finite_pg_to_wit(groups: &[u16], weight: i32, scale: usize) -> String {
    let group_at = |power: i32| {
        usize::try_from(weight - power).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let mut text = String::new();
    for power in (0..=weight.max(0)).rev() {
        match text.is_empty() {
            true if group_at(power) == 0 && power > 0 => {}
            true => text.push_str(&group_at(power).to_string()),
            false => text.push_str(&format!("{:04}", group_at(power))),
        }
    }
    if scale > 0 {
        text.push('.');
        let point = text.len();
        let mut power = -1;
        while text.len() - point < scale {
            text.push_str(&format!("{:04}", group_at(power)));
            power -= 1;
        }
        text.truncate(point + scale);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        numeric_wit_to_pg(text, &mut out).expect("a number");
        out
    }

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn the_bytes_are_those_of_numeric_send() {
        // From a server: `select numeric_send(…)`.
        for (text, expected) in [
            ("0", &[0, 0, 0, 0][..]),
            ("0.00", &[0, 0, 0, 2]),
            ("1", &[1, 0, 0, 0, 1]),
            ("10000", &[1, 1, 0, 0, 1]),
            ("-12345.6700", &[3, 1, NEGATIVE, 4, 1, 2345, 6700]),
            ("0.0001", &[1, 0xFFFF, 0, 4, 1]),
            ("0.00001", &[1, 0xFFFE, 0, 5, 1000]),
            ("NaN", &[0, 0, NAN, 0]),
            ("Infinity", &[0, 0, INFINITY, 32]),
            ("-Infinity", &[0, 0, NEGATIVE_INFINITY, 32]),
        ] {
            assert_eq!(encoded(text), words(expected), "{text}");
            assert_eq!(numeric_pg_to_wit(&words(expected)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let too_long = "9".repeat(MAX_BEFORE_POINT + 1);
        let too_deep = format!("0.{}", "9".repeat(MAX_AFTER_POINT + 1));
        for text in
            ["", "-", ".", "1e5", "+1", " 1", "1,5", "nan", "0x1", "--1", "1.2.3", &too_long, &too_deep]
        {
            assert!(numeric_wit_to_pg(text, &mut Vec::new()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_largest_numbers_pass() {
        let largest = format!("{}.{}", "9".repeat(MAX_BEFORE_POINT), "9".repeat(MAX_AFTER_POINT));
        assert_eq!(numeric_pg_to_wit(&encoded(&largest)), Ok(largest));
    }

    proptest! {
        #[test]
        fn text_to_binary_to_text(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?") {
            prop_assume!(!text.starts_with("-0") || text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)));
            prop_assert_eq!(numeric_pg_to_wit(&encoded(&text)), Ok(text));
        }

        #[test]
        fn any_bytes_are_read_or_refused(data in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = numeric_pg_to_wit(&data);
        }
    }
}
