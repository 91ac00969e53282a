//! One page of a listing, and the sink that takes its items.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use anchorhold_abi as abi;
use anchorhold_abi::{ah_item_sink, ah_page};

use crate::error::{Error, ErrorKind};
use crate::item::Item;

/// One page of a listing: where it starts, and what the plugin says of the state it shows.
///
/// All pages of a listing show one state of the store. A plugin that cannot go on in the state in
/// which the listing began answers [`Error::stale_cursor`], and the host begins again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    limit: usize,
    cursor: Vec<u8>,
    next: Vec<u8>,
    generation: u64,
}

impl Page {
    /// A page that no host asks for, for a plugin's own tests; a limit of 0 leaves it to the
    /// plugin, an empty cursor is the start.
    pub fn new(limit: usize, cursor: &[u8]) -> Self {
        Self {
            limit: if limit == 0 { usize::MAX } else { limit },
            cursor: cursor.to_vec(),
            next: Vec::new(),
            generation: 0,
        }
    }

    pub(crate) fn adopt(page: &ah_page) -> Result<Self, Error> {
        let length = usize::try_from(page.cursor_len).unwrap_or(usize::MAX);
        let cursor = page
            .cursor
            .get(..length)
            .ok_or_else(|| Error::invalid_argument("a cursor of more than 128 bytes"))?;
        Ok(Self::new(
            usize::try_from(page.limit).unwrap_or(usize::MAX),
            cursor,
        ))
    }

    pub(crate) fn lower(&self, page: &mut ah_page) {
        page.generation = self.generation;
        page.cursor = [0; abi::AH_CURSOR_MAX];
        for (to, from) in page.cursor.iter_mut().zip(&self.next) {
            *to = *from;
        }
        page.cursor_len = u32::try_from(self.next.len()).unwrap_or(0);
    }

    /// How many items the host takes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Where to go on, as an earlier page said with [`Page::go_on`]; empty at the start.
    pub fn cursor(&self) -> &[u8] {
        &self.cursor
    }

    /// Says which state is listed; 0 is not known.
    pub fn set_generation(&mut self, generation: u64) {
        self.generation = generation;
    }

    /// Says where the next page goes on, in at most 128 bytes that mean the same in another
    /// process. Without it, this page is the last.
    pub fn go_on(&mut self, cursor: &[u8]) -> Result<(), Error> {
        if cursor.is_empty() || cursor.len() > abi::AH_CURSOR_MAX {
            return Err(Error::internal("a cursor has 1 to 128 bytes"));
        }
        self.next = cursor.to_vec();
        Ok(())
    }

    /// The whole of paging, for a store that has its `count` items in an order that holds as long
    /// as `generation` does: which of them to push now.
    pub fn range(&mut self, generation: u64, count: usize) -> Result<Range<usize>, Error> {
        let start = if self.cursor.is_empty() {
            0
        } else {
            self.position(generation)?
        };
        if start > count {
            return Err(Error::stale_cursor("the cursor is beyond the end"));
        }
        let end = count.min(start.saturating_add(self.limit));
        self.generation = generation;
        if end < count {
            let position = u64::try_from(end).unwrap_or(u64::MAX);
            self.go_on(&[generation.to_le_bytes(), position.to_le_bytes()].concat())?;
        }
        Ok(start..end)
    }

    /// Where the next page goes on; empty at the end.
    pub fn next_cursor(&self) -> &[u8] {
        &self.next
    }

    /// Which state is listed.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn position(&self, generation: u64) -> Result<usize, Error> {
        let foreign = || Error::stale_cursor("the cursor is not of this store");
        let (of, position) = self.cursor.split_first_chunk::<8>().ok_or_else(foreign)?;
        let position = <[u8; 8]>::try_from(position).map_err(|_| foreign())?;
        if u64::from_le_bytes(*of) != generation {
            return Err(Error::stale_cursor(
                "the store changed since the listing began",
            ));
        }
        usize::try_from(u64::from_le_bytes(position)).map_err(|_| foreign())
    }
}

