//! One form for each kind of text. Knows nothing of databases.

use plugin_sdk::Params;
use unicode_normalization::UnicodeNormalization;

/// One step of bringing a text into its form.
#[derive(Clone, Copy, Debug, PartialEq, Params)]
pub enum Step {
    /// Unicode's composed form: a letter and its accents become one character.
    Nfc,
    /// The same, and what only looks different becomes the same: `ﬁ`, `①`, `Ａ`.
    Nfkc,
    /// No white space at either end.
    Trim,
    /// One space for each run of white space, and none at either end.
    Squeeze,
    /// Small letters.
    Lower,
    /// Capital letters.
    Upper,
    /// An e-mail address, its domain in small letters.
    Email,
    /// A phone number in the form of E.164: `+493012345678`.
    Phone,
}

/// How many bytes the part before the `@` can have, and how many the whole address
/// (RFC 5321, 4.5.3.1).
const LONGEST_LOCAL: usize = 64;
const LONGEST_ADDRESS: usize = 254;

/// Takes the steps one after the other.
///
/// # Errors
///
/// Says why the text is no address or number. The country is that of numbers without
/// one.
pub fn normalize(text: &str, steps: &[Step], country: Option<&str>) -> Result<String, String> {
    steps.iter().try_fold(text.to_owned(), |text, step| match step {
        Step::Nfc => Ok(text.nfc().collect()),
        Step::Nfkc => Ok(text.nfkc().collect()),
        Step::Trim => Ok(text.trim_matches(is_space).to_owned()),
        Step::Squeeze => Ok(squeeze(&text)),
        Step::Lower => Ok(text.to_lowercase()),
        Step::Upper => Ok(text.to_uppercase()),
        Step::Email => email(text.trim_matches(is_space)),
        Step::Phone => phone(text.trim_matches(is_space), country),
    })
}

/// White space, and what is as invisible: zero width spaces and byte order marks.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

