//! What changed, when and by whom.

use serde::{Deserialize, Serialize};

/// The document of `journal show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The entries, oldest first.
    pub entries: Vec<JournalEntry>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Its position.
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// By whom.
    pub who: String,
    /// With which program.
    pub program: String,
    /// What happened, in a word that is never renamed.
    pub event: String,
    /// The server concerned.
    pub server: Option<String>,
    /// The SHA-256 of the certificate concerned.
    pub certificate: Option<String>,
    /// The store concerned.
    pub store: Option<String>,
    /// What happened, for people.
    pub detail: String,
    /// The hash that the next entry carries on.
    pub hash: String,
}

/// The document of `journal verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalCheck {
    /// Whether the chain is whole, and the ledger agrees with it and was not lost.
    pub whole: bool,
    /// How many entries were read.
    pub entries: u64,
    /// The hash of the last entry; nothing where there is none.
    pub last_hash: Option<String>,
    /// `whole`, `first-run` or `lost`.
    #[serde(default)]
    pub ledger: String,
    /// The servers whose record was lost, and that nobody has lowered or raised since.
    #[serde(default)]
    pub lost: Vec<String>,
    /// What is wrong, where something is.
    pub problems: Vec<String>,
    /// What was found, for people.
    pub message: String,
    /// What to do next.
    pub remedy: Option<String>,
}
