//! One page of a listing.

use std::sync::Arc;
use std::time::Instant;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_page};

use crate::item::Item;
use crate::status::{CallError, Status};
use crate::table::intake::{self, Bounds};
use crate::table::lane::Lane;
use crate::table::listing::{BYTES_MAX, ITEMS_MAX};
use crate::table::{CallLimits, Opened};

/// Which page is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Where the page before ended; empty is the start of the listing.
    pub cursor: Vec<u8>,
    /// At most so many items; 0 leaves it to the plugin.
    pub limit: u32,
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageAnswer {
    /// What stands on it.
    pub items: Vec<Item>,
    /// How many items were left out, because their kind is not known or their bytes are missing.
    pub skipped: usize,
    /// How many items have a text that was repaired.
    pub repaired: usize,
    /// Why the first few items were left out.
    pub notes: Vec<String>,
    /// Which state the page shows; 0 is not known.
    pub generation: u64,
    /// Where the next page starts; empty is the end of the listing.
    pub cursor: Vec<u8>,
}

/// Asks for one page, where and when the store may be called.
pub(super) fn page(
    store: &Arc<Opened>,
    lane: &Lane,
    request: &PageRequest,
    limits: &CallLimits,
    deadline: Option<Instant>,
) -> Result<PageAnswer, CallError> {
    let lowered = lowered(request)?;
    let (store, limits) = (Arc::clone(store), limits.clone());
    lane.run(deadline, move || {
        page_here(&store, &limits, deadline, lowered)
    })?
}

fn lowered(request: &PageRequest) -> Result<ah_page, CallError> {
    let mut page = ah_page::blank();
    page.limit = request.limit;
    let given = page.cursor.get_mut(..request.cursor.len());
    let (Some(given), Ok(length)) = (given, u32::try_from(request.cursor.len())) else {
        return Err(CallError::new(
            Status::InvalidArgument,
            format!("a cursor of {} bytes", request.cursor.len()),
        ));
    };
    given.copy_from_slice(&request.cursor);
    page.cursor_len = length;
    Ok(page)
}

/// Makes the call, on the thread on which the store is called.
fn page_here(
    store: &Opened,
    limits: &CallLimits,
    deadline: Option<Instant>,
    mut page: ah_page,
) -> Result<PageAnswer, CallError> {
    let bounds = Bounds {
        room: room(page.limit),
        items: ITEMS_MAX,
        bytes: BYTES_MAX,
    };
    let taken = intake::gather(store, limits, deadline, bounds, |call, sink, error| {
        let list = store.adopted().list;
        // SAFETY: R1, R3: the store is open, and every struct is ours and outlives the call.
        unsafe { list(store.store, call, &raw mut page, sink, error) }
    })?;
    let length = usize::try_from(page.cursor_len).unwrap_or(usize::MAX);
    let cursor = page
        .cursor
        .get(..length)
        .ok_or_else(|| cursor_too_long(length))?;
    Ok(PageAnswer {
        items: taken.items,
        skipped: taken.skipped,
        repaired: taken.repaired,
        notes: taken.notes,
        generation: page.generation,
        cursor: cursor.to_vec(),
    })
}

/// How many items a page of this limit has room for.
pub(super) fn room(limit: u32) -> usize {
    match limit {
        0 => usize::MAX,
        most => usize::try_from(most).unwrap_or(usize::MAX),
    }
}

/// The error of a cursor that the contract does not allow.
pub(super) fn cursor_too_long(length: usize) -> CallError {
    CallError::protocol(format!(
        "a cursor has {length} bytes, and may have {}",
        abi::AH_CURSOR_MAX
    ))
}
