//! What was read from a file: its certificates, its keys without their secrets, and a count of
//! the rest.

use core::fmt;
use core::ops::Range;

use crate::edit::Key;

/// What a file holds.
///
/// The certificates stay where they were decrypted, so that reading a large file copies none of
/// them.
#[derive(Clone)]
pub struct Archive {
    pub(super) bytes: Vec<u8>,
    pub(super) labels: String,
    pub(super) records: Vec<Record>,
    pub(super) keys: Vec<KeyRecord>,
    pub(super) others: usize,
    pub(super) is_plain: bool,
    pub(super) digest: [u8; 32],
}

/// One certificate of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// Its friendly name, empty where it has none.
    pub label: &'a str,
    /// The certificate.
    pub der: &'a [u8],
    /// Whether it carries the mark without which Java does not trust it.
    pub trusted: bool,
    /// Whether it belongs to a private key of the same file.
    pub of_key: bool,
}

/// Where a certificate is, and what its attributes say.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// In `bytes`.
    pub(super) der: Range<usize>,
    /// In `labels`.
    pub(super) label: Range<usize>,
    pub(super) trusted: bool,
    pub(super) of_key: bool,
}

/// What is known of a private key.
#[derive(Clone, Debug)]
pub(super) struct KeyRecord {
    /// In `labels`.
    pub(super) label: Range<usize>,
    /// In `bytes`, within the certificate of the key.
    pub(super) public: Option<Range<usize>>,
}

impl Archive {
    /// The certificates, in the order of the file.
    pub fn certificates(&self) -> impl ExactSizeIterator<Item = Certificate<'_>> {
        self.records.iter().map(|record| self.certificate(record))
    }

    /// The certificate at `index`, counted from 0.
    pub fn get(&self, index: usize) -> Option<Certificate<'_>> {
        self.records
            .get(index)
            .map(|record| self.certificate(record))
    }

    /// How many certificates there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no certificate.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The private keys, in the order of the file, of which no secret is kept.
    pub fn key_records(&self) -> impl Iterator<Item = Key<'_>> {
        self.keys.iter().map(|key| Key {
            label: &self.labels[key.label.clone()],
            public: key.public.clone().map(|range| &self.bytes[range]),
        })
    }

    /// How many private keys there are.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// How many things there are that are neither certificate nor private key.
    pub fn others(&self) -> usize {
        self.others
    }

    /// Whether [`super::write`] with its labels and certificates loses nothing of it: it has what
    /// that writes and nothing else, no attribute, part or round of key derivation more.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// What tells this state of the file from every other: SHA-256 of its authenticator, which
    /// covers all that was read.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    fn certificate(&self, record: &Record) -> Certificate<'_> {
        Certificate {
            label: &self.labels[record.label.clone()],
            der: &self.bytes[record.der.clone()],
            trusted: record.trusted,
            of_key: record.of_key,
        }
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("certificates", &self.len())
            .field("keys", &self.keys())
            .field("others", &self.others)
            .finish_non_exhaustive()
    }
}
