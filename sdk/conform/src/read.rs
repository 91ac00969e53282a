//! Reading what a plugin points to, with words for what is wrong with it.

use anchorhold_abi::{ah_bytes, ah_str};

/// The bytes that a plugin points to.
///
/// # Safety
///
/// R3: what `bytes` points to is lent for as long as this runs.
pub(crate) unsafe fn bytes(bytes: ah_bytes) -> Result<Vec<u8>, String> {
    if bytes.len == 0 {
        return Ok(Vec::new());
    }
    if bytes.ptr.is_null() {
        return Err(format!("is NULL and has {} bytes", bytes.len));
    }
    if bytes.len > MAX {
        return Err(format!("has {} bytes", bytes.len));
    }
    // SAFETY: R3, as promised by the caller; the pointer is not NULL and the length is possible.
    Ok(unsafe { std::slice::from_raw_parts(bytes.ptr, bytes.len) }.to_vec())
}

/// The text that a plugin points to: UTF-8 without NUL.
///
/// # Safety
///
/// R3: what `text` points to is lent for as long as this runs.
pub(crate) unsafe fn text(text: ah_str) -> Result<String, String> {
    let raw = ah_bytes {
        ptr: text.ptr.cast(),
        len: text.len,
    };
    // SAFETY: R3, as promised by the caller.
    let text = unsafe { bytes(raw) }?;
    if text.contains(&0) {
        return Err("has a NUL in it".to_owned());
    }
    String::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())
}

/// A text of fixed room: up to its NUL, which must be there.
pub(crate) fn fixed(room: &[std::ffi::c_char]) -> Result<String, String> {
    let bytes: Vec<u8> = room.iter().map(|byte| byte.to_ne_bytes()[0]).collect();
    let Some(end) = bytes.iter().position(|byte| *byte == 0) else {
        return Err("does not end with NUL".to_owned());
    };
    let text = bytes.get(..end).unwrap_or_default().to_vec();
    String::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())
}

/// No field of the contract is longer.
const MAX: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_text_is_said() {
        for (text, expected) in [
            (&b"caf\xc3\xa9"[..], Ok("caf\u{e9}".to_owned())),
            (b"caf\xe9", Err("is not UTF-8".to_owned())),
            (b"a\0b", Err("has a NUL in it".to_owned())),
            (b"", Ok(String::new())),
        ] {
            let lent = ah_str {
                ptr: text.as_ptr().cast(),
                len: text.len(),
            };
            // SAFETY: R3: the text lives longer than the call.
            assert_eq!(unsafe { super::text(lent) }, expected);
        }
        let nowhere = ah_bytes {
            ptr: std::ptr::null(),
            len: 3,
        };
        // SAFETY: R3: nothing is read.
        assert!(unsafe { bytes(nowhere) }.unwrap_err().contains("NULL"));
    }

    #[test]
    fn text_of_fixed_room_ends_with_nul() {
        assert_eq!(fixed(&[0x61, 0, 0x62]), Ok("a".to_owned()));
        assert!(fixed(&[0x61, 0x62]).unwrap_err().contains("NUL"));
    }
}
