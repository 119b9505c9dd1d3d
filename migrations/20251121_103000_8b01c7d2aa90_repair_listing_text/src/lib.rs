//! Repairs the titles and descriptions of listings whose text was read in the
//! wrong character set.
//!
//! What is text and what is damage, the module [`repair`] knows. Here are the
//! rows: which are read, how they are changed, and how they come back.

mod repair;
#[cfg(test)]
mod tests;

use plugin_sdk::RowWriter;
use plugin_sdk::prelude::*;

use repair::repair;

/// Repairs listing text that was read in the wrong character set.
#[derive(Params)]
struct RepairListingText;

plugin_sdk::export!(RepairListingText);

/// Holds both texts of each listing that was repaired: the old one to put back,
/// the new one to tell whether somebody has edited the listing since.
const SAVED: &str = "public.listing_text_before_repair";

const CREATE_SAVED: &str = "
    CREATE TABLE public.listing_text_before_repair (
        listing_id           uuid PRIMARY KEY REFERENCES public.listings ON DELETE CASCADE,
        title                text NOT NULL,
        description          text,
        repaired_title       text NOT NULL,
        repaired_description text,
        updated_at           timestamptz NOT NULL,
        repaired_at          timestamptz NOT NULL DEFAULT now()
    )";

/// How many repaired titles are shown, so that the operator sees what happens.
const EXAMPLES: u64 = 3;

/// Text in ASCII cannot be damaged, and need not leave the server.
const READ_BEYOND_ASCII: &str = "
    SELECT id, title, description, updated_at FROM public.listings
    WHERE octet_length(title) > char_length(title) OR octet_length(description) > char_length(description)";

/// The old text is compared, since others may have edited a listing between the
/// reading and this.
const WRITE_REPAIRED: &str = "
    UPDATE public.listings AS listing
    SET title = saved.repaired_title, description = saved.repaired_description
    FROM public.listing_text_before_repair AS saved
    WHERE listing.id = saved.listing_id
        AND listing.title = saved.title
        AND listing.description IS NOT DISTINCT FROM saved.description";

/// Each column comes back where it still is what the repair wrote. The time of
/// the last change comes back with them, unless there was a change since; a
/// trigger that keeps it lets an explicit value pass.
const WRITE_SAVED: &str = "
    UPDATE public.listings AS listing
    SET title = CASE WHEN listing.title = saved.repaired_title THEN saved.title ELSE listing.title END,
        description = CASE WHEN listing.description = saved.repaired_description
            THEN saved.description ELSE listing.description END,
        updated_at = CASE WHEN listing.updated_at = saved.repaired_at
            THEN saved.updated_at ELSE listing.updated_at END
    FROM public.listing_text_before_repair AS saved
    WHERE listing.id = saved.listing_id
        AND (listing.title = saved.repaired_title AND saved.title <> saved.repaired_title
            OR listing.description = saved.repaired_description
                AND saved.description <> saved.repaired_description)";

/// A listing's text as it is.
#[derive(FromRow)]
struct Listing<'a> {
    id: Uuid,
    title: &'a str,
    description: Option<&'a str>,
    updated_at: TimestampTz,
}

/// A listing's text as it was and as it is to be.
#[derive(ToRow)]
struct SavedText<'a> {
    listing_id: Uuid,
    title: &'a str,
    description: Option<&'a str>,
    repaired_title: &'a str,
    repaired_description: Option<&'a str>,
    updated_at: TimestampTz,
}

impl Migration for RepairListingText {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        tx.execute(CREATE_SAVED, &[])?;
        let counts = save_repaired_texts(tx)?;
        let repaired = tx.execute(WRITE_REPAIRED, &[])?;
        info!(
            "repaired {repaired} of {} listings with text beyond ASCII (titles: {}, descriptions: {})",
            counts.read, counts.titles, counts.descriptions
        );
        if repaired < counts.listings {
            warn!("left alone, since they were edited meanwhile: {}", counts.listings - repaired);
        }
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let restored = tx.execute(WRITE_SAVED, &[])?;
        tx.execute("DROP TABLE public.listing_text_before_repair", &[])?;
        info!("listings whose text was put back: {restored}");
        Ok(())
    }

    fn capabilities() -> Vec<Capability> {
        let tables = ["public.listings", SAVED];
        vec![
            Capability::new("read", tables, "reads the texts, and what they were"),
            Capability::new("write", tables, "writes the repaired texts, and saves what they were"),
            Capability::new("ddl", ["public"], "creates the table that saves the old texts"),
            Capability::new("drop", ["public"], "drops that table again"),
        ]
    }
}

/// What was found.
#[derive(Default)]
struct Counts {
    read: u64,
    listings: u64,
    titles: u64,
    descriptions: u64,
}

/// Reads the listings, and writes the damaged ones, with their repaired text, to
/// the table of saved texts. What waits there is applied from there: an update by
/// key would send the same texts a second time.
fn save_repaired_texts(tx: &Transaction) -> Result<Counts> {
    let mut counts = Counts::default();
    let listings = tx.read::<Listing>(READ_BEYOND_ASCII, &[])?;
    let mut saved = tx.insert(SAVED).open::<SavedText>()?;
    listings.for_each(|listing| save_if_damaged(&listing, &mut saved, &mut counts))?;
    saved.finish()?;
    Ok(counts)
}

fn save_if_damaged(
    listing: &Listing<'_>,
    saved: &mut RowWriter<'_, SavedText<'_>>,
    counts: &mut Counts,
) -> Result<()> {
    let title = repair(listing.title);
    let description = listing.description.and_then(repair);
    counts.read += 1;
    counts.titles += u64::from(title.is_some());
    counts.descriptions += u64::from(description.is_some());
    if title.is_none() && description.is_none() {
        return Ok(());
    }
    counts.listings += 1;
    if let Some(repaired) = title.as_deref().filter(|_| counts.titles <= EXAMPLES) {
        info!("for example\nbefore: {}\nafter:  {repaired}", listing.title);
    }
    saved.write(&SavedText {
        listing_id: listing.id,
        title: listing.title,
        description: listing.description,
        repaired_title: title.as_deref().unwrap_or(listing.title),
        repaired_description: description.as_deref().or(listing.description),
        updated_at: listing.updated_at,
    })
}
