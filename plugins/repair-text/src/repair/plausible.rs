//! Whether people write such a thing: the judgement that decides between a text
//! as it stands and what it could have been before it was damaged.
//!
//! Nothing here knows how text is damaged.

/// How readily a single character is believed when it comes out of a repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Latin and Greek letters, punctuation, symbols, box drawing, emoji: stands
    /// anywhere.
    Common,
    /// A mark that combines with the letter before it.
    Accent,
    /// A letter of a script in daily use that is not written in one word with
    /// Latin letters.
    Foreign,
    /// Something that turns up by chance as easily as on purpose: believed only
    /// in a run of letters of other scripts.
    Rare,
    /// An accent with no letter below it: what a first damage left of È or 😀.
    /// Believed only beside other characters that come out with it.
    Fragment,
    /// A control character. In a text that was damaged twice it is what the first
    /// damage left; otherwise it is nothing that people write.
    Control,
    /// Not a character that people write.
    Never,
}

/// Sorts a character that is not ASCII. The ranges are blocks of Unicode, or the
/// part of a block that is in use.
pub fn kind(character: char) -> Kind {
    match character {
        '\u{80}'..='\u{9f}' => Kind::Control,
        // Latin. Of Extended-B only ƒ, and Vietnamese and Romanian letters.
        '\u{a0}'..='\u{17f}' | 'ƒ' | 'Ơ' | 'ơ' | 'Ư' | 'ư' | 'Ș'..='ț' | '\u{1e00}'..='\u{1eff}' => {
            Kind::Common
        }
        'ﬀ'..='ﬆ' => Kind::Common,
        'ˆ' | 'ˇ' | '˘'..='˝' => Kind::Fragment,
        // Greek, which is also what mathematics and units are written in, though
        // not with accents.
        'Α'..='Ω' | 'α'..='ω' | 'ϑ'..='ϖ' => Kind::Common,
        '\u{384}'..='\u{3ce}' => Kind::Foreign,
        // Punctuation, joiners, currencies, arrows, mathematics, technical
        // signs, box drawing, shapes, dingbats, braille.
        '\u{2000}'..='\u{2064}' | '\u{2066}'..='\u{20c0}' | '\u{20d0}'..='\u{20f0}' => Kind::Common,
        '\u{2100}'..='\u{218b}' | '\u{2190}'..='\u{2426}' | '\u{2460}'..='\u{2bff}' => Kind::Common,
        '\u{3000}'..='\u{303f}' => Kind::Common,
        // Raised letters, as in 2ᵉ.
        '\u{1d2c}'..='\u{1d6a}' => Kind::Common,
        // Variation selectors, the byte order mark, full width, U+FFFD, Apple's
        // logo as Mac Roman has it.
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}'..='\u{ffee}' | '\u{fffc}' | '\u{fffd}' | '\u{f8ff}' => {
            Kind::Common
        }
        // Mathematical letters; everything from Mahjong tiles to emoji; the tags
        // that make flags.
        '\u{1d400}'..='\u{1d7ff}' | '\u{1f000}'..='\u{1fbff}' | '\u{e0020}'..='\u{e007f}' => Kind::Common,
        // The accents that decomposed European text is made of.
        '\u{300}'..='\u{30c}' | '\u{323}' | '\u{326}'..='\u{328}' => Kind::Accent,
        // Cyrillic, Hebrew, Arabic, Devanagari, Thai, Georgian, kana, Han, Hangul.
        'Ѐ'..='џ' | 'Ґ' | 'ґ' | 'א'..='ת' | '\u{60c}'..='\u{6d3}' | '\u{6f0}'..='\u{6f9}' => {
            Kind::Foreign
        }
        '\u{900}'..='\u{97f}' | 'ก'..='\u{e5b}' | 'ა'..='ჿ' => Kind::Foreign,
        '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '가'..='힣' => Kind::Foreign,
        // Accents and vowel signs that no property of `char` tells.
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{980}'..='\u{dff}' => Kind::Rare,
        _ if character.is_alphanumeric() => Kind::Rare,
        _ => Kind::Never,
    }
}

/// What stands around a part of a text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings {
    /// The character before the part.
    pub before: Option<char>,
    /// The character behind the part.
    pub after: Option<char>,
    /// Whether two capitals stand before the part.
    pub in_capitals: bool,
    /// The quotation marks before the part.
    pub quotes: Quotes,
}

impl Surroundings {
    /// Whether a letter in this place would be in one word with a Latin letter.
    pub fn touch_latin(self) -> bool {
        [self.before, self.after].into_iter().flatten().any(is_latin)
    }

    /// Whether a letter stands before.
    pub fn follow_letter(self) -> bool {
        self.before.is_some_and(char::is_alphabetic)
    }

    fn end_word(self) -> bool {
        !self.after.is_some_and(char::is_alphanumeric)
    }
}

/// Which kinds of quotation marks have been seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quotes {
    double: bool,
    single: bool,
    angled: bool,
    single_angled: bool,
}

impl Quotes {
    /// Takes note of a character. The closing mark counts as well: Finnish and
    /// Swedish open with it, and others open with what English closes with. Not
    /// so the single one: it is an apostrophe first of all.
    pub fn note(&mut self, character: char) {
        match character {
            '“' | '”' | '„' => self.double = true,
            '‘' | '‚' => self.single = true,
            '«' | '»' => self.angled = true,
            '‹' | '›' => self.single_angled = true,
            _ => {}
        }
    }

    fn can_close(self, character: char) -> bool {
        match character {
            '“' | '”' => self.double,
            '‘' | '’' => self.single,
            '«' | '»' => self.angled,
            '‹' | '›' => self.single_angled,
            _ => false,
        }
    }
}

