use proptest::prelude::*;
use proptest::sample::select;

use super::charset::{LATIN_1, MAC_ROMAN, WINDOWS_1252};
use super::*;

const SOUND: &str = include_str!("testdata/sound.txt");
const READ_AS_MAC: &str = include_str!("testdata/utf8-read-as-mac-roman.txt");
const READ_AS_WINDOWS: &str = include_str!("testdata/utf8-read-as-windows-1252.txt");

/// Ways to damage a text: W for Windows-1252, L for Latin-1 and M for Mac Roman, the
/// first damage first.
const DAMAGES: [&str; 10] = ["W", "L", "M", "WW", "LL", "MM", "WM", "MW", "LW", "WL"];

/// Looks for everything.
fn repair(text: &str) -> Option<String> {
    Repair { sets: vec![&WINDOWS_1252, &LATIN_1, &MAC_ROMAN], layers: 4 }.repair(text)
}

fn damage(text: &str, sets: &str) -> String {
    sets.chars().fold(text.to_owned(), |text, set| match set {
        'W' => WINDOWS_1252.damage(&text),
        'L' => LATIN_1.damage(&text),
        _ => MAC_ROMAN.damage(&text),
    })
}

#[track_caller]
fn check(damaged: &str, sound: &str) {
    assert_eq!(repair(damaged).as_deref().unwrap_or(damaged), sound, "from {damaged:?}");
    assert_eq!(repair(sound), None, "{sound:?} is not left alone");
}

/// The text is left alone, and comes back from every damage.
#[track_caller]
fn check_all_damages(sound: &str) {
    check(sound, sound);
    for sets in DAMAGES {
        check(&damage(sound, sets), sound);
    }
}

#[test]
fn real_documents_are_repaired_whole_and_by_line() {
    for (document, set, marks) in
        [(READ_AS_WINDOWS, "W", "✅→🚀├──│"), (READ_AS_MAC, "M", "✅—✓🎯⚠\u{fe0f}📊")]
    {
        let repaired = repair(document).expect("the document is damaged");
        // Damaging it again gives the same bytes: nothing was missed and nothing
        // else was touched.
        assert_eq!(damage(&repaired, set), document);
        assert!(marks.chars().all(|mark| repaired.contains(mark)), "{repaired}");
        assert_eq!(repair(&repaired), None);
        for (line, expected) in document.lines().zip(repaired.lines()) {
            check(line, expected);
        }
    }
}

#[test]
fn a_sound_document_is_left_alone_and_comes_back_from_every_damage() {
    check_all_damages(SOUND);
    for line in SOUND.lines() {
        check_all_damages(line);
    }
}

#[test]
fn the_real_documents_come_back_from_further_damage() {
    for document in [READ_AS_WINDOWS, READ_AS_MAC] {
        check_all_damages(&repair(document).expect("the document is damaged"));
    }
}

#[test]
fn sound_text_that_looks_damaged_is_left_alone() {
    for text in [
        // Legitimate letters that damage is made of.
        "Ã",
        "Â",
        "â",
        "Ã la carte",
        "“Ã” and «Â»",
        "”Ä” on kirjain",
        "café",
        "naïve",
        "Ünïcödé",
        "São João, SÃO JOÃO, IRMÃ, AMANHÃ…",
        "“LÃ” de merino",
        "HYVÄ™, «HYVÄ», HYVÄ… HYVÄ",
        "VIÐ, ÞÚ, ØL, ÅR, ÑANDÚ",
        "BLÍŽ, MÔŽE, ÚŽASNÝ, PÝŠ",
        // Letters with the punctuation of print.
        "“CAFÉ”, ‘CAFÉ’, «CAFÉ», CAFÉ…, CAFÉ™, CAFÉ®, CAFÉ—",
        "É… então",
        "“Touché…”, «touché…», “voilà”…, “né”…",
        "Nestlé®…, café™”, « café\u{a0}», l’été, d’Été, ‘été’",
        "«été», “être”, —à demain, –ébloui, 1990–été, café—été",
        "„Öö“, ‚Ärger‘, „Über“, Ááá! Öö",
        "😀é“”😀",
        // Numbers, sums and money.
        "€5, ½, 5×£4, 2×½, 2×“LP”, x×y",
        "£10–£20, £10—£20, ≈£20, ≈¥500, €±5, ±5 °C",
        "√π, √∞, ≈∞, √2, Δ, 10Ω, 2πr, x ≤ y",
        // Marks that both sets contain.
        "© ® ™ § ¶ † ‡ • ¬ ¯ ¿ ¡ ª º",
        "\u{a0}a\u{a0}b",
        "╔═══╗ ║ ► ║ ╚═══╝ ░▒▓█",
        "👩\u{200d}🚀 🇳🇱 👍🏽 ❤\u{fe0f} 1\u{fe0f}\u{20e3}",
        "日本語、テスト。한국어 Привет Ελλάδα עברית عربي ไทย",
        "iPhoneケース",
        "",
        "plain",
    ] {
        check(text, text);
    }
}

