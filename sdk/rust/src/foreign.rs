//! Borrowed text and bytes of the host as slices, and text of ours in the host's fixed fields.

use core::ffi::c_char;

use anchorhold_abi::{ah_bytes, ah_str};

use crate::error::Error;

/// The bytes behind a pointer of the host.
///
/// # Safety
///
/// R3: what `bytes` points to is there, and is not written, for `'a`.
pub(crate) unsafe fn bytes<'a>(bytes: ah_bytes) -> Result<&'a [u8], Error> {
    if bytes.len == 0 {
        return Ok(&[]);
    }
    if bytes.ptr.is_null() || isize::try_from(bytes.len).is_err() {
        return Err(Error::invalid_argument("bytes without a place"));
    }
    // SAFETY: R3, as promised by the caller; the pointer is not NULL and the length is possible.
    Ok(unsafe { core::slice::from_raw_parts(bytes.ptr, bytes.len) })
}

/// The text behind a pointer of the host.
///
/// # Safety
///
/// R3: what `text` points to is there, and is not written, for `'a`.
pub(crate) unsafe fn text<'a>(text: ah_str) -> Result<&'a str, Error> {
    // SAFETY: R3, as promised by the caller.
    let bytes = unsafe {
        bytes(ah_bytes {
            ptr: text.ptr.cast(),
            len: text.len,
        })
    }?;
    core::str::from_utf8(bytes).map_err(|_| Error::invalid_argument("text that is not UTF-8"))
}

/// The elements behind a pointer of the host, each read at its own stride.
///
/// # Safety
///
/// R1, R3: `count` elements of `stride` bytes are there, and are not written, while this runs;
/// `T` is made of numbers and pointers only.
pub(crate) unsafe fn elements<T: Copy>(
    first: *const T,
    count: usize,
    stride: u32,
    mut each: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    if count == 0 {
        return Ok(());
    }
    let stride = usize::try_from(stride).unwrap_or(0);
    let whole = count
        .checked_mul(stride)
        .and_then(|bytes| isize::try_from(bytes).ok());
    if first.is_null() || stride < size_of::<T>() || whole.is_none() {
        return Err(Error::invalid_argument("an array that cannot be"));
    }
    for index in 0..count {
        // SAFETY: R1: the element lies within the `count * stride` bytes, which do not overflow;
        // nothing is assumed of its alignment.
        each(unsafe { first.byte_add(index * stride).read_unaligned() })?;
    }
    Ok(())
}

/// Puts text into a fixed field: cut between two characters, NUL-terminated, NUL in it as a blank.
pub(crate) fn fill(field: &mut [c_char], text: &str) {
    let Some(room) = field.len().checked_sub(1) else {
        return;
    };
    let mut end = text.len().min(room);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let bytes = text
        .as_bytes()
        .iter()
        .take(end)
        .map(|byte| if *byte == 0 { b' ' } else { *byte });
    let padded = bytes.chain(core::iter::repeat(0));
    for (slot, byte) in field.iter_mut().zip(padded) {
        *slot = c_char::from_ne_bytes([byte]);
    }
}

/// The text in a fixed field of the host's, up to the first NUL.
pub(crate) fn field(field: &[c_char]) -> String {
    let bytes: Vec<u8> = field
        .iter()
        .map(|slot| slot.to_ne_bytes()[0])
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled<const N: usize>(text: &str) -> Vec<u8> {
        let mut field = [c_char::from_ne_bytes([0x55]); N];
        fill(&mut field, text);
        field.iter().map(|slot| slot.to_ne_bytes()[0]).collect()
    }

    #[test]
    fn text_is_cut_between_two_characters() {
        // R4
        assert_eq!(filled::<4>("abé"), b"ab\0\0");
        assert_eq!(filled::<5>("abé"), "abé\0".as_bytes());
        assert_eq!(filled::<3>("\u{1f512}"), b"\0\0\0");
    }

    #[test]
    fn nul_does_not_end_a_text() {
        assert_eq!(filled::<6>("a\0b"), b"a b\0\0\0");
    }

    #[test]
    fn bytes_without_a_place_are_refused() {
        let none = ah_bytes {
            ptr: core::ptr::null(),
            len: 3,
        };
        // SAFETY: R3: nothing is read through NULL.
        assert!(unsafe { bytes(none) }.is_err());
        // SAFETY: R3: nothing is read where the length is 0.
        assert_eq!(unsafe { bytes(ah_bytes::EMPTY) }, Ok(&[][..]));
    }

    #[test]
    fn wider_elements_are_read_at_their_stride() {
        // R1
        let newer: [[u64; 3]; 2] = [[1, 2, 99], [3, 4, 99]];
        let mut seen = Vec::new();
        // SAFETY: R1: two elements of 24 bytes, of which the first 16 are known.
        let read = unsafe {
            elements(newer.as_ptr().cast::<[u64; 2]>(), 2, 24, |element| {
                seen.push(element);
                Ok(())
            })
        };
        assert_eq!(read, Ok(()));
        assert_eq!(seen, [[1, 2], [3, 4]]);
    }

    #[test]
    fn narrower_elements_are_refused() {
        let older = [1_u64];
        // SAFETY: R1: nothing is read where the stride is too small.
        let read = unsafe { elements(older.as_ptr().cast::<[u64; 2]>(), 1, 8, |_| Ok(())) };
        assert!(read.is_err());
    }
}
