//! Which certificate vouches for which server: fingerprints, kinds, server names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The SHA-256 of a certificate's DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a server; two names that differ in case only are the same.
#[derive(Clone, Debug)]
pub struct ServerName {
    shown: String,
    folded: String,
}

impl ServerName {
    /// Takes the name as somebody wrote it.
    pub fn new(shown: impl Into<String>) -> Self {
        let shown = shown.into();
        let folded = shown.to_lowercase();
        Self { shown, folded }
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The name as it is compared.
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl PartialEq for ServerName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for ServerName {}

impl std::hash::Hash for ServerName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl PartialOrd for ServerName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ServerName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded.cmp(&other.folded)
    }
}

/// What a certificate is to the servers in its scope; fixed at import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CertificateKind {
    /// A CA certificate from which paths may start.
    Anchor,
    /// A CA certificate that helps to build paths and vouches for nothing by itself.
    Intermediate,
    /// The server's own certificate, compared byte for byte.
    Pin,
}

/// The servers that a certificate vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Servers {
    /// Every server; never for a pin.
    Any,
    /// These.
    Named(BTreeSet<ServerName>),
}

impl Servers {
    /// Whether the server is among them.
    pub fn contains(&self, server: &ServerName) -> bool {
        match self {
            Self::Any => true,
            Self::Named(names) => names.contains(server),
        }
    }
}

/// One row of the scope table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeRow {
    /// What the certificate is.
    pub kind: CertificateKind,
    /// For whom.
    pub servers: Servers,
}

/// The host's own table of what vouches for whom; a certificate without a row vouches for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeTable {
    /// The rows by fingerprint.
    pub rows: BTreeMap<Fingerprint, ScopeRow>,
}

impl ScopeTable {
    /// The row of a certificate, where it has one.
    pub fn row(&self, fingerprint: &Fingerprint) -> Option<&ScopeRow> {
        self.rows.get(fingerprint)
    }

    /// Whether the certificate vouches for the server.
    pub fn covers(&self, fingerprint: &Fingerprint, server: &ServerName) -> bool {
        self.row(fingerprint)
            .is_some_and(|row| row.servers.contains(server))
    }
}
