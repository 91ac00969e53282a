//! One piece of secret memory: its pages, and the two that guard them.

use std::ffi::c_void;

use rustix::mm::{self, MapFlags, MprotectFlags, ProtFlags};
use zeroize::Zeroize;

/// What every piece starts at a multiple of.
const ALIGNMENT: usize = 16;

/// Pages of our own, locked and wiped when dropped: one that nobody may touch, those of the piece,
/// one that nobody may touch. The piece ends where the last one begins, or up to 15 bytes before.
#[derive(Debug)]
pub(super) struct Piece {
    mapping: *mut u8,
    mapped: usize,
    page: usize,
    /// From the start of the piece to the end of its pages.
    reach: usize,
    size: usize,
}

// SAFETY: R7: the pages are the piece's own, and nothing in it belongs to a thread.
unsafe impl Send for Piece {}

impl Piece {
    /// `None` where the pages cannot be had or cannot be locked.
    pub(super) fn new(size: usize) -> Option<Self> {
        let page = rustix::param::page_size();
        let reach = size.checked_next_multiple_of(ALIGNMENT)?;
        let mapped = reach
            .checked_next_multiple_of(page)?
            .checked_add(page.checked_mul(2)?)?;
        // SAFETY: R3: a new mapping at an address that the kernel chooses touches nothing else.
        let mapping = unsafe {
            mm::mmap_anonymous(
                std::ptr::null_mut(),
                mapped,
                ProtFlags::empty(),
                MapFlags::PRIVATE,
            )
        }
        .ok()?;
        let piece = Self {
            mapping: mapping.cast(),
            mapped,
            page,
            reach,
            size,
        };
        piece.lock().then_some(piece)
    }

    /// Makes the pages of the piece usable, and keeps them out of swap, core files and children.
    fn lock(&self) -> bool {
        let (pages, length) = (self.pages().cast::<c_void>(), self.locked());
        // SAFETY: R3: the pages lie within the mapping, which is ours and not yet used.
        unsafe {
            let writable = MprotectFlags::READ | MprotectFlags::WRITE;
            if mm::mprotect(pages, length, writable).is_err() || mm::mlock(pages, length).is_err() {
                return false;
            }
            #[cfg(target_os = "linux")]
            for advice in [mm::Advice::LinuxDontDump, mm::Advice::LinuxWipeOnFork] {
                // An old kernel does without, and locked memory is still what it is.
                let _taken = mm::madvise(pages, length, advice);
            }
        }
        true
    }

    /// Where the piece starts.
    pub(super) fn start(&self) -> *mut u8 {
        self.pages().wrapping_add(self.locked() - self.reach)
    }

    /// How many bytes were asked for.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// How many bytes are locked for it.
    pub(super) fn locked(&self) -> usize {
        self.mapped - 2 * self.page
    }

    /// Whether anything was written between the end of the piece and the end of its pages.
    pub(super) fn is_overrun(&self) -> bool {
        (self.size..self.reach).any(|offset| {
            // SAFETY: R3: the byte lies within the pages, and nobody uses the piece any more.
            unsafe { self.start().add(offset).read() != 0 }
        })
    }

    fn pages(&self) -> *mut u8 {
        self.mapping.wrapping_add(self.page)
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // SAFETY: R3: the pages lie within the mapping, and nobody uses the piece any more. Where they
        // could not be made writable they were never handed out: unmapping is enough then, but
        // making them writable again costs nothing and keeps this one path.
        unsafe {
            let writable = MprotectFlags::READ | MprotectFlags::WRITE;
            if mm::mprotect(self.pages().cast(), self.locked(), writable).is_ok() {
                std::slice::from_raw_parts_mut(self.pages(), self.locked()).zeroize();
            }
            let _unmapped = mm::munmap(self.mapping.cast(), self.mapped);
        }
    }
}
