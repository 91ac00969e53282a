//! Taking the items that a call pushes: copied, counted, bounded.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_call, ah_error, ah_item, ah_item_sink, ah_status};

use crate::adopt::item::{self, Pushed};
use crate::guard::guarded;
use crate::item::Item;
use crate::services::MayAsk;
use crate::status::{CallError, Status};
use crate::table::{CallLimits, Opened};

/// How many of the items that are left out are told one by one.
pub(super) const NOTES_MAX: usize = 10;

/// What one call may push.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// How many items the plugin was told that it may push.
    pub(super) room: usize,
    /// How many items are taken, whatever it was told.
    pub(super) items: usize,
    /// How many bytes.
    pub(super) bytes: usize,
}

/// What was pushed so far.
pub(super) struct Taken {
    pub(super) items: Vec<Item>,
    pub(super) skipped: usize,
    pub(super) repaired: usize,
    /// Why the first few items were left out.
    pub(super) notes: Vec<String>,
    /// Items pushed, whether or not they were kept.
    seen: usize,
    left: Bounds,
    /// Why nothing more is taken.
    fault: Option<CallError>,
}

/// What stands behind the sink of one call.
struct Receiver {
    /// The thread of the call, the only one that may push (R7).
    thread: ThreadId,
    taken: Mutex<Taken>,
}

/// Makes a call that pushes items, on the thread on which the store is called. What the sink
/// refused comes first: the plugin only returned it, or forgot to.
pub(super) fn gather(
    store: &Opened,
    limits: &CallLimits,
    deadline: Option<Instant>,
    bounds: Bounds,
    make: impl FnOnce(*const ah_call, *const ah_item_sink, *mut ah_error) -> ah_status,
) -> Result<Taken, CallError> {
    let receiver = Receiver {
        thread: thread::current().id(),
        taken: Mutex::new(Taken::new(bounds)),
    };
    let mut sink = ah_item_sink::blank();
    sink.impl_ = std::ptr::from_ref(&receiver).cast_mut().cast();
    sink.push = Some(push);
    let called = store.call(limits, deadline, MayAsk::Never, |call, error| {
        make(call, &raw const sink, error)
    });
    // A poisoned lock is a push of which nobody knows how far it came.
    let mut taken = receiver
        .taken
        .into_inner()
        .map_err(|_| CallError::new(Status::Internal, "the host failed to take an item"))?;
    match taken.fault.take() {
        Some(fault) => Err(fault),
        None => called.map(|()| taken),
    }
}

/// How much memory an item takes.
pub(crate) fn footprint(item: &Item) -> usize {
    size_of::<Item>()
        + item.id.0.len()
        + item.der.len()
        + item.label.len()
        + item.name_constraints.len()
        + item.scope.len()
        + size_of_val(item.rules.as_slice())
}

impl Taken {
    fn new(bounds: Bounds) -> Self {
        Self {
            items: Vec::new(),
            skipped: 0,
            repaired: 0,
            notes: Vec::new(),
            seen: 0,
            left: bounds,
            fault: None,
        }
    }

    /// Keeps an item, and answers what the plugin is to return.
    ///
    /// # Safety
    ///
    /// R1, R3: `item` is NULL or the plugin's struct, lent with all it leads to for this call.
    unsafe fn take(&mut self, item: *const ah_item) -> ah_status {
        if self.fault.is_none() {
            // SAFETY: R1, R3, as promised by the caller.
            self.fault = unsafe { self.keep(item) }.err();
        }
        match &self.fault {
            None => abi::AH_OK,
            Some(fault) if fault.status == Status::Limit => abi::AH_LIMIT,
            Some(_) => abi::AH_INVALID_ARGUMENT,
        }
    }

