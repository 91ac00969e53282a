//! Changing a store, in batches.

use std::fmt;
use std::marker::PhantomData;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_batch, ah_bytes, ah_call, ah_change, ah_error, ah_outcome, ah_outcome_sink,
    ah_status, ah_store, ah_write_ops,
};

use crate::call::Call;
use crate::error::Error;
use crate::foreign;
use crate::guard;
use crate::item::Item;
use crate::store::TrustStore;

/// A store that can be changed.
pub trait Write: TrustStore {
    /// Whether a batch happens whole or not at all, power loss included.
    const ATOMIC: bool;

    /// Makes the changes in order, stops at the first that fails, and returns its error: it is the
    /// one after the last outcome pushed. An outcome is pushed once its change would survive a
    /// power cut; a store that is [`ATOMIC`](Write::ATOMIC) pushes them all at the end.
    ///
    /// Repeating a batch that was done answers [`Effect::Unchanged`]: for an item that is held as
    /// asked, and for an id to remove that is not held. With [`Batch::check_only`] the outcomes are
    /// those that would be, and nothing changes.
    fn apply(
        &self,
        call: &Call<'_>,
        batch: &Batch<'_>,
        outcomes: &mut Outcomes<'_>,
    ) -> Result<(), Error>;
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change<'a> {
    /// Adds the item, or updates the one of the same id, or of the same kind and der.
    Put(Item<'a>),
    /// Removes the item of this id.
    Remove(&'a [u8]),
}

/// Changes to be made in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    changes: Vec<Change<'a>>,
    check_only: bool,
    if_generation: u64,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// It was not there before.
    New,
    /// It is gone.
    Removed,
    /// It was there, as asked; or, to be removed, was not there.
    Unchanged,
    /// It was there and differs now.
    Updated,
}

impl<'a> Batch<'a> {
    /// A batch that no host sends, for a plugin's own tests.
    pub fn new(changes: Vec<Change<'a>>) -> Self {
        Self {
            changes,
            check_only: false,
            if_generation: 0,
        }
    }

    /// The same, only to be checked.
    #[must_use]
    pub fn only_checked(mut self) -> Self {
        self.check_only = true;
        self
    }

    /// The same, for one generation only.
    #[must_use]
    pub fn only_at(mut self, generation: u64) -> Self {
        self.if_generation = generation;
        self
    }

    /// The changes, in order.
    pub fn changes(&self) -> &[Change<'a>] {
        &self.changes
    }

    /// Whether to answer as if it were done, and change nothing.
    pub fn check_only(&self) -> bool {
        self.check_only
    }

    /// The generation at which the batch is meant, where it is meant for one only.
    pub fn if_generation(&self) -> Option<u64> {
        (self.if_generation != 0).then_some(self.if_generation)
    }

    /// An error where the batch is meant for another generation than the present one.
    pub fn check_generation(&self, present: u64) -> Result<(), Error> {
        match self.if_generation() {
            Some(meant) if meant != present => {
                Err(Error::conflict("the store changed since it was listed"))
            }
            _ => Ok(()),
        }
    }

    /// # Safety
    ///
    /// R1, R3: `batch` is NULL or the host's struct, lent with all it leads to for `'a`.
    unsafe fn adopt(batch: *const ah_batch) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let read = unsafe { abi::read(batch) }
            .ok_or_else(|| Error::invalid_argument("apply without ah_batch, or a short one"))?;
        let mut changes = Vec::new();
        let keep = |change: ah_change| {
            changes.push(match change.action {
                // SAFETY: R1, R3: lent for `'a`.
                abi::AH_PUT => Change::Put(unsafe { Item::adopt(change.item) }?),
                // SAFETY: R3: lent for `'a`.
                abi::AH_REMOVE => Change::Remove(unsafe { foreign::bytes(change.id) }?),
                action => {
                    return Err(Error::unsupported(format!("changes of kind {action}")));
                }
            });
            Ok(())
        };
        // SAFETY: R1, R3: the array has the stride that stands beside it, and is lent for `'a`.
        unsafe { foreign::elements(read.changes, read.change_count, read.change_stride, keep) }?;
        Ok(Self {
            changes,
            check_only: read.flags & abi::AH_BATCH_CHECK_ONLY != 0,
            if_generation: read.if_generation,
        })
    }
}

/// Takes what came of the changes, one by one, in their order.
pub struct Outcomes<'a> {
    target: Target<'a>,
    count: u32,
    room: usize,
    stopped: Option<Error>,
}

