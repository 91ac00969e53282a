//! The host's tables: what a store may call.

use crate::input::ah_call;
use crate::output::ah_byte_sink;
use crate::scalar::{ah_error, ah_status, ah_str};
use core::ffi::{CStr, c_char, c_void};

/// Something failed.
pub const AH_LOG_ERROR: u32 = 1;
/// Something is odd.
pub const AH_LOG_WARN: u32 = 2;
/// Something happened.
pub const AH_LOG_INFO: u32 = 3;
/// For whoever looks for a fault.
pub const AH_LOG_DEBUG: u32 = 4;
/// Everything.
pub const AH_LOG_TRACE: u32 = 5;

/// One per store; lives until close returns (R3).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_host {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The host's own.
    pub impl_: *mut c_void,
    /// Of the host program.
    pub name: ah_str,
    /// Of the host program.
    pub version: ah_str,
    /// Only queues; what is too much is counted and dropped. `[any]`
    pub log: Option<unsafe extern "C" fn(host: *const ah_host, level: u32, message: ah_str)>,
    /// The table named `id`, or NULL. `[any]`
    pub extension:
        Option<unsafe extern "C" fn(host: *const ah_host, id: *const c_char) -> *const c_void>,
}

/// The id of [`ah_host_prompt`].
pub const AH_HOST_PROMPT: &CStr = c"anchorhold.host.prompt/1";

/// The answer is the PIN.
pub const AH_ASK_PIN: u32 = 1;
/// The answer is the password.
pub const AH_ASK_PASSWORD: u32 = 2;
/// An empty answer is a yes.
pub const AH_ASK_CONFIRM: u32 = 3;
/// Returns at once without an answer; stays on the screen until the call ends.
pub const AH_ASK_TOUCH: u32 = 4;
/// The answer before was wrong: a stored one is not repeated.
pub const AH_PROMPT_AGAIN: u32 = 1 << 0;

/// What to ask a person.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_prompt {
    /// Set by the plugin (R1).
    pub struct_size: u32,
    /// `AH_ASK_*`.
    pub kind: u32,
    /// `u32::MAX`: not known.
    pub attempts_left: u32,
    /// `AH_PROMPT_*`.
    pub flags: u32,
    /// The manifest's secret setting that this asks for, may be empty.
    pub setting: ah_str,
    /// What is asked.
    pub title: ah_str,
    /// More about it.
    pub detail: ah_str,
}

/// Asks a person.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_host_prompt {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The secret exists only while `answer` runs; the host wipes it after. `[inside]`
    pub ask: Option<
        unsafe extern "C" fn(
            host: *const ah_host,
            call: *const ah_call,
            prompt: *const ah_prompt,
            answer: *const ah_byte_sink,
            err: *mut ah_error,
        ) -> ah_status,
    >,
}

/// The id of [`ah_host_notify`].
pub const AH_HOST_NOTIFY: &CStr = c"anchorhold.host.notify/1";

/// Hears of changes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_host_notify {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// A hint that coalesces. Only queues, so it is safe under the plugin's locks. `[any]`
    pub changed: Option<unsafe extern "C" fn(host: *const ah_host, generation: u64)>,
}

/// The id of [`ah_host_secret_mem`].
pub const AH_HOST_SECRET_MEM: &CStr = c"anchorhold.host.secret-mem/1";

/// Memory for secrets.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_host_secret_mem {
    /// Set by the host (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Zeroed and never swapped, or NULL. `[any]`
    pub take: Option<unsafe extern "C" fn(host: *const ah_host, size: usize) -> *mut c_void>,
    /// Wiped. `[any]`
    pub give_back:
        Option<unsafe extern "C" fn(host: *const ah_host, ptr: *mut c_void, size: usize)>,
}
