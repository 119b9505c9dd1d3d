//! What users type to say where to go: the grammar.
//!
//! ```text
//! target  = [scope] name [steps] | [scope] steps
//! scope   = [package ":"] [branch "@"]
//! name    = "head" | "heads" | "base" | "current" | id | beginning of an id | label
//! steps   = ("+" | "-") digits
//! range   = [target] ":" [target]
//! ```
//!
//! `locate` says what a target means in a graph.

use std::fmt;
use std::str::FromStr;

use crate::revision::RevisionId;

use super::error::list;

/// A target, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One or more revisions.
    At(Point),
    /// So many steps from a revision: away from the base if positive. Never
    /// zero.
    From(Point, i64),
    /// So many steps from where the database is, within a scope. Never zero.
    Relative(Scope, i64),
}

/// One or more revisions, named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Which part of the graph is meant.
    pub scope: Scope,
    /// Which revisions of it.
    pub symbol: Symbol,
}

/// A part of the graph: a package, a branch, or everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only revisions of this package.
    pub package: Option<String>,
    /// Only revisions that are on one line with this one: a label or an id.
    pub branch: Option<String>,
}

/// Which revisions of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// `head`: the one head.
    Head,
    /// `heads`: all heads.
    Heads,
    /// `base`: before every revision.
    Base,
    /// `current`: where the database is.
    Current,
    /// An id, the beginning of one, or a label.
    Revision(String),
}

/// `a:b`, `a:`, `:b` or `:`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetRange {
    /// Where it begins; none for the base.
    pub from: Option<Target>,
    /// Where it ends; none for the heads.
    pub to: Option<Target>,
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
    #[error("no revision's id begins with `{0}`, and no branch has that label")]
    Unknown(String),
    /// No branch is called so.
    #[error("there is no branch `{0}`: it is neither a label nor the id of a revision")]
    UnknownBranch(String),
    /// No package is called so.
    #[error("there is no package `{0}`")]
    UnknownPackage(String),
    /// Several revisions have such an id.
    #[error("`{prefix}` is the beginning of {} revision ids: {}", candidates.len(), list(candidates))]
    Ambiguous {
        /// What was typed.
        prefix: String,
        /// The ids that begin with it.
        candidates: Vec<RevisionId>,
    },
    /// A revision that is not in the scope that was named beside it.
    #[error("revision `{revision}` is not part of `{scope}`")]
    NotInScope {
        /// The revision.
        revision: RevisionId,
        /// The scope.
        scope: Scope,
    },
    /// One head was asked for, and there are several.
    #[error("there are {} heads{}: {}", heads.len(), Within(scope), list(heads))]
    SeveralHeads {
        /// Where.
        scope: Scope,
        /// The heads.
        heads: Vec<RevisionId>,
    },
    /// One revision was asked for, and the target names several.
    #[error("`{target}` names {} revisions, and one is needed: {}", found.len(), list(found))]
    Several {
        /// What was typed.
        target: String,
        /// The revisions.
        found: Vec<RevisionId>,
    },
    /// A revision was asked for, and the target is the base.
    #[error("`{0}` is before every revision, and a revision is needed")]
    IsBase(String),
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
    /// Steps are counted from where the database is, and it is at several
    /// heads.
    #[error("`{target}` is ambiguous: the database is at {} heads: {}", heads.len(), list(heads))]
    SeveralCurrent {
        /// What was typed.
        target: String,
        /// Where the database is.
        heads: Vec<RevisionId>,
    },
    /// Steps back are counted from a branch of which nothing is applied that is
    /// not part of another branch too.
    #[error("`{target}` takes back nothing: no head of what is applied is part of `{scope}`")]
    NotAhead {
        /// What was typed.
        target: String,
        /// The branch.
        scope: Scope,
    },
    /// It depends on where the database is, and that is not known here.
    #[error("`{0}` depends on where the database is, and none is asked here")]
    NeedsDatabase(String),
    /// A range whose ends are not on one line.
    #[error("revision `{from}` is not before `{to}`")]
    NotBefore {
        /// Where the range begins.
        from: RevisionId,
        /// Where it ends.
        to: String,
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

impl Target {
    /// The head of everything.
    pub fn head() -> Self {
        Self::At(Point { scope: Scope::default(), symbol: Symbol::Head })
    }

    /// All heads.
    pub fn heads() -> Self {
        Self::At(Point { scope: Scope::default(), symbol: Symbol::Heads })
    }

    /// Before every revision.
    pub fn base() -> Self {
        Self::At(Point { scope: Scope::default(), symbol: Symbol::Base })
    }

    /// The revision with this id.
    pub fn revision(id: &RevisionId) -> Self {
        let scope = Scope { package: id.package().map(str::to_owned), branch: None };
        Self::At(Point { scope, symbol: Symbol::Revision(id.local().to_owned()) })
    }

    /// Whether it can be understood only where the database is known.
    pub fn needs_database(&self) -> bool {
        match self {
            Self::Relative(..) => true,
            Self::At(point) | Self::From(point, _) => point.symbol == Symbol::Current,
        }
    }

    /// The part of the graph that it is about.
    pub fn scope(&self) -> &Scope {
        match self {
            Self::At(point) | Self::From(point, _) => &point.scope,
            Self::Relative(scope, _) => scope,
        }
    }
}

impl Scope {
    /// Whether it is the whole graph.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        parse(text, text, 0)
    }
}

