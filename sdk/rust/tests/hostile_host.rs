//! What a host can get wrong, against the functions of the SDK.
#![cfg(feature = "testing")]
#![allow(
    clippy::unwrap_used,
    reason = "what a test cannot do without, fails it"
)]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_batch, ah_bytes, ah_call, ah_change, ah_config, ah_error, ah_health, ah_host,
    ah_item, ah_item_sink, ah_outcome, ah_outcome_sink, ah_page, ah_plugin, ah_setting, ah_status,
    ah_store, ah_store_ops, ah_str, ah_write_ops,
};
use anchorhold_sdk::testing::{Contents, Held, Operation, PLUGIN};

fn table() -> &'static ah_plugin {
    PLUGIN.table()
}

fn ops() -> ah_store_ops {
    // SAFETY: R3: constant and for ever.
    unsafe { *table().ops }
}

fn write_ops() -> ah_write_ops {
    // SAFETY: R3: constant and for ever.
    unsafe { *extension(abi::AH_EXT_WRITE).cast::<ah_write_ops>() }
}

fn extension(id: &CStr) -> *const c_void {
    // SAFETY: R3: lent for this call.
    unsafe { table().extension.unwrap()(id.as_ptr()) }
}

/// A host that offers nothing: no log, no extension.
fn bare_host() -> &'static ah_host {
    Box::leak(Box::new(ah_host::blank()))
}

fn open(name: &str) -> *mut ah_store {
    let mut config = ah_config::blank();
    config.store_name = ah_str::new(name);
    let mut store = ptr::null_mut();
    // SAFETY: R1, R3: every struct is ours and lives longer than the call; the host is leaked.
    let status = unsafe {
        table().open.unwrap()(
            bare_host(),
            &raw const config,
            &raw mut store,
            ptr::null_mut(),
        )
    };
    assert_eq!(status, abi::AH_OK);
    store
}

fn close(store: *mut ah_store) {
    // SAFETY: R3: it came out of open and is not used afterwards.
    unsafe { ops().close.unwrap()(store) };
}

fn message(error: &ah_error) -> String {
    let bytes: Vec<u8> = error
        .message
        .iter()
        .map(|c| c.to_ne_bytes()[0])
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8(bytes).unwrap()
}

/// Counts what is pushed, and says stop when there are so many.
#[repr(C)]
struct Counter {
    count: usize,
    stop_after: usize,
    answer: ah_status,
}

unsafe extern "C" fn count(sink: *const ah_item_sink, _item: *const ah_item) -> ah_status {
    // SAFETY: R3: the counter outlives the call.
    let counter = unsafe { &mut *(*sink).impl_.cast::<Counter>() };
    counter.count += 1;
    if counter.count == counter.stop_after {
        counter.answer
    } else {
        abi::AH_OK
    }
}

fn sink(counter: &mut Counter) -> ah_item_sink {
    let mut sink = ah_item_sink::blank();
    sink.impl_ = ptr::from_mut(counter).cast();
    sink.push = Some(count);
    sink
}

fn list(store: *mut ah_store, counter: &mut Counter, err: *mut ah_error) -> ah_status {
    let (call, mut page, sink) = (ah_call::blank(), ah_page::blank(), sink(counter));
    // SAFETY: R1, R3: every struct is ours and lives longer than the call.
    unsafe { ops().list.unwrap()(store, &raw const call, &raw mut page, &raw const sink, err) }
}

fn all() -> Counter {
    Counter {
        count: 0,
        stop_after: usize::MAX,
        answer: abi::AH_OK,
    }
}

