//! Plugins that break the contract, one mistake each.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_batch, ah_bytes, ah_call, ah_config, ah_error, ah_health, ah_host, ah_item,
    ah_item_sink, ah_outcome, ah_outcome_sink, ah_page, ah_plugin, ah_rule, ah_status, ah_store,
    ah_store_ops, ah_str, ah_write_ops,
};

use crate::plugin::{Plugin, StoreConfig};
use crate::status::CallError;
use crate::table::Table;

type ListScript = dyn Fn(&mut ah_page, Sink, *mut ah_error) -> ah_status + Send + Sync;
type HealthScript = dyn Fn(&mut ah_health) -> ah_status + Send + Sync;
type ApplyScript = dyn Fn(&ah_batch, OutcomeSink) -> ah_status + Send + Sync;

/// What an odd store does. It is the `ah_store`, too.
pub(super) struct Script {
    pub(super) list: Box<ListScript>,
    pub(super) health: Box<HealthScript>,
    pub(super) apply: Box<ApplyScript>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            list: Box::new(|_, _, _| abi::AH_OK),
            health: Box::new(|_| abi::AH_OK),
            apply: Box::new(|_, _| abi::AH_OK),
        }
    }
}

/// The host's sink for items, as a plugin has it.
#[derive(Clone, Copy)]
pub(super) struct Sink(*const ah_item_sink);

// SAFETY: the tests that pass it to another thread do so to break R7, and the host has to bear it.
unsafe impl Send for Sink {}

impl Sink {
    pub(super) fn push(self, item: *const ah_item) -> ah_status {
        // SAFETY: R3: the sink is the host's, and the call still runs.
        unsafe { (*self.0).push.unwrap()(self.0, item) }
    }
}

/// The host's sink for outcomes, as a plugin has it.
#[derive(Clone, Copy)]
pub(super) struct OutcomeSink(*const ah_outcome_sink);

impl OutcomeSink {
    pub(super) fn push(self, index: u32, what: u32, id: &[u8]) -> ah_status {
        let mut outcome = ah_outcome::blank();
        outcome.index = index;
        outcome.what = what;
        outcome.id = ah_bytes::new(id);
        // SAFETY: R3: the sink is the host's, and the call still runs.
        unsafe { (*self.0).push.unwrap()(self.0, &raw const outcome) }
    }
}

/// Scripts of stores that are not open yet, by store name.
static SCRIPTS: Mutex<BTreeMap<String, Script>> = Mutex::new(BTreeMap::new());

unsafe extern "C" fn open(
    _host: *const ah_host,
    config: *const ah_config,
    out: *mut *mut ah_store,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R1, R3: the host's own structs, lent for this call.
    let name = unsafe { crate::adopt::text((*config).store_name) }.unwrap();
    let name = std::str::from_utf8(name).unwrap();
    let script = SCRIPTS.lock().unwrap().remove(name);
    if let Some(script) = script {
        // SAFETY: R3: lent for this call.
        unsafe { out.write(Box::into_raw(Box::new(script)).cast()) };
    }
    abi::AH_OK
}

unsafe extern "C" fn close(store: *mut ah_store) {
    // SAFETY: R3: `open` made the box.
    drop(unsafe { Box::from_raw(store.cast::<Script>()) });
}

unsafe extern "C" fn health(
    store: *mut ah_store,
    _call: *const ah_call,
    out: *mut ah_health,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and `out` is the host's.
    unsafe { ((*store.cast::<Script>()).health)(&mut *out) }
}

unsafe extern "C" fn list(
    store: *mut ah_store,
    _call: *const ah_call,
    page: *mut ah_page,
    sink: *const ah_item_sink,
    err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and `page` is the host's.
    unsafe { ((*store.cast::<Script>()).list)(&mut *page, Sink(sink), err) }
}

unsafe extern "C" fn apply(
    store: *mut ah_store,
    _call: *const ah_call,
    batch: *const ah_batch,
    sink: *const ah_outcome_sink,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and `batch` is the host's.
    unsafe { ((*store.cast::<Script>()).apply)(&*batch, OutcomeSink(sink)) }
}

unsafe extern "C" fn extension(id: *const c_char) -> *const c_void {
    static WRITE: ah_write_ops = ah_write_ops {
        struct_size: ah_write_ops::SIZE,
        flags: 0,
        apply: Some(apply),
    };
    // SAFETY: R3: a constant of the host's.
    if unsafe { std::ffi::CStr::from_ptr(id) } == abi::AH_EXT_WRITE {
        return (&raw const WRITE).cast();
    }
    ptr::null()
}

static OPS: ah_store_ops = ah_store_ops {
    struct_size: ah_store_ops::SIZE,
    reserved: 0,
    close: Some(close),
    health: Some(health),
    list: Some(list),
};

/// The table of the odd plugin.
const fn table(flags: u32) -> ah_plugin {
    ah_plugin {
        struct_size: ah_plugin::SIZE,
        magic: abi::AH_MAGIC,
        abi_major: 1,
        abi_minor: 0,
        flags,
        id: ah_str::new("org.example.odd"),
        name: ah_str::new("Odd"),
        version: ah_str::new("1"),
        manifest: ah_str::new("id = \"org.example.odd\"\nabi = 1"),
        ops: &raw const OPS,
        extension: Some(extension),
        open: Some(open),
    }
}

static SERIAL: ah_plugin = table(0);
static AFFINE: ah_plugin = table(abi::AH_PLUGIN_THREAD_AFFINE);
static SAFE: ah_plugin = table(abi::AH_PLUGIN_THREAD_SAFE);

/// Opens a store that follows a script, of a plugin with these flags.
pub(super) fn open_script(flags: u32, script: Script) -> Table {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("odd {}", COUNT.fetch_add(1, Ordering::Relaxed));
    SCRIPTS.lock().unwrap().insert(name.clone(), script);
    let table = match flags {
        abi::AH_PLUGIN_THREAD_AFFINE => &AFFINE,
        abi::AH_PLUGIN_THREAD_SAFE => &SAFE,
        _ => &SERIAL,
    };
    // SAFETY: R3: the table lives for ever.
    unsafe { Plugin::adopt(table) }
        .unwrap()
        .open(StoreConfig::new(name))
        .unwrap()
}

/// Opens a store that the plugin says is open, and gives none.
pub(super) fn open_nothing() -> Result<Table, CallError> {
    // SAFETY: R3: the table lives for ever.
    unsafe { Plugin::adopt(&SERIAL) }
        .unwrap()
        .open(StoreConfig::new("no script of this name"))
}

/// An item that keeps the contract.
pub(super) fn good() -> ah_item {
    static RULES: [ah_rule; 1] = [ah_rule {
        purpose: abi::AH_FOR_SERVER,
        decision: abi::AH_ANCHOR,
        issued_before: 0,
    }];
    let mut item = ah_item::blank();
    item.kind = abi::AH_KIND_CERTIFICATE;
    item.rule_stride = u32::try_from(size_of::<ah_rule>()).unwrap();
    item.rules = RULES.as_ptr();
    item.rule_count = 1;
    item.id = ah_bytes::new(b"1");
    item.der = ah_bytes::new(b"der");
    item.label = ah_str::new("label");
    item
}
