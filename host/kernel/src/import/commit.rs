//! Writing to several stores: all or none, read back, undone from what was there before.

use std::sync::Arc;

use anchorhold_boundary::batch::{Batch, Change};
use anchorhold_boundary::item::{Item, ItemId};

use crate::Fingerprint;
use crate::import::ImportError;
use crate::snapshot::{Snapshot, Trust, trust};
use crate::store::{Store, StoreError, StoreErrorKind};

/// What is to be done in one store.
pub(super) struct Work<'k> {
    pub(super) store: &'k Store,
    pub(super) before: Arc<Snapshot>,
    pub(super) batch: Batch,
    /// What must be read back afterwards.
    pub(super) expected: Vec<Expected>,
}

/// What must be read back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// The certificate is not there.
    Gone(Fingerprint),
    /// It is there, and may vouch where that is wanted.
    Held {
        fingerprint: Fingerprint,
        trusted: bool,
    },
}

impl Expected {
    fn fingerprint(&self) -> &Fingerprint {
        match self {
            Self::Gone(fingerprint) | Self::Held { fingerprint, .. } => fingerprint,
        }
    }

    /// What is wrong, if anything is.
    fn fault(&self, snapshot: &Snapshot) -> Option<String> {
        let item = snapshot.certificate(self.fingerprint());
        match (self, item) {
            (Self::Gone(_), None) => None,
            (Self::Gone(fingerprint), Some(_)) => Some(format!("{fingerprint} is still there")),
            (Self::Held { fingerprint, .. }, None) => Some(format!("{fingerprint} is not there")),
            (
                Self::Held {
                    fingerprint,
                    trusted,
                },
                Some(item),
            ) => {
                let lost = *trusted && !matches!(trust(item), Trust::Anchor { .. });
                lost.then(|| format!("{fingerprint} is there without the trust it was given"))
            }
        }
    }
}

impl<'k> Work<'k> {
    pub(super) fn new(store: &'k Store, before: Arc<Snapshot>) -> Self {
        let batch = Batch {
            if_generation: before.generation(),
            ..Batch::default()
        };
        Self {
            store,
            before,
            batch,
            expected: Vec::new(),
        }
    }

    /// Reads back what must be there.
    fn read_back(&self) -> Result<(), StoreError> {
        let now = self.store.fresh_snapshot()?;
        match self
            .expected
            .iter()
            .find_map(|expected| expected.fault(&now))
        {
            None => Ok(()),
            Some(what) => Err(self.store.error(StoreErrorKind::NotReadBack { what })),
        }
    }

    /// Makes what the work concerns as it was before, whatever became of it.
    fn restore(&self) -> Result<(), StoreError> {
        let now = self.store.fresh_snapshot()?;
        let changes: Vec<_> = self
            .expected
            .iter()
            .filter_map(|expected| restoring(&self.before, &now, expected.fingerprint()))
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        self.store.apply(&Batch {
            changes,
            ..Batch::default()
        })?;
        let now = self.store.fresh_snapshot()?;
        let left = self
            .expected
            .iter()
            .find(|expected| restoring(&self.before, &now, expected.fingerprint()).is_some());
        match left {
            None => Ok(()),
            Some(left) => Err(self.store.error(StoreErrorKind::NotReadBack {
                what: format!("{} is not as it was before", left.fingerprint()),
            })),
        }
    }
}

/// The change that makes one certificate as it was, if it is not.
fn restoring(before: &Snapshot, now: &Snapshot, fingerprint: &Fingerprint) -> Option<Change> {
    match (
        before.certificate(fingerprint),
        now.certificate(fingerprint),
    ) {
        (None, None) => None,
        (None, Some(now)) => Some(Change::Remove(now.id.clone())),
        (Some(before), None) => Some(Change::Put(Item {
            id: ItemId::default(),
            ..before.clone()
        })),
        (Some(before), Some(now)) => {
            let same = before.label == now.label
                && before.rules == now.rules
                && before.scope == now.scope
                && before.name_constraints == now.name_constraints;
            (!same).then(|| {
                Change::Put(Item {
                    id: now.id.clone(),
                    ..before.clone()
                })
            })
        }
    }
}

/// Asks every store whether the work could be done.
pub(super) fn check(work: &[Work<'_>]) -> Result<(), ImportError> {
    for work in work.iter().filter(|work| !work.batch.changes.is_empty()) {
        work.store.apply(&Batch {
            check_only: true,
            ..work.batch.clone()
        })?;
    }
    Ok(())
}

/// Does the work in every store and reads it back, or does nothing in any.
pub(super) fn write<'w, 'k>(work: &'w [Work<'k>]) -> Result<Written<'w, 'k>, ImportError> {
    // Most refusals come before the first of several stores is touched.
    if work.len() > 1 {
        check(work)?;
    }
    let mut written = Written { work: Vec::new() };
    for one in work.iter().filter(|work| !work.batch.changes.is_empty()) {
        // A store whose answer is lost may have done it all the same.
        written.work.push(one);
        if let Err(error) = one.store.apply(&one.batch) {
            return Err(written.take_back(ImportError::Store(error)));
        }
    }
    for one in work {
        if let Err(error) = one.read_back() {
            return Err(written.take_back(ImportError::Store(error)));
        }
    }
    Ok(written)
}

/// Work that was done, and can be taken back.
pub(super) struct Written<'w, 'k> {
    work: Vec<&'w Work<'k>>,
}

impl Written<'_, '_> {
    /// Takes everything back because of an error, last done first.
    pub(super) fn take_back(self, first: ImportError) -> ImportError {
        let left: Vec<_> = self
            .work
            .iter()
            .rev()
            .filter_map(|work| work.restore().err())
            .collect();
        if left.is_empty() {
            return first;
        }
        ImportError::NotTakenBack {
            first: Box::new(first),
            left,
        }
    }
}
