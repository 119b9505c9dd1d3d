//! The character sets that UTF-8 is mistaken for.
//!
//! Only bytes from 0x80 are of interest: below, all of these sets are ASCII, and
//! so is UTF-8, and no harm is done.

use std::sync::LazyLock;

use encoding_rs::{Encoding, MACINTOSH, mem};

/// The bytes from 0x80 to 0xFF.
const UPPER_HALF: [u8; 128] = {
    let mut bytes = [0; 128];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = 0x80 + at as u8;
        at += 1;
    }
    bytes
};

/// A single-byte character set, seen from its characters.
#[derive(Debug)]
pub struct Charset {
    /// The characters of the bytes 0x80 to 0xFF and those bytes, in the order of
    /// the characters.
    bytes: Vec<(char, u8)>,
}

/// What UTF-8 is read as by programs on Windows, and by browsers that were told
/// nothing. The five bytes that Windows leaves undefined (81, 8D, 8F, 90, 9D)
/// are control characters, as in browsers, so that every byte can be had back.
pub static WINDOWS_1252: LazyLock<Charset> = LazyLock::new(|| Charset::of(encoding_rs::WINDOWS_1252));

/// What UTF-8 is read as by old programs on Unix and by old database drivers:
/// ISO 8859-1, in which the bytes 80 to 9F are control characters.
pub static LATIN_1: LazyLock<Charset> =
    LazyLock::new(|| Charset::from_upper_half(&mem::decode_latin1(&UPPER_HALF)));

/// What UTF-8 is read as by old programs on the Macintosh.
pub static MAC_ROMAN: LazyLock<Charset> = LazyLock::new(|| Charset::of(MACINTOSH));

impl Charset {
    /// Turns the table of `encoding_rs` around. Its own encoder works on whole
    /// texts and writes what does not fit as `&#…;`; here each character is
    /// asked about alone.
    fn of(encoding: &'static Encoding) -> Self {
        Self::from_upper_half(&encoding.decode_without_bom_handling(&UPPER_HALF).0)
    }

    fn from_upper_half(characters: &str) -> Self {
        let mut bytes: Vec<(char, u8)> = characters.chars().zip(UPPER_HALF).collect();
        bytes.sort_unstable();
        Self { bytes }
    }

    /// The byte, from 0x80, that is read as `character` in this set.
    fn byte(&self, character: char) -> Option<u8> {
        let found = self.bytes.binary_search_by_key(&character, |&(character, _)| character).ok()?;
        Some(self.bytes[found].1)
    }

    /// Reads the characters at the start of `characters` as the bytes of one
    /// UTF-8 sequence of two to four bytes. Gives the character that it encodes,
    /// and the sequence's length.
    pub fn read_sequence(&self, characters: &[char]) -> Option<(char, usize)> {
        let length = match self.byte(*characters.first()?)? {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return None,
        };
        let mut sequence = [0; 4];
        for (byte, &character) in sequence[..length].iter_mut().zip(characters.get(..length)?) {
            *byte = self.byte(character)?;
        }
        let decoded = std::str::from_utf8(&sequence[..length]).ok()?;
        Some((decoded.chars().next()?, length))
    }

    /// The text as a program shows it that reads its UTF-8 in this set.
    #[cfg(test)]
    pub fn damage(&self, text: &str) -> String {
        let character = |byte: u8| match byte {
            0..0x80 => char::from(byte),
            _ => self.bytes.iter().find(|(_, of)| *of == byte).expect("the set has every byte").0,
        };
        text.bytes().map(character).collect()
    }

    /// Every character of the set beyond ASCII.
    #[cfg(test)]
    pub fn characters(&self) -> impl Iterator<Item = char> {
        self.bytes.iter().map(|&(character, _)| character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_read_back() {
        let read = |set: &Charset, text: &str| set.read_sequence(&text.chars().collect::<Vec<_>>());
        assert_eq!(read(&WINDOWS_1252, "âœ… done"), Some(('✅', 3)));
        assert_eq!(read(&MAC_ROMAN, "‚úÖ done"), Some(('✅', 3)));
        assert_eq!(read(&WINDOWS_1252, "ðŸš€"), Some(('🚀', 4)));
        assert_eq!(read(&MAC_ROMAN, "\u{f8ff}üöÄ"), Some(('🚀', 4)));
        assert_eq!(read(&WINDOWS_1252, "Ã©"), Some(('é', 2)));
        assert_eq!(read(&WINDOWS_1252, "â€\u{9d}"), Some(('”', 3)));
        assert_eq!(read(&LATIN_1, "â\u{80}\u{9d}"), Some(('”', 3)));
    }

    #[test]
    fn what_is_no_sequence_is_none() {
        for text in ["", "e", "é", "Ã", "Ã a", "âœ", "À€", "í\u{a0}€", "√©", "日本"] {
            assert_eq!(WINDOWS_1252.read_sequence(&text.chars().collect::<Vec<_>>()), None, "{text}");
        }
    }

    #[test]
    fn all_sets_have_a_character_for_every_byte() {
        for set in [&*WINDOWS_1252, &*LATIN_1, &*MAC_ROMAN] {
            let mut characters: Vec<char> = set.characters().collect();
            characters.dedup();
            assert_eq!(characters.len(), 128);
        }
    }
}
