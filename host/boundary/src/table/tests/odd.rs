//! Plugins that break the contract, one mistake each.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_batch, ah_byte_sink, ah_bytes, ah_call, ah_config, ah_error, ah_find_ops,
    ah_health, ah_host, ah_host_prompt, ah_item, ah_item_sink, ah_outcome, ah_outcome_sink,
    ah_page, ah_plugin, ah_prompt, ah_query, ah_rule, ah_sign_ops, ah_status, ah_store,
    ah_store_ops, ah_str, ah_unlock_ops, ah_write_ops,
};

use crate::plugin::{Plugin, StoreConfig};
use crate::question::Prompter;
use crate::status::CallError;
use crate::table::Table;

type ListScript = dyn Fn(&mut ah_page, Sink, *mut ah_error) -> ah_status + Send + Sync;
type HealthScript = dyn Fn(&mut ah_health) -> ah_status + Send + Sync;
type ApplyScript = dyn Fn(&ah_batch, OutcomeSink) -> ah_status + Send + Sync;
type FindScript = dyn Fn(&ah_query, Sink) -> ah_status + Send + Sync;
type KeyScript = dyn Fn(Inside) -> ah_status + Send + Sync;
type SchemesScript = dyn Fn(&mut [u16], &mut usize) -> ah_status + Send + Sync;
type SignScript = dyn Fn(Inside, &[u8], ByteSink) -> ah_status + Send + Sync;

/// What an odd store does.
pub(super) struct Script {
    pub(super) list: Box<ListScript>,
    pub(super) health: Box<HealthScript>,
    pub(super) apply: Box<ApplyScript>,
    pub(super) find: Box<FindScript>,
    pub(super) unlock: Box<KeyScript>,
    pub(super) lock: Box<KeyScript>,
    pub(super) schemes: Box<SchemesScript>,
    pub(super) sign: Box<SignScript>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            list: Box::new(|_, _, _| abi::AH_OK),
            health: Box::new(|_| abi::AH_OK),
            apply: Box::new(|_, _| abi::AH_OK),
            find: Box::new(|_, _| abi::AH_OK),
            unlock: Box::new(|_| abi::AH_OK),
            lock: Box::new(|_| abi::AH_OK),
            schemes: Box::new(|_, _| abi::AH_OK),
            sign: Box::new(|_, _, _| abi::AH_OK),
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

/// The host's sink for bytes, as a plugin has it.
#[derive(Clone, Copy)]
pub(super) struct ByteSink(*const ah_byte_sink);

// SAFETY: the tests that pass it to another thread do so to break R7, and the host has to bear it.
unsafe impl Send for ByteSink {}

impl ByteSink {
    pub(super) fn put(self, bytes: &[u8]) -> ah_status {
        self.put_raw(ah_bytes::new(bytes))
    }

    pub(super) fn put_raw(self, bytes: ah_bytes) -> ah_status {
        // SAFETY: R3: the sink is the host's, and the call still runs.
        unsafe { (*self.0).put.unwrap()(self.0, bytes) }
    }
}

/// What a call that may ask has of the host.
#[derive(Clone, Copy)]
pub(super) struct Inside {
    host: *const ah_host,
    call: *const ah_call,
}

impl Inside {
    pub(super) fn may_prompt(self) -> bool {
        // SAFETY: R3: the call is the host's, and still runs.
        unsafe { (*self.call).flags & abi::AH_CALL_MAY_PROMPT != 0 }
    }

    /// Asks for a PIN, and returns the status and the answer.
    pub(super) fn ask(self) -> (ah_status, Option<Vec<u8>>) {
        unsafe extern "C" fn keep(sink: *const ah_byte_sink, bytes: ah_bytes) -> ah_status {
            // SAFETY: R3: the answer outlives the question, and the bytes are lent.
            unsafe {
                *(*sink).impl_.cast::<Option<Vec<u8>>>() =
                    Some(crate::adopt::bytes(bytes).unwrap().to_vec());
            }
            abi::AH_OK
        }
        let mut answer: Option<Vec<u8>> = None;
        let mut sink = ah_byte_sink::blank();
        sink.impl_ = (&raw mut answer).cast();
        sink.put = Some(keep);
        let mut prompt = ah_prompt::blank();
        prompt.kind = abi::AH_ASK_PIN;
        prompt.title = ah_str::new("PIN");
        // SAFETY: R1, R3: the host's tables, and structs of ours that outlive the question.
        let status = unsafe {
            let table = (*self.host).extension.unwrap()(self.host, abi::AH_HOST_PROMPT.as_ptr());
            let ask = (*table.cast::<ah_host_prompt>()).ask.unwrap();
            ask(
                self.host,
                self.call,
                &raw const prompt,
                &raw const sink,
                ptr::null_mut(),
            )
        };
        (status, answer)
    }
}

/// What an `ah_store` of the odd plugin is.
struct Odd {
    script: Script,
    host: *const ah_host,
}

/// Scripts of stores that are not open yet, by store name.
static SCRIPTS: Mutex<BTreeMap<String, Script>> = Mutex::new(BTreeMap::new());

unsafe extern "C" fn open(
    host: *const ah_host,
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
        unsafe { out.write(Box::into_raw(Box::new(Odd { script, host })).cast()) };
    }
    abi::AH_OK
}

