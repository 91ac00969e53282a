//! Watches the files of a database, and tells the host what another program did to them.
//!
//! The directory is watched, not the files: a watch on a file is dead once another file has taken
//! its name, which is how files are replaced. Whatever is heard is only a reason to look: what
//! counts is whether the files are in another state than the one that was last seen or written
//! here. Now and again they are looked at without a reason as well.
//!
//! A watch costs the system milliseconds when it ends, which most commands would wait for. So in
//! the first moments there is none: the files are looked at every quarter of a second instead.

#[cfg(target_os = "linux")]
mod directory;
#[cfg(target_os = "linux")]
mod thread;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::location::{Location, Stamps};

/// The state of the files that the host was told of, or that was written here.
///
/// It is locked while the files are written, so that nobody takes what comes of that for the work
/// of another program.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Stamps>);

impl Seen {
    /// Waits for the turn to look at the files or to write them, and for nothing else.
    pub(crate) fn turn(&self) -> MutexGuard<'_, Stamps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The watch over the files of one database, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    #[cfg(target_os = "linux")]
    thread: thread::Running,
}

impl Watch {
    /// Begins to watch; none where that cannot be had.
    ///
    /// `tell` is called, by a thread that ends before `drop` returns, whenever the files were
    /// found in another state than `seen` says. That is from then on the state which was found.
    #[cfg(target_os = "linux")]
    pub(crate) fn start(
        location: &Location,
        seen: &Arc<Seen>,
        tell: impl Fn() + Send + 'static,
    ) -> Option<Self> {
        Self::start_at(PACE, location, seen, tell)
    }

    /// The same at another pace.
    #[cfg(target_os = "linux")]
    fn start_at(
        pace: Pace,
        location: &Location,
        seen: &Arc<Seen>,
        tell: impl Fn() + Send + 'static,
    ) -> Option<Self> {
        let thread = thread::Running::start(pace, location.clone(), Arc::clone(seen), tell).ok()?;
        Some(Self { thread })
    }

    /// Nothing tells of changes here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn start(
        _location: &Location,
        _seen: &Arc<Seen>,
        _tell: impl Fn() + Send + 'static,
    ) -> Option<Self> {
        None
    }

    /// Whether every change is told of within a moment: the directory is there, and its file
    /// system is one whose changes are all made by this machine.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_certain(&self) -> bool {
        self.thread.is_certain()
    }

    /// Whether every change is heard of.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn is_certain(&self) -> bool {
        false
    }
}

/// When the files are looked at without a reason.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// How often before the directory is watched.
    first: usize,
    /// After how long each time.
    soon: Duration,
    /// After how long from then on.
    later: Duration,
}

#[cfg(target_os = "linux")]
const PACE: Pace = Pace {
    first: 4,
    soon: Duration::from_millis(250),
    later: Duration::from_secs(30),
};

#[cfg(test)]
mod tests;
