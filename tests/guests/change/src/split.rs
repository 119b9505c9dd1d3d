//! The change itself: what the guest and the native program have in common.

/// Splits a whole name at its first space; a single name has no last name.
pub fn split_name(name: &str) -> (&str, Option<&str>) {
    match name.split_once(' ') {
        Some((first, last)) => (first, Some(last)),
        None => (name, None),
    }
}

/// The text in small letters.
pub fn lowercase(text: &str) -> String {
    text.to_lowercase()
}
