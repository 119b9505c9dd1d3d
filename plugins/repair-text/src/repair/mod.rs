//! Repairs text that was decoded with the wrong character set: UTF-8 read as
//! Windows-1252, Latin-1 or Mac Roman, such as `âœ…` and `‚úÖ` for ✅, possibly more
//! than once.
//!
//! A text is repaired **in parts**: what a template or a person wrote around the
//! damage is sound and stays. A part is a run of characters that, as bytes of the
//! wrong set, is UTF-8: one or more whole sequences of two to four bytes.
//!
//! **The criterion.** Such a run is damage unless it is more plausible as it
//! stands:
//!
//! 1. Every character that comes out must be one that people write (see
//!    `Kind`): `É”` would become ɔ, and stays. Rarer ones are believed in a run of
//!    letters of other scripts.
//! 2. Two sequences in a row do not come about by chance, and are repaired.
//! 3. One sequence alone might: it stays where it reads well as it stands
//!    (`“LÃ”`, `£10–£20`, `«été»`, `√π`), and where the letter that comes out
//!    would be of another script than the word that it is in (`touché…”`).
//! 4. A control character must not come out, unless repairing further takes it
//!    away: then the text was damaged twice.
//!
//! Judging by what comes out is what makes a frequency table of letters, or a
//! guess at the language, unnecessary. Where both readings are plausible the text
//! stays: a migration that spoils sound text is worse than one that leaves some
//! damage. What was lost stays lost, such as a no-break space that became a space
//! (`Ã la carte`).
//!
//! This module knows nothing of databases.

mod charset;
mod plausible;

pub use charset::{Charset, LATIN_1, MAC_ROMAN, WINDOWS_1252};
use plausible::{Kind, Quotes, Surroundings};

/// How many letters of other scripts in one run make a rare one believable.
const RARE_COMPANY: usize = 3;

/// How far behind a rare character to look for its company. A bound, so that the
/// time is linear in the text's length.
const RARE_HORIZON: usize = 8;

/// Which damage to look for.
pub struct Repair {
    /// The character sets that a text can have been read in. Of two readings that
    /// explain as much, the set that comes first counts.
    pub sets: Vec<&'static Charset>,
    /// How often a text can have been damaged.
    pub layers: usize,
}

impl Repair {
    /// Repairs a text. None where there is nothing to repair.
    pub fn repair(&self, text: &str) -> Option<String> {
        let mut repaired = self.once(text)?;
        for _ in 1..self.layers {
            match self.once(&repaired) {
                Some(further) => repaired = further,
                None => break,
            }
        }
        Some(repaired)
    }

    /// Takes back one layer of damage.
    fn once(&self, text: &str) -> Option<String> {
        if text.is_ascii() {
            return None;
        }
        let characters: Vec<char> = text.chars().collect();
        let mut output = Output::with_capacity(text.len());
        let mut at = 0;
        while at < characters.len() {
            at += match self.best_reading(&characters[at..], &output) {
                Ok(reading) => output.replace(&reading),
                Err(sound) => output.keep(&characters[at..at + sound]),
            };
        }
        output.is_changed.then_some(output.text)
    }

    /// The plausible reading that explains most of the characters at the start of
    /// `rest`; else how many of them to pass over.
    fn best_reading(&self, rest: &[char], output: &Output) -> Result<Reading, usize> {
        if rest[0].is_ascii() {
            return Err(rest.iter().take_while(|character| character.is_ascii()).count());
        }
        let mut best: Option<Reading> = None;
        let mut refused = 1;
        for set in &self.sets {
            let reading = Reading::longest(set, rest);
            if !self.is_plausible(&reading, rest, output) {
                // Passing over all of a long run keeps the time linear.
                refused = refused.max(if reading.decoded.len() > 1 { reading.length } else { 1 });
            } else if best.as_ref().is_none_or(|best| best.length < reading.length) {
                best = Some(reading);
            }
        }
        best.ok_or(refused)
    }

