//! How the stores are.

use serde::{Deserialize, Serialize};

use crate::Missing;

/// The document of `store list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreList {
    /// The stores in their configured order.
    pub stores: Vec<Store>,
}

/// One store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// What other places call it.
    pub name: String,
    /// The id of its plugin.
    pub plugin: String,
    /// The version of its plugin; empty where the plugin is not there.
    pub version: String,
    /// `in-process` or `runner`.
    pub isolation: String,
    /// `full`, `partial` or `none`.
    pub sandbox: String,
    /// What of the sandbox is missing, and why.
    pub sandbox_note: String,
    /// `ready`, `degraded`, `locked`, `offline`, `failed`, `crashed` or `quarantined`.
    pub health: String,
    /// Why it is failed, in a word that is never renamed, where its plugin is refused, crashed or
    /// quarantined.
    #[serde(default)]
    pub code: Option<String>,
    /// More about its health, may be empty.
    pub detail: String,
    /// The generation that it is at; 0 where it has none yet.
    pub generation: u64,
    /// How many items it holds, where that is known.
    pub items: Option<u64>,
    /// How long ago it was listed, where it was.
    pub age_seconds: Option<u64>,
    /// Whether it can be written to now.
    pub writable: bool,
    /// How many attempts are left before it locks itself, where that is known.
    #[serde(default)]
    pub attempts_left: Option<u32>,
    /// When its plugin last crashed, RFC 3339, where that is remembered.
    #[serde(default)]
    pub crashed_at: Option<String>,
    /// What then happened.
    #[serde(default)]
    pub crash: Option<String>,
}

/// The document of `store unlock`, `store lock` and `store release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreTurn {
    /// The store.
    pub store: String,
    /// Whether anything is different from before.
    pub changed: bool,
    /// How the store is now, where that was looked at.
    pub health: Option<String>,
    /// What was done, for people.
    pub message: String,
}

/// The document of `store check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCheck {
    /// The stores, each listed afresh.
    pub stores: Vec<Store>,
    /// Acceptances that were begun and not ended.
    pub intents: Vec<OpenIntent>,
    /// Whether nothing is wrong.
    pub passed: bool,
    /// What is wrong, each with the store that it is about.
    pub problems: Vec<String>,
    /// What is in scope for a server and in no store any more.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// What to do next.
    #[serde(default)]
    pub remedies: Vec<String>,
}

/// An acceptance that was begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIntent {
    /// The server.
    pub server: String,
    /// The SHA-256 of the certificate.
    pub sha256: String,
    /// The store it was meant for.
    pub store: String,
    /// When it was begun, RFC 3339.
    pub at: String,
}

/// The document of `store password`; it never holds the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// The store.
    pub store: String,
    /// The file that the password was written to.
    pub file: String,
    /// The file that the password opens.
    pub database: String,
}
