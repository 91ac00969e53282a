//! What a command prints where it could not do its work: wrong usage, or a part that failed.

use serde::{Deserialize, Serialize};

/// The document of exit 2 and 3; the answer "no" is never one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What happened.
    pub error: ErrorBody,
}

/// What happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What happened, in a word that is never renamed.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// What to do next, where something helps.
    pub remedy: Option<String>,
    /// What led to it, outermost first.
    #[serde(default)]
    pub causes: Vec<String>,
}