fn squeeze(text: &str) -> String {
    text.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The address with its domain in small letters. The part before the `@` stays: only
/// its server knows whether case matters there.
fn email(text: &str) -> Result<String, String> {
    let (local, domain) = text.rsplit_once('@').ok_or("has no @")?;
    if local.is_empty() || domain.is_empty() {
        return Err("has nothing on one side of the @".into());
    }
    if !local.split('.').all(is_atom) {
        return Err("has before the @ what no address has there".into());
    }
    let domain: String = domain.nfc().collect::<String>().to_lowercase();
    let labels: Vec<&str> = domain.split('.').collect();
    if labels.len() < 2 || !labels.iter().all(|label| is_label(label)) {
        return Err("has no domain after the @".into());
    }
    let address = format!("{local}@{domain}");
    match local.len() <= LONGEST_LOCAL && address.len() <= LONGEST_ADDRESS {
        true => Ok(address),
        false => Err("is longer than an address can be".into()),
    }
}

/// What stands between the dots before the @ (RFC 5322's atom, and RFC 6531's letters
/// beyond ASCII). Quoted parts are left out: nobody has them.
fn is_atom(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

fn is_label(label: &str) -> bool {
    let fits =
        |c: char| c.is_alphanumeric() || c == '-' || (!c.is_ascii() && !is_space(c) && !c.is_control());
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(fits)
}

/// The number in the form of E.164.
fn phone(text: &str, country: Option<&str>) -> Result<String, String> {
    let dialled = text.replace("(0)", "");
    let is_international = dialled.starts_with('+') || dialled.starts_with("00");
    let number = match country {
        Some(country) => phonelib::PhoneNumber::try_parse_with_country(&dialled, country),
        None if is_international => phonelib::PhoneNumber::try_parse(&dialled),
        None => return Err("has no country, and the parameter `country` names none".into()),
    };
    let number = number.map_err(|error| format!("is no phone number: {error}"))?;
    match number.extension() {
        Some(_) => Err("has an extension, for which E.164 has no place".into()),
        None => Ok(number.e164().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    fn one(step: Step, text: &str) -> String {
        normalize(text, &[step], Some("DE")).unwrap_or_else(|reason| format!("! {reason}"))
    }

    #[test]
    fn unicode_forms_are_those_of_the_standard() {
        // From NormalizationTest.txt: source, NFC, NFKC.
        for (source, nfc, nfkc) in [
            ("\u{1e0a}\u{323}", "\u{1e0c}\u{307}", "\u{1e0c}\u{307}"),
            ("e\u{301}", "é", "é"),
            ("\u{212b}", "\u{c5}", "\u{c5}"),
            ("ﬁ", "ﬁ", "fi"),
            ("①Ａ™", "①Ａ™", "1ATM"),
            ("가", "가", "가"),
            ("\u{1100}\u{1161}", "가", "가"),
            ("¼", "¼", "1⁄4"),
        ] {
            assert_eq!(one(Step::Nfc, source), nfc);
            assert_eq!(one(Step::Nfkc, source), nfkc);
        }
    }

    #[test]
    fn white_space_and_case() {
        assert_eq!(one(Step::Trim, " \u{a0}a  b\u{200b}\n"), "a  b");
        assert_eq!(one(Step::Squeeze, "\ta \u{3000} b\u{a0}c "), "a b c");
        assert_eq!(one(Step::Lower, "ÀÉ ΟΔΟΣ"), "àé οδος");
        assert_eq!(one(Step::Upper, "straße"), "STRASSE");
        assert_eq!(normalize(" E\u{301}té ", &[Step::Nfc, Step::Lower, Step::Trim], None).unwrap(), "été");
    }

    #[test]
    fn addresses_are_checked_and_their_domain_is_lowered() {
        assert_eq!(one(Step::Email, " Ada.Lovelace+x@Example.ORG "), "Ada.Lovelace+x@example.org");
        assert_eq!(one(Step::Email, "jörg@BÜCHER.example"), "jörg@bücher.example");
        for (wrong, reason) in [
            ("", "has no @"),
            ("ada", "has no @"),
            ("@example.org", "one side"),
            ("ada@", "one side"),
            ("ada@localhost", "has no domain"),
            ("ada@-x.org", "has no domain"),
            ("ada@a..b", "has no domain"),
            ("a b@example.org", "before the @"),
            ("a..b@example.org", "before the @"),
            ("a@b@example.org", "before the @"),
            (&format!("{}@example.org", "a".repeat(65)), "longer"),
        ] {
            let said = one(Step::Email, wrong);
            assert!(said.starts_with("! ") && said.contains(reason), "{wrong}: {said}");
        }
    }

    #[test]
    fn numbers_have_the_form_of_e_164() {
        for (number, expected) in [
            ("030 / 1234 5678", "+493012345678"),
            ("+49 (0)30 12345678", "+493012345678"),
            ("0049-30-12345678", "+493012345678"),
            ("0151 23456789", "+4915123456789"),
            ("+1 (650) 253-0000", "+16502530000"),
            ("+44 20 7946 0958", "+442079460958"),
            // Italy's numbers keep their zero.
            ("+39 06 698 12345", "+390669812345"),
        ] {
            assert_eq!(one(Step::Phone, number), expected, "{number}");
        }
        assert_eq!(normalize("(650) 253-0000", &[Step::Phone], Some("US")).unwrap(), "+16502530000");
        for wrong in ["", "call me", "12", "+999 123456789012345"] {
            assert!(one(Step::Phone, wrong).starts_with("! "), "{wrong}: {}", one(Step::Phone, wrong));
        }
        assert!(one(Step::Phone, "030 12345678 ext. 12").contains("has an extension"));
        assert!(normalize("030 12345678", &[Step::Phone], None).unwrap_err().contains("has no country"));
    }
}
