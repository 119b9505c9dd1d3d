//! What a target means in a graph.

use super::names::Meaning;
use super::{Graph, Point, Scope, Symbol, Target, TargetError, TargetRange};

/// The part of the graph that a scope names.
struct Part {
    /// Its revisions; none for all of them.
    mask: Option<Vec<bool>>,
}

impl Part {
    fn has(&self, number: usize) -> bool {
        self.mask.as_ref().is_none_or(|mask| mask[number])
    }

    /// What of `set` is part of it.
    fn of(&self, set: &[bool]) -> Vec<bool> {
        set.iter().enumerate().map(|(number, &is_in)| is_in && self.has(number)).collect()
    }
}

impl Graph {
    /// Finds a revision by its id, by the unique beginning of one, or by the
    /// label that begins at it.
    pub fn resolve(&self, text: &str) -> Result<usize, TargetError> {
        self.resolve_in(&Scope::default(), &Part { mask: None }, text)
    }

    /// The one head.
    pub fn head(&self) -> Result<usize, TargetError> {
        self.locate_one(&Target::head(), None)
    }

    /// The revisions that a target names; none for the base. `applied` is what
    /// is applied, where that is known.
    pub fn locate(&self, target: &Target, applied: Option<&[bool]>) -> Result<Vec<usize>, TargetError> {
        let known = || applied.ok_or_else(|| TargetError::NeedsDatabase(target.to_string()));
        let part = self.part(target.scope())?;
        match target {
            Target::At(Point { symbol: Symbol::Current, .. }) => Ok(self.tips_of(&part.of(known()?))),
            Target::At(point) => self.point(point, &part),
            Target::From(Point { symbol: Symbol::Current, .. }, steps) => {
                let start = self.current(target, &part, known()?)?;
                Ok(self.walk(target, start, *steps, &part)?.into_iter().collect())
            }
            Target::From(point, steps) => {
                let start = match self.point(point, &part)?.as_slice() {
                    [] => None,
                    [one] => Some(*one),
                    several => return Err(self.several(target, several)),
                };
                Ok(self.walk(target, start, *steps, &part)?.into_iter().collect())
            }
            Target::Relative(_, steps) => {
                let start = self.current(target, &part, known()?)?;
                Ok(self.walk(target, start, *steps, &part)?.into_iter().collect())
            }
        }
    }

    /// The one revision that a target names.
    pub fn locate_one(&self, target: &Target, applied: Option<&[bool]>) -> Result<usize, TargetError> {
        match self.locate(target, applied)?.as_slice() {
            [one] => Ok(*one),
            [] if self.is_empty() => Err(TargetError::NoRevisions),
            [] => Err(TargetError::IsBase(target.to_string())),
            several => Err(self.several(target, several)),
        }
    }

    /// The revisions of a range, both ends included, as a mask. Steps without a
    /// name count from the other end: `-3:` are the last ones of the range,
    /// `a:+2` the ones after `a`.
    pub fn range(&self, range: &TargetRange, applied: Option<&[bool]>) -> Result<Vec<bool>, TargetError> {
        let to = range.to.clone().unwrap_or_else(Target::heads);
        let from = range.from.clone().unwrap_or_else(Target::base);
        let (first, last) = match (&from, &to) {
            (Target::Relative(scope, steps), _) => {
                let last = self.locate(&to, applied)?;
                (self.steps_from((&from, scope, *steps), &to, &last)?, last)
            }
            (_, Target::Relative(scope, steps)) => {
                let first = self.locate(&from, applied)?;
                let last = self.steps_from((&to, scope, *steps), &from, &first)?;
                (first, last)
            }
            _ => (self.locate(&from, applied)?, self.locate(&to, applied)?),
        };
        let mut range = self.needed_for(last.iter().copied());
        if let Some(&outside) = first.iter().find(|&&number| !range[number]) {
            let from = self.node(outside).id.clone();
            return Err(TargetError::NotBefore { from, to: to.to_string() });
        }
        let below = self.needed_for(first.iter().flat_map(|&number| self.before(number)).copied());
        range.iter_mut().zip(below).for_each(|(inside, below)| *inside &= !below);
        Ok(range)
    }