#[test]
fn open_without_its_arguments_is_refused() {
    let open = table().open.unwrap();
    let (config, mut store) = (ah_config::blank(), ptr::without_provenance_mut(8));
    let mut short = ah_config::blank();
    short.struct_size = 8;
    let mut error = ah_error::blank();
    // SAFETY: R1, R3: NULL, or ours and alive.
    unsafe {
        let config: *const ah_config = &raw const config;
        for (host, config) in [
            (ptr::null(), config),
            (ptr::from_ref(bare_host()), ptr::null()),
            (ptr::from_ref(bare_host()), &raw const short),
        ] {
            let status = open(host, config, &raw mut store, &raw mut error);
            assert_eq!(status, abi::AH_INVALID_ARGUMENT);
            assert!(store.is_null());
        }
        let status = open(bare_host(), config, ptr::null_mut(), ptr::null_mut());
        assert_eq!(status, abi::AH_INVALID_ARGUMENT);
    }
    assert!(message(&error).contains("ah_config"), "{}", message(&error));
}

#[test]
fn settings_that_lead_nowhere_are_refused() {
    let mut config = ah_config::blank();
    config.setting_count = 1;
    let mut store = ptr::null_mut();
    let nowhere = ah_setting {
        key: ah_str {
            ptr: ptr::null(),
            len: 3,
        },
        value: ah_str::EMPTY,
    };
    static LATIN: &[u8] = b"\xff";
    let latin = ah_setting {
        key: ah_str::EMPTY,
        value: ah_str {
            ptr: LATIN.as_ptr().cast(),
            len: 1,
        },
    };
    for settings in [ptr::null(), &raw const nowhere, &raw const latin] {
        config.settings = settings;
        // SAFETY: R1, R3: NULL, or ours and alive.
        let status = unsafe {
            table().open.unwrap()(
                bare_host(),
                &raw const config,
                &raw mut store,
                ptr::null_mut(),
            )
        };
        assert_eq!(status, abi::AH_INVALID_ARGUMENT);
    }
}

#[test]
fn calls_without_a_store_are_refused() {
    let mut error = ah_error::blank();
    assert_eq!(
        list(ptr::null_mut(), &mut all(), &raw mut error),
        abi::AH_INVALID_ARGUMENT
    );
    assert_eq!(error.status, abi::AH_INVALID_ARGUMENT);
    close(ptr::null_mut());
}

#[test]
fn calls_without_their_structs_are_refused() {
    let store = open("structs");
    let (call, mut page, mut counter) = (ah_call::blank(), ah_page::blank(), all());
    let sink = sink(&mut counter);
    let mut pushless = ah_item_sink::blank();
    pushless.push = None;
    let mut long_cursor = ah_page::blank();
    long_cursor.cursor_len = 129;
    let (call, page, sink): (*const _, *mut _, *const _) =
        (&raw const call, &raw mut page, &raw const sink);
    for (call, page, sink) in [
        (ptr::null(), page, sink),
        (call, ptr::null_mut(), sink),
        (call, page, ptr::null()),
        (call, page, &raw const pushless),
        (call, &raw mut long_cursor, sink),
    ] {
        // SAFETY: R1, R3: NULL, or ours and alive.
        let status = unsafe { ops().list.unwrap()(store, call, page, sink, ptr::null_mut()) };
        assert_eq!(status, abi::AH_INVALID_ARGUMENT);
    }
    // SAFETY: R1, R3: NULL, or ours and alive.
    unsafe {
        let health = ops().health.unwrap();
        let status = health(store, call, ptr::null_mut(), ptr::null_mut());
        assert_eq!(status, abi::AH_INVALID_ARGUMENT);
        // Health needs nothing of the call.
        let mut out = ah_health::blank();
        assert_eq!(
            health(store, ptr::null(), &raw mut out, ptr::null_mut()),
            abi::AH_OK
        );
        assert_eq!(out.state, abi::AH_READY);
    }
    close(store);
}

