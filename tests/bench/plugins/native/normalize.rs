//! What `normalize-text` does.

use tokio_postgres::types::Type;

use super::peer::{Change, Field, Reject};

#[path = "../../../../plugins/normalize-text/src/forms.rs"]
#[allow(dead_code, unused_imports, reason = "its tests are the plugin's")]
mod forms;

use forms::{Step, normalize};

const CHANGE: Change<'_> = Change {
    begin: "
        LOCK TABLE public.customers IN SHARE ROW EXCLUSIVE MODE;
        CREATE TABLE public.customers_before_normalization AS
        SELECT id AS key_id, email AS old_email, name AS old_name, phone AS old_phone,
            email AS new_email, name AS new_name, phone AS new_phone
        FROM public.customers WITH NO DATA;
        ALTER TABLE public.customers_before_normalization ADD PRIMARY KEY (key_id);
        CREATE TABLE public.customers_normalization_rejects AS
        SELECT id AS key_id, ''::text AS column_name, ''::text AS value, ''::text AS reason
        FROM public.customers WITH NO DATA;
        ALTER TABLE public.customers_normalization_rejects ADD PRIMARY KEY (key_id, column_name)",
    select: "
        SELECT id, email, name, phone FROM public.customers
        WHERE email IS NOT NULL OR name IS NOT NULL OR phone IS NOT NULL",
    copy: "COPY public.customers_before_normalization FROM STDIN (FORMAT binary)",
    types: &[Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT],
    end: "
        UPDATE public.customers SET email = new_email, name = new_name, phone = new_phone
        FROM public.customers_before_normalization WHERE key_id = id",
};

const REJECTS: &str = "COPY public.customers_normalization_rejects FROM STDIN (FORMAT binary)";

/// In the order of the columns that are read.
const STEPS: [(&str, &[Step]); 3] = [
    ("email", &[Step::Email, Step::Lower]),
    ("name", &[Step::Nfc, Step::Squeeze]),
    ("phone", &[Step::Phone]),
];

/// Normalizes `public.customers`.
pub fn normalize_text(url: &str) {
    CHANGE.run(url, Some(REJECTS), |row, rejects| {
        let old: [Option<&str>; 3] = [row.get(1), row.get(2), row.get(3)];
        let key: i64 = row.get(0);
        let mut new = [None, None, None];
        for (place, (column, steps)) in STEPS.iter().enumerate() {
            let Some(text) = old[place] else { continue };
            match normalize(text, steps, Some("DE")) {
                Ok(form) => new[place] = (form != text).then_some(form),
                Err(reason) => rejects.push(Reject { key, column, value: text.to_owned(), reason }),
            }
        }
        new.iter().any(Option::is_some).then(|| {
            let [email, name, phone] = old.map(|text| Field::Text(text.map(Into::into)));
            let mut pairs = new.into_iter().zip(old);
            let mut next = || match pairs.next() {
                Some((Some(new), _)) => Field::text(new),
                Some((None, old)) => Field::Text(old.map(Into::into)),
                None => Field::Text(None),
            };
            [Field::Int8(key), email, name, phone, next(), next(), next()]
        })
    });
}
