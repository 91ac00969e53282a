//! Memory that is lent to a plugin: each piece ends at a page that is not there, and is not there
//! itself once the call is over.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::word::{Call, Thing};

/// How much address space is set aside; nothing of it is memory until it is lent. What was lent is
/// used again only after all of it was.
const SIZE: usize = 16 << 30;
/// What fills the page before a piece, so that a write before it is seen.
const FILL: u8 = 0xa5;

/// The address space out of which everything is lent.
struct Arena {
    base: usize,
    page: usize,
    next: AtomicUsize,
    /// What each page is for; the handler of signals reads it.
    marks: &'static [AtomicU32],
}

/// Whether the plugin may write to what it is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is an argument.
    In,
    /// It is to be filled.
    Out,
}

/// One piece of memory, lent until this is dropped.
#[derive(Debug)]
pub(crate) struct Loan {
    first: usize,
    pages: usize,
    start: usize,
    size: usize,
}

/// What the page of an address is, as far as it is one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The state of the page.
    pub(crate) state: State,
    /// The call that it was lent to.
    pub(crate) call: Call,
    /// What it held.
    pub(crate) thing: Thing,
}

/// The state of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Lent, to be read only.
    Open,
    /// No longer lent.
    Closed,
    /// The page behind what is lent.
    Guard,
}

impl Mark {
    fn packed(self) -> u32 {
        let state = match self.state {
            State::Open => 1,
            State::Closed => 2,
            State::Guard => 3,
        };
        state | (u32::from(self.call.index()) << 8) | (u32::from(self.thing.index()) << 16)
    }

    fn unpacked(raw: u32) -> Option<Self> {
        let [state, call, thing, _] = raw.to_le_bytes();
        let state = match state {
            1 => State::Open,
            2 => State::Closed,
            3 => State::Guard,
            _ => return None,
        };
        Some(Self {
            state,
            call: Call::at(call)?,
            thing: Thing::at(thing)?,
        })
    }
}

static ARENA: OnceLock<Option<Arena>> = OnceLock::new();

fn arena() -> Result<&'static Arena, String> {
    let made = ARENA.get_or_init(Arena::new).as_ref();
    made.ok_or_else(|| "no address space is left to lend".to_owned())
}

/// What an address belongs to. Fit for a handler of signals: it takes no lock and makes no memory.
pub(crate) fn mark_at(address: usize) -> Option<Mark> {
    let arena = ARENA.get()?.as_ref()?;
    let offset = address.checked_sub(arena.base)?;
    let mark = arena.marks.get(offset / arena.page)?;
    Mark::unpacked(mark.load(Ordering::Acquire))
}

impl Arena {
    fn new() -> Option<Self> {
        // SAFETY: a question about the machine, without memory. R1: pages are whole.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        let base = reserve(SIZE, libc::PROT_NONE)?;
        let count = SIZE / page;
        let bytes = count.checked_mul(size_of::<AtomicU32>())?;
        let marks = reserve(bytes, libc::PROT_READ | libc::PROT_WRITE)?;
        // SAFETY: R3: the pages are zero, which every atomic number is, and stay for ever.
        let marks = unsafe {
            std::slice::from_raw_parts(ptr::with_exposed_provenance::<AtomicU32>(marks), count)
        };
        Some(Self {
            base,
            page,
            next: AtomicUsize::new(0),
            marks,
        })
    }

    /// The first of so many pages that nothing is lent of.
    fn take(&self, pages: usize) -> Option<usize> {
        let all = self.marks.len();
        loop {
            let first = self.next.fetch_add(pages, Ordering::Relaxed);
            if first.checked_add(pages)? <= all {
                return Some(first);
            }
            if pages > all {
                return None;
            }
            // The end is reached: what was lent first is lent again.
            self.next.store(0, Ordering::Relaxed);
        }
    }

    fn set(&self, first: usize, count: usize, mark: Mark) {
        let marks = self.marks.get(first..first.saturating_add(count));
        for page in marks.unwrap_or_default() {
            page.store(mark.packed(), Ordering::Release);
        }
    }

    fn address(&self, page: usize) -> usize {
        self.base + page * self.page
    }
}

/// Address space of our own.
fn reserve(bytes: usize, protection: i32) -> Option<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: R3: new pages, of which nobody else knows.
    let made = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
    (made != libc::MAP_FAILED).then(|| made.expose_provenance())
}