#[test]
fn short_error_is_left_alone_and_long_one_keeps_its_tail() {
    // R1
    let mut error = ah_error::blank();
    error.struct_size = 16;
    assert_eq!(
        list(ptr::null_mut(), &mut all(), &raw mut error),
        abi::AH_INVALID_ARGUMENT
    );
    assert_eq!(error.status, abi::AH_OK);
    #[repr(C)]
    struct Longer(ah_error, [u64; 2]);
    let mut longer = Longer(ah_error::blank(), [u64::MAX; 2]);
    longer.0.struct_size = u32::try_from(size_of::<Longer>()).unwrap();
    list(ptr::null_mut(), &mut all(), (&raw mut longer).cast());
    assert_eq!(longer.0.status, abi::AH_INVALID_ARGUMENT);
    assert_eq!(longer.1, [u64::MAX; 2]);
}

#[test]
fn sink_that_says_stop_is_obeyed_and_its_status_returned() {
    let contents = Contents::named("stop");
    contents.replace((0..5_u8).map(|byte| Held::anchor([byte], "")).collect());
    let store = open("stop");
    for answer in [abi::AH_LIMIT, 0x1003] {
        let mut counter = Counter {
            count: 0,
            stop_after: 2,
            answer,
        };
        assert_eq!(list(store, &mut counter, ptr::null_mut()), answer);
        assert_eq!(counter.count, 2);
    }
    let mut counter = all();
    assert_eq!(list(store, &mut counter, ptr::null_mut()), abi::AH_OK);
    assert_eq!(counter.count, 5);
    close(store);
}

#[test]
fn store_that_panicked_answers_no_more() {
    // R5
    let contents = Contents::named("no more");
    let store = open("no more");
    contents.fault(|faults| faults.panic = Some(Operation::List));
    let mut error = ah_error::blank();
    assert_eq!(list(store, &mut all(), &raw mut error), abi::AH_PANIC);
    let told = message(&error);
    assert!(
        told.starts_with("told to panic in List at ") && told.contains("memory.rs"),
        "{told}"
    );
    contents.fault(|faults| faults.panic = None);
    assert_eq!(list(store, &mut all(), &raw mut error), abi::AH_PANIC);
    assert!(message(&error).contains("open it again"));
    close(store);
}

unsafe extern "C" fn take(sink: *const ah_outcome_sink, _: *const ah_outcome) -> ah_status {
    // SAFETY: R3: the status outlives the call.
    unsafe { *(*sink).impl_.cast::<ah_status>() }
}

fn apply(store: *mut ah_store, changes: &[ah_change], mut answer: ah_status) -> ah_status {
    let call = ah_call::blank();
    let mut batch = ah_batch::blank();
    batch.changes = changes.as_ptr();
    batch.change_count = changes.len();
    batch.change_stride = u32::try_from(size_of::<ah_change>()).unwrap();
    let mut sink = ah_outcome_sink::blank();
    sink.impl_ = (&raw mut answer).cast();
    sink.push = Some(take);
    // SAFETY: R1, R3: every struct is ours and lives longer than the call.
    unsafe {
        write_ops().apply.unwrap()(
            store,
            &raw const call,
            &raw const batch,
            &raw const sink,
            ptr::null_mut(),
        )
    }
}

fn put(item: *const ah_item) -> ah_change {
    ah_change {
        action: abi::AH_PUT,
        reserved: 0,
        item,
        id: ah_bytes::EMPTY,
    }
}

#[test]
fn changes_that_are_none_are_refused_and_nothing_is_done() {
    let contents = Contents::named("none");
    let store = open("none");
    let mut item = ah_item::blank();
    item.kind = abi::AH_KIND_CERTIFICATE;
    item.der = ah_bytes::new(b"der");
    let good = put(&raw const item);
    let mut unknown_kind = item;
    unknown_kind.kind = 99;
    let mut nowhere = item;
    nowhere.der = ah_bytes {
        ptr: ptr::null(),
        len: 1,
    };
    let mut short = item;
    short.struct_size -= 8;
    for (bad, status) in [
        (put(ptr::null()), abi::AH_INVALID_ARGUMENT),
        (put(&raw const short), abi::AH_INVALID_ARGUMENT),
        (put(&raw const nowhere), abi::AH_INVALID_ARGUMENT),
        (put(&raw const unknown_kind), abi::AH_UNSUPPORTED),
        (ah_change { action: 3, ..good }, abi::AH_UNSUPPORTED),
    ] {
        assert_eq!(apply(store, &[good, bad], abi::AH_OK), status);
        assert!(contents.items().is_empty());
    }
    assert_eq!(apply(store, &[good], abi::AH_CANCELLED), abi::AH_CANCELLED);
    close(store);
}

