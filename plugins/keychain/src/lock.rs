//! One writer at a time, in whichever process.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anchorhold_sdk::{Call, Error, ErrorKind};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

/// The turn to write, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "the lock ends with the file")] File);

/// Waits for the turn, for most of the time that the call has.
pub(crate) fn wait(directory: &Path, call: &Call<'_>) -> Result<Turn, Error> {
    let path = directory.join("keychain.lock");
    let flags = (OFlags::NOFOLLOW | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(&path)
        .map_err(|error| Error::io(&path.display().to_string(), &error))?;
    let patience = call.timeout().map_or(PATIENCE, |limit| limit / 4 * 3);
    let until = Instant::now() + patience;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Turn(file)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(Error::io(&path.display().to_string(), &error.into())),
        }
        call.check()?;
        if Instant::now() >= until {
            return Err(Error::new(
                ErrorKind::Busy,
                "another process writes to this store and does not come to an end",
            ));
        }
        thread::sleep(PAUSE);
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