#[test]
fn text_comes_back_from_every_damage() {
    for text in [
        "✅ done — “quoted” … ‘so’ «là»",
        "café, naïve, crème brûlée, Ünïcödé, Straße, STRAßE",
        "└ ┌ ┘ ─ ■ ●, 12 ÷ 4, ö, ø, à, ½",
        "90 × 200 cm, ½ €, 250 °C, ±0.5, 10 µm, 10Ω, 2πr, £5",
        "Voilà\u{a0}! Prix\u{a0}: 45\u{a0}€",
        "Żubrówka, Łódź, şehir, ğ, őű, Țară, Việt Nam, Ngễ",
        "Á Í Ï Ð Ý in “Ángel”, ”",
        "2ᵉ étage, Mᵐᵉ, PIÙ, VIRTÙ, SCHÖN, KÖLN, FÊTE, BLŮ",
        "LEGO® Technic™ ©",
        "iPhoneケース, 日本の急須, 茶 の 湯",
        "Привет, мир; самовар",
        "Қазақстан, Հայաստան, հայերեն",
        "Ελληνικός καφές, ή, α, Δ",
        "שלום עולם, مرحبا بالعالم, สวัสดี, नमस्ते, გამარჯობა, 안녕하세요",
        "👩\u{200d}🚀 🇳🇱 👍🏽 ❤\u{fe0f} ⚠\u{fe0f} 1\u{fe0f}\u{20e3}",
        "e\u{301}te\u{301}, u\u{308}ber",
        "\u{feff}mark, ﬁne, \u{f8ff}, \u{fffd}",
    ] {
        check_all_damages(text);
    }
}

#[test]
fn damage_in_a_part_is_repaired_and_the_rest_stays() {
    for (damaged, sound) in [
        ("★ Neu ★ Lampe â€žJugendstilâ€œ", "★ Neu ★ Lampe „Jugendstil“"),
        ("“sound” and â€œdamagedâ€\u{9d}", "“sound” and “damaged”"),
        ("é next to Ã©, éÃ©", "é next to é, éé"),
        ("Windows âœ… and Mac ‚úÖ in one", "Windows ✅ and Mac ✅ in one"),
        ("âœ…‚úÖ✅", "✅✅✅"),
        ("once Ã©, twice ÃƒÂ©, never é", "once é, twice é, never é"),
        ("Â£5 or £5", "£5 or £5"),
        ("“CAFÉ” cafÃ©", "“CAFÉ” café"),
    ] {
        check(damaged, sound);
    }
}

#[test]
fn what_was_lost_stays_lost() {
    // The last byte of a mark was dropped; the no-break space became a space.
    for text in ["â€", "â€ quote", "Ã la", "Â 45", "ðŸš", "‚ú"] {
        check(text, text);
    }
}

#[test]
fn a_long_run_takes_linear_time() {
    for run in ["Â\u{81}", "Ã", "É”", "âœ…", "…é", "√©…é", "Ã©É”"] {
        // Quadratic time would be minutes.
        let _ = repair(&run.repeat(50_000));
    }
}

/// A word as people write it, small or with a capital. Its second letter is a
/// plain one: no language begins a word with two accents.
fn word() -> impl Strategy<Value = String> {
    let letters = "abcdefghilmnoprstuéèêàâäçñöüßåøæíóúãőşğłż".chars().collect::<Vec<_>>();
    let rest = prop::collection::vec(select(letters.clone()), 0..6);
    (select(letters), "[a-z]", rest, any::<bool>()).prop_map(|(first, second, rest, has_capital)| {
        let first =
            if has_capital && first != 'ß' { first.to_uppercase().collect() } else { first.to_string() };
        first + &second + &rest.into_iter().collect::<String>()
    })
}

/// A piece of text, with marks where people put them.
fn piece() -> impl Strategy<Value = String> {
    let signs = [
        "✅",
        "❌",
        "🚀",
        "⚠\u{fe0f}",
        "👩\u{200d}🚀",
        "→",
        "├──",
        "│",
        "┌─┐",
        "═",
        "▼",
        "—",
        "–",
        "•",
        "½",
        "90 × 200",
        "45\u{a0}€",
        "…",
    ];
    let quotes = [("“", "”"), ("‘", "’"), ("„", "“"), ("«\u{a0}", "\u{a0}»"), ("(", ")"), ("**", "**")];
    prop_oneof![
        3 => word(),
        2 => select(signs.to_vec()).prop_map(str::to_owned),
        1 => (select(quotes.to_vec()), word()).prop_map(|((open, close), word)| format!("{open}{word}{close}")),
        1 => (word(), select(vec!["…", ",", "!", "™", "’s"])).prop_map(|(word, mark)| word + mark),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.join(" "))
}

/// Signs and syllables in any order, without a thought for what they mean. Without
/// â, since `â”…` is ┅ as well as it is jumble.
fn jumble() -> impl Strategy<Value = String> {
    let signs: Vec<char> = "ab 1✅❌🚀├─│┌┐└┘▼…“”‘".chars().collect();
    let accented: Vec<char> = "éèêëàäåçñöøüßőşğ".chars().collect();
    let part = prop_oneof![
        2 => select(signs).prop_map(String::from),
        1 => (select(accented), "[a-z]", any::<bool>()).prop_map(|(accented, plain, is_first)| match is_first {
            true => format!("{accented}{plain}"),
            false => format!("{plain}{accented}"),
        }),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_text_is_left_alone_and_comes_back(text in text()) {
        check_all_damages(&text);
    }

    #[test]
    fn any_jumble_is_left_alone_and_comes_back(jumble in jumble()) {
        check_all_damages(&jumble);
    }

    #[test]
    fn any_mixture_of_damages_comes_back(parts in prop::collection::vec((text(), select(vec!["", "W", "L", "M", "WW", "LL", "MM", "WM", "MW"])), 0..6)) {
        let damaged: Vec<String> = parts.iter().map(|(text, sets)| damage(text, sets)).collect();
        let sound: Vec<&str> = parts.iter().map(|(text, _)| text.as_str()).collect();
        check(&damaged.join("\n"), &sound.join("\n"));
    }

    #[test]
    fn repairing_twice_changes_nothing_more(text in any::<String>()) {
        if let Some(repaired) = repair(&text) {
            prop_assert_eq!(repair(&repaired), None);
        }
    }
}
