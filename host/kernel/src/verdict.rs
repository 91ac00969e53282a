//! The verdict on a chain: what is asked, what is answered, and in which words.

mod gather;
mod judge;
pub(crate) mod memory;
mod mistake;
mod name;
mod path;
mod pin;
mod presented;
mod trouble;
mod words;

use std::sync::Arc;

use rustls_pki_types::UnixTime;

use crate::Fingerprint;
use crate::checks::Checks;

pub(crate) use judge::judge;
pub(crate) use words::{quoted, sentence};

/// Which name the presented certificate must carry where an anchor vouches; a pin needs none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameCheck {
    /// The address that the server is reached at: a host name or an IP literal.
    Address(String),
    /// Another name that the server's policy expects.
    Name(String),
    /// None; only where the policy of one server says so.
    Off,
}

/// What a verdict is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The expected name.
    pub name: &'a NameCheck,
    /// The time at which everything must be valid.
    pub at: UnixTime,
    /// Which checks are made.
    pub checks: Checks,
}

/// The answer to the question whether a chain is good for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether something vouches.
    pub trusted: bool,
    /// What happened, for programs.
    pub code: Code,
    /// What vouched.
    pub by: Option<By>,
    /// The path, end entity first, where one was found; else what was presented.
    pub chain: Vec<Fingerprint>,
    /// What happened, for people.
    pub message: String,
    /// What to do next.
    pub remedy: Option<String>,
    /// What the operator should know although it does not change the answer.
    pub warnings: Vec<String>,
    /// The certificates that are held for this server by name.
    pub held: Arc<[Fingerprint]>,
    /// What is held and would vouch, had it been imported as another kind.
    pub misfiled: Option<Fingerprint>,
}

/// What vouched for a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// The store that holds it.
    pub store: String,
    /// The plugin of that store.
    pub plugin: String,
    /// The version of that plugin.
    pub version: String,
    /// As what it vouched.
    pub how: How,
}

/// As what a certificate vouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A path starts from it.
    Anchor,
    /// It is the presented certificate.
    Pin,
}

impl How {
    /// The word that programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Pin => "pin",
        }
    }
}

/// What happened, in the words that are never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// What would vouch has expired.
    CertificateExpired,
    /// None of what is held vouches.
    CertificateMismatch,
    /// Nothing is held for the server.
    CertificateNeeded,
    /// What would vouch is not valid yet.
    CertificateNotYetValid,
    /// A key, an algorithm, an extension or a purpose is not acceptable.
    CertificateWeak,
    /// A store distrusts a certificate of the chain.
    Distrusted,
    /// The path is good and the name is another.
    NameMismatch,
    /// Revocation status is required and not known.
    RevocationUnknown,
    /// A certificate of the chain is revoked.
    Revoked,
    /// A store that matters did not answer.
    StoreUnavailable,
    /// Something vouches.
    Trusted,
}

impl Code {
    /// The word that programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateMismatch => "certificate-mismatch",
            Self::CertificateNeeded => "certificate-needed",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::CertificateWeak => "certificate-weak",
            Self::Distrusted => "distrusted",
            Self::NameMismatch => "name-mismatch",
            Self::RevocationUnknown => "revocation-unknown",
            Self::Revoked => "revoked",
            Self::StoreUnavailable => "store-unavailable",
            Self::Trusted => "trusted",
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
