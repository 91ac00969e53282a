//! One writer at a time, among all threads and processes.
//!
//! The lock file lies in a directory that may belong to somebody else than the writer, who is
//! root then. So nothing that was not just made is given away, and nothing is written over that
//! is not plainly a lock file.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::error::DatabaseError;
use crate::location;
use crate::owner::{self, Owner};

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

impl Patience<'_> {
    /// What is left of it after so long.
    pub(crate) fn after(&self, waited: Duration) -> Self {
        Self {
            limit: self.limit.saturating_sub(waited),
            cancelled: self.cancelled,
        }
    }
}

impl WriteLock {
    /// Takes the lock on the file at `path`, which is made where it is missing.
    pub(crate) fn take(
        path: &Path,
        owner: Owner,
        patience: &Patience<'_>,
    ) -> Result<Self, DatabaseError> {
        let start = Instant::now();
        loop {
            let holder = match open(path, owner)? {
                Some(file) if !try_lock(&file, path)? => holder(&file),
                Some(file) => match kind(&file, path, owner)? {
                    Kind::Lock => {
                        sign(&file);
                        return Ok(Self { file });
                    }
                    // Whoever could put it there could as well remove it.
                    Kind::Leftover => {
                        fs::remove_file(path).map_err(DatabaseError::io("remove", path))?;
                        continue;
                    }
                },
                None => None,
            };
            if (patience.cancelled)() {
                return Err(DatabaseError::Cancelled);
            }
            if start.elapsed() >= patience.limit {
                return Err(DatabaseError::Busy { holder });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Gives it up, and the file at `path` with it. Whoever waits for it makes one anew.
    pub(crate) fn remove(self, path: &Path) -> Result<(), DatabaseError> {
        fs::remove_file(path).map_err(DatabaseError::io("remove", path))
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        // Closing alone would not end it while a process that was just forked has the file as well.
        let _ = self.file.unlock();
    }
}

/// What a file in the place of the lock file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A lock file.
    Lock,
    /// What root made and died over before it could give it to the owner.
    Leftover,
}

/// Opens the lock file, and makes it where it is missing; none where it was removed meanwhile.
fn open(path: &Path, owner: Owner) -> Result<Option<File>, DatabaseError> {
    if let Some(file) = make(path, owner)? {
        return Ok(Some(file));
    }
    let file = match location::open(path, OFlags::RDWR) {
        Err(DatabaseError::SymbolicLink { .. }) => {
            return Err(refused(path, "it is a symbolic link"));
        }
        Err(_) if path.is_dir() => return Err(refused(path, "it is a directory")),
        opened => opened?,
    };
    if let Some(file) = &file {
        // Not even locked, where it is somebody's.
        kind(file, path, owner)?;
    }
    Ok(file)
}

/// Whether the lock was free, and is the one that everybody else takes.
fn try_lock(file: &File, path: &Path) -> Result<bool, DatabaseError> {
    match file.try_lock() {
        // Whoever removes a lock file must not let two in: the name has to lead here still.
        Ok(()) => Ok(location::is_at(file, path)),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(DatabaseError::io("lock", path)(error)),
    }
}

/// Makes the file, and gives it to its owner; none where something is there already.
fn make(path: &Path, owner: Owner) -> Result<Option<File>, DatabaseError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
    let file = match location::open(path, flags) {
        Err(DatabaseError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
            return Ok(None);
        }
        opened => opened?,
    };
    let file =
        file.ok_or_else(|| DatabaseError::io("make", path)(io::ErrorKind::NotFound.into()))?;
    // Whatever the mask of the process left of it.
    file.set_permissions(Permissions::from_mode(0o600))
        .map_err(DatabaseError::io("protect", path))?;
    owner.give(&file, path)?;
    Ok(Some(file))
}

/// Tells what a file is, and refuses one that may be there for something else.
fn kind(file: &File, path: &Path, owner: Owner) -> Result<Kind, DatabaseError> {
    let refused = |why: &str| refused(path, why);
    let failed = |error| DatabaseError::io("read", path)(error);
    let metadata = file.metadata().map_err(failed)?;
    // It has none at all if it was removed meanwhile, which its name tells once it is locked.
    if metadata.nlink() > 1 {
        return Err(refused("it has another name as well"));
    }
    let uid = metadata.uid();
    if !owner.has(uid) {
        return if metadata.size() == 0 && owner::is_own_of_root(uid) {
            Ok(Kind::Leftover)
        } else {
            Err(refused(&format!("it belongs to user {uid}")))
        };
    }
    if is_signature(&text(file).map_err(failed)?) {
        Ok(Kind::Lock)
    } else {
        Err(refused("it holds something else"))
    }
}

/// That a file is not taken for a lock file, and why.
fn refused(path: &Path, why: &str) -> DatabaseError {
    let why = format!("{why}, so that it may be no lock file; look whose it is, and move it");
    DatabaseError::io("use", path)(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Leaves the number of this process and its program for those who wait. Nothing depends on it.
fn sign(file: &File) {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    let program = program.to_string_lossy();
    let printable = program.chars().filter(|char| !char.is_control());
    let program: String = printable.take(LONGEST_PROGRAM).collect();
    let text = format!("{} {program}\n", std::process::id());
    let _ = file
        .set_len(0)
        .and_then(|()| file.write_all_at(text.as_bytes(), 0));
}

/// Whether this is what a writer leaves, or a part of it where one died.
fn is_signature(text: &[u8]) -> bool {
    // A power cut may leave the length without the text.
    if text.len() <= LONGEST && text.iter().all(|&byte| byte == 0) {
        return true;
    }
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let program = line.get(digits..).unwrap_or_default();
    (1..=LONGEST_NUMBER).contains(&digits)
        && text.len() <= LONGEST
        && program.first().is_none_or(|&byte| byte == b' ')
        && !program.iter().any(u8::is_ascii_control)
}

fn holder(file: &File) -> Option<u32> {
    let text = text(file).ok()?;
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(text.get(..end)?).ok()?.parse().ok()
}

/// What is in the file, as far as it tells whether that is too much.
fn text(file: &File) -> io::Result<Vec<u8>> {
    let mut text = vec![0; LONGEST + 1];
    let read = file.read_at(&mut text, 0)?;
    text.truncate(read);
    Ok(text)
}

/// Between two attempts. The system can wait for a lock, but not until a moment.
const PAUSE: Duration = Duration::from_millis(10);
/// The most digits of a process number.
const LONGEST_NUMBER: usize = 10;
/// The most characters of a program's name.
const LONGEST_PROGRAM: usize = 32;
/// The most bytes of all of it.
const LONGEST: usize = LONGEST_NUMBER + 1 + 4 * LONGEST_PROGRAM + 1;

#[cfg(test)]
mod tests;
