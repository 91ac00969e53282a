//! Whose turn it is: calls that a plugin wants one at a time are made in the order in which they
//! were asked for (R7).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a caller that waits looks whether it was called off.
pub(super) const CANCEL_LOOK: Duration = Duration::from_millis(20);

/// Why a turn did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// The caller called it off.
    Cancelled,
    /// There are no turns any more.
    Ended,
    /// The caller's time is over.
    TimeOver,
}

/// A number of turns that are taken and given back. A turn belongs to a call, not to its caller:
/// it goes on while the plugin is at work, though the caller waits no longer (R8).
#[derive(Debug)]
pub(super) struct Turns(Mutex<Queue>);

#[derive(Debug)]
struct Queue {
    free: usize,
    ended: bool,
    waiting: VecDeque<Arc<Waiter>>,
}

#[derive(Debug, Default)]
struct Waiter {
    called: Mutex<bool>,
    bell: Condvar,
}

impl Turns {
    /// As many turns at a time.
    pub(super) fn new(free: usize) -> Self {
        Self(Mutex::new(Queue {
            free,
            ended: false,
            waiting: VecDeque::new(),
        }))
    }

    /// Waits for a turn, which is to be given back.
    pub(super) fn take(
        &self,
        deadline: Option<Instant>,
        cancel: Option<&AtomicBool>,
    ) -> Result<(), Missed> {
        let waiter = {
            let mut queue = self.queue();
            if queue.ended {
                return Err(Missed::Ended);
            }
            if queue.free > 0 {
                queue.free -= 1;
                return Ok(());
            }
            let waiter = Arc::<Waiter>::default();
            queue.waiting.push_back(Arc::clone(&waiter));
            waiter
        };
        let missed = waiter.wait(deadline, cancel).err();
        let mut queue = self.queue();
        queue.waiting.retain(|other| !Arc::ptr_eq(other, &waiter));
        // It may have been called just now, though it gave up.
        match (*waiter.called(), missed) {
            (true, _) if queue.ended => Err(Missed::Ended),
            (true, _) => Ok(()),
            (false, missed) => Err(missed.unwrap_or(Missed::TimeOver)),
        }
    }

    /// Gives a turn back: the next in the queue has it.
    pub(super) fn give_back(&self) {
        let mut queue = self.queue();
        match queue.waiting.pop_front() {
            Some(waiter) => waiter.call(),
            None => queue.free += 1,
        }
    }

    /// Ends them: nobody has or gets a turn any more.
    pub(super) fn end(&self) {
        let mut queue = self.queue();
        queue.ended = true;
        for waiter in queue.waiting.drain(..) {
            waiter.call();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    fn call(&self) {
        *self.called() = true;
        self.bell.notify_one();
    }

    fn wait(&self, deadline: Option<Instant>, cancel: Option<&AtomicBool>) -> Result<(), Missed> {
        let mut called = self.called();
        while !*called {
            called = wait(&self.bell, called, deadline, cancel)?;
        }
        Ok(())
    }

    fn called(&self) -> MutexGuard<'_, bool> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the bell once, for as long as the caller would: the bell may not have rung.
pub(super) fn wait<'a, T>(
    bell: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
    cancel: Option<&AtomicBool>,
) -> Result<MutexGuard<'a, T>, Missed> {
    if cancel.is_some_and(|cancel| cancel.load(Ordering::Acquire)) {
        return Err(Missed::Cancelled);
    }
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    if left.is_some_and(|left| left.is_zero()) {
        return Err(Missed::TimeOver);
    }
    let look = cancel.map(|_| CANCEL_LOOK);
    match left.into_iter().chain(look).min() {
        None => Ok(bell.wait(guard).unwrap_or_else(PoisonError::into_inner)),
        Some(most) => {
            let waited = bell.wait_timeout(guard, most);
            Ok(waited.unwrap_or_else(PoisonError::into_inner).0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    fn soon() -> Option<Instant> {
        Instant::now().checked_add(Duration::from_millis(20))
    }

    fn waiting(turns: &Turns) -> usize {
        turns.queue().waiting.len()
    }

    #[test]
    fn turns_come_in_the_order_in_which_they_were_asked_for() {
        // R7
        let turns = Arc::new(Turns::new(1));
        turns.take(None, None).unwrap();
        let (tell, told) = mpsc::channel();
        let threads: Vec<_> = (0..5)
            .map(|number| {
                let (there, tell) = (Arc::clone(&turns), tell.clone());
                let thread = thread::spawn(move || {
                    there.take(None, None).unwrap();
                    tell.send(number).unwrap();
                    there.give_back();
                });
                while waiting(&turns) <= number {
                    thread::yield_now();
                }
                thread
            })
            .collect();
        turns.give_back();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(turns.take(soon(), None), Ok(()));
    }

    #[test]
    fn turn_that_does_not_come_leaves_the_queue() {
        let turns = Turns::new(1);
        turns.take(None, None).unwrap();
        assert_eq!(turns.take(soon(), None), Err(Missed::TimeOver));
        assert_eq!(waiting(&turns), 0);
        turns.give_back();
        assert_eq!(turns.take(soon(), None), Ok(()));
    }

    #[test]
    fn who_calls_it_off_leaves_the_queue() {
        let turns = Turns::new(1);
        turns.take(None, None).unwrap();
        let cancel = AtomicBool::new(true);
        assert_eq!(turns.take(None, Some(&cancel)), Err(Missed::Cancelled));
        assert_eq!(waiting(&turns), 0);
    }

    #[test]
    fn end_is_told_to_all_who_wait() {
        let turns = Arc::new(Turns::new(1));
        turns.take(None, None).unwrap();
        let there = Arc::clone(&turns);
        let thread = thread::spawn(move || there.take(None, None));
        while waiting(&turns) == 0 {
            thread::yield_now();
        }
        turns.end();
        assert_eq!(thread.join().unwrap(), Err(Missed::Ended));
        assert_eq!(turns.take(None, None), Err(Missed::Ended));
    }
}