/// Takes the items of a page, one by one.
pub struct Items<'a> {
    target: Target<'a>,
    room: usize,
    stopped: Option<Error>,
}

enum Target<'a> {
    Sink {
        sink: *const ah_item_sink,
        push: unsafe extern "C" fn(*const ah_item_sink, *const abi::ah_item) -> abi::ah_status,
        lifetime: PhantomData<&'a ah_item_sink>,
    },
    Collector(&'a mut dyn FnMut(&Item<'_>) -> Result<(), Error>),
}

impl<'a> Items<'a> {
    /// Items that go to the plugin's own code instead of a host: for its tests, or to look through
    /// its own listing.
    pub fn collecting(take: &'a mut dyn FnMut(&Item<'_>) -> Result<(), Error>) -> Self {
        Self {
            target: Target::Collector(take),
            room: usize::MAX,
            stopped: None,
        }
    }

    /// # Safety
    ///
    /// R1, R3: `sink` is NULL or the host's struct, lent for `'a`, on the thread of the call (R7).
    pub(crate) unsafe fn adopt(sink: *const ah_item_sink, room: usize) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let read = unsafe { abi::read(sink) };
        let push = read.and_then(|read| read.push).ok_or_else(|| {
            Error::invalid_argument("a listing without ah_item_sink, or with a short one")
        })?;
        let target = Target::Sink {
            sink,
            push,
            lifetime: PhantomData,
        };
        Ok(Self {
            target,
            room,
            stopped: None,
        })
    }

    /// Hands one item over. An error means stop: return it as it is.
    pub fn push(&mut self, item: &Item<'_>) -> Result<(), Error> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let pushed = self.offer(item);
        if let Err(error) = &pushed {
            self.stopped = Some(error.clone());
        }
        pushed
    }

    /// What made the host stop, whether or not the plugin returned it.
    pub(crate) fn verdict(self) -> Result<(), Error> {
        self.stopped.map_or(Ok(()), Err)
    }

    fn offer(&mut self, item: &Item<'_>) -> Result<(), Error> {
        self.room = self.room.checked_sub(1).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the plugin pushed more items than the page takes",
            )
        })?;
        match &mut self.target {
            Target::Collector(take) => take(item),
            Target::Sink { sink, push, .. } => {
                let lowered = item.lower();
                // SAFETY: R3, R7: the sink is lent for `'a`, `Items` cannot leave the thread of
                // the call, and `lowered` borrows from `item`, which outlives the push.
                match unsafe { push(*sink, &raw const lowered) } {
                    abi::AH_OK => Ok(()),
                    status => Err(Error::stopped(status)),
                }
            }
        }
    }
}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_every_item_once() {
        let mut seen = Vec::new();
        let mut cursor = Vec::new();
        loop {
            let mut page = Page::new(3, &cursor);
            seen.extend(page.range(7, 8).unwrap());
            assert_eq!(page.generation(), 7);
            cursor = page.next_cursor().to_vec();
            if cursor.is_empty() {
                break;
            }
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn page_of_an_earlier_state_is_stale() {
        let mut first = Page::new(3, &[]);
        first.range(7, 8).unwrap();
        let mut second = Page::new(3, first.next_cursor());
        assert_eq!(
            second.range(8, 8).unwrap_err().kind(),
            ErrorKind::StaleCursor
        );
    }

    #[test]
    fn cursor_of_somebody_else_is_stale() {
        for cursor in [&b"x"[..], &[0; 128], &[0xff; 16]] {
            let kind = Page::new(0, cursor).range(7, 8).unwrap_err().kind();
            assert_eq!(kind, ErrorKind::StaleCursor);
        }
    }

    #[test]
    fn nothing_is_pushed_after_a_stop() {
        let mut taken = 0;
        let mut take = |_: &Item<'_>| {
            taken += 1;
            Err(Error::busy("enough"))
        };
        let mut items = Items::collecting(&mut take);
        let item = Item::certificate(b"1", b"der");
        assert!(items.push(&item).is_err());
        assert!(items.push(&item).is_err());
        assert!(items.verdict().is_err());
        assert_eq!(taken, 1);
    }
}
