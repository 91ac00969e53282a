//! How well a plugin is kept from the rest of the machine: what was really enforced.

use std::fmt;

/// Where a store's plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In this process: it can do what this process can.
    InProcess,
    /// In a process of its own.
    Runner,
}

/// How much of the sandbox was enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sandbox {
    /// None of it.
    None,
    /// Some of it; the note says what is missing.
    Partial,
    /// All of it.
    Full,
}

/// How well a store's plugin is confined.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confinement {
    /// Where it runs.
    pub place: Place,
    /// What was enforced.
    pub sandbox: Sandbox,
    /// Why that is less than all of it, or what it allows; fit to be shown, may be empty.
    pub note: String,
}

impl Confinement {
    /// In this process, where nothing can be enforced.
    pub fn in_process(note: impl Into<String>) -> Self {
        Self {
            place: Place::InProcess,
            sandbox: Sandbox::None,
            note: note.into(),
        }
    }

    /// In a runner, with this much of the sandbox.
    pub fn in_runner(sandbox: Sandbox, note: impl Into<String>) -> Self {
        Self {
            place: Place::Runner,
            sandbox,
            note: note.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProcess => "in-process",
            Self::Runner => "runner",
        })
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Partial => "partial",
            Self::Full => "full",
        })
    }
}