impl TargetRange {
    /// Parses a range. A colon divides it, unless the name before it is that
    /// of a package: then the colon is the package's.
    pub fn parse(text: &str, is_package: impl Fn(&str) -> bool) -> Result<Self, TargetError> {
        let mut colons = text.match_indices(':').map(|(at, _)| at);
        let mut from_starts = 0;
        let divides = colons.find(|&at| {
            let name = &text[from_starts..at];
            // A package's colon is passed over once for each end.
            let is_its = from_starts == 0 && is_package(name) && at + 1 < text.len();
            from_starts = at + 1;
            !is_its
        });
        let Some(at) = divides else {
            let at = text.chars().count();
            return Err(malformed(text, at, "a range is two targets with a `:` between them"));
        };
        let end = |part: &str, offset: usize| match part {
            "" => Ok(None),
            part => parse(text, part, offset).map(Some),
        };
        let to_starts = text[..=at].chars().count();
        Ok(Self { from: end(&text[..at], 0)?, to: end(&text[at + 1..], to_starts)? })
    }

    /// Whether it can be understood only where the database is known. Steps
    /// without a name count from the other end.
    pub fn needs_database(&self) -> bool {
        let current = |end: &Option<Target>| {
            end.as_ref()
                .is_some_and(|target| !matches!(target, Target::Relative(..)) && target.needs_database())
        };
        current(&self.from) || current(&self.to)
    }
}

fn malformed(text: &str, at: usize, reason: &'static str) -> TargetError {
    TargetError::Malformed { text: text.to_owned(), at, reason }
}

/// Parses `part`, which begins at character `offset` of `text`.
fn parse(text: &str, part: &str, offset: usize) -> Result<Target, TargetError> {
    let mut rest = Rest { text, part, at: offset };
    let package = rest.name_before(':', "the name of a package is expected before `:`")?;
    let branch = rest.name_before('@', "a label or an id is expected before `@`")?;
    let scope = Scope { package, branch };
    let symbol = rest.symbol()?;
    let steps = rest.steps()?;
    match (symbol, steps) {
        (None, None) => Err(malformed(text, rest.at, "an id, `head`, `base`, `+N` or `-N` is expected")),
        (None, Some(steps)) => Ok(Target::Relative(scope, steps)),
        (Some(symbol), None) => Ok(Target::At(Point { scope, symbol })),
        (Some(Symbol::Heads), Some(_)) => {
            Err(malformed(text, rest.at, "steps are counted from one revision, as in `head-2`"))
        }
        (Some(symbol), Some(steps)) => Ok(Target::From(Point { scope, symbol }, steps)),
    }
}

