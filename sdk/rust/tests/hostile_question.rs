//! What a host can get wrong where a store is found in, unlocked and signs, and asks the host.
#![cfg(feature = "testing")]
#![allow(
    clippy::unwrap_used,
    reason = "what a test cannot do without, fails it"
)]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Mutex;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_byte_sink, ah_bytes, ah_call, ah_config, ah_error, ah_find_ops, ah_host,
    ah_host_prompt, ah_host_secret_mem, ah_item, ah_item_sink, ah_prompt, ah_query, ah_sign_ops,
    ah_status, ah_store, ah_str, ah_unlock_ops,
};
use anchorhold_sdk::testing::{Contents, Held, PLUGIN};
use anchorhold_sdk::{
    Call, Config, Error, ErrorKind, Health, HealthState, Host, Items, Page, Question, SecretMemory,
    TrustStore, Unlock,
};

fn table<T: Growing>(plugin: &'static anchorhold_sdk::Plugin, id: &CStr) -> T {
    // SAFETY: R3: constant and for ever, and of the type of the id.
    unsafe { *plugin.table().extension.unwrap()(id.as_ptr()).cast::<T>() }
}

fn find_ops() -> ah_find_ops {
    table(&PLUGIN, abi::AH_EXT_FIND)
}

fn unlock_ops() -> ah_unlock_ops {
    table(&PLUGIN, abi::AH_EXT_UNLOCK)
}

fn sign_ops() -> ah_sign_ops {
    table(&PLUGIN, abi::AH_EXT_SIGN)
}

