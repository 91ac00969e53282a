//! What an export made.

use serde::{Deserialize, Serialize};

/// The document of `export`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The certificates, in the order of the file.
    pub certificates: Vec<Exported>,
    /// `pem`, `der`, `p12` or `kdb`.
    pub format: String,
    /// The file that was made.
    pub file: String,
    /// The file that holds its password, where one was made too.
    pub stash: Option<String>,
    /// What the operator should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// One certificate of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// Whom it is about.
    pub subject: String,
    /// Its label in the file, where files of that format have any.
    pub label: Option<String>,
}
