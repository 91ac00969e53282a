//! Opening and closing a store's own lock.

use std::sync::Arc;

use crate::adopt::plugin::{LockCalls, TurnKey};
use crate::services::MayAsk;
use crate::status::{CallError, Status};
use crate::table::lane::Lane;
use crate::table::{CallLimits, Opened};

/// Opens the store's lock; the plugin may ask once.
pub(super) fn unlock(
    store: &Arc<Opened>,
    lane: &Lane,
    limits: &CallLimits,
) -> Result<(), CallError> {
    let calls = calls(store)?;
    turn(store, lane, limits, calls.unlock, MayAsk::Once)
}

/// Closes it; nothing is asked.
pub(super) fn lock(store: &Arc<Opened>, lane: &Lane, limits: &CallLimits) -> Result<(), CallError> {
    let calls = calls(store)?;
    turn(store, lane, limits, calls.lock, MayAsk::Never)
}

fn calls(store: &Opened) -> Result<LockCalls, CallError> {
    store
        .adopted()
        .locks
        .ok_or_else(|| CallError::new(Status::Unsupported, "its plugin has no lock"))
}

fn turn(
    store: &Arc<Opened>,
    lane: &Lane,
    limits: &CallLimits,
    key: TurnKey,
    may_ask: MayAsk,
) -> Result<(), CallError> {
    store.services.begin_call();
    let deadline = limits.deadline();
    let (store, limits) = (Arc::clone(store), limits.clone());
    lane.run(deadline, move || {
        store.call(&limits, deadline, may_ask, |call, error| {
            // SAFETY: R1, R3: the store is open, and every struct is ours and outlives the call.
            unsafe { key(store.store, call, error) }
        })
    })?
}
