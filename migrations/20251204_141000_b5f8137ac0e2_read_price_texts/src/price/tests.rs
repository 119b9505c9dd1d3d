use super::{Reason, read};

/// What a text is read as: `1299.00 EUR`, or the reason why not.
fn shown(text: &str) -> String {
    match read(text) {
        Ok(price) => match price.currency {
            Some(currency) => format!("{} {}", price.amount, currency.code()),
            None => price.amount.to_string(),
        },
        Err(reason) => reason.to_string(),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(shown(text), *expected, "{text}");
    }
}

#[test]
fn the_currency_stands_on_either_side_as_a_sign_a_code_or_a_word() {
    check(&[
        ("€ 1.299,00", "1299.00 EUR"),
        ("$12", "12.00 USD"),
        ("12 USD", "12.00 USD"),
        ("US$ 12", "12.00 USD"),
        ("C$40", "40.00 CAD"),
        ("49 Euro", "49.00 EUR"),
        ("1'299.50 Fr.", "1299.50 CHF"),
        ("12,800円", "12800.00 JPY"),
        ("149,99 zł", "149.99 PLN"),
        ("EUR 12 €", "12.00 EUR"),
        ("GBP15", "15.00 GBP"),
    ]);
}

#[test]
fn marks_are_for_thousands_or_for_decimals() {
    check(&[
        ("£1,250", "1250.00 GBP"),
        ("1.250 €", "1250.00 EUR"),
        ("1.25 €", "1.25 EUR"),
        ("1,5 €", "1.50 EUR"),
        ("$1,234,567.89", "1234567.89 USD"),
        ("1 234 567,89 €", "1234567.89 EUR"),
        ("1\u{a0}299 €", "1299.00 EUR"),
        ("1\u{202f}299,5 €", "1299.50 EUR"),
        ("1’299.– CHF", "1299.00 CHF"),
        ("CHF 5.–", "5.00 CHF"),
        ("5,-- €", "5.00 EUR"),
        ("€12.", "12.00 EUR"),
    ]);
}

#[test]
fn marks_in_other_places_are_no_number() {
    check(&[
        ("1.2.3 €", "not a number"),
        ("1.29.000 €", "not a number"),
        ("12,34,56 €", "not a number"),
        ("1234.567 €", "not a number"),
        ("1'29 CHF", "not a number"),
        ("1.2345 €", "not a number"),
        ("1,299.000,00 €", "not a number"),
    ]);
}

#[test]
fn what_is_given_away_costs_nothing() {
    check(&[("free", "0.00"), ("FREE!", "0.00"), ("Zu verschenken", "0.00"), ("0 €", "0.00 EUR")]);
}

#[test]
fn words_that_do_not_change_the_price_are_passed_over() {
    check(&[("120 € VB", "120.00 EUR"), ("$80 obo", "80.00 USD"), ("nur 5 EUR!", "5.00 EUR")]);
}

#[test]
fn what_is_no_single_price_is_refused_with_the_reason() {
    check(&[
        ("", "no amount"),
        ("make an offer", "no amount"),
        ("€", "no amount"),
        ("450", "no currency"),
        ("10–20 €", "more than one amount"),
        ("2 for £5", "more than one amount"),
        ("€ 12 / $ 14", "more than one currency"),
        ("12 €/$", "more than one currency"),
        ("-5 €", "below zero"),
        ("€ -5", "below zero"),
        ("450 kr", "could be DKK, NOK or SEK"),
        ("ab 12 €", "words that are not understood"),
        ("12 € plus shipping", "words that are not understood"),
        ("12 BTC", "words that are not understood"),
        ("10 000 000 000 €", "too large"),
        ("99999999999999999999999 €", "too large"),
    ]);
    assert_eq!(read("9.999.999.999,99 €").map(|price| price.amount.to_string()), Ok("9999999999.99".into()));
    assert_eq!(read("１２ €"), Err(Reason::NoAmount), "digits of other scripts are not guessed at");
}

mod properties {
    use proptest::prelude::*;

    use super::super::read;

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn any_text_of_the_alphabet_of_prices_has_an_answer(text in "[0-9.,' –€$krv-]{0,24}") {
            let _ = read(&text);
        }

        #[test]
        fn an_amount_is_read_back(hundredths in 0_u64..=999_999_999_999) {
            let (whole, decimals) = (hundredths / 100, hundredths % 100);
            let plain = format!("{whole}.{decimals:02}");
            let price = read(&format!("{plain} EUR")).expect("a price");
            prop_assert_eq!(price.amount.to_string(), plain);
            let grouped = format!("€ {},{decimals:02}", grouped(whole));
            prop_assert_eq!(read(&grouped).expect("a price"), price);
        }
    }

    fn grouped(whole: u64) -> String {
        match whole {
            0..1000 => whole.to_string(),
            _ => format!("{}.{:03}", grouped(whole / 1000), whole % 1000),
        }
    }
}
