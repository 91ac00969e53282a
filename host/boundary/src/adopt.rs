//! Reading what a plugin points to: by the size that it states, never beyond.

pub(crate) mod der;
pub(crate) mod health;
pub(crate) mod item;
pub(crate) mod outcome;
pub(crate) mod plugin;

use anchorhold_abi::{ah_bytes, ah_str};

/// A pointer that cannot lead to what its length says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nowhere;

/// The bytes that a plugin points to. NULL with the length 0 is nothing, with any other length it
/// is nowhere.
///
/// # Safety
///
/// R3: what `bytes` points to is there, and is not written, for `'a`.
pub(crate) unsafe fn bytes<'a>(bytes: ah_bytes) -> Result<&'a [u8], Nowhere> {
    if bytes.len == 0 {
        return Ok(&[]);
    }
    if bytes.ptr.is_null() || isize::try_from(bytes.len).is_err() {
        return Err(Nowhere);
    }
    // SAFETY: R3, as promised by the caller; the pointer is not NULL and the length is possible.
    Ok(unsafe { std::slice::from_raw_parts(bytes.ptr, bytes.len) })
}

/// The bytes of a text that a plugin points to, which may be anything but UTF-8.
///
/// # Safety
///
/// R3: what `text` points to is there, and is not written, for `'a`.
pub(crate) unsafe fn text<'a>(text: ah_str) -> Result<&'a [u8], Nowhere> {
    // SAFETY: R3, as promised by the caller.
    unsafe {
        bytes(ah_bytes {
            ptr: text.ptr.cast(),
            len: text.len,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_nothing_or_nowhere() {
        let null = |len| ah_bytes {
            ptr: std::ptr::null(),
            len,
        };
        // SAFETY: R3: nothing is read through NULL.
        assert_eq!(unsafe { bytes(null(0)) }, Ok(&[][..]));
        // SAFETY: R3: nothing is read through NULL.
        assert_eq!(unsafe { bytes(null(1)) }, Err(Nowhere));
    }

    #[test]
    fn impossible_length_is_nowhere() {
        let huge = ah_bytes {
            ptr: b"x".as_ptr(),
            len: usize::MAX,
        };
        // SAFETY: R3: nothing is read where the length is impossible.
        assert_eq!(unsafe { bytes(huge) }, Err(Nowhere));
    }
}
