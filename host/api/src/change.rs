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
    /// What changes for the servers that are known; those that nothing changes for are left out.
    #[serde(default)]
    pub changes: Vec<ServerChange>,
    /// What the operator should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What a change means for one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerChange {
    /// The server.
    pub server: String,
    /// The SHA-256 of certificates that vouch for it, or help to, from now on and did not before;
    /// the first hundred of them.
    pub gains: Vec<String>,
    /// How many there are.
    pub gains_total: u64,
    /// The same of those that no longer do.
    pub loses: Vec<String>,
    /// How many there are.
    pub loses_total: u64,
    /// Whether acceptance on first use stops applying to it.
    pub acceptance_stops: bool,
    /// Whether nothing vouches for it any more.
    pub nothing_left: bool,
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
    /// Why it is not put in force without being named by its fingerprint.
    #[serde(default)]
    pub note: Option<String>,
}
