//! Listing a store: all pages of one state, or none.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_item, ah_item_sink, ah_page, ah_status};

use crate::adopt::item::{self, Pushed};
use crate::guard::guarded;
use crate::item::Item;
use crate::services::LogLevel;
use crate::status::{CallError, Status};
use crate::table::lane::Lane;
use crate::table::{CallLimits, Listing, Opened};

/// How often a listing that the store broke off begins again.
const RESTARTS: usize = 3;
/// The most items of a listing.
const ITEMS_MAX: usize = 1_000_000;
/// The most bytes of a listing.
const BYTES_MAX: usize = 1 << 30;
/// How many empty pages may follow each other.
const EMPTY_PAGES_MAX: usize = 1000;
/// How many of the items that are left out are logged one by one.
const NOTES_MAX: usize = 10;

pub(super) fn list(
    store: &Arc<Opened>,
    lane: &Lane,
    limits: &CallLimits,
) -> Result<Listing, CallError> {
    store.services.begin_call();
    let deadline = limits.deadline();
    let mut restarts = 0;
    loop {
        match list_once(store, lane, limits, deadline) {
            Err(error) if error.status == Status::StaleCursor && restarts < RESTARTS => {
                restarts += 1;
            }
            result => return result,
        }
    }
}

fn list_once(
    store: &Arc<Opened>,
    lane: &Lane,
    limits: &CallLimits,
    deadline: Option<Instant>,
) -> Result<Listing, CallError> {
    let mut collected = Collected::new(ITEMS_MAX, BYTES_MAX);
    let mut page = ah_page::blank();
    page.limit = limits.page;
    let mut empty_pages = 0;
    let mut first = true;
    loop {
        let before = (page, collected.seen);
        let (store_there, limits) = (Arc::clone(store), limits.clone());
        let answer = lane.run(deadline, move || {
            list_page(&store_there, &limits, deadline, page, collected)
        })?;
        (page, collected) = answer?;
        if first {
            collected.listing.generation = page.generation;
            first = false;
        } else if page.generation != collected.listing.generation {
            // The pages show two states, which is what a stale cursor is for.
            return Err(CallError::new(
                Status::StaleCursor,
                "its pages are of different generations",
            ));
        }
        let Some(cursor) = cursor(&page)? else { break };
        empty_pages = if collected.seen == before.1 {
            empty_pages + 1
        } else {
            0
        };
        let stuck = before.0.cursor_len == page.cursor_len
            && before.0.cursor.starts_with(cursor)
            && empty_pages > 0;
        if stuck || empty_pages > EMPTY_PAGES_MAX {
            return Err(CallError::protocol("its listing does not come to an end"));
        }
    }
    collected.report(store);
    Ok(collected.listing)
}

/// Where the next page starts, or `None` at the end.
fn cursor(page: &ah_page) -> Result<Option<&[u8]>, CallError> {
    let length = usize::try_from(page.cursor_len).unwrap_or(usize::MAX);
    match page.cursor.get(..length) {
        Some([]) => Ok(None),
        Some(cursor) => Ok(Some(cursor)),
        None => Err(CallError::protocol(format!(
            "a cursor has {length} bytes, and may have {}",
            abi::AH_CURSOR_MAX
        ))),
    }
}

/// Asks for one page, on the thread on which the store is called.
fn list_page(
    store: &Opened,
    limits: &CallLimits,
    deadline: Option<Instant>,
    mut page: ah_page,
    mut collected: Collected,
) -> Result<(ah_page, Collected), CallError> {
    collected.room = match limits.page {
        0 => usize::MAX,
        most => usize::try_from(most).unwrap_or(usize::MAX),
    };
    let receiver = Receiver {
        thread: thread::current().id(),
        collected: Mutex::new(collected),
    };
    let mut sink = ah_item_sink::blank();
    sink.impl_ = std::ptr::from_ref(&receiver).cast_mut().cast();
    sink.push = Some(push);
    let called = store.call(limits, deadline, |call, error| {
        let list = store.adopted().list;
        // SAFETY: R1, R3: the store is open, and every struct is ours and outlives the call.
        unsafe { list(store.store, call, &raw mut page, &raw const sink, error) }
    });
    let mut collected = receiver.into_collected()?;
    // What the sink refused comes first: the plugin only returned it, or forgot to.
    match collected.fault.take() {
        Some(fault) => Err(fault),
        None => called.map(|()| (page, collected)),
    }
}

/// What stands behind the sink of one page.
struct Receiver {
    /// The thread of the call, the only one that may push (R7).
    thread: ThreadId,
    collected: Mutex<Collected>,
}

