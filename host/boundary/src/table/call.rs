//! What is given with a call: how long it may take, and whether it is still wanted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_call};

use crate::guard::guarded;
use crate::status::{CallError, Status};
use crate::table::CallLimits;

/// What stands behind an `ah_call`.
struct Waiting<'a> {
    deadline: Option<Instant>,
    cancel: Option<&'a AtomicBool>,
}

/// Lends an `ah_call` to a call that is to be made now; an error where nobody wants it any more.
pub(super) fn with_call<R>(
    limits: &CallLimits,
    deadline: Option<Instant>,
    may_prompt: bool,
    make: impl FnOnce(*const ah_call) -> R,
) -> Result<R, CallError> {
    let waiting = Waiting {
        deadline,
        cancel: limits.cancel.as_deref(),
    };
    if waiting.is_cancelled() {
        return Err(CallError::new(
            Status::Cancelled,
            "before the plugin was asked",
        ));
    }
    let mut call = ah_call::blank();
    if may_prompt {
        call.flags |= abi::AH_CALL_MAY_PROMPT;
    }
    call.timeout_ms = milliseconds_left(deadline)?;
    call.trace_id = limits.trace_id;
    call.impl_ = std::ptr::from_ref(&waiting).cast_mut().cast();
    call.cancelled = Some(cancelled);
    Ok(make(&raw const call))
}

impl Waiting<'_> {
    fn is_cancelled(&self) -> bool {
        self.cancel
            .is_some_and(|cancel| cancel.load(Ordering::Acquire))
    }

    fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The error of a caller that waits no longer.
pub(super) fn over() -> CallError {
    CallError::new(Status::Timeout, "the time that the caller allows is over")
}

/// What is left of the time, at least 1, and 0 where there is no limit.
fn milliseconds_left(deadline: Option<Instant>) -> Result<u32, CallError> {
    let Some(deadline) = deadline else {
        return Ok(0);
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left == Duration::ZERO {
        return Err(over());
    }
    Ok(u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1))
}

/// `ah_call.cancelled`.
///
/// # Safety
///
/// R3: `call` is NULL or was lent by [`with_call`] to a call that runs.
unsafe extern "C" fn cancelled(call: *const ah_call) -> i32 {
    guarded(1, || {
        // SAFETY: R3: it is lent to the call that asks.
        let Some(call) = (unsafe { call.as_ref() }) else {
            return 0;
        };
        // SAFETY: R3: `impl_` leads to the `Waiting` that stands behind the call and outlives it.
        // R7: [any], as everything in it may be read from any thread.
        let Some(waiting) = (unsafe { call.impl_.cast::<Waiting<'_>>().as_ref() }) else {
            return 0;
        };
        i32::from(waiting.is_cancelled() || waiting.is_over())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn lent(limits: &CallLimits, look: impl FnOnce(&ah_call)) -> Result<(), CallError> {
        let (deadline, may_prompt) = (limits.deadline(), limits.may_prompt);
        with_call(limits, deadline, may_prompt, |call| {
            // SAFETY: R3: the call is lent while this runs.
            look(unsafe { &*call });
        })
    }

    fn is_cancelled(call: &ah_call) -> bool {
        // SAFETY: R3: the call is lent while this runs.
        unsafe { cancelled(call) != 0 }
    }

    #[test]
    fn limits_are_passed_on() {
        let mut limits = CallLimits::within(Duration::from_secs(60));
        limits.may_prompt = true;
        limits.trace_id = 7;
        let lent = lent(&limits, |call| {
            assert_eq!(call.flags, abi::AH_CALL_MAY_PROMPT);
            assert_eq!(call.trace_id, 7);
            assert!((1..=60_000).contains(&call.timeout_ms));
            assert!(!is_cancelled(call));
        });
        assert_eq!(lent, Ok(()));
    }

    #[test]
    fn no_limit_is_zero() {
        lent(&CallLimits::default(), |call| {
            assert_eq!(call.timeout_ms, 0)
        })
        .unwrap();
    }

    #[test]
    fn time_that_is_over_calls_nothing() {
        let limits = CallLimits::within(Duration::ZERO);
        let error = lent(&limits, |_| panic!("called")).unwrap_err();
        assert_eq!(error.status, Status::Timeout);
    }

    #[test]
    fn cancelling_is_seen_while_the_call_runs() {
        let mut limits = CallLimits::default();
        let cancel = Arc::new(AtomicBool::new(false));
        limits.cancel = Some(Arc::clone(&cancel));
        lent(&limits, |call| {
            assert!(!is_cancelled(call));
            cancel.store(true, Ordering::Release);
            assert!(is_cancelled(call));
        })
        .unwrap();
        let error = lent(&limits, |_| panic!("called")).unwrap_err();
        assert_eq!(error.status, Status::Cancelled);
    }

    #[test]
    fn passed_deadline_counts_as_cancelled() {
        // R8
        let waiting = Waiting {
            deadline: Some(Instant::now()),
            cancel: None,
        };
        let mut call = ah_call::blank();
        call.impl_ = std::ptr::from_ref(&waiting).cast_mut().cast();
        assert!(is_cancelled(&call));
    }
}
