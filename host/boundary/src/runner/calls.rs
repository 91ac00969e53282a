//! Which calls are open: waiting for their turn, running, or waiting for an answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::question::Answer;
use crate::runner::end::Ended;
use crate::wire::{CALLS_AT_ONCE, ToRunner};

/// The most calls that wait for their turn.
const WAITING_MAX: usize = 4 * CALLS_AT_ONCE;

/// One call that is to be made.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) request: u32,
    pub(super) what: ToRunner,
    /// Set when nobody waits for it any more.
    pub(super) cancel: Arc<AtomicBool>,
}

/// The open calls, filled by the thread that reads.
#[derive(Debug, Default)]
pub(super) struct Calls {
    state: Mutex<State>,
    /// Something came that concerns a call.
    came: Condvar,
    /// A request of health came.
    health_came: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Call>,
    /// Requests of health, which wait for no call.
    health: VecDeque<u32>,
    open: BTreeMap<u32, Open>,
    /// The request that closes the store, once it came.
    closing: Option<u32>,
}

#[derive(Debug, Default)]
struct Open {
    cancel: Arc<AtomicBool>,
    /// What was answered to the question that the call has open.
    answer: Option<Answer>,
}

impl Calls {
    /// Takes what the host said.
    pub(super) fn take(&self, request: u32, what: ToRunner) -> Result<(), Ended> {
        let mut state = self.state();
        match what {
            ToRunner::Hello(_) => return Err(Ended::Failed("a second hello came".to_owned())),
            ToRunner::Health => {
                if state.health.len() >= WAITING_MAX {
                    return Err(too_much());
                }
                state.health.push_back(request);
                drop(state);
                self.health_came.notify_one();
                return Ok(());
            }
            ToRunner::Close => {
                state.closing = Some(request);
                self.health_came.notify_all();
            }
            // What is about a call that has ended meanwhile is late, and no mistake.
            ToRunner::Cancel => {
                if let Some(open) = state.open.get_mut(&request) {
                    open.cancel.store(true, Ordering::Release);
                }
            }
            ToRunner::Answer(answer) => {
                if let Some(open) = state.open.get_mut(&request) {
                    open.answer = Some(answer);
                }
            }
            what => {
                if state.waiting.len() >= WAITING_MAX {
                    return Err(too_much());
                }
                let cancel = Arc::default();
                let open = Open {
                    cancel: Arc::clone(&cancel),
                    answer: None,
                };
                state.open.insert(request, open);
                state.waiting.push_back(Call {
                    request,
                    what,
                    cancel,
                });
            }
        }
        drop(state);
        self.came.notify_all();
        Ok(())
    }

    /// The next call to be made; none once the store is to be closed.
    pub(super) fn next(&self) -> Option<Call> {
        self.wait(&self.came, |state| state.waiting.pop_front())
    }

    /// The next request of health; none once the store is to be closed.
    pub(super) fn next_health(&self) -> Option<u32> {
        self.wait(&self.health_came, |state| state.health.pop_front())
    }

    /// Ends a call.
    pub(super) fn ended(&self, request: u32) {
        self.state().open.remove(&request);
    }

    /// Waits for what is answered to the question of a call. Nobody answers a call that was called
    /// off, or when everything ends.
    pub(super) fn answer(&self, request: u32) -> Answer {
        let answered = self.wait(&self.came, |state| {
            let Some(open) = state.open.get_mut(&request) else {
                return Some(Answer::Refused);
            };
            if open.cancel.load(Ordering::Acquire) {
                return Some(Answer::Refused);
            }
            open.answer.take()
        });
        answered.unwrap_or(Answer::Refused)
    }

    /// The request that closes the store, where it has come.
    pub(super) fn closing(&self) -> Option<u32> {
        self.state().closing
    }

    fn wait<T>(&self, bell: &Condvar, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        loop {
            if state.closing.is_some() {
                return None;
            }
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            state = bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_much() -> Ended {
    Ended::Failed("the host asks for more than may be open at a time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Limits;

    fn lock() -> ToRunner {
        ToRunner::Lock(Limits::default())
    }

    #[test]
    fn calls_come_in_order_and_can_be_called_off() {
        let calls = Calls::default();
        calls.take(1, lock()).unwrap();
        calls.take(2, lock()).unwrap();
        calls.take(2, ToRunner::Cancel).unwrap();
        calls.take(9, ToRunner::Cancel).unwrap();
        let first = calls.next().unwrap();
        let second = calls.next().unwrap();
        assert_eq!((first.request, second.request), (1, 2));
        assert!(!first.cancel.load(Ordering::Acquire));
        assert!(second.cancel.load(Ordering::Acquire));
    }

    #[test]
    fn health_waits_for_no_call() {
        let calls = Calls::default();
        calls.take(1, lock()).unwrap();
        calls.take(2, ToRunner::Health).unwrap();
        assert_eq!(calls.next_health(), Some(2));
        assert_eq!(calls.next().unwrap().request, 1);
    }

    #[test]
    fn question_is_answered_once_and_not_after_the_call() {
        let calls = Calls::default();
        calls.take(1, lock()).unwrap();
        calls.take(1, ToRunner::Answer(Answer::Yes)).unwrap();
        assert!(matches!(calls.answer(1), Answer::Yes));
        calls.take(1, ToRunner::Cancel).unwrap();
        assert!(matches!(calls.answer(1), Answer::Refused));
        calls.ended(1);
        calls.take(1, ToRunner::Answer(Answer::Yes)).unwrap();
        assert!(matches!(calls.answer(1), Answer::Refused));
    }

    #[test]
    fn nothing_begins_once_it_closes() {
        let calls = Calls::default();
        calls.take(1, lock()).unwrap();
        calls.take(2, ToRunner::Close).unwrap();
        assert!(calls.next().is_none());
        assert_eq!(calls.next_health(), None);
        assert!(matches!(calls.answer(1), Answer::Refused));
        assert_eq!(calls.closing(), Some(2));
    }

    #[test]
    fn more_than_may_be_open_ends_it() {
        let calls = Calls::default();
        let most = u32::try_from(WAITING_MAX).unwrap();
        for request in 0..most {
            calls.take(request, lock()).unwrap();
            calls.take(request, ToRunner::Health).unwrap();
        }
        assert!(calls.take(most, lock()).is_err());
        assert!(calls.take(most, ToRunner::Health).is_err());
    }
}
