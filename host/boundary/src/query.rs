//! What is asked of a store that can answer without being listed.

use crate::item::{Item, Kind, Purpose};

/// By what items are looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum By {
    /// The id of an item.
    Id(Vec<u8>),
    /// The DER Name of the issuer, and the contents of the DER INTEGER of the serial number.
    IssuerSerial {
        /// The issuer.
        issuer: Vec<u8>,
        /// The serial number.
        serial: Vec<u8>,
    },
    /// The SHA-256 of the item's bytes.
    Sha256([u8; 32]),
    /// The SHA-256 of the SubjectPublicKeyInfo.
    SpkiSha256([u8; 32]),
    /// The DER Name of the subject.
    Subject(Vec<u8>),
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// By what.
    pub by: By,
    /// Of which kinds; none is every kind.
    pub kinds: Vec<Kind>,
    /// For which purpose.
    pub purpose: Purpose,
}

/// The answer: none is certainly none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// What fits.
    pub items: Vec<Item>,
    /// How many items were left out, because their kind is not known or their bytes are missing.
    pub skipped: usize,
    /// How many items have a text that was repaired.
    pub repaired: usize,
}

impl Query {
    /// Every kind, for any purpose.
    pub fn new(by: By) -> Self {
        Self {
            by,
            kinds: Vec::new(),
            purpose: Purpose::Any,
        }
    }
}
