//! Memory for secrets: the host's, which is never swapped, or the plugin's own where it has none.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, compiler_fence};
use std::sync::{Arc, PoisonError, RwLock};

use anchorhold_abi::ah_host;

use crate::error::{Error, ErrorKind};
use crate::host::Host;

/// A place of fixed size for a secret, zeroed at first and wiped at the end.
///
/// Where the host has memory that is locked and guarded, it is of that; it ends with the store
/// then, whoever still holds it. Else it is ordinary memory, which is wiped all the same.
pub struct SecretMemory(Arc<Place>);

/// Where a secret is.
pub(crate) struct Place {
    region: RwLock<Region>,
    size: usize,
}

enum Region {
    Lent(Lent),
    Own(Box<[u8]>),
    /// The host has taken its memory back.
    Gone,
}

/// Memory of the host's.
pub(crate) struct Lent {
    pub(crate) start: NonNull<u8>,
    pub(crate) host: *const ah_host,
    pub(crate) give_back: unsafe extern "C" fn(*const ah_host, *mut c_void, usize),
}

// SAFETY: R3, R7: the memory is this place's alone until it is given back, and giving it back is
// [any].
unsafe impl Send for Lent {}
// SAFETY: R3, R7, as above; who writes holds the lock of the place alone.
unsafe impl Sync for Lent {}

impl SecretMemory {
    /// A place of this size, zeroed.
    pub fn new(host: &Host, size: usize) -> Self {
        let place = host.lend(size).unwrap_or_else(|| {
            Arc::new(Place {
                region: RwLock::new(Region::Own(vec![0; size].into_boxed_slice())),
                size,
            })
        });
        Self(place)
    }

    /// A place with a copy of `secret`.
    pub fn copy_of(host: &Host, secret: &[u8]) -> Result<Self, Error> {
        let memory = Self::new(host, secret.len());
        memory.expose_mut(|place| place.copy_from_slice(secret))?;
        Ok(memory)
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.0.size
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.size == 0
    }

    /// Whether the memory is the host's, which is never swapped.
    pub fn is_locked(&self) -> bool {
        let region = self.0.region.read();
        matches!(
            &*region.unwrap_or_else(PoisonError::into_inner),
            Region::Lent(_)
        )
    }

    /// Lets `read` see the secret; an error once the store is closed.
    pub fn expose<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, Error> {
        let region = self.0.region.read();
        match &*region.unwrap_or_else(PoisonError::into_inner) {
            Region::Own(bytes) => Ok(read(bytes)),
            Region::Lent(lent) => {
                // SAFETY: R3: the memory is there until it is given back, which waits for the lock
                // of the place, and nobody writes while it is only read.
                Ok(read(unsafe {
                    std::slice::from_raw_parts(lent.start.as_ptr(), self.0.size)
                }))
            }
            Region::Gone => Err(gone()),
        }
    }

    /// Lets `write` change the secret; an error once the store is closed.
    pub fn expose_mut<R>(&self, write: impl FnOnce(&mut [u8]) -> R) -> Result<R, Error> {
        let region = self.0.region.write();
        match &mut *region.unwrap_or_else(PoisonError::into_inner) {
            Region::Own(bytes) => Ok(write(bytes)),
            Region::Lent(lent) => {
                // SAFETY: R3: the memory is there until it is given back, and the lock of the
                // place is held alone.
                Ok(write(unsafe {
                    std::slice::from_raw_parts_mut(lent.start.as_ptr(), self.0.size)
                }))
            }
            Region::Gone => Err(gone()),
        }
    }
}

impl Place {
    pub(crate) fn lent(lent: Lent, size: usize) -> Self {
        Self {
            region: RwLock::new(Region::Lent(lent)),
            size,
        }
    }

    /// Wipes the secret, and gives memory of the host's back.
    pub(crate) fn clear(&self) {
        let mut region = self.region.write().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *region, Region::Gone) {
            Region::Own(mut bytes) => wipe(&mut bytes),
            Region::Lent(lent) => {
                // SAFETY: R3: the memory is there, and the lock of the place is held alone.
                wipe(unsafe { std::slice::from_raw_parts_mut(lent.start.as_ptr(), self.size) });
                // SAFETY: R3, R7: [any]; it is taken out of the place before, so it is given back
                // once, and before the host ends: closing the store waits for it.
                unsafe { (lent.give_back)(lent.host, lent.start.as_ptr().cast(), self.size) };
            }
            Region::Gone => {}
        }
    }
}

impl Drop for SecretMemory {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl fmt::Debug for SecretMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretMemory")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn gone() -> Error {
    Error::new(
        ErrorKind::InvalidState,
        "the store is closed, and its secrets are wiped",
    )
}

/// Overwrites the bytes in a way that the compiler keeps.
fn wipe(bytes: &mut [u8]) {
    for byte in bytes.iter_mut() {
        // SAFETY: R3: the reference is to one byte that may be written.
        unsafe { std::ptr::from_mut(byte).write_volatile(0) };
    }
    compiler_fence(Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_memory_is_zeroed_at_first_and_keeps_what_is_written() {
        let memory = SecretMemory::new(&Host::detached(), 4);
        assert!(!memory.is_locked());
        assert_eq!(memory.expose(<[u8]>::to_vec).unwrap(), [0; 4]);
        memory
            .expose_mut(|place| place.copy_from_slice(b"1234"))
            .unwrap();
        assert_eq!(memory.expose(<[u8]>::to_vec).unwrap(), b"1234");
        assert_eq!(format!("{memory:?}"), "SecretMemory { len: 4, .. }");
    }

    #[test]
    fn what_is_cleared_is_gone() {
        let memory = SecretMemory::copy_of(&Host::detached(), b"1234").unwrap();
        memory.0.clear();
        assert_eq!(
            memory.expose(<[u8]>::to_vec).unwrap_err().kind(),
            ErrorKind::InvalidState
        );
        memory.0.clear();
    }

    #[test]
    fn wiping_leaves_nothing() {
        let mut bytes = *b"1234";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 4]);
    }

    #[test]
    fn empty_secret_is_a_secret() {
        let memory = SecretMemory::copy_of(&Host::detached(), b"").unwrap();
        assert!(memory.is_empty());
        assert_eq!(memory.expose(<[u8]>::len).unwrap(), 0);
    }
}
