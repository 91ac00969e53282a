//! Listing a store while others go on with what it held before.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anchorhold_boundary::status::{CallError, Status};

use crate::store::{Store, StoreError, StoreErrorKind};
use crate::view::Source;

/// A listing that goes on beside what asks, and how the last one that took too long ended.
#[derive(Default)]
pub(crate) struct Background {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Default)]
struct State {
    /// When it was begun, where one is under way.
    begun: Option<(Instant, Duration)>,
    /// Whether the one before it failed: then nobody waits for the next.
    failed: bool,
    /// The last listing that did not end in its time, and when that was.
    late: Option<(Duration, CallError)>,
}

impl Store {
    /// What the store held when it was last listed, where it has to be listed again, the operator
    /// lets that count for a while, and the listing does not end at once. It goes on meanwhile.
    pub(crate) fn meanwhile(&self) -> Option<Source> {
        if !self.is_apart() || self.plan.stale_ok.is_zero() || self.known().is_some() {
            return None;
        }
        let (last, age) = self.last_snapshot()?;
        if age > self.plan.stale_ok {
            return None;
        }
        let me = self.me.upgrade()?;
        let mut state = self.background.state();
        let (begun, at) = match state.begun {
            Some(begun) => begun,
            None => {
                let begun = (Instant::now(), self.clock.now());
                let mut ending = Ending {
                    store: me,
                    failed: true,
                };
                let listing = move || ending.failed = ending.store.snapshot().is_err();
                let name = format!("listing of {}", self.plan.name);
                // Without a thread it is listed here, as ever.
                thread::Builder::new().name(name).spawn(listing).ok()?;
                state.begun = Some(begun);
                begun
            }
        };
        let grace = match state.failed {
            true => Duration::ZERO,
            false => GRACE.saturating_sub(begun.elapsed()),
        };
        let wait = self
            .background
            .over
            .wait_timeout_while(state, grace, |state| state.begun.is_some());
        let (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        if state.begun.is_none() && !state.failed {
            // It is over, and what it brought is known.
            return None;
        }
        let since = self.clock.now().saturating_sub(at);
        let why = match &state.late {
            Some((_, error)) => error.to_string(),
            None => format!(
                "it has been asked for {} s and did not answer yet",
                since.as_secs()
            ),
        };
        Some(Source::Stale { last, age, why })
    }

    /// The error of a listing that took too long a moment ago: asking again would take as long.
    pub(crate) fn late(&self) -> Option<StoreError> {
        let now = self.clock.now();
        let state = self.background.state();
        let (at, error) = state.late.as_ref()?;
        let is_recent = now.saturating_sub(*at) < self.plan.timeout;
        is_recent.then(|| self.error(StoreErrorKind::Call(error.clone())))
    }

    /// Notes how a listing ended.
    pub(crate) fn note_listing(&self, error: Option<&CallError>) {
        let is_late = error.filter(|error| error.status == Status::Timeout);
        self.background.state().late = is_late.map(|error| (self.clock.now(), error.clone()));
    }

    /// What people are told of a store that does not answer.
    pub(crate) fn slowness(&self) -> Option<String> {
        let now = self.clock.now();
        let state = self.background.state();
        if let Some((at, _)) = &state.late {
            let ago = now.saturating_sub(*at).as_secs();
            return Some(format!("slow: a listing took too long, {ago} s ago"));
        }
        let (_, at) = state.begun?;
        let since = now.saturating_sub(at);
        (since > GRACE).then(|| format!("slow: it has been listed for {} s", since.as_secs()))
    }
}

/// Says that a listing is over, however it ends.
struct Ending {
    store: Arc<Store>,
    failed: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.store.background.end(self.failed);
    }
}

impl Background {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, failed: bool) {
        let mut state = self.state();
        state.begun = None;
        state.failed = failed;
        drop(state);
        self.over.notify_all();
    }
}

/// How long a verdict waits for a listing that most stores end at once.
const GRACE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
