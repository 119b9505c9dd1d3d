//! Reads prices as sellers write them: `€ 1.299,00`, `$12`, `CHF 5.–`, `12 USD`,
//! `1'299.50 Fr.`, `zu verschenken`.
//!
//! A text is taken apart into numbers and words, and is a price where exactly one
//! number and one currency come out, and nothing that is not understood. What can
//! be read in two ways is refused with the reason: a wrong price is worse than
//! none. This module knows nothing of databases.

mod amount;
mod currency;
mod token;

use std::fmt;

pub use amount::Amount;
pub use currency::Currency;
use token::Token;

/// What something costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub amount: Amount,
    /// None for what is given away.
    pub currency: Option<Currency>,
}

/// Why a text is not a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    NoAmount,
    NoCurrency,
    ManyAmounts,
    ManyCurrencies,
    /// A sign that several currencies share.
    AmbiguousCurrency(&'static str),
    Negative,
    /// Digits and marks that do not make a number.
    NotANumber,
    TooLarge,
    /// A word that may change the meaning.
    UnknownWord,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAmount => write!(f, "no amount"),
            Self::NoCurrency => write!(f, "no currency"),
            Self::ManyAmounts => write!(f, "more than one amount"),
            Self::ManyCurrencies => write!(f, "more than one currency"),
            Self::AmbiguousCurrency(currencies) => write!(f, "could be {currencies}"),
            Self::Negative => write!(f, "below zero"),
            Self::NotANumber => write!(f, "not a number"),
            Self::TooLarge => write!(f, "too large"),
            Self::UnknownWord => write!(f, "words that are not understood"),
        }
    }
}

/// Whole texts that say that something costs nothing.
const FREE: [&str; 7] = ["free", "for free", "gratis", "gratuit", "kostenlos", "zu verschenken", "無料"];

/// Words that leave the price as it is: that it can be talked about, or cannot.
const NO_MATTER: [&str; 9] = ["vb", "vhb", "fp", "festpreis", "obo", "ono", "negotiable", "nur", "only"];

/// Reads a price.
///
/// # Errors
///
/// The first reason why the text is none.
pub fn read(text: &str) -> Result<Price, Reason> {
    let text = text.to_lowercase();
    if FREE.contains(&text.trim_matches(|c: char| !c.is_alphanumeric())) {
        return Ok(Price { amount: Amount::ZERO, currency: None });
    }
    let mut found = Found::default();
    for token in token::tokens(&text) {
        found.note(token)?;
    }
    found.price()
}

/// What was found so far.
#[derive(Default)]
struct Found {
    amount: Option<Amount>,
    currency: Option<Currency>,
    has_unknown_word: bool,
}

impl Found {
    fn note(&mut self, token: Token<'_>) -> Result<(), Reason> {
        match token {
            Token::Minus if self.amount.is_none() => Err(Reason::Negative),
            // Between two numbers, or in place of the decimals.
            Token::Minus => Ok(()),
            Token::Number(digits) => match self.amount.replace(amount::read(digits)?) {
                None => Ok(()),
                Some(_) => Err(Reason::ManyAmounts),
            },
            Token::Word(word) if NO_MATTER.contains(&word) => Ok(()),
            Token::Word(word) => match currency::read(word)? {
                Some(currency) => self.note_currency(currency),
                None => {
                    self.has_unknown_word = true;
                    Ok(())
                }
            },
        }
    }

    /// The same currency may be named twice, as in `€ 12 EUR`.
    fn note_currency(&mut self, currency: Currency) -> Result<(), Reason> {
        match self.currency.replace(currency) {
            Some(other) if other != currency => Err(Reason::ManyCurrencies),
            _ => Ok(()),
        }
    }

    /// A text without any number has no amount, whatever its words are.
    fn price(self) -> Result<Price, Reason> {
        let amount = self.amount.ok_or(Reason::NoAmount)?;
        if self.has_unknown_word {
            return Err(Reason::UnknownWord);
        }
        let currency = self.currency.ok_or(Reason::NoCurrency)?;
        Ok(Price { amount, currency: Some(currency) })
    }
}

#[cfg(test)]
mod tests;
