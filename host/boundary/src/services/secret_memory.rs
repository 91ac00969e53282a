//! Memory for secrets: locked, zeroed, between two pages that nobody may touch, wiped afterwards.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anchorhold_abi::{Growing, ah_host, ah_host_secret_mem};

use crate::guard::guarded;
use crate::services::{LogLevel, Services};

#[cfg(unix)]
mod piece;
#[cfg(not(unix))]
#[path = "secret_memory/nothing.rs"]
mod piece;

use piece::Piece;

/// The most bytes of one piece.
const PIECE_MAX: usize = 64 << 10;
/// The most bytes of a store's pieces together, in whole pages.
const TOTAL_MAX: usize = 1 << 20;

/// What a store has taken and not given back.
#[derive(Default)]
pub(super) struct SecretMemory(Mutex<Pieces>);

#[derive(Default)]
struct Pieces {
    by_address: BTreeMap<usize, Piece>,
    locked: usize,
}

impl SecretMemory {
    /// A piece of this size, or NULL where it is too large, too much, or cannot be locked.
    fn take(&self, size: usize) -> *mut c_void {
        if size == 0 || size > PIECE_MAX {
            return std::ptr::null_mut();
        }
        let mut pieces = self.lock();
        let room = TOTAL_MAX.saturating_sub(pieces.locked);
        let Some(piece) = Piece::new(size).filter(|piece| piece.locked() <= room) else {
            return std::ptr::null_mut();
        };
        let start = piece.start();
        pieces.locked += piece.locked();
        pieces.by_address.insert(start.addr(), piece);
        start.cast()
    }

    /// Wipes a piece. The error says what the plugin did wrong.
    fn give_back(&self, address: usize, size: usize) -> Result<(), &'static str> {
        let mut pieces = self.lock();
        let Some(piece) = pieces.by_address.remove(&address) else {
            return Err("it gave back secret memory that it does not have");
        };
        pieces.locked -= piece.locked();
        drop(pieces);
        if piece.is_overrun() {
            return Err("it wrote past the end of its secret memory");
        }
        if piece.size() != size {
            return Err("it gave back secret memory of another size than it took");
        }
        Ok(())
    }

    /// Wipes what was not given back, and returns how many pieces that were.
    pub(super) fn clear(&self) -> usize {
        let left = std::mem::take(&mut *self.lock());
        left.by_address.len()
    }

    fn lock(&self) -> MutexGuard<'_, Pieces> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SecretMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretMemory").finish_non_exhaustive()
    }
}

pub(super) const TABLE: &ah_host_secret_mem = &ah_host_secret_mem {
    struct_size: ah_host_secret_mem::SIZE,
    reserved: 0,
    take: Some(take),
    give_back: Some(give_back),
};

/// `ah_host_secret_mem.take`.
///
/// # Safety
///
/// R3: `host` is NULL or the host of an open store.
unsafe extern "C" fn take(host: *const ah_host, size: usize) -> *mut c_void {
    guarded(std::ptr::null_mut(), || {
        // SAFETY: R3: the host was made by `Services::host`, and lives until close returns.
        match unsafe { host.cast::<Services>().as_ref() } {
            Some(services) => services.secret_memory.take(size),
            None => std::ptr::null_mut(),
        }
    })
}

/// `ah_host_secret_mem.give_back`.
///
/// # Safety
///
/// R3: `host` is NULL or the host of an open store; nobody uses the piece at `ptr` any more.
unsafe extern "C" fn give_back(host: *const ah_host, ptr: *mut c_void, size: usize) {
    guarded((), || {
        // SAFETY: R3: the host was made by `Services::host`, and lives until close returns.
        let Some(services) = (unsafe { host.cast::<Services>().as_ref() }) else {
            return;
        };
        if ptr.is_null() {
            return;
        }
        // Nothing is written through the plugin's pointer: it only says which piece.
        if let Err(fault) = services.secret_memory.give_back(ptr.addr(), size) {
            services.say(LogLevel::Warn, fault);
        }
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn piece_is_zeroed_and_aligned_and_can_be_written_whole() {
        let memory = SecretMemory::default();
        for size in [1, 15, 16, 17, 4096, 5000] {
            let start = memory.take(size).cast::<u8>();
            assert!(!start.is_null(), "{size}");
            assert_eq!(start.addr() % 16, 0);
            // SAFETY: R3: the piece has `size` bytes, and is ours until it is given back.
            let bytes = unsafe { std::slice::from_raw_parts_mut(start, size) };
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(0x5a);
            assert_eq!(memory.give_back(start.addr(), size), Ok(()));
        }
        assert_eq!(memory.clear(), 0);
    }

    #[test]
    fn what_is_too_large_or_too_much_is_null() {
        let memory = SecretMemory::default();
        assert!(memory.take(0).is_null());
        assert!(memory.take(PIECE_MAX + 1).is_null());
        assert!(memory.take(usize::MAX).is_null());
        let mut taken = 0;
        // An ordinary user may lock less than a store may have.
        while !memory.take(PIECE_MAX).is_null() {
            taken += 1;
            assert!(taken <= TOTAL_MAX / PIECE_MAX, "no limit");
        }
        assert_eq!(memory.clear(), taken);
        // What was cleared is there again.
        assert!(!memory.take(1).is_null());
    }

    #[test]
    fn every_mistake_of_giving_back_is_told() {
        let memory = SecretMemory::default();
        let start = memory.take(20).cast::<u8>();
        assert!(memory.give_back(start.addr() + 1, 20).is_err());
        assert!(
            memory
                .give_back(start.addr(), 21)
                .unwrap_err()
                .contains("another size")
        );
        assert!(
            memory
                .give_back(start.addr(), 20)
                .unwrap_err()
                .contains("does not have")
        );
        let start = memory.take(20).cast::<u8>();
        // SAFETY: R3: the piece ends at a multiple of 16, so the byte is still mapped.
        unsafe { start.add(20).write(1) };
        let fault = memory.give_back(start.addr(), 20).unwrap_err();
        assert!(fault.contains("past the end"));
    }

    #[test]
    fn leftovers_are_counted_and_gone() {
        let memory = SecretMemory::default();
        let start = memory.take(20);
        assert!(!start.is_null() && !memory.take(30).is_null());
        assert_eq!(memory.clear(), 2);
        assert!(memory.give_back(start.addr(), 20).is_err());
    }
}
