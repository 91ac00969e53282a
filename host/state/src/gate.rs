//! Readers in crowds, or one writer alone: the moment in which the files change.
//!
//! A writer works for as long as it likes without disturbing anybody; only while it commits must
//! nobody read. Whoever comes in passes the turnstile first, so that a stream of readers cannot
//! keep a writer out for ever.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags};

use crate::directory::Directory;
use crate::error::StateError;
use crate::lock::{Patience, flags, is_at, open_or_make, try_lock};

/// Holds the gate until it is dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    _gate: File,
}

impl Gate {
    /// Comes in to read; `None` where nobody has ever written, and so nothing is there to lock.
    pub(crate) fn read(directory: &Directory) -> Result<Option<Self>, StateError> {
        let patience = Patience::new(WHAT, WAIT);
        loop {
            let Some(turn) = open_if_there(directory, TURN)? else {
                return Ok(None);
            };
            let Some(gate) = open_if_there(directory, GATE)? else {
                return Ok(None);
            };
            patience.wait_until(&gate, || pass(&turn, &gate))?;
            if is_at(&gate, &directory.lock_file(GATE)) {
                return Ok(Some(Self { _gate: gate }));
            }
        }
    }

    /// Comes in to change the files.
    pub(crate) fn write(directory: &Directory) -> Result<Self, StateError> {
        let patience = Patience::new(WHAT, WAIT);
        loop {
            let turn = open_or_make(&directory.lock_file(TURN))?;
            let gate = open_or_make(&directory.lock_file(GATE))?;
            patience.wait(&turn, FlockOperation::NonBlockingLockExclusive)?;
            patience.wait(&gate, FlockOperation::NonBlockingLockExclusive)?;
            if is_at(&gate, &directory.lock_file(GATE)) {
                return Ok(Self { _gate: gate });
            }
        }
    }

    /// Whether there is a gate by now; what was read without one must then be read again.
    pub(crate) fn exists(directory: &Directory) -> bool {
        directory.lock_file(GATE).exists()
    }
}

/// Passes the turnstile and comes in to read; whether both were open.
///
/// Nobody stays in the turnstile to wait for the gate: a writer can only pass it while nobody is
/// there, and in a crowd there would always be somebody.
fn pass(turn: &File, gate: &File) -> rustix::io::Result<bool> {
    if !try_lock(turn, FlockOperation::NonBlockingLockShared)? {
        return Ok(false);
    }
    let passed = try_lock(gate, FlockOperation::NonBlockingLockShared);
    rustix::fs::flock(turn, FlockOperation::Unlock)?;
    passed
}

fn open_if_there(directory: &Directory, name: &str) -> Result<Option<File>, StateError> {
    let path = directory.lock_file(name);
    let flags = flags(OFlags::NOFOLLOW | OFlags::NONBLOCK);
    match OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(&path)
    {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::io(format!("open {}", path.display()), error)),
    }
}

const WHAT: &str = "the ledger";
const WAIT: Duration = Duration::from_secs(10);
const TURN: &str = "ledger.turn";
const GATE: &str = "ledger.gate";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::try_lock;

    #[test]
    fn who_waits_for_the_gate_does_not_stand_in_the_turnstile() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name| open_or_make(&dir.path().join(name)).unwrap();
        let writer = open(GATE);
        assert!(try_lock(&writer, FlockOperation::NonBlockingLockExclusive).unwrap());
        let (turn, gate) = (open(TURN), open(GATE));
        assert!(!pass(&turn, &gate).unwrap());
        let next = open(TURN);
        assert!(try_lock(&next, FlockOperation::NonBlockingLockExclusive).unwrap());
        assert!(!pass(&turn, &gate).unwrap(), "nor before the next writer");
        drop((writer, next));
        assert!(pass(&turn, &gate).unwrap());
    }
}
