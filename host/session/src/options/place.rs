//! Where something stands in an option file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::line::kept;

/// A line of an option file; lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, named as it was given.
    pub file: Arc<Path>,
    /// The line in it.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", shown_path(&self.file), self.line)
    }
}

/// A path as a message may show it: on one line, whatever its name holds.
pub(super) fn shown_path(path: &Path) -> String {
    kept(path.to_string_lossy().as_bytes())
}

/// A value, and the line that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// What the words mean.
    pub value: T,
    /// The words of the value as they were typed.
    pub written: String,
    /// Where they stand.
    pub place: Place,
}
