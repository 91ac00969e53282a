//! The thread that waits for something to happen in a directory.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::directory::{self, Directory};
use super::{Pace, Seen};
use crate::location::Location;

/// A thread that watches until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Whether every change is told of.
    is_certain: AtomicBool,
    is_ending: AtomicBool,
    /// Wakes the thread for its end.
    end: OwnedFd,
}

/// What the thread works with.
struct Work<T> {
    pace: Pace,
    shared: Arc<Shared>,
    location: Location,
    seen: Arc<Seen>,
    tell: T,
}

impl Running {
    pub(super) fn start(
        pace: Pace,
        location: Location,
        seen: Arc<Seen>,
        tell: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let is_local = directory::is_local(&location.directory);
        let shared = Arc::new(Shared {
            is_certain: AtomicBool::new(is_local),
            is_ending: AtomicBool::new(false),
            end: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        });
        let work = Work {
            pace,
            shared: Arc::clone(&shared),
            location,
            seen,
            tell,
        };
        let thread = thread::Builder::new()
            .name("keydb-watch".to_owned())
            .stack_size(STACK)
            .spawn(move || work.run())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    pub(super) fn is_certain(&self) -> bool {
        self.shared.is_certain.load(Ordering::Acquire)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.is_ending.store(true, Ordering::Release);
        // It cannot be full.
        let _ = rustix::io::write(&self.shared.end, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            // It ends with a panic only where there is a bug, and nobody asks.
            let _ = thread.join();
        }
    }
}

impl<T: Fn()> Work<T> {
    fn run(self) {
        let _over = self.look().and_then(|()| self.watch());
        self.shared.is_certain.store(false, Ordering::Release);
    }

    /// Looks now and again, for the first moments.
    fn look(&self) -> Result<(), Errno> {
        for _ in 0..self.pace.first {
            self.wait(None, self.pace.soon)?;
            if self.is_ending() {
                break;
            }
            self.compare();
        }
        Ok(())
    }

    /// Watches until the end.
    fn watch(&self) -> Result<(), Errno> {
        if self.is_ending() {
            return Ok(());
        }
        let files = [&*self.location.database, &*self.location.stash];
        let mut directory = Directory::new(&self.location.directory, files)?;
        let mut reason = true;
        while !self.is_ending() {
            if reason {
                let certain = directory.renew() && directory::is_local(&self.location.directory);
                self.shared.is_certain.store(certain, Ordering::Release);
                self.compare();
            }
            // Where time passes without anything to be heard of, that is the reason.
            reason = self.wait(Some(&directory), self.pace.later)? == 0 || directory.heard();
        }
        Ok(())
    }

    fn is_ending(&self) -> bool {
        self.shared.is_ending.load(Ordering::Acquire)
    }

    /// Tells of a state that was neither seen nor made here.
    fn compare(&self) {
        let mut seen = self.seen.turn();
        // What cannot be looked at has changed, if it could be before, but that is for the host to
        // find out when it reads.
        let now = self.location.stamps().unwrap_or_default();
        if *seen != now && !self.is_ending() {
            *seen = now;
            (self.tell)();
        }
    }

    /// Waits for what is to be heard and for the end, but no longer than so long; how many of the
    /// two there are.
    fn wait(&self, directory: Option<&Directory>, most: Duration) -> Result<usize, Errno> {
        let end = PollFd::new(&self.shared.end, PollFlags::IN);
        let most = Timespec::try_from(most).ok();
        let waited = match directory {
            None => poll(&mut [end], most.as_ref()),
            Some(directory) => {
                let heard = PollFd::new(directory, PollFlags::IN);
                poll(&mut [heard, end], most.as_ref())
            }
        };
        match waited {
            // As if the time were over: one look too many does no harm.
            Err(Errno::INTR) => Ok(0),
            waited => waited,
        }
    }
}

/// More than looking at two files takes.
const STACK: usize = 256 << 10;
