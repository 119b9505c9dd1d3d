//! Changes every row of a table, in the way that its parameter says: for
//! `cargo xtask bench data` and `tests/data/transform.rs`.

mod split;
mod tuples;

use plugin_sdk::prelude::*;

use split::{lowercase, split_name};

/// Changes every row of `public.users`, or of `public.readings`.
#[derive(Params)]
struct ChangeUsers {
    /// How.
    way: Way,
    /// The most rows in one batch.
    #[param(rename = "batch-rows", default = 5000)]
    batch_rows: u32,
}

#[derive(Params)]
enum Way {
    /// Typed rows, in place.
    Typed,
    /// Tuples that are taken apart and made by hand, in place.
    Tuples,
    /// Typed rows in place of the whole table.
    Rewrite,
    /// A number in each of many narrow rows, in place.
    Readings,
}

plugin_sdk::export!(ChangeUsers);

#[derive(FromRow)]
struct User<'a> {
    full_name: &'a str,
    email: &'a str,
}

#[derive(ToRow)]
struct Changed<'a> {
    first_name: &'a str,
    last_name: Option<&'a str>,
    email: String,
}

#[derive(FromRow, ToRow)]
struct Reading {
    value: i32,
}

impl Migration for ChangeUsers {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let users = || tx.transform::<User, Changed>("public.users").batch_rows(self.batch_rows);
        match self.way {
            Way::Typed => drop(users().map(|user| Ok(changed(user)))?),
            Way::Rewrite => drop(users().rewrite().map(|user| Ok(changed(user)))?),
            Way::Tuples => tuples::change(tx, self.batch_rows)?,
            Way::Readings => {
                let readings = tx.transform::<Reading, Reading>("public.readings");
                readings.batch_rows(self.batch_rows).map(|reading| {
                    let next = reading.value.checked_add(1).context("the counter is at its end");
                    Ok(Reading { value: next.in_column("value")? })
                })?;
            }
        }
        Ok(())
    }
}

fn changed<'a>(user: &User<'a>) -> Changed<'a> {
    let (first_name, last_name) = split_name(user.full_name);
    Changed { first_name, last_name, email: lowercase(user.email) }
}
