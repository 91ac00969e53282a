//! The optional tables of a plugin: find, write, unlock, sign. Each is whole or not there.

use crate::input::{ah_call, ah_query};
use crate::output::{ah_byte_sink, ah_item, ah_item_sink};
use crate::plugin::ah_store;
use crate::scalar::{ah_bytes, ah_error, ah_status};
use core::ffi::{CStr, c_void};

/// The id of [`ah_find_ops`].
pub const AH_EXT_FIND: &CStr = c"anchorhold.find/1";

/// For stores too large or too far away to list.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_find_ops {
    /// Set by the plugin (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Nothing pushed and `AH_OK` means that there is none. Never prompts. `[serial]`
    pub find: Option<
        unsafe extern "C" fn(
            store: *mut ah_store,
            call: *const ah_call,
            query: *const ah_query,
            sink: *const ah_item_sink,
            err: *mut ah_error,
        ) -> ah_status,
    >,
}

/// The id of [`ah_write_ops`].
pub const AH_EXT_WRITE: &CStr = c"anchorhold.write/1";
/// A batch happens whole or not at all, power loss included.
pub const AH_WRITE_ATOMIC: u32 = 1 << 0;
/// Answer as if it were done; change nothing.
pub const AH_BATCH_CHECK_ONLY: u32 = 1 << 0;

/// Adds the item, or updates the one of the same id, or of the same kind and der.
pub const AH_PUT: u32 = 1;
/// Removes the item of this id.
pub const AH_REMOVE: u32 = 2;

/// One change. Grows by the stride beside the array.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_change {
    /// [`AH_PUT`] or [`AH_REMOVE`].
    pub action: u32,
    /// Zero.
    pub reserved: u32,
    /// With [`AH_PUT`], else NULL.
    pub item: *const ah_item,
    /// With [`AH_REMOVE`].
    pub id: ah_bytes,
}

/// Changes, made in order.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_batch {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// `AH_BATCH_*`.
    pub flags: u32,
    /// The size of [`ah_change`] as the host knows it.
    pub change_stride: u32,
    /// Zero.
    pub reserved: u32,
    /// `AH_CONFLICT` if the store moved on; 0: whatever it is.
    pub if_generation: u64,
    /// May be NULL where `change_count` is 0.
    pub changes: *const ah_change,
    /// How many.
    pub change_count: usize,
}

/// It was not there before.
pub const AH_NEW: u32 = 1;
/// It was there and differs now.
pub const AH_UPDATED: u32 = 2;
/// It was there, as asked.
pub const AH_UNCHANGED: u32 = 3;
/// It is gone.
pub const AH_REMOVED: u32 = 4;

/// What came of one change.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_outcome {
    /// Set by the plugin (R1).
    pub struct_size: u32,
    /// Of the change.
    pub index: u32,
    /// `AH_NEW` to `AH_REMOVED`.
    pub what: u32,
    /// Zero.
    pub reserved: u32,
    /// Of the item.
    pub id: ah_bytes,
}

/// Receives outcomes one by one, in the order of the changes. `[inside]`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_outcome_sink {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The host's own.
    pub impl_: *mut c_void,
    /// A status other than `AH_OK` means stop and return it.
    pub push: Option<
        unsafe extern "C" fn(sink: *const ah_outcome_sink, outcome: *const ah_outcome) -> ah_status,
    >,
}

/// For stores that can be written.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_write_ops {
    /// Set by the plugin (R1).
    pub struct_size: u32,
    /// `AH_WRITE_*`.
    pub flags: u32,
    /// Makes the changes in order and stops at the first that fails. `[serial]`
    pub apply: Option<
        unsafe extern "C" fn(
            store: *mut ah_store,
            call: *const ah_call,
            batch: *const ah_batch,
            sink: *const ah_outcome_sink,
            err: *mut ah_error,
        ) -> ah_status,
    >,
}

/// The id of [`ah_unlock_ops`].
pub const AH_EXT_UNLOCK: &CStr = c"anchorhold.unlock/1";

/// For stores that have a lock.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_unlock_ops {
    /// Set by the plugin (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Asks at most once a call. `[serial]`
    pub unlock: Option<
        unsafe extern "C" fn(
            store: *mut ah_store,
            call: *const ah_call,
            err: *mut ah_error,
        ) -> ah_status,
    >,
    /// Forgets what unlocked it. `[serial]`
    pub lock: Option<
        unsafe extern "C" fn(
            store: *mut ah_store,
            call: *const ah_call,
            err: *mut ah_error,
        ) -> ah_status,
    >,
}

/// The id of [`ah_sign_ops`].
pub const AH_EXT_SIGN: &CStr = c"anchorhold.sign/1";

/// For stores with private keys.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_sign_ops {
    /// Set by the plugin (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// `count`: how many there are, also with `AH_BUFFER_TOO_SMALL`. `[serial]`
    pub schemes: Option<
        unsafe extern "C" fn(
            store: *mut ah_store,
            call: *const ah_call,
            key_id: ah_bytes,
            out: *mut u16,
            capacity: usize,
            count: *mut usize,
            err: *mut ah_error,
        ) -> ah_status,
    >,
    /// `scheme` is a TLS SignatureScheme; `message` is not yet hashed. `[serial]`
    pub sign: Option<
        unsafe extern "C" fn(
            store: *mut ah_store,
            call: *const ah_call,
            key_id: ah_bytes,
            scheme: u16,
            message: ah_bytes,
            signature: *const ah_byte_sink,
            err: *mut ah_error,
        ) -> ah_status,
    >,
}
