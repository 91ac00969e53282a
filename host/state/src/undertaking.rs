//! Changes to stores that were begun, written down with what was there before.

use crate::scope::{Fingerprint, ScopeRow, ServerName};

/// A change to stores, as it is written down before the first of them is touched.
///
/// It ends as completed or undone, in one change of the ledger with all that comes of it. Where a
/// machine stops before that, whoever comes next finds it, and has all that is needed for either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undertaking {
    /// What it is, in one word: `import`.
    pub what: String,
    /// What changes in each store, in the order in which they are written to.
    pub stores: Vec<StorePart>,
    /// The rows of the scope table that change once it is complete.
    pub rows: Vec<RowChange>,
    /// The servers that are strict once it is complete.
    pub raises: Vec<ServerName>,
}

/// What an undertaking changes in one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePart {
    /// The store.
    pub store: String,
    /// What changes in it.
    pub items: Vec<ItemChange>,
}

/// What an undertaking makes of one item of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemChange {
    /// The SHA-256 of its bytes.
    pub fingerprint: Fingerprint,
    /// The item as it was before, in the form of whoever writes to stores; none where it was not
    /// there.
    pub before: Option<Vec<u8>>,
    /// What is to be there afterwards, in the same way.
    pub after: Option<Vec<u8>>,
}

/// What an undertaking makes of one row of the scope table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// The row as it was; it is changed only while it still is so.
    pub before: Option<ScopeRow>,
    /// The row as it is to be; none where it goes.
    pub after: Option<ScopeRow>,
}

/// An undertaking that has not ended, without its particulars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUndertaking {
    /// Tells it from others.
    pub id: u64,
    /// What it is, in one word.
    pub what: String,
    /// When it was begun, in seconds since 1970.
    pub at: i64,
    /// The user who began it.
    pub who: String,
    /// With which program.
    pub program: String,
    /// The stores, each with how many of its items change.
    pub stores: Vec<(String, u64)>,
}

/// How an undertaking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndertakingEnd {
    /// Every store is as it was to be.
    Completed,
    /// Every store is as it was before.
    Undone,
}
