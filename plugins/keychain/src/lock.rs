//! One writer at a time, in whichever process.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anchorhold_sdk::{Call, Error, ErrorKind};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::deadline::Deadline;

/// The turn to write, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "the lock ends with the file")] File);

/// Waits for the turn, until the deadline.
pub(crate) fn wait(directory: &Path, call: &Call<'_>, deadline: Deadline) -> Result<Turn, Error> {
    let path = directory.join(NAME);
    let failed = |error| Error::io(&path.display().to_string(), &error);
    let file = open(&path).map_err(failed)?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Turn(file)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
        call.check()?;
        if deadline.left().is_zero() {
            return Err(Error::new(
                ErrorKind::Busy,
                "another process writes to this store and does not come to an end",
            ));
        }
        thread::sleep(PAUSE);
    }
}

/// The turn, where it is to be had at once.
pub(crate) fn at_once(directory: &Path) -> Option<Turn> {
    let file = open(&directory.join(NAME)).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(Turn(file))
}

fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::CLOEXEC).bits();
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(path)
}

const NAME: &str = "keychain.lock";
const PAUSE: Duration = Duration::from_millis(5);