impl Loan {
    /// Lends a copy of the bytes.
    pub(crate) fn new(call: Call, thing: Thing, usage: Use, bytes: &[u8]) -> Result<Self, String> {
        let arena = arena()?;
        let pages = bytes.len().div_ceil(arena.page).max(1);
        let none = || "no address space is left to lend".to_owned();
        let first = arena.take(pages + 1).ok_or_else(none)?;
        let (begin, length) = (arena.address(first), pages * arena.page);
        let mark = |state| Mark { state, call, thing };
        protect(begin, length, libc::PROT_READ | libc::PROT_WRITE)?;
        let slack = length - bytes.len();
        // SAFETY: R3: the pages are ours, writable, and lent to nobody yet; `slack` and the bytes
        // are their whole length.
        unsafe {
            let pages = ptr::with_exposed_provenance_mut::<u8>(begin);
            pages.write_bytes(FILL, slack);
            pages
                .add(slack)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        arena.set(first, pages, mark(State::Open));
        arena.set(first + pages, 1, mark(State::Guard));
        if usage == Use::In {
            protect(begin, length, libc::PROT_READ)?;
        }
        Ok(Self {
            first,
            pages,
            start: begin + slack,
            size: bytes.len(),
        })
    }

    /// Lends a copy of a struct.
    pub(crate) fn of<T: Copy>(
        call: Call,
        thing: Thing,
        usage: Use,
        value: &T,
    ) -> Result<Self, String> {
        // SAFETY: R1: the structs of the contract have no padding, so all their bytes are values.
        let bytes = unsafe {
            std::slice::from_raw_parts(ptr::from_ref(value).cast::<u8>(), size_of::<T>())
        };
        Self::new(call, thing, usage, bytes)
    }

    /// Where it begins.
    pub(crate) fn address<T>(&self) -> *const T {
        ptr::with_exposed_provenance(self.start)
    }

    /// Where it begins, for what is to be filled.
    pub(crate) fn address_mut<T>(&self) -> *mut T {
        ptr::with_exposed_provenance_mut(self.start)
    }

    /// What it holds now.
    pub(crate) fn contents(&self) -> Vec<u8> {
        // SAFETY: R3: the pages are ours and readable until this is dropped.
        let held = unsafe { std::slice::from_raw_parts(self.address::<u8>(), self.size) };
        held.to_vec()
    }

    /// The struct that it holds now.
    pub(crate) fn value<T: Copy>(&self) -> Option<T> {
        if self.size < size_of::<T>() {
            return None;
        }
        // SAFETY: R1, R3: the pages are ours, and were filled from a `T`, of which any bytes are a
        // value; they lie at the end of a page, which the size of a struct of the contract aligns.
        Some(unsafe { self.address::<T>().read_unaligned() })
    }

    /// Whether something was written before its beginning.
    pub(crate) fn is_underrun(&self) -> bool {
        let Ok(arena) = arena() else { return false };
        let begin = arena.address(self.first);
        // SAFETY: R3: the pages are ours and readable until this is dropped.
        let slack = unsafe {
            std::slice::from_raw_parts(
                ptr::with_exposed_provenance::<u8>(begin),
                self.start - begin,
            )
        };
        slack.iter().any(|byte| *byte != FILL)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Ok(arena) = arena() else { return };
        let begin = arena.address(self.first);
        let marks = arena.marks.get(self.first);
        if let Some(mark) = marks.and_then(|mark| Mark::unpacked(mark.load(Ordering::Acquire))) {
            let state = State::Closed;
            arena.set(self.first, self.pages, Mark { state, ..mark });
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        // SAFETY: R3: the loan is over, the pages are ours, and new ones that nobody can touch take
        // their place.
        unsafe {
            libc::mmap(
                ptr::with_exposed_provenance_mut(begin),
                self.pages * arena.page,
                libc::PROT_NONE,
                flags,
                -1,
                0,
            );
        }
    }
}

fn protect(begin: usize, length: usize, protection: i32) -> Result<(), String> {
    // SAFETY: R3: the pages are ours, and lent to nobody at this moment.
    let done =
        unsafe { libc::mprotect(ptr::with_exposed_provenance_mut(begin), length, protection) };
    if done == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(format!("memory to lend could not be had: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loan_ends_at_a_page_that_is_not_there() {
        let loan = Loan::new(Call::List, Thing::Page, Use::Out, b"12345").unwrap();
        let end = loan.address::<u8>().addr() + 5;
        assert_eq!(loan.contents(), b"12345");
        assert_eq!(mark_at(end).map(|mark| mark.state), Some(State::Guard));
        assert_eq!(mark_at(end - 1).map(|mark| mark.state), Some(State::Open));
        assert!(!loan.is_underrun());
    }

    #[test]
    fn what_was_lent_is_known_afterwards() {
        // R3
        let loan = Loan::new(Call::Find, Thing::Query, Use::In, &[7; 9000]).unwrap();
        let address = loan.address::<u8>().addr();
        drop(loan);
        let mark = mark_at(address + 8999).unwrap();
        assert_eq!(
            (mark.state, mark.call, mark.thing),
            (State::Closed, Call::Find, Thing::Query)
        );
    }

    #[test]
    fn a_write_before_the_beginning_is_seen() {
        let loan = Loan::new(Call::Health, Thing::Health, Use::Out, &[0; 8]).unwrap();
        // SAFETY: R3: the byte before a loan of eight bytes lies in the same page of ours.
        unsafe { loan.address_mut::<u8>().sub(1).write(0) };
        assert!(loan.is_underrun());
    }

    #[test]
    fn an_address_of_somebody_else_has_no_mark() {
        let own = 7_u8;
        assert_eq!(mark_at(ptr::from_ref(&own).addr()), None);
        assert_eq!(mark_at(0), None);
    }
}
