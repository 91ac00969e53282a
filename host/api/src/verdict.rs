//! Whether a chain is good.

use serde::{Deserialize, Serialize};

/// The document of `verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether something vouches for the chain.
    pub trusted: bool,
    /// What happened, in a word that is never renamed.
    pub code: String,
    /// What vouches.
    pub by: Option<By>,
    /// The SHA-256 of each certificate of the path, or of what was presented; end entity first.
    pub chain: Vec<String>,
    /// What happened, for people.
    pub message: String,
    /// What to do next.
    pub remedy: Option<String>,
    /// What the operator should know although it does not change the answer.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What vouches for a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The SHA-256 of the certificate.
    pub sha256: String,
    /// The store that holds it; the file, where the anchors came from one.
    pub store: String,
    /// The plugin of that store; empty for a file.
    pub plugin: String,
    /// The version of that plugin; empty for a file.
    #[serde(default)]
    pub version: String,
    /// `pin` or `anchor`.
    pub how: String,
}