/// What a host answers to a question.
#[derive(Clone, Copy)]
enum Manner {
    /// This, as it should.
    Answers(&'static [u8]),
    /// Nothing, and says that all is well.
    AnswersNothing,
    /// This status.
    Refuses(ah_status),
    /// The same, twice.
    AnswersTwice(&'static [u8]),
    /// The same, from another thread.
    AnswersElsewhere(&'static [u8]),
    /// What leads nowhere.
    AnswersNowhere,
}

/// A host that asks in its manner, and lends memory.
#[repr(C)]
struct Odd {
    table: ah_host,
    manner: Manner,
    asked: Mutex<Vec<(u32, String, String)>>,
    lent: Mutex<Vec<(*mut c_void, usize)>>,
    has_memory: bool,
}

impl Odd {
    fn new(manner: Manner) -> Box<Self> {
        let mut table = ah_host::blank();
        table.extension = Some(extension);
        Box::new(Self {
            table,
            manner,
            asked: Mutex::default(),
            lent: Mutex::default(),
            has_memory: true,
        })
    }

    fn host(&self) -> *const ah_host {
        ptr::from_ref(self).cast()
    }
}

unsafe extern "C" fn extension(host: *const ah_host, id: *const c_char) -> *const c_void {
    static PROMPT: ah_host_prompt = ah_host_prompt {
        struct_size: ah_host_prompt::SIZE,
        reserved: 0,
        ask: Some(ask),
    };
    static MEMORY: ah_host_secret_mem = ah_host_secret_mem {
        struct_size: ah_host_secret_mem::SIZE,
        reserved: 0,
        take: Some(take),
        give_back: Some(give_back),
    };
    // SAFETY: R3: a constant of the plugin's, and the host that `Odd` starts with.
    let (id, odd) = unsafe { (CStr::from_ptr(id), &*host.cast::<Odd>()) };
    if id == abi::AH_HOST_PROMPT {
        return (&raw const PROMPT).cast();
    }
    if id == abi::AH_HOST_SECRET_MEM && odd.has_memory {
        return (&raw const MEMORY).cast();
    }
    ptr::null()
}

/// The sink, for another thread.
struct Sent(*const ah_byte_sink);

// SAFETY: the test breaks R7, and the SDK has to bear it.
unsafe impl Send for Sent {}

impl Sent {
    fn put(&self, bytes: &[u8]) -> ah_status {
        // SAFETY: R3: the sink is lent while the question is asked.
        unsafe { (*self.0).put.unwrap()(self.0, ah_bytes::new(bytes)) }
    }
}

unsafe extern "C" fn ask(
    host: *const ah_host,
    _call: *const ah_call,
    prompt: *const ah_prompt,
    answer: *const ah_byte_sink,
    err: *mut ah_error,
) -> ah_status {
    // SAFETY: R3: ours, and the plugin's structs, lent for this call.
    let (odd, prompt) = unsafe { (&*host.cast::<Odd>(), &*prompt) };
    let text = |text: ah_str| {
        // SAFETY: R3: lent for this call.
        let bytes = unsafe { std::slice::from_raw_parts(text.ptr.cast::<u8>(), text.len) };
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let asked = (prompt.kind, text(prompt.setting), text(prompt.title));
    odd.asked.lock().unwrap().push(asked);
    let sink = Sent(answer);
    match odd.manner {
        Manner::Answers(secret) => sink.put(secret),
        Manner::AnswersNothing => abi::AH_OK,
        Manner::Refuses(status) => {
            let mut error = ah_error::blank();
            for (slot, byte) in error.message.iter_mut().zip(b"nobody is there") {
                *slot = c_char::from_ne_bytes([*byte]);
            }
            // SAFETY: R1: the plugin's struct.
            unsafe { abi::write(err, &error) };
            status
        }
        Manner::AnswersTwice(secret) => {
            assert_eq!(sink.put(secret), abi::AH_OK);
            sink.put(secret)
        }
        Manner::AnswersElsewhere(secret) => std::thread::spawn(move || {
            let sink = sink;
            sink.put(secret)
        })
        .join()
        .unwrap(),
        Manner::AnswersNowhere => {
            let nowhere = ah_bytes {
                ptr: ptr::null(),
                len: 4,
            };
            // SAFETY: R3: the sink is lent while the question is asked.
            unsafe { (*answer).put.unwrap()(answer, nowhere) }
        }
    }
}

unsafe extern "C" fn take(host: *const ah_host, size: usize) -> *mut c_void {
    // SAFETY: R3: ours.
    let odd = unsafe { &*host.cast::<Odd>() };
    let piece = Box::leak(vec![0_u8; size].into_boxed_slice())
        .as_mut_ptr()
        .cast();
    odd.lent.lock().unwrap().push((piece, size));
    piece
}

unsafe extern "C" fn give_back(host: *const ah_host, ptr: *mut c_void, size: usize) {
    // SAFETY: R3: ours, and a piece of ours.
    let (odd, bytes) = unsafe {
        (
            &*host.cast::<Odd>(),
            std::slice::from_raw_parts(ptr.cast::<u8>(), size),
        )
    };
    assert!(bytes.iter().all(|byte| *byte == 0), "not wiped");
    let mut lent = odd.lent.lock().unwrap();
    let place = lent.iter().position(|piece| *piece == (ptr, size));
    lent.remove(place.unwrap());
}

fn open(
    plugin: &'static anchorhold_sdk::Plugin,
    name: &str,
    host: *const ah_host,
) -> *mut ah_store {
    let mut config = ah_config::blank();
    config.store_name = ah_str::new(name);
    let mut store = ptr::null_mut();
    // SAFETY: R1, R3: every struct is ours and lives longer than the call; the host longer than
    // the store.
    let status = unsafe {
        plugin.table().open.unwrap()(host, &raw const config, &raw mut store, ptr::null_mut())
    };
    assert_eq!(status, abi::AH_OK);
    store
}

fn close(plugin: &'static anchorhold_sdk::Plugin, store: *mut ah_store) {
    // SAFETY: R3: it came out of open and is not used afterwards.
    unsafe { (*plugin.table().ops).close.unwrap()(store) };
}

fn asking() -> ah_call {
    let mut call = ah_call::blank();
    call.flags = abi::AH_CALL_MAY_PROMPT;
    call
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

/// Unlocks a store with the PIN 1234, of a host of this manner.
fn unlock(name: &str, manner: Manner, call: ah_call) -> (ah_status, String, usize) {
    let odd = Odd::new(manner);
    let contents = Contents::named(name);
    contents.lock_with(b"1234");
    let store = open(&PLUGIN, name, odd.host());
    let mut error = ah_error::blank();
    // SAFETY: R1, R3: every struct is ours and lives longer than the call.
    let status = unsafe { unlock_ops().unlock.unwrap()(store, &raw const call, &raw mut error) };
    close(&PLUGIN, store);
    let asked = odd.asked.lock().unwrap().len();
    (status, message(&error), asked)
}

#[test]
fn answer_reaches_the_store_and_its_error_comes_back() {
    let (status, _, asked) = unlock("right", Manner::Answers(b"1234"), asking());
    assert_eq!((status, asked), (abi::AH_OK, 1));
    let (status, message, _) = unlock("wrong", Manner::Answers(b"0000"), asking());
    assert_eq!(status, abi::AH_WRONG_SECRET);
    assert_eq!(message, "the PIN is wrong");
}

#[test]
fn every_way_of_not_answering_leaves_it_locked() {
    for (manner, expected) in [
        (Manner::AnswersNothing, abi::AH_INTERNAL),
        (
            Manner::Refuses(abi::AH_PROMPT_REFUSED),
            abi::AH_PROMPT_REFUSED,
        ),
        (Manner::Refuses(abi::AH_LOCKED), abi::AH_PROMPT_REFUSED),
        (Manner::Refuses(abi::AH_CANCELLED), abi::AH_CANCELLED),
        (Manner::Refuses(0x1002), 0x1002),
        (Manner::AnswersNowhere, abi::AH_INVALID_ARGUMENT),
        (Manner::AnswersElsewhere(b"1234"), abi::AH_INVALID_STATE),
    ] {
        let (status, _, asked) = unlock("unanswered", manner, asking());
        assert_eq!((status, asked), (expected, 1));
        assert!(!Contents::named("unanswered").is_open());
    }
    let (_, message, _) = unlock(
        "unanswered",
        Manner::Refuses(abi::AH_PROMPT_REFUSED),
        asking(),
    );
    assert_eq!(message, "nobody is there");
}

#[test]
fn second_answer_is_not_read() {
    let (status, _, _) = unlock("twice", Manner::AnswersTwice(b"1234"), asking());
    assert_eq!(status, abi::AH_OK);
    assert!(Contents::named("twice").is_open());
}

#[test]
fn call_that_may_not_ask_does_not() {
    let (status, _, asked) = unlock("silent", Manner::Answers(b"1234"), ah_call::blank());
    assert_eq!((status, asked), (abi::AH_PROMPT_REFUSED, 0));
}

#[test]
fn calls_without_their_structs_are_refused() {
    // R1
    let odd = Odd::new(Manner::AnswersNothing);
    let store = open(&PLUGIN, "found", odd.host());
    let (call, mut query) = (ah_call::blank(), ah_query::blank());
    query.by = abi::AH_BY_ID;
    query.key = ah_bytes::new(b"1");
    let mut short = query;
    short.struct_size = 8;
    let mut digest = query;
    digest.by = abi::AH_BY_SHA256;
    let mut nowhere = query;
    nowhere.serial = ah_bytes {
        ptr: ptr::null(),
        len: 1,
    };
    unsafe extern "C" fn push(_: *const ah_item_sink, _: *const ah_item) -> ah_status {
        abi::AH_OK
    }
    let mut sink = ah_item_sink::blank();
    sink.push = Some(push);
    let (call, sink): (*const _, *const _) = (&raw const call, &raw const sink);
    let find = find_ops().find.unwrap();
    for (call, query, sink, expected) in [
        (call, &raw const query, sink, abi::AH_OK),
        (
            ptr::null(),
            &raw const query,
            sink,
            abi::AH_INVALID_ARGUMENT,
        ),
        (call, ptr::null(), sink, abi::AH_INVALID_ARGUMENT),
        (call, &raw const short, sink, abi::AH_INVALID_ARGUMENT),
        (call, &raw const digest, sink, abi::AH_INVALID_ARGUMENT),
        (call, &raw const nowhere, sink, abi::AH_INVALID_ARGUMENT),
        (
            call,
            &raw const query,
            ptr::null(),
            abi::AH_INVALID_ARGUMENT,
        ),
    ] {
        // SAFETY: R1, R3: NULL, or ours and alive.
        let status = unsafe { find(store, call, query, sink, ptr::null_mut()) };
        assert_eq!(status, expected);
    }
    let ops = unlock_ops();
    // SAFETY: R1, R3: NULL, or ours and alive.
    unsafe {
        for turn in [ops.unlock.unwrap(), ops.lock.unwrap()] {
            let status = turn(store, ptr::null(), ptr::null_mut());
            assert_eq!(status, abi::AH_INVALID_ARGUMENT);
            let status = turn(ptr::null_mut(), call, ptr::null_mut());
            assert_eq!(status, abi::AH_INVALID_ARGUMENT);
        }
    }
    close(&PLUGIN, store);
}

#[test]
fn schemes_keep_to_the_room_that_they_have() {
    let odd = Odd::new(Manner::AnswersNothing);
    let id = Contents::named("signs").put(Held::key("public", "key"));
    let store = open(&PLUGIN, "signs", odd.host());
    let call = ah_call::blank();
    let schemes = sign_ops().schemes.unwrap();
    let ask = |out: *mut u16, capacity, count: *mut usize| {
        let key = ah_bytes::new(&id);
        // SAFETY: R1, R3: NULL, or ours, alive and as large as said.
        unsafe {
            schemes(
                store,
                &raw const call,
                key,
                out,
                capacity,
                count,
                ptr::null_mut(),
            )
        }
    };
    let mut out = [0xffff_u16; 3];
    let mut count = 7;
    assert_eq!(
        ask(out.as_mut_ptr(), 1, &raw mut count),
        abi::AH_BUFFER_TOO_SMALL
    );
    assert_eq!((count, out), (2, [0xffff; 3]));
    assert_eq!(
        ask(ptr::null_mut(), 0, &raw mut count),
        abi::AH_BUFFER_TOO_SMALL
    );
    assert_eq!(ask(out.as_mut_ptr(), 3, &raw mut count), abi::AH_OK);
    assert_eq!((count, out), (2, [0x0403, 0x0804, 0xffff]));
    assert_eq!(
        ask(ptr::null_mut(), 3, &raw mut count),
        abi::AH_INVALID_ARGUMENT
    );
    assert_eq!(
        ask(out.as_mut_ptr(), 3, ptr::null_mut()),
        abi::AH_INVALID_ARGUMENT
    );
    close(&PLUGIN, store);
}

#[test]
fn signature_goes_where_it_is_asked_for_and_nowhere_else() {
    unsafe extern "C" fn put(sink: *const ah_byte_sink, bytes: ah_bytes) -> ah_status {
        // SAFETY: R3: the count outlives the call.
        unsafe { *(*sink).impl_.cast::<usize>() += bytes.len };
        abi::AH_LIMIT
    }
    let odd = Odd::new(Manner::AnswersNothing);
    let id = Contents::named("signs too").put(Held::key("public", "key"));
    let store = open(&PLUGIN, "signs too", odd.host());
    let call = ah_call::blank();
    let mut length = 0_usize;
    let mut sink = ah_byte_sink::blank();
    sink.impl_ = (&raw mut length).cast();
    let putless = sink;
    sink.put = Some(put);
    let sign = |message: ah_bytes, sink: *const ah_byte_sink| {
        let sign = sign_ops().sign.unwrap();
        let key = ah_bytes::new(&id);
        // SAFETY: R1, R3: NULL, or ours and alive.
        unsafe {
            sign(
                store,
                &raw const call,
                key,
                0x0403,
                message,
                sink,
                ptr::null_mut(),
            )
        }
    };
    let message = ah_bytes::new(b"message");
    assert_eq!(sign(message, &raw const sink), abi::AH_LIMIT);
    assert_eq!(length, 8);
    assert_eq!(sign(message, ptr::null()), abi::AH_INVALID_ARGUMENT);
    assert_eq!(sign(message, &raw const putless), abi::AH_INVALID_ARGUMENT);
    let nowhere = ah_bytes {
        ptr: ptr::null(),
        len: 3,
    };
    assert_eq!(sign(nowhere, &raw const sink), abi::AH_INVALID_ARGUMENT);
    close(&PLUGIN, store);
}

/// Keeps a secret beyond the store that it belongs to.
static KEPT: Mutex<Vec<SecretMemory>> = Mutex::new(Vec::new());

/// A store that does with its secret what no author should.
struct Careless(Host);

impl TrustStore for Careless {
    fn open(host: Host, _: &Config<'_>) -> Result<Self, Error> {
        Ok(Self(host))
    }

    fn health(&self) -> Health {
        Health::new(HealthState::Ready)
    }

    fn list(&self, _: &Call<'_>, _: &mut Page, _: &mut Items<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Unlock for Careless {
    fn unlock(&self, call: &Call<'_>) -> Result<(), Error> {
        let question = Question::password("Password").setting("password");
        let elsewhere = std::thread::scope(|threads| {
            let asked = threads.spawn(|| call.ask(&question, |_| Ok(())));
            asked.join().unwrap()
        });
        assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::InvalidState);
        call.ask(&question, |secret| {
            assert!(secret != b"panic", "with the secret in hand");
            let memory = SecretMemory::copy_of(&self.0, secret)?;
            assert_eq!(memory.expose(<[u8]>::to_vec)?, secret);
            KEPT.lock().unwrap().push(memory);
            Ok(())
        })?;
        call.show("Touch the token", "")
    }

    fn lock(&self, call: &Call<'_>) -> Result<(), Error> {
        call.confirm("Really?", "")
    }
}

anchorhold_sdk::plugin! {
    static CARELESS: store: Careless, id: "org.example.careless", name: "Careless", version: "1",
    manifest: "id = 'org.example.careless'\nabi = 1", also: [Unlock],
}

fn turn(store: *mut ah_store, unlocks: bool) -> (ah_status, String) {
    let ops: ah_unlock_ops = table(&CARELESS, abi::AH_EXT_UNLOCK);
    let (call, mut error) = (asking(), ah_error::blank());
    let key = if unlocks { ops.unlock } else { ops.lock };
    // SAFETY: R1, R3: every struct is ours and lives longer than the call.
    let status = unsafe { key.unwrap()(store, &raw const call, &raw mut error) };
    (status, message(&error))
}

#[test]
fn secret_of_the_hosts_memory_ends_with_the_store() {
    // R3
    let odd = Odd::new(Manner::Answers(b"secret"));
    let store = open(&CARELESS, "careless", odd.host());
    assert_eq!(turn(store, true), (abi::AH_OK, String::new()));
    assert_eq!(odd.lent.lock().unwrap().len(), 1);
    let memory = KEPT.lock().unwrap().pop().unwrap();
    assert!(memory.is_locked());
    close(&CARELESS, store);
    // It was given back while the host was there, and is not read any more.
    assert_eq!(odd.lent.lock().unwrap().len(), 0);
    drop(odd);
    let kind = memory.expose(<[u8]>::to_vec).unwrap_err().kind();
    assert_eq!(kind, ErrorKind::InvalidState);
    let asked = |kind, setting: &str, title: &str| (kind, setting.to_owned(), title.to_owned());
    let odd = Odd::new(Manner::Answers(b""));
    let store = open(&CARELESS, "careless", odd.host());
    assert_eq!(turn(store, false).0, abi::AH_OK);
    assert_eq!(turn(store, true).0, abi::AH_OK);
    KEPT.lock().unwrap().clear();
    assert_eq!(
        *odd.asked.lock().unwrap(),
        [
            asked(abi::AH_ASK_CONFIRM, "", "Really?"),
            asked(abi::AH_ASK_PASSWORD, "password", "Password"),
            asked(abi::AH_ASK_TOUCH, "", "Touch the token"),
        ]
    );
    close(&CARELESS, store);
}

#[test]
fn panic_with_the_secret_in_hand_does_not_cross_the_host() {
    // R5
    let odd = Odd::new(Manner::Answers(b"panic"));
    let store = open(&CARELESS, "panics", odd.host());
    let (status, message) = turn(store, true);
    assert_eq!(status, abi::AH_PANIC);
    assert!(
        message.starts_with("with the secret in hand at "),
        "{message}"
    );
    close(&CARELESS, store);
}

#[test]
fn confirmation_without_an_answer_is_none() {
    let odd = Odd::new(Manner::AnswersNothing);
    let store = open(&CARELESS, "unconfirmed", odd.host());
    assert_eq!(turn(store, false).0, abi::AH_PROMPT_REFUSED);
    close(&CARELESS, store);
}

#[test]
fn store_without_the_hosts_memory_uses_its_own() {
    let mut odd = Odd::new(Manner::AnswersNothing);
    odd.has_memory = false;
    let store = open(&CARELESS, "own memory", odd.host());
    close(&CARELESS, store);
    let memory = SecretMemory::copy_of(&Host::detached(), b"secret").unwrap();
    assert!(!memory.is_locked());
    assert_eq!(memory.expose(<[u8]>::len).unwrap(), 6);
}
