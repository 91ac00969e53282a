//! The plugin's own tables, and the table that it hands over.

use crate::host::ah_host;
use crate::input::{ah_call, ah_config};
use crate::output::{ah_health, ah_item_sink, ah_page};
use crate::scalar::{ah_error, ah_status, ah_str};
use core::ffi::{c_char, c_void};
use core::marker::{PhantomData, PhantomPinned};

/// The plugin's own type; lives from open to close (R3).
#[repr(C)]
pub struct ah_store {
    private: [u8; 0],
    marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// The functions that every store has.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_store_ops {
    /// Set by the plugin (R1).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Ends the store. No call is made on it during or after. `[serial]`
    pub close: Option<unsafe extern "C" fn(store: *mut ah_store)>,
    /// Answers from memory. `[any]`
    pub health: Option<
        unsafe extern "C" fn(
            store: *mut ah_store,
            call: *const ah_call,
            out: *mut ah_health,
            err: *mut ah_error,
        ) -> ah_status,
    >,
    /// Never prompts. `[serial]`
    pub list: Option<
        unsafe extern "C" fn(
            store: *mut ah_store,
            call: *const ah_call,
            page: *mut ah_page,
            sink: *const ah_item_sink,
            err: *mut ah_error,
        ) -> ah_status,
    >,
}

/// `[serial]` functions may run concurrently.
pub const AH_PLUGIN_THREAD_SAFE: u32 = 1 << 0;
/// Open and each `[serial]` call: one thread a store.
pub const AH_PLUGIN_THREAD_AFFINE: u32 = 1 << 1;
/// Set by the SDK; the host isolates it.
pub const AH_PLUGIN_PANIC_IS_ABORT: u32 = 1 << 2;

/// What a plugin is: a constant that lives for ever (R3).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ah_plugin {
    /// Set by the plugin (R1).
    pub struct_size: u32,
    /// [`AH_MAGIC`](crate::AH_MAGIC).
    pub magic: u32,
    /// [`AH_ABI_MAJOR`](crate::AH_ABI_MAJOR).
    pub abi_major: u16,
    /// For people and logs; no code decides by it.
    pub abi_minor: u16,
    /// `AH_PLUGIN_*`.
    pub flags: u32,
    /// Reverse DNS, "org.example.ldap"; equals the manifest's.
    pub id: ah_str,
    /// For people.
    pub name: ah_str,
    /// The plugin's own.
    pub version: ah_str,
    /// A built-in's; of a library empty, or the very bytes of its file.
    pub manifest: ah_str,
    /// Mandatory.
    pub ops: *const ah_store_ops,
    /// The table named `id`, or NULL; the same answer in every process. `[any]`
    pub extension: Option<unsafe extern "C" fn(id: *const c_char) -> *const c_void>,
    /// Makes one store; may be called several times. `[any]`
    pub open: Option<
        unsafe extern "C" fn(
            host: *const ah_host,
            config: *const ah_config,
            out: *mut *mut ah_store,
            err: *mut ah_error,
        ) -> ah_status,
    >,
}

// SAFETY: R3: what the plugin's table leads to is constant and lives for ever.
unsafe impl Sync for ah_plugin {}
// SAFETY: R3, as above: the pointers are to constants, so it does not matter which thread reads.
unsafe impl Send for ah_plugin {}

/// The one symbol that a library exports, `anchorhold_plugin_v1`; returns a constant.
pub type ah_entry = unsafe extern "C" fn() -> *const ah_plugin;
