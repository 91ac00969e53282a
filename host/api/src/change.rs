//! What a change of scope, or a removal, did.

use serde::{Deserialize, Serialize};

use crate::Servers;

/// The document of `scope` and `remove`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The certificates concerned.
    pub certificates: Vec<Changed>,
    /// The servers that nothing vouches for any more.
    #[serde(default)]
    pub lost: Vec<String>,
    /// What the operator should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// One certificate after the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// Whom it is about.
    pub subject: String,
    /// For whom it vouches now.
    pub servers: Servers,
    /// `pin`, `anchor` or `intermediate`.
    pub kind: String,
    /// `updated`, `unchanged` or `removed`.
    pub outcome: String,
    /// The stores that it was taken out of.
    #[serde(default)]
    pub removed_from: Vec<String>,
}

/// The document of `scope --propose`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What the labels suggest.
    pub proposed: Vec<Proposed>,
    /// Whether it was put in force.
    pub applied: bool,
}

/// What one label suggests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// Whom it is about.
    pub subject: String,
    /// The store.
    pub store: String,
    /// The label.
    pub label: String,
    /// The server that the label names.
    pub server: String,
    /// `pin`, `anchor` or `intermediate`.
    pub kind: String,
}