    /// So many steps from the other end of a range, which must be one revision.
    fn steps_from(
        &self,
        (target, scope, steps): (&Target, &Scope, i64),
        other: &Target,
        starts: &[usize],
    ) -> Result<Vec<usize>, TargetError> {
        let start = match starts {
            [] => None,
            [one] => Some(*one),
            several => return Err(self.several(other, several)),
        };
        Ok(self.walk(target, start, steps, &self.part(scope)?)?.into_iter().collect())
    }

    /// The part of the graph that a scope names, as a mask; none for all of it.
    pub(crate) fn scope_mask(&self, scope: &Scope) -> Result<Option<Vec<bool>>, TargetError> {
        Ok(self.part(scope)?.mask)
    }

    fn part(&self, scope: &Scope) -> Result<Part, TargetError> {
        let mut mask = None;
        if let Some(package) = &scope.package {
            let of_package: Vec<bool> =
                (0..self.len()).map(|number| self.node(number).id.package() == Some(package)).collect();
            if !of_package.contains(&true) {
                return Err(TargetError::UnknownPackage(package.clone()));
            }
            mask = Some(of_package);
        }
        if let Some(branch) = &scope.branch {
            let package = Scope { package: scope.package.clone(), branch: None };
            let begins = self.resolve_in(&package, &Part { mask: mask.clone() }, branch);
            let begins = begins.map_err(|error| match error {
                TargetError::Unknown(_) => TargetError::UnknownBranch(branch.clone()),
                other => other,
            })?;
            let line = self.line_of(begins);
            mask = Some(Part { mask }.of(&line));
        }
        Ok(Part { mask })
    }

    /// What a name, which is not `current`, stands for.
    fn point(&self, point: &Point, part: &Part) -> Result<Vec<usize>, TargetError> {
        let heads = || match &part.mask {
            None => self.heads(),
            Some(mask) => self.heads_of(mask),
        };
        match &point.symbol {
            Symbol::Base | Symbol::Current => Ok(Vec::new()),
            Symbol::Heads => Ok(heads()),
            Symbol::Head => match heads() {
                several if several.len() > 1 => {
                    Err(TargetError::SeveralHeads { scope: point.scope.clone(), heads: self.ids(&several) })
                }
                heads => Ok(heads),
            },
            Symbol::Revision(id) => Ok(vec![self.resolve_in(&point.scope, part, id)?]),
        }
    }

    fn resolve_in(&self, scope: &Scope, part: &Part, text: &str) -> Result<usize, TargetError> {
        let name = match &scope.package {
            Some(package) => format!("{package}:{text}"),
            None => text.to_owned(),
        };
        let whole = match self.meaning(&name) {
            Meaning::Nothing if scope.package.is_some() => match self.find_label(text) {
                Some(begins) => Meaning::One(begins),
                None => Meaning::Nothing,
            },
            meaning => meaning,
        };
        let candidates = match whole {
            Meaning::One(found) if part.has(found) => return Ok(found),
            Meaning::One(found) => {
                let revision = self.node(found).id.clone();
                return Err(TargetError::NotInScope { revision, scope: scope.clone() });
            }
            Meaning::Several(several) => several,
            Meaning::Nothing => self.beginning_with(&name, part),
        };
        match candidates.as_slice() {
            [] => Err(TargetError::Unknown(name)),
            [one] => Ok(*one),
            _ => Err(TargetError::Ambiguous { prefix: name, candidates: self.ids(&candidates) }),
        }
    }

    /// The revisions of a part whose id, with or without its package, begins
    /// so.
    fn beginning_with(&self, name: &str, part: &Part) -> Vec<usize> {
        let mut found: Vec<usize> = self.ids_with_prefix(name).collect();
        if !name.contains(':') {
            let of_packages = (0..self.len()).filter(|&number| {
                let id = &self.node(number).id;
                id.package().is_some() && id.local().starts_with(name)
            });
            found.extend(of_packages.filter(|number| !found.contains(number)).collect::<Vec<_>>());
        }
        found.retain(|&number| part.has(number));
        found
    }

