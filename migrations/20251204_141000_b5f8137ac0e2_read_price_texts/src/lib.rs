//! Reads the prices that crawlers saw as text into an amount and a currency, and
//! keeps what is no price in a table of its own, with the reason.
//!
//! What is a price, the module [`price`] knows. Here are the rows. The texts stay
//! where they are: they are what the page said, and reading them can become better.

mod price;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use plugin_sdk::prelude::*;

/// Reads prices that sellers wrote as text into amounts and currencies.
#[derive(Params)]
struct ReadPriceTexts;

plugin_sdk::export!(ReadPriceTexts);

const SIGHTINGS: &str = "public.price_sightings";
const REJECTS: &str = "public.price_rejects";

/// Only what is given away has an amount without a currency.
const CREATE: &str = "
    ALTER TABLE public.price_sightings
        ADD COLUMN amount numeric(12, 2) CHECK (amount >= 0),
        ADD COLUMN currency char(3) CHECK (currency ~ '^[A-Z]{3}$'),
        ADD CONSTRAINT price_sightings_amounts_have_a_currency CHECK (amount = 0 OR currency IS NOT NULL OR amount IS NULL);
    CREATE TABLE public.price_rejects (
        sighting_id bigint PRIMARY KEY REFERENCES public.price_sightings ON DELETE CASCADE,
        price_text  text NOT NULL,
        reason      text NOT NULL
    );
    COMMENT ON TABLE public.price_rejects IS 'Sightings whose text could not be read as a price, and why not.';";

const DROP: &str = "
    DROP TABLE public.price_rejects;
    ALTER TABLE public.price_sightings
        DROP CONSTRAINT price_sightings_amounts_have_a_currency,
        DROP COLUMN currency,
        DROP COLUMN amount;";

/// What a page said.
#[derive(FromRow)]
struct Sighting<'a> {
    id: i64,
    price_text: &'a str,
}

/// What it meant.
#[derive(ToRow)]
struct Reading {
    amount: Numeric,
    currency: Option<&'static str>,
}

/// What nobody knows the meaning of.
#[derive(ToRow)]
struct Reject<'a> {
    sighting_id: i64,
    price_text: &'a str,
    reason: String,
}

impl Migration for ReadPriceTexts {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        tx.script(CREATE)?;
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        let mut rejects = tx.insert(REJECTS).open::<Reject>()?;
        let counts = tx.transform::<Sighting, Reading>(SIGHTINGS).filter_map(|sighting| {
            let reason = match price::read(sighting.price_text) {
                Ok(price) => return reading(price).map(Some),
                Err(reason) => reason.to_string(),
            };
            *reasons.entry(reason.clone()).or_default() += 1;
            let Sighting { id: sighting_id, price_text } = *sighting;
            rejects.write(&Reject { sighting_id, price_text, reason })?;
            Ok(None)
        })?;
        let rejected = rejects.finish()?.written;
        info!("read {} prices, and rejected {rejected} texts", counts.updated);
        for (reason, texts) in reasons {
            info!("rejected: {reason} ({texts})");
        }
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        tx.script(DROP)
    }

    fn capabilities() -> Vec<Capability> {
        vec![
            Capability::new("read", [SIGHTINGS, REJECTS], "reads the texts"),
            Capability::new("write", [SIGHTINGS, REJECTS], "writes what they mean, or why nobody knows"),
            Capability::new("lock", [SIGHTINGS], "lets nobody add a text that would not be read"),
            Capability::new("ddl", ["public"], "adds the columns, and the table of what was rejected"),
            Capability::new("drop", ["public"], "drops them again"),
        ]
    }
}

fn reading(price: price::Price) -> Result<Reading> {
    let amount = price.amount.to_string().parse().context("an amount")?;
    Ok(Reading { amount, currency: price.currency.map(price::Currency::code) })
}
