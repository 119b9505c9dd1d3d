//! How the names of variants are spelled outside Rust.

/// A way to spell names.
#[derive(Clone, Copy)]
pub enum Case {
    Kebab,
    Snake,
    ScreamingSnake,
    Lower,
    Upper,
    Verbatim,
}

impl Case {
    const NAMES: &[(&'static str, Self)] = &[
        ("kebab-case", Self::Kebab),
        ("snake_case", Self::Snake),
        ("SCREAMING_SNAKE_CASE", Self::ScreamingSnake),
        ("lowercase", Self::Lower),
        ("UPPERCASE", Self::Upper),
        ("PascalCase", Self::Verbatim),
    ];

    pub fn parse(name: &syn::LitStr) -> syn::Result<Self> {
        let value = name.value();
        let found = Self::NAMES.iter().find(|(known, _)| *known == value);
        found.map(|(_, case)| *case).ok_or_else(|| {
            let known: Vec<_> = Self::NAMES.iter().map(|(known, _)| *known).collect();
            syn::Error::new(name.span(), format!("expected one of `{}`", known.join("`, `")))
        })
    }

    pub fn apply(self, variant: &str) -> String {
        match self {
            Self::Kebab => words(variant, '-'),
            Self::Snake => words(variant, '_'),
            Self::ScreamingSnake => words(variant, '_').to_uppercase(),
            Self::Lower => variant.to_lowercase(),
            Self::Upper => variant.to_uppercase(),
            Self::Verbatim => variant.to_owned(),
        }
    }
}

fn words(variant: &str, separator: char) -> String {
    let mut text = String::new();
    for (index, character) in variant.chars().enumerate() {
        if index > 0 && character.is_uppercase() {
            text.push(separator);
        }
        text.extend(character.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_become_labels() {
        assert_eq!(Case::Kebab.apply("FastMode"), "fast-mode");
        assert_eq!(Case::Snake.apply("FastMode"), "fast_mode");
        assert_eq!(Case::ScreamingSnake.apply("FastMode"), "FAST_MODE");
        assert_eq!(Case::Lower.apply("FastMode"), "fastmode");
    }
}
