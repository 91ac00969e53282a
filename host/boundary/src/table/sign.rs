//! Signing with a key that stays in the store.

use std::ffi::c_void;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Instant;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_byte_sink, ah_bytes, ah_status};

use crate::adopt::plugin::{Schemes, Sign, SignCalls};
use crate::adopt::{self, der};
use crate::guard::guarded;
use crate::item::ItemId;
use crate::services::MayAsk;
use crate::status::{CallError, Status};
use crate::table::lane::Lane;
use crate::table::{CallLimits, Opened};

/// The most bytes of a message to be signed.
pub(crate) const MESSAGE_MAX: usize = 1 << 20;
/// The most bytes of a signature; the largest that TLS can carry.
pub(crate) const SIGNATURE_MAX: usize = (64 << 10) - 1;
/// The most schemes of a key.
pub(crate) const SCHEMES_MAX: usize = 256;
/// How many schemes are taken at the first try.
const SCHEMES_FIRST: usize = 32;
/// How often a key is asked for its schemes, whose number changes meanwhile.
const TRIES: usize = 3;
/// The TLS SignatureSchemes whose signatures are DER: ECDSA with SHA-1, SHA-256, SHA-384 and
/// SHA-512, and with the brainpool curves.
const ECDSA: [u16; 7] = [0x0203, 0x0403, 0x0503, 0x0603, 0x081a, 0x081b, 0x081c];

/// The TLS signature schemes of a key.
pub(super) fn schemes(
    store: &Arc<Opened>,
    lane: &Lane,
    key: &ItemId,
    limits: &CallLimits,
) -> Result<Vec<u16>, CallError> {
    let calls = calls(store)?;
    check_key(key)?;
    store.services.begin_call();
    let deadline = limits.deadline();
    let (store, key, limits) = (Arc::clone(store), key.clone(), limits.clone());
    lane.run(deadline, move || {
        schemes_here(&store, calls.schemes, &key, &limits, deadline)
    })?
}

/// Signs a message.
pub(super) fn sign(
    store: &Arc<Opened>,
    lane: &Lane,
    key: &ItemId,
    scheme: u16,
    message: &[u8],
    limits: &CallLimits,
) -> Result<Vec<u8>, CallError> {
    let calls = calls(store)?;
    check_key(key)?;
    if message.len() > MESSAGE_MAX {
        let message = format!(
            "a message to be signed has {} bytes, and may have {MESSAGE_MAX}",
            message.len()
        );
        return Err(CallError::new(Status::InvalidArgument, message));
    }
    store.services.begin_call();
    let deadline = limits.deadline();
    let (store, key, limits) = (Arc::clone(store), key.clone(), limits.clone());
    let message = message.to_vec();
    let signature = lane.run(deadline, move || {
        sign_here(
            &store, calls.sign, &key, scheme, &message, &limits, deadline,
        )
    })??;
    check_signature(scheme, &signature)?;
    Ok(signature)
}

/// What came out of a store has to be what TLS carries under this scheme.
pub(crate) fn check_signature(scheme: u16, signature: &[u8]) -> Result<(), CallError> {
    if signature.is_empty() {
        return Err(CallError::protocol("it gave a signature without bytes"));
    }
    if signature.len() > SIGNATURE_MAX {
        return Err(too_long(signature.len()));
    }
    if ECDSA.contains(&scheme) && !der::is_ecdsa_signature(signature) {
        return Err(CallError::protocol(
            "its ECDSA signature is no DER SEQUENCE of two numbers",
        ));
    }
    Ok(())
}

fn too_long(length: usize) -> CallError {
    CallError::protocol(format!(
        "its signature has {length} bytes, and may have {SIGNATURE_MAX}"
    ))
}

fn calls(store: &Opened) -> Result<SignCalls, CallError> {
    store
        .adopted()
        .signs
        .ok_or_else(|| CallError::new(Status::Unsupported, "its plugin has no private keys"))
}

fn check_key(key: &ItemId) -> Result<(), CallError> {
    if (1..=abi::AH_ID_MAX).contains(&key.0.len()) {
        return Ok(());
    }
    let message = format!("the id of a key has {} bytes", key.0.len());
    Err(CallError::new(Status::InvalidArgument, message))
}

/// Asks for the schemes, and again where they are more than was thought.
fn schemes_here(
    store: &Opened,
    schemes: Schemes,
    key: &ItemId,
    limits: &CallLimits,
    deadline: Option<Instant>,
) -> Result<Vec<u16>, CallError> {
    let mut capacity = SCHEMES_FIRST;
    for _ in 0..TRIES {
        let mut out = vec![0_u16; capacity];
        let mut count = 0;
        let called = store.call(limits, deadline, MayAsk::Never, |call, error| {
            let (key, out, count) = (ah_bytes::new(&key.0), out.as_mut_ptr(), &raw mut count);
            // SAFETY: R1, R3: the store is open, every struct is ours and outlives the call, and
            // `out` has room for `capacity` schemes.
            unsafe { schemes(store.store, call, key, out, capacity, count, error) }
        });
        match called {
            Ok(()) if count <= capacity => {
                out.truncate(count);
                return Ok(out);
            }
            Ok(()) => {
                return Err(CallError::protocol(format!(
                    "it gave {count} schemes where there is room for {capacity}"
                )));
            }
            Err(error) if error.status == Status::BufferTooSmall => {
                capacity = more_room(count, capacity)?;
            }
            Err(error) => return Err(error),
        }
    }
    Err(CallError::protocol(
        "it does not stay with how many schemes a key has",
    ))
}

