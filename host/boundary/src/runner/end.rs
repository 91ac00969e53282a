//! How a runner ends: at once, whatever its threads do and its libraries have left to be done.

use std::ffi::c_int;
use std::fmt;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

/// Why it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The host said so.
    AsTold,
    /// The host is gone, and there is nobody to say anything to.
    HostGone,
    /// It was not started by the host.
    Misused,
    /// It cannot go on.
    Failed(String),
}

/// Whether processes of the plugin's own may be there, which end with it.
static TAKES_ALONG: AtomicBool = AtomicBool::new(false);

/// Says whether the plugin may start processes.
pub(super) fn takes_along(forks: bool) {
    TAKES_ALONG.store(forks, Ordering::Release);
}

/// What could not be done, and why.
pub(super) fn failed(what: &str, why: impl fmt::Display) -> Ended {
    Ended::Failed(format!("{what}: {why}"))
}

/// Ends the process.
pub(super) fn with(ended: Ended) -> ! {
    match ended {
        // Whatever is left of the plugin's own is ended by the host.
        Ended::AsTold => exit(0),
        Ended::HostGone => {
            end_group();
            exit(0)
        }
        Ended::Misused => {
            say(
                "this is the runner of a plugin: anchorhold starts it itself, with a socket as its \
                 standard input",
            );
            exit(2)
        }
        Ended::Failed(why) => {
            say(&format!("the runner cannot go on: {why}"));
            end_group();
            exit(3)
        }
    }
}

/// Starts a thread whose panic is a bug of ours and ends the process. It runs once this returns:
/// the C library lets no thread begin while a library is being loaded, and a library that hangs
/// then must not keep this thread from ending it.
pub(super) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Ended> {
    let begun = Arc::new(Barrier::new(2));
    let here = Arc::clone(&begun);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            begun.wait();
            guarded(body);
        })
        .map_err(|why| failed("no thread could be started", why))?;
    here.wait();
    Ok(())
}

/// Runs what must not panic; where it does, that was told already, and nothing can be relied on.
pub(super) fn guarded<R>(body: impl FnOnce() -> R) -> R {
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| std::process::abort())
}

fn say(what: &str) {
    // Nobody may read it any more.
    let _unread = writeln!(std::io::stderr(), "error: {what}");
}

/// Ends this process and all that it started. They cannot leave its group; where the group is not
/// its own, it started nothing.
fn end_group() {
    if !TAKES_ALONG.load(Ordering::Acquire) {
        return;
    }
    let own = rustix::process::getpid();
    if rustix::process::getpgrp() == own {
        // This process is among them, so that nothing comes after it.
        let _ended = rustix::process::kill_process_group(own, rustix::process::Signal::KILL);
    }
}

fn exit(status: c_int) -> ! {
    // SAFETY: the call takes a number and never returns.
    unsafe { libc::_exit(status) }
}
