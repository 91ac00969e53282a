//! Data that the host passes in: the call, the configuration, the query.

use crate::scalar::{ah_bytes, ah_str};
use core::ffi::c_void;

/// `ask` will be answered, by a person or from what the operator stored for it.
pub const AH_CALL_MAY_PROMPT: u32 = 1 << 0;

/// Given with every call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_call {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// `AH_CALL_*`.
    pub flags: u32,
    /// 0: no limit.
    pub timeout_ms: u32,
    /// Zero.
    pub reserved: u32,
    /// Joins the lines of one piece of work in the logs.
    pub trace_id: u64,
    /// The host's own.
    pub impl_: *mut c_void,
    /// Not 0 once the answer is no longer wanted. `[any]`, while the call runs.
    pub cancelled: Option<unsafe extern "C" fn(call: *const ah_call) -> i32>,
}

/// One setting of a store.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_setting {
    /// The name that the manifest gives it.
    pub key: ah_str,
    /// Canonical text.
    pub value: ah_str,
}

/// What the operator said of one store, checked by the host against the manifest.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_config {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// How many settings.
    pub setting_count: u32,
    /// Never grows: a new kind of config is a new field.
    pub settings: *const ah_setting,
    /// What the operator calls this store.
    pub store_name: ah_str,
    /// Private to this store, UTF-8, may be empty.
    pub state_dir: ah_str,
}

/// By the DER Name of the subject.
pub const AH_BY_SUBJECT: u32 = 1;
/// By the SHA-256 of the certificate.
pub const AH_BY_SHA256: u32 = 2;
/// By the SHA-256 of the SubjectPublicKeyInfo.
pub const AH_BY_SPKI_SHA256: u32 = 3;
/// By issuer and serial number.
pub const AH_BY_ISSUER_SERIAL: u32 = 4;
/// By the id in the store.
pub const AH_BY_ID: u32 = 5;

/// What a find looks for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_query {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// `AH_BY_*`.
    pub by: u32,
    /// Bit mask of `1 << kind`; 0: all kinds.
    pub kinds: u32,
    /// `AH_FOR_*`; 0: any.
    pub purpose: u32,
    /// DER Name, digest or id.
    pub key: ah_bytes,
    /// DER INTEGER contents, with [`AH_BY_ISSUER_SERIAL`].
    pub serial: ah_bytes,
}
