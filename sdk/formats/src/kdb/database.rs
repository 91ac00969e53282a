//! What was read from a key database: its certificates, its keys, and all else untouched.

use core::fmt;
use core::ops::Range;

use super::frame::Frame;
use crate::edit::Key;

/// The layouts of key databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Version {
    /// Authenticators with MD5, of which one is not known. It is read only.
    V3,
    /// Authenticators with SHA-1.
    V4,
    /// Authenticators with SHA-384.
    V6,
}

/// What a file is a list of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Certificates and keys (.kdb).
    Keys,
    /// Requests for certificates (.rdb).
    Requests,
    /// Revocation lists (.crl).
    Revocations,
}

/// What stands in front of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its layout.
    pub version: Version,
    /// What it is a list of.
    pub content: Content,
    /// How many records it says it has.
    pub records: u32,
}

/// A key database.
///
/// The certificates stay where they were read, so that reading a large file copies none of them.
#[derive(Clone)]
pub struct Database {
    /// The whole file.
    pub(super) bytes: Vec<u8>,
    pub(super) frame: Frame,
    pub(super) labels: String,
    pub(super) records: Vec<Record>,
    pub(super) keys: Vec<KeyRecord>,
    pub(super) others: usize,
    pub(super) digest: [u8; 32],
}

/// One certificate of a key database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// Its label.
    pub label: &'a str,
    /// The certificate.
    pub der: &'a [u8],
    /// Whether it belongs to a private key of the same record.
    pub of_key: bool,
    /// Whether its flags are the one value whose meaning is known.
    pub flags_known: bool,
}

/// Where a certificate is, and what its record says.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Which slot of the file it stands in, counted from 0.
    pub(super) slot: usize,
    /// In `bytes`.
    pub(super) der: Range<usize>,
    /// In `labels`.
    pub(super) label: Range<usize>,
    pub(super) of_key: bool,
    pub(super) flags_known: bool,
}

/// A private key's label, and where its public half is.
#[derive(Clone, Debug)]
pub(super) struct KeyRecord {
    /// In `labels`.
    pub(super) label: Range<usize>,
    /// In `bytes`.
    pub(super) public: Option<Range<usize>>,
}

impl Database {
    /// What stands in front of its records.
    pub fn header(&self) -> Header {
        self.frame.header
    }

    /// Whether nothing of it can have been altered without its password; false in version 3.
    pub fn is_authenticated(&self) -> bool {
        self.header().version != Version::V3
    }

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

    /// The private keys, in the order of the file. Secret keys of ciphers count as such.
    pub fn key_records(&self) -> impl Iterator<Item = Key<'_>> {
        self.keys.iter().map(|key| Key {
            label: &self.labels[key.label.clone()],
            public: key.public.clone().map(|public| &self.bytes[public]),
        })
    }

    /// How many private keys there are.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// How many records are neither certificate nor private key, what was deleted not counted.
    pub fn others(&self) -> usize {
        self.others
    }

    /// What tells this state of the file from every other.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    fn certificate(&self, record: &Record) -> Certificate<'_> {
        Certificate {
            label: &self.labels[record.label.clone()],
            der: &self.bytes[record.der.clone()],
            of_key: record.of_key,
            flags_known: record.flags_known,
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("header", &self.header())
            .field("certificates", &self.len())
            .field("keys", &self.keys())
            .field("others", &self.others)
            .finish_non_exhaustive()
    }
}
