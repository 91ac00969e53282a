//! Changing a store: a batch goes in, what came of each change comes out.

mod lowered;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_outcome, ah_outcome_sink, ah_status};

use crate::adopt;
use crate::adopt::item::most_bytes;
use crate::adopt::plugin::Apply;
use crate::batch::{Batch, Change, Outcome};
use crate::guard::guarded;
use crate::item::Item;
use crate::services::MayAsk;
use crate::status::{CallError, Status};
use crate::table::apply::lowered::Lowered;
use crate::table::lane::Lane;
use crate::table::{ApplyError, CallLimits, Opened};

pub(super) fn apply(
    store: &Arc<Opened>,
    lane: &Lane,
    batch: &Batch,
    limits: &CallLimits,
) -> Result<Vec<Outcome>, ApplyError> {
    let nothing_done = |error| ApplyError {
        done: Vec::new(),
        error,
    };
    let Some(apply) = store.adopted().apply else {
        return Err(nothing_done(CallError::new(
            Status::Unsupported,
            "its plugin only reads",
        )));
    };
    check(batch).map_err(nothing_done)?;
    store.services.begin_call();
    let deadline = limits.deadline();
    match lane {
        Lane::Free => apply_here(store, apply, batch, limits, deadline),
        Lane::Turns(turns) => {
            let _turn = turns.take(deadline).map_err(nothing_done)?;
            apply_here(store, apply, batch, limits, deadline)
        }
        Lane::Thread(worker) => {
            let check_only = batch.check_only;
            let begun = Arc::new(AtomicBool::new(false));
            let begins = Arc::clone(&begun);
            let (store, batch, limits) = (Arc::clone(store), batch.clone(), limits.clone());
            let made = worker.run(deadline, move || {
                begins.store(true, Ordering::Release);
                apply_here(&store, apply, &batch, &limits, deadline)
            });
            made.map_err(|error| {
                // It goes on, and nobody hears how far it comes. What has not begun never does.
                let is_unknown = begun.load(Ordering::Acquire) && !check_only;
                nothing_done(if is_unknown {
                    CallError::new(Status::OutcomeUnknown, error.to_string())
                } else {
                    error
                })
            })?
        }
    }
}

/// What the contract does not allow is not sent.
pub(crate) fn check(batch: &Batch) -> Result<(), CallError> {
    for change in &batch.changes {
        let (id, least) = match change {
            Change::Put(item) => {
                check_item(item)?;
                (&item.id, 0)
            }
            Change::Remove(id) => (id, 1),
        };
        if !(least..=abi::AH_ID_MAX).contains(&id.0.len()) {
            let message = format!("an id of {} bytes", id.0.len());
            return Err(CallError::new(Status::InvalidArgument, message));
        }
    }
    Ok(())
}

fn check_item(item: &Item) -> Result<(), CallError> {
    if item.der.is_empty() {
        return Err(CallError::new(
            Status::InvalidArgument,
            "an item without bytes",
        ));
    }
    let limits = [
        ("bytes", item.der.len(), most_bytes(item.kind)),
        ("bytes of label", item.label.len(), abi::AH_LABEL_MAX),
        ("bytes of scope", item.scope.len(), abi::AH_SCOPE_MAX),
        (
            "bytes of name constraints",
            item.name_constraints.len(),
            abi::AH_NAME_CONSTRAINTS_MAX,
        ),
        ("rules", item.rules.len(), abi::AH_RULES_MAX),
    ];
    for (what, size, most) in limits {
        if size > most {
            let message = format!("an item has {size} {what}, and may have {most}");
            return Err(CallError::new(Status::Limit, message));
        }
    }
    Ok(())
}

/// Makes the call, on the thread on which the store is called.
fn apply_here(
    store: &Opened,
    apply: Apply,
    batch: &Batch,
    limits: &CallLimits,
    deadline: Option<Instant>,
) -> Result<Vec<Outcome>, ApplyError> {
    let lowered = Lowered::new(batch);
    let lowered_batch = lowered.batch(batch);
    let receiver = Receiver {
        thread: thread::current().id(),
        count: batch.changes.len(),
        done: Mutex::default(),
    };
    let mut sink = ah_outcome_sink::blank();
    sink.impl_ = std::ptr::from_ref(&receiver).cast_mut().cast();
    sink.push = Some(push);
    let called = store.call(limits, deadline, MayAsk::Several, |call, error| {
        // SAFETY: R1, R3: the store is open, every struct is ours and outlives the call, and what
        // `lowered_batch` points to is kept by `lowered` and `batch`.
        unsafe {
            apply(
                store.store,
                call,
                &raw const lowered_batch,
                &raw const sink,
                error,
            )
        }
    });
    receiver.verdict(called)
}

/// What stands behind the sink of one batch.
struct Receiver {
    /// The thread of the call, the only one that may push (R7).
    thread: ThreadId,
    count: usize,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    outcomes: Vec<Outcome>,
    fault: Option<CallError>,
}

impl Receiver {
    fn verdict(self, called: Result<(), CallError>) -> Result<Vec<Outcome>, ApplyError> {
        let poisoned = self.done.is_poisoned();
        let Done { outcomes, fault } = self
            .done
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let error = if poisoned {
            CallError::new(Status::Internal, "the host failed to take an outcome")
        } else if let Some(fault) = fault {
            fault
        } else if let Err(error) = called {
            error
        } else if outcomes.len() < self.count {
            CallError::protocol(format!(
                "it answered that all is done after {} of {} changes",
                outcomes.len(),
                self.count
            ))
        } else {
            return Ok(outcomes);
        };
        Err(ApplyError {
            done: outcomes,
            error,
        })
    }
}

/// `ah_outcome_sink.push`.
///
/// # Safety
///
/// R1, R3: `sink` is NULL or the sink of a call that runs; `outcome` is NULL or lent for this call.
unsafe extern "C" fn push(sink: *const ah_outcome_sink, outcome: *const ah_outcome) -> ah_status {
    guarded(abi::AH_INTERNAL, || {
        // SAFETY: R3: the sink outlives the call that it was lent to.
        let Some(sink) = (unsafe { sink.as_ref() }) else {
            return abi::AH_INVALID_ARGUMENT;
        };
        // SAFETY: R3: `impl_` leads to the receiver, which outlives the call.
        let Some(receiver) = (unsafe { sink.impl_.cast::<Receiver>().as_ref() }) else {
            return abi::AH_INVALID_ARGUMENT;
        };
        let Ok(mut done) = receiver.done.lock() else {
            return abi::AH_INTERNAL;
        };
        if thread::current().id() != receiver.thread {
            done.fault = Some(CallError::protocol(
                "it pushed an outcome on a thread of its own",
            ));
            return abi::AH_INVALID_STATE;
        }
        if done.fault.is_some() {
            return abi::AH_INVALID_ARGUMENT;
        }
        // SAFETY: R1, R3: lent for this call.
        match unsafe { adopt::outcome::read(outcome, done.outcomes.len(), receiver.count) } {
            Ok(outcome) => {
                done.outcomes.push(outcome);
                abi::AH_OK
            }
            Err(fault) => {
                done.fault = Some(fault);
                abi::AH_INVALID_ARGUMENT
            }
        }
    })
}
