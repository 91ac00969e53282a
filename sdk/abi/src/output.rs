//! Data that the plugin passes out: rules, items, the sinks that take them, pages, health.

use crate::scalar::{AH_CURSOR_MAX, ah_bytes, ah_status, ah_str};
use core::ffi::{c_char, c_void};

/// A certificate.
pub const AH_KIND_CERTIFICATE: u32 = 1;
/// An IssuerAndSerialNumber (RFC 5652), to distrust only.
pub const AH_KIND_ISSUER_SERIAL: u32 = 2;
/// A 32-byte SHA-256 of a SubjectPublicKeyInfo, to distrust only.
pub const AH_KIND_SPKI_SHA256: u32 = 3;
/// A revocation list.
pub const AH_KIND_CRL: u32 = 4;
/// The public SubjectPublicKeyInfo of a private key that stays in the store.
pub const AH_KIND_PRIVATE_KEY: u32 = 5;

/// For every purpose.
pub const AH_FOR_ANY: u32 = 0;
/// For TLS servers.
pub const AH_FOR_SERVER: u32 = 1;
/// For TLS clients.
pub const AH_FOR_CLIENT: u32 = 2;
/// For mail.
pub const AH_FOR_EMAIL: u32 = 3;
/// For code.
pub const AH_FOR_CODE: u32 = 4;
/// For time stamps.
pub const AH_FOR_TIMESTAMP: u32 = 5;

/// The store says nothing.
pub const AH_NEUTRAL: u32 = 0;
/// May vouch for others.
pub const AH_ANCHOR: u32 = 1;
/// Is refused wherever it appears; also every decision that a reader does not know (R2).
pub const AH_DISTRUST: u32 = 2;

/// The store refuses to change or remove the item.
pub const AH_ITEM_READ_ONLY: u32 = 1 << 0;
/// A key that wants its PIN for every signature.
pub const AH_ITEM_ASKS_EACH_USE: u32 = 1 << 1;
/// The store marks its trust in a way that the plugin cannot read: whatever its rules say, it
/// vouches for nobody until the operator names it.
pub const AH_ITEM_TRUST_UNKNOWN: u32 = 1 << 2;

/// What an item is trusted for. Grows by the stride beside the array.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_rule {
    /// `AH_FOR_*`.
    pub purpose: u32,
    /// `AH_NEUTRAL`, `AH_ANCHOR` or `AH_DISTRUST`.
    pub decision: u32,
    /// Unix seconds: trust only what was issued before; 0: no cut-off.
    pub issued_before: i64,
}

/// One thing that a store holds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_item {
    /// Set by the writer (R1).
    pub struct_size: u32,
    /// `AH_KIND_*`; one that is not known is skipped and counted (R2).
    pub kind: u32,
    /// `AH_ITEM_*`.
    pub flags: u32,
    /// The size of [`ah_rule`] as the writer knows it.
    pub rule_stride: u32,
    /// Unix seconds, 0: not known.
    pub created: i64,
    /// Unix seconds, 0: not known.
    pub modified: i64,
    /// May be NULL where `rule_count` is 0.
    pub rules: *const ah_rule,
    /// 0: neutral for any purpose.
    pub rule_count: usize,
    /// Unique in the store among all kinds, 1 to [`AH_ID_MAX`](crate::AH_ID_MAX) bytes; the same
    /// in every process for as long as kind and der are held, and never reused for another der;
    /// empty in an item to be added.
    pub id: ah_bytes,
    /// By kind; an item whose der is empty or broken is skipped and logged.
    pub der: ah_bytes,
    /// For people; need not be unique.
    pub label: ah_str,
    /// DER, may be empty.
    pub name_constraints: ah_bytes,
    /// Servers it is meant for, one a line, "*" for all; empty: the store does not say.
    pub scope: ah_str,
}

/// Receives items one by one. `[inside]`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_item_sink {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The host's own.
    pub impl_: *mut c_void,
    /// A status other than [`AH_OK`](crate::AH_OK) means stop and return it.
    pub push:
        Option<unsafe extern "C" fn(sink: *const ah_item_sink, item: *const ah_item) -> ah_status>,
}

/// Receives bytes, once. `[inside]`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_byte_sink {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The host's own.
    pub impl_: *mut c_void,
    /// A status other than [`AH_OK`](crate::AH_OK) means stop and return it.
    pub put: Option<unsafe extern "C" fn(sink: *const ah_byte_sink, bytes: ah_bytes) -> ah_status>,
}

/// One page of a listing.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_page {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// At most so many items are pushed; 0: the plugin chooses.
    pub limit: u32,
    /// Out: the state that is listed; 0: not known.
    pub generation: u64,
    /// In, 0: from the start. Out, 0: the end.
    pub cursor_len: u32,
    /// Zero.
    pub reserved: u32,
    /// The plugin's; holds no pointer and may outlive the plugin's process.
    pub cursor: [u8; AH_CURSOR_MAX],
}

/// Everything works.
pub const AH_READY: u32 = 1;
/// Something does not.
pub const AH_DEGRADED: u32 = 2;
/// A person must unlock it.
pub const AH_HEALTH_LOCKED: u32 = 3;
/// Not reachable.
pub const AH_OFFLINE: u32 = 4;
/// Broken.
pub const AH_FAILED: u32 = 5;

/// Changes are announced; no need to poll.
pub const AH_HEALTH_WATCHING: u32 = 1 << 0;
/// This store, now: a token may be write protected.
pub const AH_HEALTH_WRITABLE: u32 = 1 << 1;
/// `apply` needs [`AH_CALL_MAY_PROMPT`](crate::AH_CALL_MAY_PROMPT), as for a security officer.
pub const AH_HEALTH_ASKS_WRITE: u32 = 1 << 2;

/// How a store is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_health {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// `AH_READY` to `AH_FAILED`.
    pub state: u32,
    /// `AH_HEALTH_*`.
    pub flags: u32,
    /// Before it locks itself; 0: not known or not limited.
    pub attempts_left: u32,
    /// Differs when the contents differ, no order; 0: not known.
    pub generation: u64,
    /// `u64::MAX`: not known.
    pub item_count: u64,
    /// Unix seconds; 0: never.
    pub last_success: i64,
    /// For people, UTF-8, NUL-terminated.
    pub detail: [c_char; 128],
}
