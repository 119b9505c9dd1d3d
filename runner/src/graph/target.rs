//! What users type to say where to go.

use std::fmt;
use std::str::FromStr;

use crate::revision::RevisionId;

use super::Graph;

/// A target of `upgrade` or `downgrade`, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `head`: the one head.
    Head,
    /// `heads`: all heads.
    Heads,
    /// `base`: before every revision.
    Base,
    /// `+N` or `-N`: so many steps from where the database is.
    Relative(i64),
    /// An id, or the beginning of one.
    Revision(String),
}

/// Why a target leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is no target.
    #[error("`{text}` is not a target: {reason}\n  {text}\n  {:>width$}", "^", width = at + 1)]
    Malformed {
        /// The whole text.
        text: String,
        /// The character at which it goes wrong, from 0.
        at: usize,
        /// What was expected.
        reason: &'static str,
    },
    /// No revision has such an id.
    #[error("no revision's id begins with `{0}`")]
    Unknown(String),
    /// Several revisions have such an id.
    #[error("`{prefix}` is the beginning of {} revision ids: {}", candidates.len(), list(candidates))]
    Ambiguous {
        /// What was typed.
        prefix: String,
        /// The ids that begin with it.
        candidates: Vec<RevisionId>,
    },
    /// One head was asked for, and there are several.
    #[error("there are {} heads: {}", .0.len(), list(.0))]
    SeveralHeads(Vec<RevisionId>),
    /// There is no revision at all.
    #[error("there are no revisions yet")]
    NoRevisions,
    /// The path ends before so many steps.
    #[error("`{target}` asks for {wanted} steps, and there are {available}")]
    TooFar {
        /// What was typed.
        target: String,
        /// The steps asked for.
        wanted: u64,
        /// The steps there are.
        available: u64,
    },
    /// The path divides.
    #[error("`{target}` is ambiguous: after `{at}` the path divides into {}", list(candidates))]
    Divides {
        /// What was typed.
        target: String,
        /// Where it divides.
        at: String,
        /// The ways to go on.
        candidates: Vec<RevisionId>,
    },
    /// A target that the command cannot take.
    #[error("`{target}` is no target for `{command}`")]
    WrongWay {
        /// What was typed.
        target: String,
        /// The command.
        command: &'static str,
    },
}

fn list(ids: &[RevisionId]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let malformed = |at, reason| Err(TargetError::Malformed { text: text.to_owned(), at, reason });
        match text {
            "" => return malformed(0, "an id, `head`, `base`, `+N` or `-N` is expected"),
            "head" => return Ok(Self::Head),
            "heads" => return Ok(Self::Heads),
            "base" => return Ok(Self::Base),
            _ => {}
        }
        if let Some(digits) = text.strip_prefix(['+', '-']) {
            if digits.is_empty() {
                return malformed(1, "a number of steps is expected");
            }
            if let Some(at) = digits.chars().position(|character| !character.is_ascii_digit()) {
                return malformed(at + 1, "a digit is expected");
            }
            return match text.parse::<i64>() {
                Ok(0) => malformed(1, "zero steps lead nowhere"),
                Ok(steps) => Ok(Self::Relative(steps)),
                Err(_) => malformed(1, "the number is too large"),
            };
        }
        match text.chars().position(|character| !is_id_character(character)) {
            Some(at) => malformed(at, "an id holds letters, digits, `_` and `.` only"),
            None => Ok(Self::Revision(text.to_owned())),
        }
    }
}

fn is_id_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.')
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("head"),
            Self::Heads => f.write_str("heads"),
            Self::Base => f.write_str("base"),
            Self::Relative(steps) => write!(f, "{steps:+}"),
            Self::Revision(id) => f.write_str(id),
        }
    }
}

impl Graph {
    /// Finds a revision by its id or by the unique beginning of one.
    pub fn resolve(&self, text: &str) -> Result<usize, TargetError> {
        if let Some(exact) = RevisionId::new(text).ok().and_then(|id| self.find(&id)) {
            return Ok(exact);
        }
        let candidates: Vec<usize> = self.ids_with_prefix(text).collect();
        match candidates.as_slice() {
            [] => Err(TargetError::Unknown(text.to_owned())),
            [one] => Ok(*one),
            _ => Err(TargetError::Ambiguous { prefix: text.to_owned(), candidates: self.ids(&candidates) }),
        }
    }

    /// The ids of some revisions.
    pub fn ids(&self, numbers: &[usize]) -> Vec<RevisionId> {
        numbers.iter().map(|&number| self.node(number).id.clone()).collect()
    }

    /// The one head.
    pub fn head(&self) -> Result<usize, TargetError> {
        match self.heads().as_slice() {
            [] => Err(TargetError::NoRevisions),
            [one] => Ok(*one),
            several => Err(TargetError::SeveralHeads(self.ids(several))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::build::tests::graph;
    use super::*;

    #[test]
    fn the_grammar() {
        for text in ["head", "heads", "base", "+2", "-1", "ae10", "2024_01.init"] {
            assert_eq!(text.parse::<Target>().expect("a target").to_string(), text);
        }
        assert_eq!("+2".parse(), Ok(Target::Relative(2)));
        assert_eq!("-1".parse(), Ok(Target::Relative(-1)));
    }

    #[test]
    fn errors_point_at_the_character() {
        let error = |text: &str| text.parse::<Target>().expect_err("malformed").to_string();
        insta::assert_snapshot!(error(""), @r"
        `` is not a target: an id, `head`, `base`, `+N` or `-N` is expected
          
          ^
        ");
        insta::assert_snapshot!(error("+"), @r"
        `+` is not a target: a number of steps is expected
          +
           ^
        ");
        insta::assert_snapshot!(error("+2x"), @r"
        `+2x` is not a target: a digit is expected
          +2x
            ^
        ");
        insta::assert_snapshot!(error("ab!c"), @r"
        `ab!c` is not a target: an id holds letters, digits, `_` and `.` only
          ab!c
            ^
        ");
        insta::assert_snapshot!(error("+0"), @r"
        `+0` is not a target: zero steps lead nowhere
          +0
           ^
        ");
        insta::assert_snapshot!(error("-99999999999999999999"), @r"
        `-99999999999999999999` is not a target: the number is too large
          -99999999999999999999
           ^
        ");
    }

    #[test]
    fn prefixes_must_be_unique() {
        let graph = graph("ab1:\nab2: ab1\nac: ab2\nab: ac");
        assert_eq!(graph.resolve("ac"), Ok(3));
        assert_eq!(graph.resolve("ab"), Ok(0), "an exact id wins over a prefix");
        insta::assert_snapshot!(graph.resolve("a").expect_err("ambiguous"), @"`a` is the beginning of 4 revision ids: `ab`, `ab1`, `ab2`, `ac`");
        insta::assert_snapshot!(graph.resolve("zz").expect_err("unknown"), @"no revision's id begins with `zz`");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_what_parses_is_displayed_as_typed(text in "\\PC{0,12}|[-+a-z0-9@:.]{0,8}") {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
            }
        }
    }
}
