//! The cases: each one promise of the contract, with its id and a line that says what it is about.

mod fuzz;
mod hostile;
mod load;
mod read;
mod sign;
mod unlock;
mod write;

use std::fmt;

use crate::bench::Bench;

/// One promise, and how it is tried.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// `level.what`
    pub(crate) id: &'static str,
    /// In one line.
    pub(crate) about: &'static str,
    /// The case without which this one makes no sense.
    pub(crate) after: Option<&'static str>,
    /// Whether it can be tried through a runner, too.
    pub(crate) reach: Reach,
    /// How it is tried.
    pub(crate) run: fn(&Bench) -> Outcome,
}

/// Where a case can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// On the bare table, and in a runner.
    Anywhere,
    /// On the bare table alone.
    Bare,
}

/// What a case came to that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It goes on in another process, with these bytes.
    Next(Vec<u8>),
    /// The promise is kept.
    Passed,
    /// It cannot be tried here.
    Skipped(String),
    /// It is allowed, and its author may want to know.
    Warning(String),
}

/// What a case came to, or how it failed.
pub(crate) type Outcome = Result<Finding, String>;

/// A part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The library and its tables.
    Load,
    /// What every store does.
    Read,
    /// Changes.
    Write,
    /// Locks and questions.
    Unlock,
    /// Private keys.
    Sign,
    /// Hosts of other versions, and careless ones.
    HostileHost,
    /// Random calls.
    Fuzz,
}

impl Level {
    /// Every level, in order.
    pub const ALL: [Self; 7] = [
        Self::Load,
        Self::Read,
        Self::Write,
        Self::Unlock,
        Self::Sign,
        Self::HostileHost,
        Self::Fuzz,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Read => "read",
            Self::Write => "write",
            Self::Unlock => "unlock",
            Self::Sign => "sign",
            Self::HostileHost => "hostile-host",
            Self::Fuzz => "fuzz",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Case {
    /// Which part of the contract it is of.
    pub(crate) fn level(&self) -> Level {
        let name = self.id.split('.').next().unwrap_or_default();
        let found = Level::ALL.into_iter().find(|level| level.name() == name);
        found.unwrap_or(Level::Load)
    }

    /// The same, only where another one has passed.
    const fn after(mut self, id: &'static str) -> Self {
        self.after = Some(id);
        self
    }
}

/// A case on the bare table.
const fn bare(id: &'static str, about: &'static str, run: fn(&Bench) -> Outcome) -> Case {
    Case {
        id,
        about,
        after: None,
        reach: Reach::Bare,
        run,
    }
}

/// A case on a store, wherever it runs.
const fn anywhere(id: &'static str, about: &'static str, run: fn(&Bench) -> Outcome) -> Case {
    Case {
        id,
        about,
        after: None,
        reach: Reach::Anywhere,
        run,
    }
}

/// Every case, in the order in which they are tried.
pub(crate) fn catalogue() -> Vec<Case> {
    [
        load::CASES,
        read::CASES,
        write::CASES,
        unlock::CASES,
        sign::CASES,
        hostile::CASES,
        fuzz::CASES,
    ]
    .concat()
}

/// Fails where something is not so.
fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_case_has_an_id_of_its_own_at_a_level() {
        let mut seen = BTreeSet::new();
        for case in catalogue() {
            assert!(seen.insert(case.id), "{} is there twice", case.id);
            let (level, name) = case.id.split_once('.').unwrap();
            assert_eq!(case.level().name(), level, "{}", case.id);
            let is_kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(name.bytes().all(is_kebab), "{}", case.id);
            assert!(
                !case.about.ends_with('.') && case.about.len() > 10,
                "{}",
                case.id
            );
        }
    }

    #[test]
    fn a_case_stands_behind_the_one_that_it_needs() {
        let mut seen = BTreeSet::new();
        for case in catalogue() {
            assert!(
                case.after.is_none_or(|after| seen.contains(after)),
                "{}",
                case.id
            );
            seen.insert(case.id);
        }
    }
}
