//! What the store last said of itself, and how a newer answer is asked for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::health::Health;
use crate::status::{CallError, Status};

/// Older than this, a newer one is asked for, and nobody waits.
const OLD: Duration = Duration::from_millis(250);
/// Older than this, the newer one is waited for a moment: after a quiet hour, the first verdict
/// would else rest on how the store was an hour ago.
const VERY_OLD: Duration = Duration::from_secs(2);
/// For how long.
const MOMENT: Duration = Duration::from_millis(20);
/// How long an answer may take, which comes from memory.
pub(super) const WAIT: Duration = Duration::from_secs(5);

/// The last answer.
#[derive(Debug)]
pub(super) struct LastHealth {
    state: Mutex<State>,
    answered: Condvar,
    /// How long the newer answer is waited for.
    moment: Duration,
}

#[derive(Debug)]
struct State {
    last: Result<Health, CallError>,
    at: Instant,
    /// How often was asked, how often was answered, and how often has to be.
    asked: u64,
    answered: u64,
    wanted: u64,
    /// When the question that is open was asked.
    since: Instant,
    ended: bool,
}

/// Whether the store is to be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Then {
    Ask,
    Nothing,
}

impl LastHealth {
    pub(super) fn new(first: Result<Health, CallError>) -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                last: first,
                at: now,
                asked: 0,
                answered: 0,
                wanted: 0,
                since: now,
                ended: false,
            }),
            answered: Condvar::new(),
            moment: MOMENT,
        }
    }

    /// Puts in what the runner said when it was ready.
    pub(super) fn begin(&self, first: Result<Health, CallError>) {
        let mut state = self.state();
        if !state.ended {
            state.last = first;
            state.at = Instant::now();
        }
    }

    /// Takes an answer.
    pub(super) fn take(&self, answer: Result<Health, CallError>) -> Then {
        let mut state = self.state();
        if state.ended {
            return Then::Nothing;
        }
        state.last = answer;
        state.at = Instant::now();
        state.answered = state.asked;
        let then = if state.wanted > state.asked {
            state.ask()
        } else {
            Then::Nothing
        };
        drop(state);
        self.answered.notify_all();
        then
    }

    /// Ends it: there is no other answer any more.
    pub(super) fn end(&self, error: CallError) {
        let mut state = self.state();
        state.last = Err(error);
        state.ended = true;
        drop(state);
        self.answered.notify_all();
    }

    /// The last answer, and whether a newer one is to be asked for; `ask` does so.
    pub(super) fn last(&self, ask: impl Fn()) -> Result<Health, CallError> {
        let mut state = self.state();
        let age = state.at.elapsed();
        if state.ended || age < OLD {
            return state.last.clone();
        }
        if state.asked > state.answered {
            // It was asked and says nothing, which is not how it was when it last said something.
            let waited = state.since.elapsed();
            let (number, last) = (state.asked, state.last.clone());
            drop(state);
            return match waited < WAIT {
                true => self.after_a_moment(number, age, waited, last),
                false => Err(no_answer()),
            };
        }
        let _asked = state.ask();
        let (number, last) = (state.asked, state.last.clone());
        drop(state);
        ask();
        self.after_a_moment(number, age, Duration::ZERO, last)
    }

    /// The answer of this number, for which was waited already, where the last one is very old and
    /// a moment brings it; else the last one.
    fn after_a_moment(
        &self,
        number: u64,
        age: Duration,
        waited: Duration,
        last: Result<Health, CallError>,
    ) -> Result<Health, CallError> {
        match self.moment.checked_sub(waited).filter(|_| age >= VERY_OLD) {
            Some(left) => self.wait(number, left).unwrap_or(last),
            None => last,
        }
    }

    /// An answer to a question that is asked from now on.
    pub(super) fn newest(&self, ask: impl Fn()) -> Result<Health, CallError> {
        let mut state = self.state();
        let (number, then) = if state.asked > state.answered {
            // What is under way may have looked before the caller did what it asks about.
            let number = state.asked + 1;
            state.wanted = state.wanted.max(number);
            (number, Then::Nothing)
        } else {
            let then = state.ask();
            (state.asked, then)
        };
        drop(state);
        if then == Then::Ask {
            ask();
        }
        self.wait(number, WAIT).unwrap_or_else(|| Err(no_answer()))
    }

    /// Waits for the answer of this number.
    fn wait(&self, number: u64, most: Duration) -> Option<Result<Health, CallError>> {
        let waiting = |state: &mut State| !state.ended && state.answered < number;
        let waited = self
            .answered
            .wait_timeout_while(self.state(), most, waiting);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        (!waiting(&mut state)).then(|| state.last.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ask(&mut self) -> Then {
        self.asked += 1;
        self.since = Instant::now();
        Then::Ask
    }
}

fn no_answer() -> CallError {
    CallError::new(
        Status::Timeout,
        format!(
            "the plugin did not say within {} s how the store is",
            WAIT.as_secs()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::Barrier;
    use std::thread;

    use crate::health::HealthState;

    fn health(generation: u64) -> Health {
        Health {
            state: HealthState::Ready,
            writable: false,
            watching: false,
            asks_write: false,
            generation,
            item_count: None,
            attempts_left: None,
            last_success: 0,
            detail: String::new(),
        }
    }

    /// As if the last answer, and the last question, were so old.
    fn aged(last: &LastHealth, age: Duration) {
        let mut state = last.state();
        state.at = Instant::now().checked_sub(age).unwrap();
        state.since = state.at;
    }

    #[test]
    fn new_answer_is_returned_as_it_is() {
        let last = LastHealth::new(Ok(health(1)));
        assert_eq!(last.last(|| panic!("asked")).unwrap().generation, 1);
    }

    #[test]
    fn old_answer_is_returned_and_a_newer_one_asked_for_once() {
        let last = LastHealth::new(Ok(health(1)));
        let asked = Cell::new(0);
        aged(&last, OLD);
        for _ in 0..3 {
            let answer = last.last(|| asked.set(asked.get() + 1));
            assert_eq!(answer.unwrap().generation, 1);
        }
        assert_eq!(asked.get(), 1);
        assert_eq!(last.take(Ok(health(2))), Then::Nothing);
        assert_eq!(last.last(|| panic!("asked")).unwrap().generation, 2);
    }

    #[test]
    fn very_old_answer_gives_way_to_the_newer_one() {
        let last = LastHealth::new(Ok(health(1)));
        aged(&last, VERY_OLD);
        let answer = last.last(|| assert_eq!(last.take(Ok(health(2))), Then::Nothing));
        assert_eq!(answer.unwrap().generation, 2);
        // Where none comes, the old one is all there is.
        aged(&last, VERY_OLD);
        assert_eq!(last.last(|| {}).unwrap().generation, 2);
    }

    #[test]
    fn very_old_answer_gives_way_for_whoever_comes_second_too() {
        let mut last = LastHealth::new(Ok(health(1)));
        last.moment = Duration::from_secs(60);
        aged(&last, VERY_OLD);
        // The first is still asking when the second one comes, and the answer comes later.
        let begun = Barrier::new(2);
        let first = last.last(|| {
            thread::scope(|scope| {
                scope.spawn(|| {
                    begun.wait();
                    for _ in 0..100 {
                        thread::yield_now();
                    }
                    assert_eq!(last.take(Ok(health(2))), Then::Nothing);
                });
                begun.wait();
                let second = last.last(|| panic!("asked twice"));
                assert_eq!(second.unwrap().generation, 2);
            });
        });
        assert_eq!(first.unwrap().generation, 2);
    }

    #[test]
    fn store_that_does_not_say_how_it_is_is_not_as_it_was() {
        let last = LastHealth::new(Ok(health(1)));
        aged(&last, OLD);
        assert!(last.last(|| {}).is_ok());
        aged(&last, WAIT);
        assert_eq!(last.last(|| {}).unwrap_err().status, Status::Timeout);
    }

    #[test]
    fn question_under_way_is_no_answer_to_a_later_one() {
        let last = LastHealth::new(Ok(health(1)));
        aged(&last, OLD);
        assert!(last.last(|| {}).is_ok());
        thread::scope(|scope| {
            let newest = scope.spawn(|| last.newest(|| panic!("asked beside the other")));
            while last.state().wanted < 2 {
                thread::yield_now();
            }
            // The answer to the first question is not the one that is waited for.
            assert_eq!(last.take(Ok(health(2))), Then::Ask);
            assert_eq!(last.take(Ok(health(3))), Then::Nothing);
            assert_eq!(newest.join().unwrap().unwrap().generation, 3);
        });
    }

    #[test]
    fn end_is_the_last_answer() {
        let last = LastHealth::new(Ok(health(1)));
        last.end(CallError::new(Status::Crashed, "signal 9"));
        assert_eq!(last.take(Ok(health(2))), Then::Nothing);
        assert_eq!(
            last.last(|| panic!("asked")).unwrap_err().status,
            Status::Crashed
        );
        assert_eq!(last.newest(|| {}).unwrap_err().status, Status::Crashed);
    }
}