    /// The one revision at which the database is, within a part; none for the
    /// base. Where the part has no tip of its own, other branches that need it
    /// being applied above it, its own newest revision counts.
    fn current(&self, target: &Target, part: &Part, applied: &[bool]) -> Result<Option<usize>, TargetError> {
        let mut tips = self.tips_of(applied);
        tips.retain(|&number| part.has(number));
        if tips.is_empty() {
            tips = self.tips_of(&part.of(applied));
        }
        match tips.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => {
                Err(TargetError::SeveralCurrent { target: target.to_string(), heads: self.ids(several) })
            }
        }
    }

    /// Walks so many steps: from parent to child if positive, within a part.
    fn walk(
        &self,
        target: &Target,
        start: Option<usize>,
        steps: i64,
        part: &Part,
    ) -> Result<Option<usize>, TargetError> {
        let mut at = start;
        let wanted = steps.unsigned_abs();
        for available in 0..wanted {
            let next = match (at, steps > 0) {
                (None, true) => self.bases(),
                (Some(number), true) => self.children(number).to_vec(),
                (None, false) => Vec::new(),
                (Some(number), false) => self.parents(number).to_vec(),
            };
            let next: Vec<usize> = next.into_iter().filter(|&number| part.has(number)).collect();
            at = match next.as_slice() {
                [one] => Some(*one),
                // Below the first revision is the base.
                [] if steps < 0 && at.is_some() => None,
                [] => return Err(TargetError::TooFar { target: target.to_string(), wanted, available }),
                several => return Err(self.divides(target, at, several)),
            };
        }
        Ok(at)
    }

    /// The revision from which the last step of a target leads to the base; none
    /// if the target is no steps down.
    pub(crate) fn first_above_base(
        &self,
        target: &Target,
        applied: &[bool],
    ) -> Result<Option<usize>, TargetError> {
        let above = match target {
            Target::From(point, -1) => Target::At(point.clone()),
            Target::From(point, steps @ ..-1) => Target::From(point.clone(), steps + 1),
            Target::Relative(scope, -1) => {
                Target::At(Point { scope: scope.clone(), symbol: Symbol::Current })
            }
            Target::Relative(scope, steps @ ..-1) => Target::Relative(scope.clone(), steps + 1),
            _ => return Ok(None),
        };
        self.locate_one(&above, Some(applied)).map(Some)
    }

    fn several(&self, target: &Target, found: &[usize]) -> TargetError {
        match target {
            Target::At(Point { symbol: Symbol::Heads | Symbol::Head, scope }) => {
                TargetError::SeveralHeads { scope: scope.clone(), heads: self.ids(found) }
            }
            other => TargetError::Several { target: other.to_string(), found: self.ids(found) },
        }
    }

    pub(crate) fn divides(&self, target: &Target, at: Option<usize>, candidates: &[usize]) -> TargetError {
        TargetError::Divides {
            target: target.to_string(),
            at: at.map_or_else(|| "base".to_owned(), |number| self.node(number).id.to_string()),
            candidates: self.ids(candidates),
        }
    }

    /// The revisions that go when so many steps are taken back from where the
    /// database is, newest first. What depends on them is not among them.
    pub(crate) fn steps_back(
        &self,
        target: &Target,
        applied: &[bool],
        wanted: u64,
    ) -> Result<Vec<usize>, TargetError> {
        let part = self.part(target.scope())?;
        let current = self.current(target, &part, applied)?;
        // What has a child that is applied is not this branch's own: to take it
        // back would take back another branch.
        let is_head = |number: usize| !self.children(number).iter().any(|&child| applied[child]);
        if current.is_some_and(|number| !is_head(number)) {
            let scope = target.scope().clone();
            return Err(TargetError::NotAhead { target: target.to_string(), scope });
        }
        let mut next: Vec<usize> = current.into_iter().collect();
        let mut back = Vec::new();
        for available in 0..wanted {
            match next.as_slice() {
                [] => return Err(TargetError::TooFar { target: target.to_string(), wanted, available }),
                [one] => back.push(*one),
                several => return Err(self.divides(target, back.last().copied(), several)),
            }
            let parents = self.parents(back[back.len() - 1]).iter().copied();
            next = parents.filter(|&number| part.has(number)).collect();
        }
        Ok(back)
    }
}

#[cfg(test)]
mod tests;
