//! Currencies, as they are written.

use super::Reason;

/// A code of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency(&'static str);

impl Currency {
    /// The three letters.
    pub fn code(self) -> &'static str {
        self.0
    }
}

/// The codes that our marketplaces use, and what else they write for each. A bare
/// dollar sign is the American one: the others are told apart there.
const CURRENCIES: [(&str, &[&str]); 15] = [
    ("AUD", &["aud", "a$", "au$"]),
    ("BRL", &["brl", "r$"]),
    ("CAD", &["cad", "c$", "ca$"]),
    ("CHF", &["chf", "fr", "sfr", "franken"]),
    ("CZK", &["czk", "kč"]),
    ("DKK", &["dkk"]),
    ("EUR", &["eur", "€", "euro", "euros"]),
    ("GBP", &["gbp", "£"]),
    ("INR", &["inr", "₹"]),
    ("JPY", &["jpy", "¥", "円"]),
    ("NOK", &["nok"]),
    ("PLN", &["pln", "zł"]),
    ("SEK", &["sek"]),
    ("TRY", &["try", "₺"]),
    ("USD", &["usd", "$", "us$"]),
];

/// Signs that several currencies share.
const AMBIGUOUS: [(&str, &str); 1] = [("kr", "DKK, NOK or SEK")];

/// The currency of a word in small letters; none where it is another word.
///
/// # Errors
///
/// Fails for a sign that several currencies share.
pub fn read(word: &str) -> Result<Option<Currency>, Reason> {
    if let Some((_, currencies)) = AMBIGUOUS.iter().find(|(sign, _)| *sign == word) {
        return Err(Reason::AmbiguousCurrency(currencies));
    }
    let found = CURRENCIES.iter().find(|(_, names)| names.contains(&word));
    Ok(found.map(|(code, _)| Currency(code)))
}