/// How much room so many schemes take, which are more than there was room for.
fn more_room(count: usize, capacity: usize) -> Result<usize, CallError> {
    if count > SCHEMES_MAX {
        let message = format!("a key has {count} schemes, and may have {SCHEMES_MAX}");
        return Err(CallError::new(Status::Limit, message));
    }
    if count <= capacity {
        return Err(CallError::protocol(format!(
            "it says that {count} schemes need more room than {capacity}"
        )));
    }
    Ok(count)
}

fn sign_here(
    store: &Opened,
    sign: Sign,
    key: &ItemId,
    scheme: u16,
    message: &[u8],
    limits: &CallLimits,
    deadline: Option<Instant>,
) -> Result<Vec<u8>, CallError> {
    let receiver = Receiver {
        thread: thread::current().id(),
        put: Mutex::default(),
    };
    let mut sink = ah_byte_sink::blank();
    sink.impl_ = std::ptr::from_ref(&receiver).cast_mut().cast::<c_void>();
    sink.put = Some(put);
    let called = store.call(limits, deadline, MayAsk::Several, |call, error| {
        // SAFETY: R1, R3: the store is open, and every struct is ours and outlives the call.
        unsafe {
            sign(
                store.store,
                call,
                ah_bytes::new(&key.0),
                scheme,
                ah_bytes::new(message),
                &raw const sink,
                error,
            )
        }
    });
    receiver.verdict(called)
}

/// What stands behind the sink of one signature.
struct Receiver {
    /// The thread of the call, the only one that may put (R7).
    thread: ThreadId,
    put: Mutex<Put>,
}

#[derive(Default)]
struct Put {
    signature: Option<Vec<u8>>,
    fault: Option<CallError>,
}

impl Receiver {
    /// What the sink refused comes first: the plugin only returned it, or forgot to.
    fn verdict(self, called: Result<(), CallError>) -> Result<Vec<u8>, CallError> {
        let put = self
            .put
            .into_inner()
            .map_err(|_| CallError::new(Status::Internal, "the host failed to take a signature"))?;
        if let Some(fault) = put.fault {
            return Err(fault);
        }
        called?;
        put.signature
            .ok_or_else(|| CallError::protocol("it says that it signed, and gave no signature"))
    }
}

impl Put {
    fn take(&mut self, bytes: Result<&[u8], adopt::Nowhere>) -> Result<(), CallError> {
        let bytes = bytes.map_err(|adopt::Nowhere| {
            CallError::protocol("its signature has no bytes where it says")
        })?;
        if self.signature.is_some() {
            return Err(CallError::protocol("it gave two signatures"));
        }
        if bytes.len() > SIGNATURE_MAX {
            return Err(too_long(bytes.len()));
        }
        self.signature = Some(bytes.to_vec());
        Ok(())
    }
}

/// `ah_byte_sink.put`.
///
/// # Safety
///
/// R1, R3: `sink` is NULL or the sink of a call that runs; the bytes are lent for this call.
unsafe extern "C" fn put(sink: *const ah_byte_sink, bytes: ah_bytes) -> ah_status {
    guarded(abi::AH_INTERNAL, || {
        // SAFETY: R3: the sink outlives the call that it was lent to.
        let Some(sink) = (unsafe { sink.as_ref() }) else {
            return abi::AH_INVALID_ARGUMENT;
        };
        // SAFETY: R3: `impl_` leads to the receiver, which outlives the call.
        let Some(receiver) = (unsafe { sink.impl_.cast::<Receiver>().as_ref() }) else {
            return abi::AH_INVALID_ARGUMENT;
        };
        let Ok(mut put) = receiver.put.lock() else {
            return abi::AH_INTERNAL;
        };
        if thread::current().id() != receiver.thread {
            put.fault = Some(CallError::protocol(
                "it gave a signature on a thread of its own",
            ));
            return abi::AH_INVALID_STATE;
        }
        if put.fault.is_some() {
            return abi::AH_INVALID_ARGUMENT;
        }
        // SAFETY: R3: lent for this call.
        match put.take(unsafe { adopt::bytes(bytes) }) {
            Ok(()) => abi::AH_OK,
            Err(fault) => {
                let status = match fault.status {
                    Status::Limit => abi::AH_LIMIT,
                    _ => abi::AH_INVALID_ARGUMENT,
                };
                put.fault = Some(fault);
                status
            }
        }
    })
}
