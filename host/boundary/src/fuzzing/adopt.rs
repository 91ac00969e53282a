//! A plugin's structs made of any bytes: every number is as it comes, every pointer leads to bytes
//! that are there, or nowhere.

use anchorhold_abi::{Growing, ah_bytes, ah_health, ah_item, ah_outcome, ah_rule, ah_str};

use crate::adopt;

/// The bytes that lengths and pointers lead to.
struct Ground<'a>(&'a [u8]);

impl<'a> Ground<'a> {
    /// Pointer and length as some plugin would give them: NULL with any length, or bytes that are
    /// there.
    fn bytes(&self, raw: ah_bytes) -> ah_bytes {
        if raw.ptr.addr().is_multiple_of(2) {
            return ah_bytes {
                ptr: std::ptr::null(),
                len: raw.len,
            };
        }
        let start = raw.ptr.addr() / 2 % (self.0.len() + 1);
        let rest = self.0.get(start..).unwrap_or_default();
        let part = rest.get(..raw.len % (rest.len() + 1)).unwrap_or_default();
        ah_bytes::new(part)
    }

    fn text(&self, raw: ah_str) -> ah_str {
        let bytes = self.bytes(ah_bytes {
            ptr: raw.ptr.cast(),
            len: raw.len,
        });
        ah_str {
            ptr: bytes.ptr.cast(),
            len: bytes.len,
        }
    }
}

/// Reads an item, an outcome and a health that are made of the bytes.
pub(super) fn adopt(bytes: &[u8]) {
    item(bytes);
    let (outcome, rest): (ah_outcome, _) = taken(bytes);
    let ground = Ground(rest);
    let outcome = ah_outcome {
        id: ground.bytes(outcome.id),
        ..outcome
    };
    for (expected, count) in [(0, 1), (3, 4)] {
        // SAFETY: R1, R3: the struct is as long as it states or shorter than is read, and its
        // pointer leads to bytes that are there, or is NULL.
        let _read = unsafe { adopt::outcome::read(&raw const outcome, expected, count) };
    }
    let (health, _): (ah_health, _) = taken(bytes);
    let _read = adopt::health::read(&health);
}

fn item(bytes: &[u8]) {
    let (raw, rest): (ah_item, _) = taken(bytes);
    let ground = Ground(rest);
    let mut item = raw;
    item.id = ground.bytes(raw.id);
    item.der = ground.bytes(raw.der);
    item.label = ground.text(raw.label);
    item.name_constraints = ground.bytes(raw.name_constraints);
    item.scope = ground.text(raw.scope);
    let there = ground.bytes(ah_bytes {
        ptr: raw.rules.cast(),
        len: usize::MAX - 1,
    });
    item.rules = there.ptr.cast::<std::ffi::c_void>().cast::<ah_rule>();
    // As many rules as have room; a count or a stride that is impossible stays what it is, since
    // nothing may be read then.
    let stride = usize::try_from(raw.rule_stride).unwrap_or(usize::MAX);
    if !there.ptr.is_null() && (1..=4096).contains(&stride) && raw.rule_count <= 64 {
        item.rule_count = raw.rule_count.min(there.len / stride);
    }
    // SAFETY: R1, R3: the struct is as long as it states or shorter than is read, and its pointers
    // lead to bytes that are there, or are NULL.
    if let Ok(adopt::item::Pushed::Taken(item, _)) = unsafe { adopt::item::read(&raw const item) } {
        assert!((1..=anchorhold_abi::AH_ID_MAX).contains(&item.id.0.len()));
        assert!(item.label.len() <= anchorhold_abi::AH_LABEL_MAX);
        assert!(!item.label.chars().any(char::is_control));
        assert!(!item.der.is_empty() && item.rules.len() <= anchorhold_abi::AH_RULES_MAX);
    }
}

/// A struct out of the first bytes, and the bytes after it. It states no more than it has.
fn taken<T: Growing>(bytes: &[u8]) -> (T, &[u8]) {
    let size = size_of::<T>();
    let (head, rest) = bytes.split_at(bytes.len().min(size));
    let mut value = T::blank();
    // SAFETY: R1: the struct consists of numbers and pointers, for which any bytes are a value, and
    // `head` is no longer than it.
    unsafe {
        std::ptr::copy_nonoverlapping(head.as_ptr(), (&raw mut value).cast::<u8>(), head.len());
    }
    let stated = (&raw mut value).cast::<u32>();
    // SAFETY: R1: every such struct starts with its size, of 4 bytes.
    unsafe { stated.write(stated.read() % (T::SIZE + 1)) };
    (value, rest)
}
