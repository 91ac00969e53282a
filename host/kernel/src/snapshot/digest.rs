//! The SHA-256 of items: of some as they are asked for, of all when all are.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, OnceLock, PoisonError};

use anchorhold_boundary::item::Item;

use super::index::Index;
use super::share::in_shares;
use crate::Fingerprint;
use crate::certificate::fingerprint;

/// The SHA-256 of the items of one snapshot, which are given with every call.
///
/// A verdict needs those of a few candidates only, and a hundred thousand take longer than all
/// else that it does.
#[derive(Debug, Default)]
pub(super) struct Digests {
    /// As many as items, in the same order.
    all: OnceLock<Vec<Fingerprint>>,
    index: OnceLock<Index>,
    hasher: RandomState,
    /// By position: a few that were asked for before all were.
    some: Mutex<HashMap<usize, Fingerprint>>,
}

impl Digests {
    /// That of the item at a position.
    pub(super) fn of(&self, position: usize, item: &Item) -> Fingerprint {
        if let Some(known) = self.all.get().and_then(|all| all.get(position)) {
            return *known;
        }
        let mut some = self.some.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = some.get(&position) {
            return *known;
        }
        let digest = fingerprint(&item.der);
        if some.len() < MOST {
            some.insert(position, digest);
        }
        digest
    }

    /// All.
    pub(super) fn all(&self, items: &[Item]) -> &[Fingerprint] {
        self.all
            .get_or_init(|| in_shares(items, |item| fingerprint(&item.der)))
    }

    /// A position of a digest that was asked for lately, while not all are known.
    pub(super) fn recent(&self, digest: &Fingerprint) -> Option<usize> {
        if self.index.get().is_some() {
            return None;
        }
        let some = self.some.lock().unwrap_or_else(PoisonError::into_inner);
        some.iter()
            .find(|(_, known)| *known == digest)
            .map(|(position, _)| *position)
    }

    /// The positions that may have a digest, lowest first.
    pub(super) fn find(
        &self,
        digest: &Fingerprint,
        items: &[Item],
    ) -> impl Iterator<Item = usize> + '_ {
        self.index
            .get_or_init(|| {
                let hash = |known| Some(self.hasher.hash_one(known));
                Index::new(&self.all(items).iter().map(hash).collect::<Vec<_>>())
            })
            .find(self.hasher.hash_one(digest))
    }
}

/// As many as a few verdicts ask for.
const MOST: usize = 256;