/// Whether the two to four characters of `part` make sense as they stand, so that
/// it takes more than a possible other reading, `decoded`, to change them.
///
/// The cases are those in which sound text happens to look like one UTF-8 sequence
/// in a wrong set: a letter or a sign that is a lead byte there, followed by marks
/// or letters that are continuation bytes.
pub fn makes_sense(part: &[char], decoded: char, around: Surroundings) -> bool {
    let Some((&first, rest)) = part.split_first() else {
        return false;
    };
    is_quoted_letter(first, rest, around)
        || is_word_with_mark(first, rest, decoded, around)
        || is_mark_with_word(first, rest, around)
        || is_word(first, rest)
        || is_formula(first, rest, around)
        || is_amount(first, rest, around)
}

/// `“Ã”`: a letter that the text is about.
fn is_quoted_letter(letter: char, rest: &[char], around: Surroundings) -> bool {
    let mut opened = Quotes::default();
    opened.note(around.before.unwrap_or(' '));
    letter.is_alphabetic() && rest.iter().all(|&mark| opened.can_close(mark)) && around.end_word()
}

/// `“LÃ”`, `AMANHÃ…`, `HYVÄ™`, `touché…”`: a word's last letter with what may
/// follow a word.
fn is_word_with_mark(letter: char, marks: &[char], decoded: char, around: Surroundings) -> bool {
    // Not so for symbols: `â””` is └.
    if letter.is_lowercase() && decoded.is_alphabetic() && marks.iter().all(|mark| "“”‘’…–—".contains(*mark))
    {
        return true;
    }
    // A capital inside a small word is a sign of damage: `cafÃ©`. So is Â, with
    // which no word ends.
    let fits_word = around.before.is_some_and(|before| match letter.is_uppercase() {
        true => before.is_uppercase() && letter != 'Â',
        false => before.is_alphabetic() && letter.is_lowercase(),
    });
    // `PIÃ™` is PIÙ and `LÃ\u{a0}` is Là, but no small letter ends `HYVÄ™`.
    let spoils_case = letter.is_lowercase() || (decoded.is_lowercase() && around.in_capitals);
    let may_follow = |&mark: &char| match mark {
        '…' => true,
        '™' | '®' | '\u{a0}' => spoils_case,
        _ => around.quotes.can_close(mark),
    };
    fits_word && marks.iter().all(may_follow) && (around.end_word() || marks.ends_with(&['\u{a0}']))
}

/// `«été»`, ` —à`, `„Öö“`: a mark that opens, and the letters that it belongs to.
fn is_mark_with_word(mark: char, rest: &[char], around: Surroundings) -> bool {
    let has_letters = rest.iter().all(|letter| letter.is_alphabetic());
    match mark {
        '«' | '“' | '‘' | '–' | '—' | '…' | '\u{a0}' => has_letters && !around.follow_letter(),
        // Half of all damage by Mac Roman begins with these: `‚Äî`.
        '„' | '‚' => has_letters && around.after.is_some_and(|after| "“”‘’".contains(after)),
        _ => false,
    }
}

/// `Éée`: three letters as a word has them. Two are left out: `Ãš` is a damaged Ú
/// in every text that people had.
fn is_word(first: char, rest: &[char]) -> bool {
    let are = |is: fn(char) -> bool| rest.iter().all(|&letter| is(letter) && !"ªº".contains(letter));
    rest.len() == 2 && first.is_uppercase() && (are(char::is_lowercase) || are(char::is_uppercase))
}

/// `√π`, `≈∞`.
fn is_formula(operator: char, rest: &[char], around: Surroundings) -> bool {
    let apart = ![around.before, around.after].into_iter().flatten().any(char::is_alphabetic);
    "√≈∆".contains(operator) && matches!(rest, [operand] if "π∞µΩ".contains(*operand)) && apart
}

/// `£10–£20`, `≈£20`, `5×£4`, `€±5`.
fn is_amount(operator: char, rest: &[char], around: Surroundings) -> bool {
    "≈–—×÷…€«“‘".contains(operator)
        && matches!(rest, [sign] if "£¥€¢±≤≥".contains(*sign))
        && around.after.is_some_and(|after| after.is_ascii_digit())
}

fn is_latin(character: char) -> bool {
    character.is_alphabetic() && matches!(character, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

#[cfg(test)]
mod tests {
    use super::super::charset::{LATIN_1, MAC_ROMAN, WINDOWS_1252};
    use super::*;

    /// Text that was damaged twice is read back to text that was damaged once,
    /// which consists of these.
    #[test]
    fn every_character_of_the_sets_is_believed() {
        for character in WINDOWS_1252.characters().chain(MAC_ROMAN.characters()).chain(LATIN_1.characters()) {
            assert!(
                matches!(kind(character), Kind::Common | Kind::Fragment | Kind::Control),
                "{character:?}"
            );
        }
    }

    #[test]
    fn characters_are_sorted() {
        for (characters, expected) in [
            ("éŁőÅșƠ“…€→√│▼★✅❌⚠\u{fe0f}🚀👩\u{200d}🚀🇳🇱ΩπﬁỆ", Kind::Common),
            ("\u{301}\u{308}", Kind::Accent),
            ("ЖіאشहกაカらГ日本한", Kind::Foreign),
            ("ɔʌɻǎҎՎܐᄔꙮ", Kind::Rare),
            ("ˆ˜", Kind::Fragment),
            ("\u{80}\u{9d}", Kind::Control),
            ("\u{e000}\u{ffff}\u{10ffff}", Kind::Never),
        ] {
            for character in characters.chars() {
                assert_eq!(kind(character), expected, "{character:?}");
            }
        }
    }
}
