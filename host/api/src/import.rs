//! What an import did.

use serde::{Deserialize, Serialize};

/// The document of `import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// What was imported, one for each certificate and store.
    pub imported: Vec<Imported>,
    /// Whether it was only a preview.
    pub dry_run: bool,
    /// For whom any of the certificates vouches now.
    pub servers: crate::Servers,
    /// What was taken out in the same change.
    #[serde(default)]
    pub replaced: Vec<Replaced>,
    /// What changes for the servers that are known; those that nothing changes for are left out.
    #[serde(default)]
    pub changes: Vec<crate::ServerChange>,
    /// The servers that are strict because of this import.
    #[serde(default)]
    pub raised: Vec<String>,
    /// What the operator should know.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What the files hold besides, and how they were opened.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One certificate in one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// Its label in the store.
    pub label: String,
    /// The store.
    pub store: String,
    /// `pin`, `anchor` or `intermediate`.
    pub kind: String,
    /// `new`, `updated` or `unchanged`.
    pub outcome: String,
    /// Whom it is about.
    pub subject: String,
    /// Until when it is valid, RFC 3339.
    pub not_after: String,
    /// For whom it vouches now, earlier imports included.
    #[serde(default)]
    pub servers: crate::Servers,
}

/// A certificate that another one took the place of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// Its label in the store.
    pub label: String,
    /// The store.
    pub store: String,
}
