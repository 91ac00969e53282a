//! One writer at a time, among all threads and processes.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::error::DatabaseError;
use crate::location;
use crate::owner::Owner;

/// The right to write. It ends when it is dropped, or when the process does.
#[derive(Debug)]
pub(crate) struct WriteLock {
    file: File,
}

/// How long to wait for another writer.
pub(crate) struct Patience<'a> {
    /// At most so long.
    pub(crate) limit: Duration,
    /// No longer once this says so.
    pub(crate) cancelled: &'a dyn Fn() -> bool,
}

impl WriteLock {
    /// Takes the lock on the file at `path`, which is made where it is missing.
    pub(crate) fn take(
        path: &Path,
        owner: Owner,
        patience: &Patience<'_>,
    ) -> Result<Self, DatabaseError> {
        let mut file = location::open(path, OFlags::RDWR | OFlags::CREATE)?
            .ok_or_else(|| DatabaseError::io("make", path)(ErrorKind::NotFound.into()))?;
        owner.give(&file, path)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(DatabaseError::io("lock", path)(error));
                }
            }
            if (patience.cancelled)() {
                return Err(DatabaseError::Cancelled);
            }
            if start.elapsed() >= patience.limit {
                return Err(DatabaseError::Busy {
                    holder: holder(&mut file),
                });
            }
            thread::sleep(PAUSE);
        }
        sign(&mut file);
        Ok(Self { file })
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        // Closing alone would not end it while a process that was just forked has the file as well.
        let _ = self.file.unlock();
    }
}

/// Leaves the number of this process for those who wait. Nothing depends on it.
fn sign(file: &mut File) {
    let text = format!("{}\n", std::process::id());
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(text.as_bytes()));
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok()
}

/// Between two attempts. The system can wait for a lock, but not until a moment.
const PAUSE: Duration = Duration::from_millis(10);
