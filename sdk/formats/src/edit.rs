//! What is to become of the certificates of a file, whatever its format.

use std::collections::BTreeMap;

/// What changes in a file; everything else in it stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Edits<'a> {
    /// What happens to certificates of the file, each named by its place among its certificates,
    /// counted from 0.
    pub changes: BTreeMap<usize, Edit<'a>>,
    /// What is added, in this order.
    pub added: Vec<Entry<'a>>,
}

/// What happens to one certificate of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// It gets another label.
    Label(&'a str),
    /// It goes out of the file.
    Remove,
}

/// One certificate to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its label. Java lower-cases labels, so they should differ by more than case.
    pub label: &'a str,
    /// The certificate.
    pub der: &'a [u8],
}

/// A private key of a file, which is never decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Its label, empty where it has none.
    pub label: &'a str,
    /// The public half, a SubjectPublicKeyInfo, where a certificate or request beside it tells.
    pub public: Option<&'a [u8]>,
}

impl Edits<'_> {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.added.is_empty()
    }
}