    /// The criterion: see the module's documentation.
    fn is_plausible(&self, reading: &Reading, rest: &[char], output: &Output) -> bool {
        let around = output.surroundings(rest.get(reading.length).copied());
        match reading.decoded[..] {
            [] => false,
            [alone] => is_plausible_alone(&rest[..reading.length], alone, around),
            _ => self.leaves_no_controls(reading, around.before),
        }
    }

    /// Whether nothing but text is left when this is repaired further. Accents
    /// are judged by the letter before them.
    fn leaves_no_controls(&self, reading: &Reading, before: Option<char>) -> bool {
        let has_control =
            |text: &str| text.chars().any(|character| plausible::kind(character) == Kind::Control);
        let decoded: String = before.iter().chain(&reading.decoded).collect();
        !has_control(&decoded) || self.repair(&decoded).is_some_and(|repaired| !has_control(&repaired))
    }
}

/// The text as far as it has been read.
struct Output {
    text: String,
    quotes: Quotes,
    is_changed: bool,
}

impl Output {
    fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), quotes: Quotes::default(), is_changed: false }
    }

    /// Writes sound characters. Gives the number of characters read.
    fn keep(&mut self, characters: &[char]) -> usize {
        for &character in characters {
            self.quotes.note(character);
            self.text.push(character);
        }
        characters.len()
    }

    /// What stands around the part that ends before `after`.
    fn surroundings(&self, after: Option<char>) -> Surroundings {
        let mut backwards = self.text.chars().rev();
        let before = backwards.next();
        let in_capitals =
            before.is_some_and(char::is_uppercase) && backwards.next().is_some_and(char::is_uppercase);
        Surroundings { before, after, in_capitals, quotes: self.quotes }
    }

    /// Writes what was behind the damage. Gives the number of characters read.
    fn replace(&mut self, reading: &Reading) -> usize {
        self.text.extend(&reading.decoded);
        self.is_changed = true;
        reading.length
    }
}

/// What the characters in some place could have been.
#[derive(Default)]
struct Reading {
    decoded: Vec<char>,
    /// How many characters of the damaged text it stands for.
    length: usize,
}

impl Reading {
    /// Reads sequences for as long as there are any that can be believed.
    fn longest(set: &Charset, rest: &[char]) -> Self {
        let mut reading = Self::default();
        // The reading up to the first rare character.
        let mut before_rare = None;
        let mut company = 0;
        while let Some((character, length)) = set.read_sequence(&rest[reading.length..]) {
            let kind = plausible::kind(character);
            if kind == Kind::Never {
                break;
            }
            if kind == Kind::Rare {
                before_rare.get_or_insert((reading.decoded.len(), reading.length));
            }
            // A letter behind a mark is no evidence, however often: `…é…é…é`.
            if matches!(kind, Kind::Rare | Kind::Foreign) && !rest[reading.length + 1].is_alphabetic() {
                company += 1;
            }
            reading.decoded.push(character);
            reading.length += length;
            let is_beyond_horizon = |(rare, _)| reading.decoded.len() > rare + RARE_HORIZON;
            if company < RARE_COMPANY && before_rare.is_some_and(is_beyond_horizon) {
                break;
            }
        }
        if let Some((decoded, length)) = before_rare.filter(|_| company < RARE_COMPANY) {
            reading.decoded.truncate(decoded);
            reading.length = length;
        }
        reading
    }
}

fn is_plausible_alone(part: &[char], decoded: char, around: Surroundings) -> bool {
    let can_stand = match plausible::kind(decoded) {
        Kind::Common => true,
        Kind::Accent => around.follow_letter(),
        Kind::Foreign => !around.touch_latin(),
        Kind::Fragment | Kind::Rare | Kind::Control | Kind::Never => false,
    };
    can_stand && !plausible::makes_sense(part, decoded, around)
}

#[cfg(test)]
mod tests;
