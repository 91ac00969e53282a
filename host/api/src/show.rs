//! One certificate, whole.

use serde::{Deserialize, Serialize};

use crate::Servers;

/// The document of `show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// Whom it is about.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// From when it is valid, RFC 3339.
    pub not_before: String,
    /// Until when it is valid, RFC 3339.
    pub not_after: String,
    /// The version of X.509 that it is written in.
    pub version: u32,
    /// Whether it is a CA's.
    pub is_ca: bool,
    /// Whether issuer and subject are equal.
    pub self_issued: bool,
    /// Its key, such as `RSA 2048`.
    pub key: String,
    /// The algorithm of its signature.
    pub signature: String,
    /// Its alternative names, such as `DNS:host` and `IP:127.0.0.1`.
    pub names: Vec<String>,
    /// Its extended key usages.
    pub purposes: Vec<String>,
    /// Why it would not be accepted today.
    pub weaknesses: Vec<String>,
    /// For whom it vouches.
    pub servers: Servers,
    /// Where it is held.
    pub held: Vec<Place>,
    /// The certificate itself, PEM.
    pub pem: String,
}

/// Where a certificate is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The store.
    pub store: String,
    /// Its label there.
    pub label: String,
    /// `pin`, `anchor`, `intermediate` or `distrust`.
    pub kind: String,
    /// What is odd about it there.
    pub note: Option<String>,
}
