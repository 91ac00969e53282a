//! On which thread, and when, the `[serial]` calls of a store are made (R7).

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::status::{CallError, Status};
use crate::table::call::over;

/// The way in which a store is called.
#[derive(Debug)]
pub(super) enum Lane {
    /// Several calls at a time, on any thread.
    Free,
    /// One call at a time, on the thread of the caller.
    Turns(Turns),
    /// One call at a time, all on one thread.
    Thread(Worker),
}

impl Lane {
    pub(super) fn new(thread_safe: bool, thread_affine: bool) -> Result<Self, CallError> {
        Ok(match (thread_affine, thread_safe) {
            (true, _) => Self::Thread(Worker::start()?),
            (false, true) => Self::Free,
            (false, false) => Self::Turns(Turns::default()),
        })
    }

    /// Waits for every answer from now on, however late it is.
    pub(super) fn wait_to_the_end(&mut self) {
        if let Self::Thread(worker) = self {
            worker.to_the_end = true;
        }
    }

    /// Makes a call where and when it may be made; an error where the deadline comes first. A call
    /// on the store's own thread goes on then, and its answer is dropped (R8).
    pub(super) fn run<R: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, CallError> {
        match self {
            Self::Free => Ok(job()),
            Self::Turns(turns) => {
                let _turn = turns.take(deadline)?;
                Ok(job())
            }
            Self::Thread(worker) => worker.run(deadline, job),
        }
    }
}

/// Whose turn it is: a mutex that can be waited for with a deadline.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<bool>,
    free: Condvar,
}

/// A turn; it ends when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    pub(super) fn take(&self, deadline: Option<Instant>) -> Result<Turn<'_>, CallError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            taken = match deadline {
                None => self
                    .free
                    .wait(taken)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(over());
                    }
                    let waited = self.free.wait_timeout(taken, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *taken = true;
        Ok(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.free.notify_one();
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// A thread that makes one call after the other.
pub(super) struct Worker {
    /// None only while the worker is dropped.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// Whether a caller waits for the answer, whatever its deadline.
    to_the_end: bool,
}

impl Worker {
    fn start() -> Result<Self, CallError> {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name("anchorhold-store".to_owned())
            .spawn(move || waiting.into_iter().for_each(|job| job()))
            .map_err(|error| {
                CallError::new(
                    Status::Internal,
                    format!("no thread for the store: {error}"),
                )
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            to_the_end: false,
        })
    }

    pub(super) fn run<R: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, CallError> {
        let gone = || CallError::new(Status::Internal, "the thread of the store has ended");
        let (answer, answered) = mpsc::sync_channel(1);
        let job: Job = Box::new(move || {
            // Nobody may wait any longer; then the answer is dropped.
            let _late = answer.send(job());
        });
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job).map_err(|_| gone())?;
        match deadline.filter(|_| !self.to_the_end) {
            None => answered.recv().map_err(|_| gone()),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                answered.recv_timeout(left).map_err(|error| match error {
                    RecvTimeoutError::Timeout => over(),
                    RecvTimeoutError::Disconnected => gone(),
                })
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // It ends with a panic only where a job of ours has panicked, and nobody asks.
            let _ended = thread.join();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn soon() -> Option<Instant> {
        Instant::now().checked_add(Duration::from_millis(20))
    }

    #[test]
    fn turn_that_does_not_come_is_a_timeout() {
        // R7
        let turns = Turns::default();
        let held = turns.take(None).unwrap();
        assert_eq!(turns.take(soon()).unwrap_err().status, Status::Timeout);
        drop(held);
        assert!(turns.take(soon()).is_ok());
    }

    #[test]
    fn turns_never_overlap() {
        // R7
        let lane = Arc::new(Lane::new(false, false).unwrap());
        let inside = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (lane, inside) = (Arc::clone(&lane), Arc::clone(&inside));
                thread::spawn(move || {
                    for _ in 0..200 {
                        let inside = Arc::clone(&inside);
                        let alone = lane.run(None, move || {
                            let alone = inside.fetch_add(1, Ordering::SeqCst) == 0;
                            thread::yield_now();
                            inside.fetch_sub(1, Ordering::SeqCst);
                            alone
                        });
                        assert_eq!(alone, Ok(true));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn worker_makes_every_call_on_one_thread() {
        // R7
        let lane = Lane::new(true, true).unwrap();
        let first = lane.run(None, || thread::current().id()).unwrap();
        let second = lane.run(None, || thread::current().id()).unwrap();
        assert_eq!(first, second);
        assert_ne!(first, thread::current().id());
    }

    #[test]
    fn late_answer_is_dropped_and_the_next_one_is_right() {
        // R8
        let lane = Lane::new(false, true).unwrap();
        let (go, wait) = mpsc::channel::<()>();
        let late = lane.run(soon(), move || {
            let _ = wait.recv();
            1
        });
        assert_eq!(late.unwrap_err().status, Status::Timeout);
        go.send(()).unwrap();
        assert_eq!(lane.run(None, || 2), Ok(2));
    }
}