#[test]
fn unknown_decision_of_a_later_host_distrusts() {
    // R2
    let contents = Contents::named("later");
    let store = open("later");
    let rule = abi::ah_rule {
        purpose: 55,
        decision: 66,
        issued_before: 0,
    };
    let mut item = ah_item::blank();
    item.kind = abi::AH_KIND_CERTIFICATE;
    item.der = ah_bytes::new(b"der");
    item.rules = &raw const rule;
    item.rule_count = 1;
    item.rule_stride = 16;
    assert_eq!(
        apply(store, &[put(&raw const item)], abi::AH_OK),
        abi::AH_OK
    );
    assert_eq!(contents.items()[0].rules, anchorhold_sdk::Rule::DISTRUST);
    close(store);
}

#[test]
fn extension_that_is_not_there_is_null() {
    assert!(extension(c"anchorhold.later/1").is_null());
    assert!(extension(c"").is_null());
    // SAFETY: R3: NULL.
    assert!(unsafe { table().extension.unwrap()(ptr::null()) }.is_null());
    for id in [
        abi::AH_EXT_FIND,
        abi::AH_EXT_SIGN,
        abi::AH_EXT_UNLOCK,
        abi::AH_EXT_WRITE,
    ] {
        assert!(!extension(id).is_null());
    }
}

#[test]
fn nothing_of_the_host_is_called_after_close() {
    // R7
    unsafe extern "C" fn log(host: *const ah_host, _level: u32, _message: ah_str) {
        // SAFETY: R3: the flag outlives the store.
        unsafe { (*host).impl_.cast::<bool>().write(true) };
    }
    unsafe extern "C" fn changed(host: *const ah_host, _generation: u64) {
        // SAFETY: R3: the flag outlives the store.
        unsafe { (*host).impl_.cast::<bool>().write(true) };
    }
    unsafe extern "C" fn extension(_: *const ah_host, id: *const c_char) -> *const c_void {
        static NOTIFY: abi::ah_host_notify = abi::ah_host_notify {
            struct_size: abi::ah_host_notify::SIZE,
            reserved: 0,
            changed: Some(changed),
        };
        // SAFETY: R3: a constant of the plugin's.
        match unsafe { CStr::from_ptr(id) } {
            id if id == abi::AH_HOST_NOTIFY => (&raw const NOTIFY).cast(),
            _ => ptr::null(),
        }
    }
    let mut called = false;
    let mut host = ah_host::blank();
    host.impl_ = (&raw mut called).cast();
    host.log = Some(log);
    host.extension = Some(extension);
    let contents = Contents::named("after");
    let mut config = ah_config::blank();
    config.store_name = ah_str::new("after");
    let mut store = ptr::null_mut();
    // SAFETY: R1, R3: every struct is ours and lives longer than the store.
    let status = unsafe {
        table().open.unwrap()(
            &raw const host,
            &raw const config,
            &raw mut store,
            ptr::null_mut(),
        )
    };
    assert_eq!(status, abi::AH_OK);
    contents.put(Held::anchor("a", "a"));
    // SAFETY: R7: the flag is only written through the host, on this thread.
    assert!(unsafe { (&raw mut called).replace(false) });
    close(store);
    contents.put(Held::anchor("b", "b"));
    // SAFETY: R7: as above.
    assert!(!unsafe { (&raw const called).read() });
}