/// What is still to be parsed.
struct Rest<'a> {
    /// The whole text, for messages.
    text: &'a str,
    part: &'a str,
    /// The character of the whole text at which `part` begins.
    at: usize,
}

impl Rest<'_> {
    /// Takes the name that ends in `end`, if there is one.
    fn name_before(&mut self, end: char, missing: &'static str) -> Result<Option<String>, TargetError> {
        let Some((name, part)) = self.part.split_once(end) else {
            return Ok(None);
        };
        if name.is_empty() {
            return Err(malformed(self.text, self.at, missing));
        }
        self.check(name)?;
        self.at += name.chars().count() + 1;
        self.part = part;
        Ok(Some(name.to_owned()))
    }

    fn symbol(&mut self) -> Result<Option<Symbol>, TargetError> {
        let end = self.part.find(['+', '-']).unwrap_or(self.part.len());
        let (name, part) = self.part.split_at(end);
        self.check(name)?;
        self.at += name.chars().count();
        self.part = part;
        Ok(match name {
            "" => None,
            "head" => Some(Symbol::Head),
            "heads" => Some(Symbol::Heads),
            "base" => Some(Symbol::Base),
            "current" => Some(Symbol::Current),
            name => Some(Symbol::Revision(name.to_owned())),
        })
    }

    fn steps(&self) -> Result<Option<i64>, TargetError> {
        let Some(digits) = self.part.get(1..) else {
            return Ok(None);
        };
        let wrong = |after: usize, reason| Err(malformed(self.text, self.at + 1 + after, reason));
        if digits.is_empty() {
            return wrong(0, "a number of steps is expected");
        }
        if let Some(at) = digits.chars().position(|character| !character.is_ascii_digit()) {
            return wrong(at, "a digit is expected");
        }
        match self.part.parse::<i64>() {
            Ok(0) => wrong(0, "zero steps lead nowhere"),
            Ok(steps) => Ok(Some(steps)),
            Err(_) => wrong(0, "the number is too large"),
        }
    }

    fn check(&self, name: &str) -> Result<(), TargetError> {
        let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.');
        match name.chars().position(|character| !allowed(character)) {
            Some(at) => {
                Err(malformed(self.text, self.at + at, "an id holds letters, digits, `_` and `.` only"))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(point) => point.fmt(f),
            Self::From(point, steps) => write!(f, "{point}{steps:+}"),
            Self::Relative(scope, steps) => {
                scope.prefix(f)?;
                write!(f, "{steps:+}")
            }
        }
    }
}

impl fmt::Display for TargetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |end: &Option<Target>| end.as_ref().map(ToString::to_string).unwrap_or_default();
        write!(f, "{}:{}", text(&self.from), text(&self.to))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scope.prefix(f)?;
        f.write_str(match &self.symbol {
            Symbol::Head => "head",
            Symbol::Heads => "heads",
            Symbol::Base => "base",
            Symbol::Current => "current",
            Symbol::Revision(id) => id,
        })
    }
}

impl Scope {
    /// Writes it as what comes before a name.
    fn prefix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(package) = &self.package {
            write!(f, "{package}:")?;
        }
        match &self.branch {
            Some(branch) => write!(f, "{branch}@"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.package, &self.branch) {
            (Some(package), Some(branch)) => write!(f, "{package}:{branch}"),
            (Some(name), None) | (None, Some(name)) => f.write_str(name),
            (None, None) => f.write_str("everything"),
        }
    }
}

/// ` of SCOPE`, or nothing where it is the whole graph.
struct Within<'a>(&'a Scope);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_everything() {
            true => Ok(()),
            false => write!(f, " of `{}`", self.0),
        }
    }
}

#[cfg(test)]
mod tests;