/// Plugin code that takes outcomes.
type Take<'a> = dyn FnMut(Effect, &[u8]) -> Result<(), Error> + 'a;

enum Target<'a> {
    Sink {
        sink: *const ah_outcome_sink,
        push: unsafe extern "C" fn(*const ah_outcome_sink, *const ah_outcome) -> ah_status,
        lifetime: PhantomData<&'a ah_outcome_sink>,
    },
    Collector(&'a mut Take<'a>),
}

impl<'a> Outcomes<'a> {
    /// Outcomes that go to the plugin's own code instead of a host, for its tests.
    pub fn collecting(take: &'a mut Take<'a>) -> Self {
        Self {
            target: Target::Collector(take),
            count: 0,
            room: usize::MAX,
            stopped: None,
        }
    }

    /// # Safety
    ///
    /// R1, R3: `sink` is NULL or the host's struct, lent for `'a`, on the thread of the call (R7).
    unsafe fn adopt(sink: *const ah_outcome_sink, room: usize) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let read = unsafe { abi::read(sink) };
        let push = read.and_then(|read| read.push).ok_or_else(|| {
            Error::invalid_argument("apply without ah_outcome_sink, or a short one")
        })?;
        let target = Target::Sink {
            sink,
            push,
            lifetime: PhantomData,
        };
        Ok(Self {
            target,
            count: 0,
            room,
            stopped: None,
        })
    }

    /// Says what the next change did, and to which item. An error means stop: return it as it is.
    pub fn push(&mut self, effect: Effect, id: &[u8]) -> Result<(), Error> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let pushed = self.offer(effect, id);
        if let Err(error) = &pushed {
            self.stopped = Some(error.clone());
        }
        pushed
    }

    fn verdict(self) -> Result<(), Error> {
        self.stopped.map_or(Ok(()), Err)
    }

    fn offer(&mut self, effect: Effect, id: &[u8]) -> Result<(), Error> {
        let beyond = || Error::internal("the plugin pushed more outcomes than there are changes");
        self.room = self.room.checked_sub(1).ok_or_else(beyond)?;
        let index = self.count;
        self.count = index.checked_add(1).ok_or_else(beyond)?;
        match &mut self.target {
            Target::Collector(take) => take(effect, id),
            Target::Sink { sink, push, .. } => {
                let mut outcome = <ah_outcome as Growing>::blank();
                outcome.index = index;
                outcome.what = match effect {
                    Effect::New => abi::AH_NEW,
                    Effect::Updated => abi::AH_UPDATED,
                    Effect::Unchanged => abi::AH_UNCHANGED,
                    Effect::Removed => abi::AH_REMOVED,
                };
                outcome.id = ah_bytes::new(id);
                // SAFETY: R3, R7: the sink is lent for `'a`, `Outcomes` cannot leave the thread of
                // the call, and `outcome` borrows from `id`, which outlives the push.
                match unsafe { push(*sink, &raw const outcome) } {
                    abi::AH_OK => Ok(()),
                    status => Err(Error::stopped(status)),
                }
            }
        }
    }
}

impl fmt::Debug for Outcomes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// The table for changing a store of type `T`.
pub(crate) struct WriteOps<T>(PhantomData<T>);

impl<T: Write> WriteOps<T> {
    pub(crate) const TABLE: &'static ah_write_ops = &ah_write_ops {
        struct_size: <ah_write_ops as Growing>::SIZE,
        flags: if T::ATOMIC { abi::AH_WRITE_ATOMIC } else { 0 },
        apply: Some(apply::<T>),
    };
}

/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call; `store` came out of `open`.
unsafe extern "C" fn apply<T: Write>(
    store: *mut ah_store,
    call: *const ah_call,
    batch: *const ah_batch,
    sink: *const ah_outcome_sink,
    err: *mut ah_error,
) -> ah_status {
    let run = |opened: &guard::Opened<T>| {
        // SAFETY: R1, R3: lent for this call, which `run` does not outlive.
        let call = unsafe { Call::adopt(call, &opened.host) }?;
        // SAFETY: R1, R3, as above.
        let batch = unsafe { Batch::adopt(batch) }?;
        // SAFETY: R1, R3, R7: lent for this call, on this thread.
        let mut outcomes = unsafe { Outcomes::adopt(sink, batch.changes().len()) }?;
        let applied = opened.store.apply(&call, &batch, &mut outcomes);
        outcomes.verdict()?;
        applied
    };
    // SAFETY: R3, as promised by the caller.
    unsafe { guard::enter(store, err, "apply", run) }
}
