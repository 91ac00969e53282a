//! Listing a store: all pages of one state, or none.

use std::collections::HashSet;

use anchorhold_abi as abi;

use crate::status::{CallError, Status};
use crate::table::intake::{NOTES_MAX, footprint, too_large, too_many};
use crate::table::page::{PageAnswer, PageRequest, cursor_too_long, room};
use crate::table::{CallLimits, Listing};

/// The most items of a listing.
pub(crate) const ITEMS_MAX: usize = 1_000_000;
/// The most bytes of a listing.
pub(crate) const BYTES_MAX: usize = 256 << 20;
/// How often a listing that the store broke off begins again.
const RESTARTS: usize = 3;
/// How many empty pages may follow each other.
const EMPTY_PAGES_MAX: usize = 1000;

/// Lists a store page by page, wherever the pages come from, and says what was left out or
/// repaired.
pub(crate) fn whole(
    mut pager: impl FnMut(&PageRequest) -> Result<PageAnswer, CallError>,
    limits: &CallLimits,
    say: impl FnMut(&str),
) -> Result<Listing, CallError> {
    let mut restarts = 0;
    loop {
        let mut collected = Collected::new(ITEMS_MAX, BYTES_MAX);
        match collected.collect(&mut pager, limits.page) {
            Ok(()) => {
                collected.report(say);
                return Ok(collected.listing);
            }
            Err(error) if error.status == Status::StaleCursor && restarts < RESTARTS => {
                restarts += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// What the pages held so far.
struct Collected {
    listing: Listing,
    /// Items seen, whether or not they were kept.
    seen: usize,
    /// How many items the listing may still have.
    items_left: usize,
    /// How many bytes the listing may still have.
    bytes_left: usize,
    notes: Vec<String>,
}

impl Collected {
    fn new(most_items: usize, most_bytes: usize) -> Self {
        Self {
            listing: Listing::default(),
            seen: 0,
            items_left: most_items,
            bytes_left: most_bytes,
            notes: Vec::new(),
        }
    }

    fn collect(
        &mut self,
        pager: &mut impl FnMut(&PageRequest) -> Result<PageAnswer, CallError>,
        limit: u32,
    ) -> Result<(), CallError> {
        let mut request = PageRequest {
            cursor: Vec::new(),
            limit,
        };
        let mut empty_pages = 0;
        let mut first = true;
        loop {
            let mut answer = pager(&request)?;
            let cursor = std::mem::take(&mut answer.cursor);
            if first {
                self.listing.generation = answer.generation;
                first = false;
            } else if answer.generation != self.listing.generation {
                // The pages show two states, which is what a stale cursor is for.
                return Err(CallError::new(
                    Status::StaleCursor,
                    "its pages are of different generations",
                ));
            }
            let added = self.add(answer, room(limit))?;
            if cursor.is_empty() {
                return self.check_ids();
            }
            if cursor.len() > abi::AH_CURSOR_MAX {
                return Err(cursor_too_long(cursor.len()));
            }
            empty_pages = if added == 0 { empty_pages + 1 } else { 0 };
            let stuck = cursor == request.cursor;
            if stuck || empty_pages > EMPTY_PAGES_MAX {
                return Err(CallError::protocol("its listing does not come to an end"));
            }
            request.cursor = cursor;
        }
    }

    /// Keeps what a page holds, and returns how many items were seen on it.
    fn add(&mut self, answer: PageAnswer, room: usize) -> Result<usize, CallError> {
        let added = answer.items.len().saturating_add(answer.skipped);
        if added > room {
            return Err(CallError::protocol(
                "it pushed more items than the page takes",
            ));
        }
        self.items_left = self
            .items_left
            .checked_sub(added)
            .ok_or_else(|| too_many(self.seen + self.items_left))?;
        self.seen += added;
        let bytes = answer.items.iter().map(footprint).sum();
        self.bytes_left = self
            .bytes_left
            .checked_sub(bytes)
            .ok_or_else(|| too_large(self.seen))?;
        self.listing.skipped += answer.skipped;
        self.listing.repaired = self.listing.repaired.saturating_add(answer.repaired);
        let notes_left = NOTES_MAX.saturating_sub(self.notes.len());
        self.notes.extend(answer.notes.into_iter().take(notes_left));
        if self.listing.items.is_empty() {
            // A store of one page costs no copy.
            self.listing.items = answer.items;
        } else {
            self.listing.items.extend(answer.items);
        }
        Ok(added)
    }

    /// Every item has an id of its own. A store that does not know its generation may have changed
    /// between two pages, and is listed again.
    fn check_ids(&self) -> Result<(), CallError> {
        let mut ids = HashSet::with_capacity(self.listing.items.len());
        match self.listing.items.iter().find(|item| !ids.insert(&item.id)) {
            None => Ok(()),
            Some(_) if self.listing.generation == 0 => Err(CallError::new(
                Status::StaleCursor,
                "two of its items have the same id",
            )),
            Some(item) => {
                let label = &item.label;
                Err(CallError::protocol(format!(
                    "two of its items have the same id, one of them {label:?}"
                )))
            }
        }
    }

    /// Says what was left out or repaired.
    fn report(&mut self, mut say: impl FnMut(&str)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{Item, ItemId};

    fn page(items: usize, cursor: &[u8]) -> PageAnswer {
        let item = |number: usize| Item {
            id: ItemId([cursor, &number.to_be_bytes()].concat()),
            ..Item::certificate(vec![0x30; 1000], String::new())
        };
        PageAnswer {
            items: (0..items).map(item).collect(),
            cursor: cursor.to_vec(),
            ..PageAnswer::default()
        }
    }

    fn paged(limit: u32) -> CallLimits {
        CallLimits {
            page: limit,
            ..CallLimits::default()
        }
    }

    #[test]
    fn pages_are_joined_in_order_and_asked_for_by_cursor() {
        let mut asked = Vec::new();
        let mut pages = vec![page(1, b""), page(2, b"b"), page(2, b"a")];
        let pager = |request: &PageRequest| {
            asked.push(request.cursor.clone());
            Ok(pages.pop().unwrap())
        };
        let listing = whole(pager, &paged(2), |_| {}).unwrap();
        assert_eq!(listing.items.len(), 5);
        assert_eq!(asked, [b"".to_vec(), b"a".to_vec(), b"b".to_vec()]);
    }

    #[test]
    fn two_items_with_one_id_are_no_listing() {
        let twice = |generation| {
            let mut pages = vec![page(1, b""), page(1, b"")];
            pages[1].cursor = b"a".to_vec();
            pages
                .iter_mut()
                .for_each(|page| page.generation = generation);
            let all = pages.clone();
            move |request: &PageRequest| Ok(all[usize::from(request.cursor.is_empty())].clone())
        };
        let error = whole(twice(7), &paged(1), |_| {}).unwrap_err();
        assert_eq!(error.status, Status::Protocol);
        assert!(error.message.contains("the same id"), "{error}");
        // What has no generation may have changed between the two pages.
        let mut asked = 0;
        let pager = twice(0);
        let counted = |request: &PageRequest| {
            asked += 1;
            pager(request)
        };
        let error = whole(counted, &paged(1), |_| {}).unwrap_err();
        assert_eq!((error.status, asked), (Status::StaleCursor, 8));
    }

    #[test]
    fn listing_is_bounded_in_items_and_in_bytes() {
        let mut many = Collected::new(7, usize::MAX);
        let mut count = 0_u8;
        let mut pager = |_: &PageRequest| {
            count += 1;
            Ok(page(3, &[count]))
        };
        let error = many.collect(&mut pager, 0).unwrap_err();
        assert_eq!(error.status, Status::Limit);
        assert_eq!(error.message, "the store has more than 7 items");
        let mut large = Collected::new(usize::MAX, 10_000);
        let error = large.collect(&mut pager, 0).unwrap_err();
        assert_eq!(error.status, Status::Limit);
        assert!(error.message.contains("too large"), "{error}");
    }

    #[test]
    fn cursor_that_does_not_move_on_ends_the_listing() {
        let error = whole(|_| Ok(page(3, b"on")), &paged(0), |_| {}).unwrap_err();
        assert_eq!(error.status, Status::Protocol);
        assert!(error.message.contains("does not come to an end"), "{error}");
    }

    #[test]
    fn page_that_takes_less_breaks_the_contract() {
        let error = whole(|_| Ok(page(3, b"")), &paged(2), |_| {}).unwrap_err();
        assert_eq!(error.status, Status::Protocol);
        // What is left out counts as well.
        let left_out = PageAnswer {
            skipped: 3,
            ..PageAnswer::default()
        };
        let error = whole(|_| Ok(left_out.clone()), &paged(2), |_| {}).unwrap_err();
        assert_eq!(error.status, Status::Protocol);
    }

    #[test]
    fn cursor_that_is_too_long_breaks_the_contract() {
        let error = whole(|_| Ok(page(1, &[1; 129])), &paged(0), |_| {}).unwrap_err();
        assert_eq!(
            (error.status, error.message.as_str()),
            (Status::Protocol, "a cursor has 129 bytes, and may have 128")
        );
    }

    #[test]
    fn what_was_left_out_is_said_in_few_lines() {
        let mut count = 0_u8;
        let pager = |_: &PageRequest| {
            count += 1;
            Ok(PageAnswer {
                skipped: 8,
                repaired: 1,
                notes: vec!["broken".to_owned(); 8],
                cursor: if count < 3 { vec![count] } else { Vec::new() },
                ..PageAnswer::default()
            })
        };
        let mut lines = Vec::new();
        let listing = whole(pager, &paged(0), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!((listing.skipped, listing.repaired), (24, 3));
        assert_eq!(lines.len(), NOTES_MAX + 2);
        assert_eq!(lines[NOTES_MAX], "14 more items are left out");
        assert_eq!(
            lines[NOTES_MAX + 1],
            "the texts of 3 items had to be repaired"
        );
    }
}