/// What was pushed so far.
struct Collected {
    listing: Listing,
    /// Items pushed, whether or not they were kept.
    seen: usize,
    /// How many items the listing may still have.
    items_left: usize,
    /// How many bytes the listing may still have.
    bytes_left: usize,
    /// How many items this page may still have.
    room: usize,
    /// Why nothing more is taken.
    fault: Option<CallError>,
    notes: Vec<String>,
}

impl Receiver {
    fn into_collected(self) -> Result<Collected, CallError> {
        // A poisoned lock is a push of which nobody knows how far it came.
        self.collected
            .into_inner()
            .map_err(|_| CallError::new(Status::Internal, "the host failed to take an item"))
    }
}

impl Collected {
    fn new(most_items: usize, most_bytes: usize) -> Self {
        Self {
            listing: Listing::default(),
            seen: 0,
            items_left: most_items,
            bytes_left: most_bytes,
            room: usize::MAX,
            fault: None,
            notes: Vec::new(),
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
        self.room = self
            .room
            .checked_sub(1)
            .ok_or_else(|| CallError::protocol("it pushed more items than the page takes"))?;
        let too_many = || {
            CallError::new(
                Status::Limit,
                format!("the store has more than {} items", self.seen),
            )
        };
        self.items_left = self.items_left.checked_sub(1).ok_or_else(too_many)?;
        self.seen += 1;
        // SAFETY: R1, R3, as promised by the caller.
        match unsafe { item::read(item) }? {
            Pushed::Taken(item, repaired) => {
                let too_large = || {
                    let message =
                        format!("the first {} items of the store are too large", self.seen);
                    CallError::new(Status::Limit, message)
                };
                self.bytes_left = self
                    .bytes_left
                    .checked_sub(footprint(&item))
                    .ok_or_else(too_large)?;
                self.listing.repaired += usize::from(repaired);
                self.listing.items.push(item);
            }
            Pushed::LeftOut(why) => {
                self.listing.skipped += 1;
                if self.notes.len() < NOTES_MAX {
                    self.notes.push(why);
                }
            }
        }
        Ok(())
    }

    /// Logs what was left out or repaired.
    fn report(&mut self, store: &Opened) {
        let say = |line: &str| store.services.say(LogLevel::Warn, line);
        for note in self.notes.drain(..) {
            say(&format!("an item is left out: {note}"));
        }
        let more = self.listing.skipped.saturating_sub(NOTES_MAX);
        if more > 0 {
            say(&format!("{more} more items are left out"));
        }
        if self.listing.repaired > 0 {
            say(&format!(
                "the texts of {} items had to be repaired",
                self.listing.repaired
            ));
        }
    }
}

fn footprint(item: &Item) -> usize {
    size_of::<Item>()
        + item.id.0.len()
        + item.der.len()
        + item.label.len()
        + item.name_constraints.len()
        + item.scope.len()
        + size_of_val(item.rules.as_slice())
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
        let mut collected = match receiver.collected.lock() {
            Ok(collected) => collected,
            Err(PoisonError { .. }) => return abi::AH_INTERNAL,
        };
        if thread::current().id() != receiver.thread {
            collected.fault = Some(CallError::protocol(
                "it pushed an item on a thread of its own",
            ));
            return abi::AH_INVALID_STATE;
        }
        // SAFETY: R1, R3: lent for this call.
        unsafe { collected.take(item) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchorhold_abi::ah_bytes;

    /// How many items are taken before the answer is another one, and which.
    fn taken(collected: &mut Collected) -> (usize, ah_status) {
        let mut item = ah_item::blank();
        item.kind = abi::AH_KIND_CERTIFICATE;
        item.id = ah_bytes::new(b"1");
        item.der = ah_bytes::new(&[0x30; 1000]);
        for count in 0..100 {
            // SAFETY: R1, R3: the item is ours and lives longer than the call.
            match unsafe { collected.take(&raw const item) } {
                abi::AH_OK => {}
                status => return (count, status),
            }
        }
        panic!("no limit")
    }

    #[test]
    fn listing_is_bounded_in_items_and_in_bytes() {
        let mut many = Collected::new(7, usize::MAX);
        assert_eq!(taken(&mut many), (7, abi::AH_LIMIT));
        assert_eq!(
            many.fault.unwrap().message,
            "the store has more than 7 items"
        );
        let mut large = Collected::new(usize::MAX, 10_000);
        let (count, status) = taken(&mut large);
        assert!((5..10).contains(&count), "{count}");
        assert_eq!(status, abi::AH_LIMIT);
        // What is refused stays refused.
        assert_eq!(taken(&mut large), (0, abi::AH_LIMIT));
    }
}
