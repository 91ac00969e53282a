//! What a rehearsal came to.

use serde::{Deserialize, Serialize};

/// The document of `rehearse`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// The stories in the order they were played.
    pub stories: Vec<Story>,
    /// How many went as expected.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
    /// The option files that the servers came from; empty where the built-in stories were played.
    #[serde(default)]
    pub files: Vec<String>,
}

/// One story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Its id, such as N1; of an operator's own server, the server's name.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Whether every step went as expected.
    pub passed: bool,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What is missing for it to go well: a command that gives it, or words.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// One step of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was done.
    pub did: String,
    /// What should come of it.
    pub expected: String,
    /// What came of it.
    pub got: String,
    /// Whether that is the same.
    pub passed: bool,
}