unsafe extern "C" fn close(store: *mut ah_store) {
    // SAFETY: R3: `open` made the box.
    drop(unsafe { Box::from_raw(store.cast::<Odd>()) });
}

unsafe extern "C" fn health(
    store: *mut ah_store,
    _call: *const ah_call,
    out: *mut ah_health,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and `out` is the host's.
    unsafe { ((*store.cast::<Odd>()).script.health)(&mut *out) }
}

unsafe extern "C" fn list(
    store: *mut ah_store,
    _call: *const ah_call,
    page: *mut ah_page,
    sink: *const ah_item_sink,
    err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and `page` is the host's.
    unsafe { ((*store.cast::<Odd>()).script.list)(&mut *page, Sink(sink), err) }
}

unsafe extern "C" fn apply(
    store: *mut ah_store,
    _call: *const ah_call,
    batch: *const ah_batch,
    sink: *const ah_outcome_sink,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and `batch` is the host's.
    unsafe { ((*store.cast::<Odd>()).script.apply)(&*batch, OutcomeSink(sink)) }
}

unsafe extern "C" fn find(
    store: *mut ah_store,
    _call: *const ah_call,
    query: *const ah_query,
    sink: *const ah_item_sink,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and `query` is the host's.
    unsafe { ((*store.cast::<Odd>()).script.find)(&*query, Sink(sink)) }
}

unsafe extern "C" fn unlock(
    store: *mut ah_store,
    call: *const ah_call,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box.
    let odd = unsafe { &*store.cast::<Odd>() };
    let host = odd.host;
    (odd.script.unlock)(Inside { host, call })
}

unsafe extern "C" fn lock(
    store: *mut ah_store,
    call: *const ah_call,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box.
    let odd = unsafe { &*store.cast::<Odd>() };
    let host = odd.host;
    (odd.script.lock)(Inside { host, call })
}

unsafe extern "C" fn schemes(
    store: *mut ah_store,
    _call: *const ah_call,
    _key_id: ah_bytes,
    out: *mut u16,
    capacity: usize,
    count: *mut usize,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and the rest is the host's, with room for so many.
    unsafe {
        let out = std::slice::from_raw_parts_mut(out, capacity);
        ((*store.cast::<Odd>()).script.schemes)(out, &mut *count)
    }
}

unsafe extern "C" fn sign(
    store: *mut ah_store,
    call: *const ah_call,
    _key_id: ah_bytes,
    _scheme: u16,
    message: ah_bytes,
    signature: *const ah_byte_sink,
    _err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: `open` made the box, and the message is the host's.
    let (odd, message) = unsafe { (&*store.cast::<Odd>(), crate::adopt::bytes(message).unwrap()) };
    let host = odd.host;
    (odd.script.sign)(Inside { host, call }, message, ByteSink(signature))
}

unsafe extern "C" fn extension(id: *const c_char) -> *const c_void {
    static FIND: ah_find_ops = ah_find_ops {
        struct_size: ah_find_ops::SIZE,
        reserved: 0,
        find: Some(find),
    };
    static UNLOCK: ah_unlock_ops = ah_unlock_ops {
        struct_size: ah_unlock_ops::SIZE,
        reserved: 0,
        unlock: Some(unlock),
        lock: Some(lock),
    };
    static SIGN: ah_sign_ops = ah_sign_ops {
        struct_size: ah_sign_ops::SIZE,
        reserved: 0,
        schemes: Some(schemes),
        sign: Some(sign),
    };
    static WRITE: ah_write_ops = ah_write_ops {
        struct_size: ah_write_ops::SIZE,
        flags: 0,
        apply: Some(apply),
    };
    // SAFETY: R3: a constant of the host's.
    let id = unsafe { std::ffi::CStr::from_ptr(id) };
    for (known, table) in [
        (abi::AH_EXT_FIND, (&raw const FIND).cast()),
        (abi::AH_EXT_SIGN, (&raw const SIGN).cast()),
        (abi::AH_EXT_UNLOCK, (&raw const UNLOCK).cast()),
        (abi::AH_EXT_WRITE, (&raw const WRITE).cast()),
    ] {
        if id == known {
            return table;
        }
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
    open_asking(flags, script, None)
}

/// The same, with somebody who answers.
pub(super) fn open_asking(
    flags: u32,
    script: Script,
    prompter: Option<Arc<dyn Prompter>>,
) -> Table {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("odd {}", COUNT.fetch_add(1, Ordering::Relaxed));
    SCRIPTS.lock().unwrap().insert(name.clone(), script);
    let table = match flags {
        abi::AH_PLUGIN_THREAD_AFFINE => &AFFINE,
        abi::AH_PLUGIN_THREAD_SAFE => &SAFE,
        _ => &SERIAL,
    };
    let mut config = StoreConfig::new(name);
    config.prompter = prompter;
    // SAFETY: R3: the table lives for ever.
    unsafe { Plugin::adopt(table) }
        .unwrap()
        .open(config)
        .unwrap()
}

/// Opens a store of a plugin that has nothing but what every plugin has.
pub(super) fn open_bare() -> Table {
    static BARE: ah_plugin = ah_plugin {
        extension: None,
        ..table(0)
    };
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("bare {}", COUNT.fetch_add(1, Ordering::Relaxed));
    SCRIPTS
        .lock()
        .unwrap()
        .insert(name.clone(), Script::default());
    // SAFETY: R3: the table lives for ever.
    unsafe { Plugin::adopt(&BARE) }
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
