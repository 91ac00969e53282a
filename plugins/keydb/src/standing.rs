//! What is known of a database without reading it.

use crate::contents::Contents;
use crate::location::Stamps;

/// What is known without reading.
#[derive(Debug)]
pub(crate) struct Known {
    /// Which files were read or written last.
    pub(crate) stamps: Stamps,
    /// What they held, or why they were not read.
    pub(crate) found: Result<Found, String>,
    /// When that last went well, in Unix seconds; 0 is never.
    pub(crate) last_success: i64,
}

/// What a file was found to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) generation: u64,
    pub(crate) items: usize,
    /// Whether there are private keys among all that it holds.
    pub(crate) has_keys: bool,
}

/// How a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    /// Why it cannot be written; none where it can.
    pub(crate) obstacle: Option<String>,
    /// What lets others than the owner in, and what to do about it.
    pub(crate) exposed: Option<String>,
    pub(crate) last_success: i64,
}

/// What is known of the file that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was not read since it changed.
    Changed,
    /// It cannot be read.
    Failed(String),
    /// It is not there, although its stash is: it was removed, or never came to be.
    Missing,
    /// It was read.
    Read(Found),
}

impl Default for Known {
    fn default() -> Self {
        Self {
            stamps: Stamps::default(),
            found: Ok(Found::default()),
            last_success: 0,
        }
    }
}

impl Found {
    pub(crate) fn of(contents: &Contents) -> Self {
        Self {
            generation: contents.generation(),
            items: contents.len(),
            has_keys: contents.has_keys(),
        }
    }
}
