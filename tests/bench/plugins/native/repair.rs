//! What `repair-text` does.

use tokio_postgres::types::Type;

use super::peer::{Change, Field};

#[path = "../../../../plugins/repair-text/src/repair/mod.rs"]
#[allow(dead_code, unused_imports, reason = "its tests are the plugin's")]
mod repair;

use repair::{LATIN_1, MAC_ROMAN, Repair, WINDOWS_1252};

const CHANGE: Change<'_> = Change {
    begin: "
        LOCK TABLE public.listings IN SHARE ROW EXCLUSIVE MODE;
        CREATE TABLE public.listings_before_repair AS
        SELECT id AS key_id, title AS old_title, body AS old_body, title AS new_title, body AS new_body
        FROM public.listings WITH NO DATA;
        ALTER TABLE public.listings_before_repair ADD PRIMARY KEY (key_id)",
    select: "
        SELECT id, title, body FROM public.listings
        WHERE octet_length(title) > char_length(title) OR octet_length(body) > char_length(body)",
    copy: "COPY public.listings_before_repair FROM STDIN (FORMAT binary)",
    types: &[Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT],
    end: "
        UPDATE public.listings SET title = new_title, body = new_body
        FROM public.listings_before_repair WHERE key_id = id",
};

/// Repairs `public.listings`.
pub fn repair_text(url: &str) {
    let repair = Repair { sets: vec![&WINDOWS_1252, &LATIN_1, &MAC_ROMAN], layers: 4 };
    CHANGE.run(url, None, |row, _| {
        let (title, body): (Option<&str>, Option<&str>) = (row.get(1), row.get(2));
        let new = [title, body].map(|text| text.and_then(|text| repair.repair(text)));
        let is_damaged = new.iter().any(Option::is_some);
        let [new_title, new_body] = new;
        is_damaged.then(|| {
            let text = |old: Option<&'_ str>, new: Option<String>| match new {
                Some(new) => Field::text(new),
                None => Field::Text(old.map(|old| old.to_owned().into())),
            };
            [
                Field::Int8(row.get(0)),
                Field::Text(title.map(Into::into)),
                Field::Text(body.map(Into::into)),
                text(title, new_title),
                text(body, new_body),
            ]
        })
    });
}
