//! Listing a store while others go on with what it held before.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use anchorhold_boundary::status::{CallError, Status};

use crate::snapshot::Snapshot;
use crate::store::instance::Instance;
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
    /// Why the one before it failed, where it did: then nobody waits for the next.
    failed: Option<StoreErrorKind>,
    /// The last listing, where it did not end in its time.
    late: Option<Late>,
}

/// A listing that did not end in its time.
#[derive(Clone)]
struct Late {
    at: Duration,
    error: CallError,
    /// The plugin, where it was still at work on it.
    at_work: Option<Weak<Instance>>,
}

impl Store {
    /// What the store held when it was last listed, where it has to be listed again, the operator
    /// lets that count for a while, and the listing does not end at once. It goes on meanwhile.
    pub(crate) fn meanwhile(&self) -> Option<Source> {
        if self.plan.stale_ok.is_zero() || self.known().is_some() {
            return None;
        }
        let (last, age) = self.serving()?;
        if let Some(late) = self.late() {
            let why = late.kind().to_string();
            return Some(Source::Stale { last, age, why });
        }
        let (begun, at, is_mine) = self.background.begin(self.clock.now());
        if is_mine && !self.list_beside() {
            // Without a thread it is listed here, as ever.
            return None;
        }
        let state = self.background.wait(begun);
        let is_over = state.begun.is_none_or(|(other, _)| other != begun);
        let why = match (is_over, &state.failed) {
            (true, None) => {
                drop(state);
                // What another one began may have looked before the change that this one asks for.
                let listed = self.last_snapshot().filter(|_| is_mine);
                return listed.map(|(snapshot, _)| Source::Fresh(snapshot));
            }
            (_, Some(kind)) => kind.to_string(),
            (false, None) => format!(
                "it has been asked for {} s and did not answer yet",
                self.clock.now().saturating_sub(at).as_secs()
            ),
        };
        Some(Source::Stale { last, age, why })
    }

    /// The last snapshot, where it may stand in for a listing: it is not too old, and nothing was
    /// changed from here since. What was removed a moment ago must not go on vouching.
    fn serving(&self) -> Option<(Arc<Snapshot>, Duration)> {
        let last = self.last().clone()?;
        let age = self.age(last.begun);
        let is_own = last.begun.changes >= self.changed_here.load(Ordering::Acquire);
        (age <= self.plan.stale_ok && is_own).then_some((last.snapshot, age))
    }

    /// Lists it on a thread of its own; whether there is one.
    fn list_beside(&self) -> bool {
        let Some(store) = self.me.upgrade() else {
            return false;
        };
        let mut ending = Ending {
            failed: Some(StoreErrorKind::Call(CallError::new(
                Status::Internal,
                "listing it ended before it was done",
            ))),
            store,
        };
        let listing = move || {
            let listed = ending.store.snapshot();
            ending.failed = listed.err().map(|error| error.kind().clone());
        };
        let name = format!("listing of {}", self.plan.name);
        // Where there is no thread, the listing is dropped, and with that over.
        thread::Builder::new().name(name).spawn(listing).is_ok()
    }

    /// The error of a listing that took too long, as long as asking again would take as long: the
    /// plugin is still at work on it, or it has said itself a moment ago that it takes too long.
    pub(crate) fn late(&self) -> Option<StoreError> {
        let late = self.background.state().late.clone()?;
        let is_still = match &late.at_work {
            Some(busy) => self.running().is_some_and(|running| {
                Weak::as_ptr(busy) == Arc::as_ptr(&running) && running.opened.store.is_at_work()
            }),
            None => self.clock.now().saturating_sub(late.at) < self.plan.timeout,
        };
        is_still.then(|| self.error(StoreErrorKind::Call(late.error)))
    }

    /// Notes how a listing ended.
    pub(crate) fn note_listing(&self, instance: &Arc<Instance>, error: Option<&CallError>) {
        let is_late = error.filter(|error| error.status == Status::Timeout);
        let is_at_work = || instance.opened.store.is_at_work();
        let late = is_late.map(|error| Late {
            at: self.clock.now(),
            error: error.clone(),
            at_work: is_at_work().then(|| Arc::downgrade(instance)),
        });
        self.background.state().late = late;
    }

    /// What people are told of a store that does not answer.
    pub(crate) fn slowness(&self) -> Option<String> {
        let now = self.clock.now();
        let state = self.background.state();
        if let Some(late) = &state.late {
            let ago = now.saturating_sub(late.at).as_secs();
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
    failed: Option<StoreErrorKind>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.store.background.end(self.failed.take());
    }
}

impl Background {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the listing that is under way was begun, and whether it is the caller who has to see
    /// to it, as none was.
    fn begin(&self, now: Duration) -> (Instant, Duration, bool) {
        let mut state = self.state();
        let is_first = state.begun.is_none();
        let (begun, at) = *state.begun.get_or_insert_with(|| (Instant::now(), now));
        (begun, at, is_first)
    }

    /// Waits a moment until the listing is over that was begun then.
    fn wait(&self, begun: Instant) -> MutexGuard<'_, State> {
        let state = self.state();
        let grace = match state.failed {
            Some(_) => Duration::ZERO,
            None => GRACE.saturating_sub(begun.elapsed()),
        };
        let waiting = |state: &mut State| state.begun.is_some_and(|(at, _)| at == begun);
        let waited = self.over.wait_timeout_while(state, grace, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn end(&self, failed: Option<StoreErrorKind>) {
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