    /// # Safety
    ///
    /// As for [`take`](Self::take).
    unsafe fn keep(&mut self, item: *const ah_item) -> Result<(), CallError> {
        self.left.room = self
            .left
            .room
            .checked_sub(1)
            .ok_or_else(|| CallError::protocol("it pushed more items than the page takes"))?;
        self.left.items = self
            .left
            .items
            .checked_sub(1)
            .ok_or_else(|| too_many(self.seen))?;
        self.seen += 1;
        // SAFETY: R1, R3, as promised by the caller.
        match unsafe { item::read(item) }? {
            Pushed::Taken(item, repaired) => {
                self.left.bytes = self
                    .left
                    .bytes
                    .checked_sub(footprint(&item))
                    .ok_or_else(|| too_large(self.seen))?;
                self.repaired += usize::from(repaired);
                self.items.push(item);
            }
            Pushed::LeftOut(why) => {
                self.skipped += 1;
                if self.notes.len() < NOTES_MAX {
                    self.notes.push(why);
                }
            }
        }
        Ok(())
    }
}

/// The error of a store that has more items than are taken.
pub(super) fn too_many(taken: usize) -> CallError {
    CallError::new(
        Status::Limit,
        format!("the store has more than {taken} items"),
    )
}

/// The error of a store that has more bytes than are taken.
pub(super) fn too_large(taken: usize) -> CallError {
    CallError::new(
        Status::Limit,
        format!("the first {taken} items of the store are too large"),
    )
}

/// `ah_item_sink.push`.
///
/// # Safety
///
/// R1, R3: `sink` is NULL or the sink of a call that runs; `item` is NULL or lent for this call.
unsafe extern "C" fn push(sink: *const ah_item_sink, item: *const ah_item) -> ah_status {
    guarded(abi::AH_INTERNAL, || {
        // SAFETY: R3: the sink outlives the call that it was lent to.
        let Some(sink) = (unsafe { sink.as_ref() }) else {
            return abi::AH_INVALID_ARGUMENT;
        };
        // SAFETY: R3: `impl_` leads to the receiver, which outlives the call.
        let Some(receiver) = (unsafe { sink.impl_.cast::<Receiver>().as_ref() }) else {
            return abi::AH_INVALID_ARGUMENT;
        };
        let mut taken = match receiver.taken.lock() {
            Ok(taken) => taken,
            Err(PoisonError { .. }) => return abi::AH_INTERNAL,
        };
        if thread::current().id() != receiver.thread {
            taken.fault = Some(CallError::protocol(
                "it pushed an item on a thread of its own",
            ));
            return abi::AH_INVALID_STATE;
        }
        // SAFETY: R1, R3: lent for this call.
        unsafe { taken.take(item) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchorhold_abi::ah_bytes;

    fn bounded(room: usize, items: usize, bytes: usize) -> Taken {
        Taken::new(Bounds { room, items, bytes })
    }

    /// How many items are taken before the answer is another one, and which.
    fn pushed(taken: &mut Taken) -> (usize, ah_status) {
        let mut item = ah_item::blank();
        item.kind = abi::AH_KIND_CERTIFICATE;
        item.id = ah_bytes::new(b"1");
        item.der = ah_bytes::new(&[0x30; 1000]);
        for count in 0..100 {
            // SAFETY: R1, R3: the item is ours and lives longer than the call.
            match unsafe { taken.take(&raw const item) } {
                abi::AH_OK => {}
                status => return (count, status),
            }
        }
        panic!("no limit")
    }

    #[test]
    fn what_is_pushed_is_bounded_in_items_and_in_bytes() {
        let mut many = bounded(usize::MAX, 7, usize::MAX);
        assert_eq!(pushed(&mut many), (7, abi::AH_LIMIT));
        assert_eq!(
            many.fault.unwrap().message,
            "the store has more than 7 items"
        );
        let mut large = bounded(usize::MAX, usize::MAX, 10_000);
        let (count, status) = pushed(&mut large);
        assert!((5..10).contains(&count), "{count}");
        assert_eq!(status, abi::AH_LIMIT);
        // What is refused stays refused.
        assert_eq!(pushed(&mut large), (0, abi::AH_LIMIT));
    }

    #[test]
    fn more_than_was_asked_for_breaks_the_contract() {
        let mut full = bounded(3, usize::MAX, usize::MAX);
        assert_eq!(pushed(&mut full), (3, abi::AH_INVALID_ARGUMENT));
        assert_eq!(full.fault.unwrap().status, Status::Protocol);
    }
}
