//! Starting a store's plugin anew while the old one still answers.

use std::sync::Arc;

use crate::store::{Store, StoreError, StoreErrorKind, note};

impl Store {
    /// Starts its plugin anew: the new one is started, opened and listed, and takes over; then the
    /// old one ends. Verdicts go on meanwhile with what the old one listed, and where the new one
    /// does not come up, they go on so.
    pub fn reload(&self) -> Result<(), StoreError> {
        let _listing = self.turn();
        let _starting = self.start_turn();
        let instance = self.start().map_err(|kind| self.error(kind))?;
        let begun = self.begin();
        let listing = self
            .list_unlocked(&instance)
            .map_err(|error| self.error(StoreErrorKind::Call(error)))?;
        let old = {
            let mut last = self.last();
            let mut current = self.current();
            note(&mut last, &instance, listing, begun);
            *self.failed() = None;
            current.replace(Arc::clone(&instance))
        };
        // It ends when the last call into it has returned.
        drop(old);
        Ok(())
    }

    /// Lets its plugin be started again at once, whatever it did before.
    pub fn release(&self) {
        self.supervision().release();
        *self.failed() = None;
    }
}
