//! What was about to be done when the machine stopped.

use crate::scope::{Fingerprint, ServerName};

/// A certificate that is about to be put into a store for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// For whom.
    pub server: ServerName,
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// The store that takes it.
    pub store: String,
    /// The label it gets there.
    pub label: String,
    /// When, in seconds since 1970.
    pub at: i64,
}

/// How an intent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentEnd {
    /// The store holds the certificate, and the server's record says so.
    Completed,
    /// The store does not hold it, and nothing else was changed.
    Undone,
}
