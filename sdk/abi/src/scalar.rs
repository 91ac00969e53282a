//! Status codes, borrowed text and bytes, and the error that a caller lends.

use core::ffi::c_char;

/// The major version: fields are only appended within it (R2).
pub const AH_ABI_MAJOR: u16 = 1;
/// The minor version, for people and logs; no code decides by it.
pub const AH_ABI_MINOR: u16 = 0;
/// The bytes `41 48 50 31`, "AHP1".
pub const AH_MAGIC: u32 = 0x3150_4841;
/// The most bytes of an item's id.
pub const AH_ID_MAX: usize = 64;
/// The most bytes of a cursor: an id, and as much again of the plugin's own.
pub const AH_CURSOR_MAX: usize = 128;
/// The most bytes of `der`, whatever the kind, but for a revocation list; more is [`AH_LIMIT`].
pub const AH_CERTIFICATE_MAX: usize = 256 << 10;
/// The most bytes of a revocation list; more is [`AH_LIMIT`].
pub const AH_CRL_MAX: usize = 64 << 20;
/// The most bytes of a label; more is cut.
pub const AH_LABEL_MAX: usize = 1024;
/// The most bytes of name constraints; more is [`AH_LIMIT`].
pub const AH_NAME_CONSTRAINTS_MAX: usize = 64 << 10;
/// The most bytes of a scope; more is [`AH_LIMIT`].
pub const AH_SCOPE_MAX: usize = 64 << 10;
/// The most rules of an item; more is [`AH_LIMIT`].
pub const AH_RULES_MAX: usize = 64;

/// What a fallible call returns: [`AH_OK`], or why not.
pub type ah_status = i32;

/// Done.
pub const AH_OK: ah_status = 0;
/// The caller is wrong: an argument.
pub const AH_INVALID_ARGUMENT: ah_status = 1;
/// The caller is wrong: not now.
pub const AH_INVALID_STATE: ah_status = 2;
/// The caller is wrong: not of this store.
pub const AH_UNSUPPORTED: ah_status = 3;
/// No item or key of this id; never the answer to a find.
pub const AH_NOT_FOUND: ah_status = 16;
/// It is there already.
pub const AH_ALREADY_EXISTS: ah_status = 17;
/// The store moved on from `if_generation`.
pub const AH_CONFLICT: ah_status = 18;
/// The data is broken.
pub const AH_MALFORMED: ah_status = 19;
/// Start the listing again.
pub const AH_STALE_CURSOR: ah_status = 20;
/// The caller's buffer is too small.
pub const AH_BUFFER_TOO_SMALL: ah_status = 21;
/// Unlock, then try again.
pub const AH_LOCKED: ah_status = 32;
/// Permission is missing.
pub const AH_DENIED: ah_status = 33;
/// The store or the item cannot be changed.
pub const AH_READ_ONLY: ah_status = 34;
/// A person said no.
pub const AH_PROMPT_REFUSED: ah_status = 35;
/// Not tried again without a person.
pub const AH_WRONG_SECRET: ah_status = 36;
/// No attempt is left: an administrator resets it.
pub const AH_LOCKED_OUT: ah_status = 37;
/// No token in the reader, no collection of that name.
pub const AH_NOT_PRESENT: ah_status = 38;
/// No room is left.
pub const AH_FULL: ah_status = 39;
/// Not reachable now.
pub const AH_UNAVAILABLE: ah_status = 48;
/// It took too long.
pub const AH_TIMEOUT: ah_status = 49;
/// The caller called it off.
pub const AH_CANCELLED: ah_status = 50;
/// Somebody else uses it.
pub const AH_BUSY: ah_status = 51;
/// Out of memory.
pub const AH_NO_MEMORY: ah_status = 64;
/// More than the contract allows.
pub const AH_LIMIT: ah_status = 65;
/// A bug, or what has no status of its own.
pub const AH_INTERNAL: ah_status = 66;
/// The SDK caught a panic; the host retires the store.
pub const AH_PANIC: ah_status = 67;

/// UTF-8 without NUL, borrowed for the call (R3).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_str {
    /// May be NULL where `len` is 0.
    pub ptr: *const c_char,
    /// In bytes.
    pub len: usize,
}

impl ah_str {
    /// Nothing.
    pub const EMPTY: Self = Self {
        ptr: core::ptr::null(),
        len: 0,
    };

    /// The text, borrowed: the value must not be used after `text` ends (R3).
    pub const fn new(text: &str) -> Self {
        Self {
            ptr: text.as_ptr().cast(),
            len: text.len(),
        }
    }
}

/// Bytes, borrowed for the call (R3).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_bytes {
    /// May be NULL where `len` is 0.
    pub ptr: *const u8,
    /// How many.
    pub len: usize,
}

impl ah_bytes {
    /// Nothing.
    pub const EMPTY: Self = Self {
        ptr: core::ptr::null(),
        len: 0,
    };

    /// The bytes, borrowed: the value must not be used after `bytes` ends (R3).
    pub const fn new(bytes: &[u8]) -> Self {
        Self {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }
}

/// Owned by the caller, filled in place: an error never needs freeing (R4).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_error {
    /// Set by the caller (R1).
    pub struct_size: u32,
    /// The same as what the call returned.
    pub status: ah_status,
    /// `CKR_*`, errno, OSStatus, HRESULT; 0 if none.
    pub native_code: i32,
    /// When to try again; 0: not known.
    pub retry_after_ms: u32,
    /// "pkcs11", "errno", "osstatus", "win32".
    pub native_domain: [c_char; 16],
    /// UTF-8, NUL-terminated, no secrets.
    pub message: [c_char; 224],
}
