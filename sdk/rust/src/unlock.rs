//! A store that has a lock.

use std::marker::PhantomData;

use anchorhold_abi::{Growing, ah_call, ah_error, ah_status, ah_store, ah_unlock_ops};

use crate::call::Call;
use crate::error::Error;
use crate::guard;
use crate::store::TrustStore;

/// A store that a person, or what the operator stored, has to unlock.
pub trait Unlock: TrustStore {
    /// Opens the lock. Asks at most once, with [`Call::ask`]: a wrong answer is
    /// [`ErrorKind::WrongSecret`](crate::ErrorKind::WrongSecret), and whether to try again is the
    /// host's decision. A store that is open already stays so.
    fn unlock(&self, call: &Call<'_>) -> Result<(), Error>;

    /// Closes the lock, and forgets what opened it. Asks nothing.
    fn lock(&self, call: &Call<'_>) -> Result<(), Error>;
}

/// The table for the lock of a store of type `T`.
pub(crate) struct UnlockOps<T>(PhantomData<T>);

impl<T: Unlock> UnlockOps<T> {
    pub(crate) const TABLE: &'static ah_unlock_ops = &ah_unlock_ops {
        struct_size: <ah_unlock_ops as Growing>::SIZE,
        reserved: 0,
        unlock: Some(unlock::<T>),
        lock: Some(lock::<T>),
    };
}

/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call; `store` came out of `open`.
unsafe extern "C" fn unlock<T: Unlock>(
    store: *mut ah_store,
    call: *const ah_call,
    err: *mut ah_error,
) -> ah_status {
    let run = |opened: &guard::Opened<T>| {
        // SAFETY: R1, R3: lent for this call, which `run` does not outlive.
        let call = unsafe { Call::adopt(call, &opened.host) }?;
        opened.store.unlock(&call)
    };
    // SAFETY: R3, as promised by the caller.
    unsafe { guard::enter(store, err, "unlock", run) }
}

/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call; `store` came out of `open`.
unsafe extern "C" fn lock<T: Unlock>(
    store: *mut ah_store,
    call: *const ah_call,
    err: *mut ah_error,
) -> ah_status {
    let run = |opened: &guard::Opened<T>| {
        // SAFETY: R1, R3: lent for this call, which `run` does not outlive.
        let call = unsafe { Call::adopt(call, &opened.host) }?;
        opened.store.lock(&call)
    };
    // SAFETY: R3, as promised by the caller.
    unsafe { guard::enter(store, err, "lock", run) }
}
