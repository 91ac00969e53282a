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
use crate::lock::{Patience, flags, is_at, open_or_make};

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
            patience.wait(&turn, FlockOperation::NonBlockingLockShared)?;
            patience.wait(&gate, FlockOperation::NonBlockingLockShared)?;
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
