//! One certificate into a store, or out of it.

use anchorhold_boundary::batch::{Batch, Change, Effect};
use anchorhold_boundary::item::Item;

use crate::Fingerprint;
use crate::store::{Store, StoreError};

impl Store {
    /// Puts a certificate in as an anchor for servers; true if it was not there before.
    pub fn put_certificate(&self, der: Vec<u8>, label: String) -> Result<bool, StoreError> {
        let outcomes = self.apply(&Batch {
            changes: vec![Change::Put(Item::certificate(der, label))],
            ..Batch::default()
        })?;
        Ok(outcomes.iter().any(|outcome| outcome.effect == Effect::New))
    }

    /// Takes a certificate out that is held under a label; nothing happens where it is not, or
    /// where it is held under another.
    pub fn remove_certificate(
        &self,
        fingerprint: &Fingerprint,
        label: &str,
    ) -> Result<(), StoreError> {
        let snapshot = self.fresh_snapshot()?;
        let changes: Vec<_> = snapshot
            .certificates(fingerprint)
            .filter(|found| found.item.label == label)
            .map(|found| Change::Remove(found.item.id.clone()))
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        self.apply(&Batch {
            changes,
            ..Batch::default()
        })?;
        Ok(())
    }
}
