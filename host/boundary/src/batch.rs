//! What is asked of a writable store: a batch of changes, and what came of each.

use crate::item::{Item, ItemId};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds the item, or updates the one of the same id, or of the same kind and bytes.
    Put(Item),
    /// Removes the item.
    Remove(ItemId),
}

/// Changes made in order; the first that fails ends the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The changes.
    pub changes: Vec<Change>,
    /// Answer as if it were done, change nothing.
    pub check_only: bool,
    /// Refuse where the store is no longer at this generation; 0 is any.
    pub if_generation: u64,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// It was not there before.
    New,
    /// It is gone.
    Removed,
    /// It was there, as asked.
    Unchanged,
    /// It was there and differs now.
    Updated,
}

/// What came of one change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The position of the change in the batch.
    pub index: usize,
    /// What it did.
    pub effect: Effect,
    /// The item concerned.
    pub id: ItemId,
}
