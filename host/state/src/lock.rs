//! One lock per thing, between processes and threads, which names its holder.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags};

use crate::directory::check_file;
use crate::error::StateError;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Its program.
    pub program: String,
}

impl Holder {
    fn this_process() -> Self {
        let program = std::env::args_os()
            .next()
            .as_deref()
            .and_then(|path| Path::new(path).file_name())
            .map_or_else(
                || "unknown".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            );
        Self {
            pid: std::process::id(),
            program,
        }
    }

    fn read(file: &File) -> Option<Self> {
        let mut text = String::new();
        file.try_clone()
            .ok()?
            .take(HOLDER_BYTES)
            .read_to_string(&mut text)
            .ok()?;
        let (pid, program) = text.strip_suffix('\n')?.split_once(' ')?;
        Some(Self {
            pid: pid.parse().ok()?,
            program: program.to_owned(),
        })
    }

    fn write(&self, file: &File) -> io::Result<()> {
        let program: String = self
            .program
            .chars()
            .filter(|c| !c.is_control())
            .take(HOLDER_CHARS)
            .collect();
        file.set_len(0)?;
        file.write_all_at(format!("{} {program}\n", self.pid).as_bytes(), 0)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.program, self.pid)
    }
}

/// Holds a lock until it is dropped.
#[derive(Debug)]
pub struct LockGuard {
    file: File,
}

impl LockGuard {
    /// Takes the lock of a file, which is made where it is missing.
    pub(crate) fn acquire(path: &Path, what: &str, wait: Duration) -> Result<Self, StateError> {
        let patience = Patience::new(what, wait);
        loop {
            let file = open_or_make(path)?;
            patience.wait(&file, FlockOperation::NonBlockingLockExclusive)?;
            // Whoever removes a lock file must not let two in: the name has to lead here still.
            if is_at(&file, path) {
                Holder::this_process()
                    .write(&file)
                    .map_err(|error| StateError::io(format!("write {}", path.display()), error))?;
                return Ok(Self { file });
            }
        }
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // Only a courtesy to whoever looks.
        let _ = self.file.set_len(0);
        // Closing alone would not end it while a process that was just forked has the file as well.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

/// How long a lock is waited for.
pub(crate) struct Patience<'a> {
    what: &'a str,
    wait: Duration,
    since: Instant,
}

impl<'a> Patience<'a> {
    /// Starts waiting.
    pub(crate) fn new(what: &'a str, wait: Duration) -> Self {
        Self {
            what,
            wait,
            since: Instant::now(),
        }
    }

    /// Waits for a lock on the file; the operation is one that does not block.
    ///
    /// The system's own wait has no limit, and a stopped process may hold a lock for ever.
    pub(crate) fn wait(&self, file: &File, operation: FlockOperation) -> Result<(), StateError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match rustix::fs::flock(file, operation) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
                Err(error) => {
                    return Err(StateError::io(format!("lock {}", self.what), error.into()));
                }
            }
            let waited = self.since.elapsed();
            let Some(left) = self.wait.checked_sub(waited).filter(|left| !left.is_zero()) else {
                let what = self.what.to_owned();
                return Err(StateError::Busy {
                    what,
                    holder: Holder::read(file),
                    waited,
                });
            };
            thread::sleep(pause.min(left));
            pause = LAST_PAUSE.min(pause * 2);
        }
    }
}

/// Opens a lock file, and makes it where it is missing.
pub(crate) fn open_or_make(path: &Path) -> Result<File, StateError> {
    let failed = |error| StateError::io(format!("open {}", path.display()), error);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_ONLY)
        // A pipe in the place of the file must not hang the program.
        .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    check_file(path, &metadata)?;
    if metadata.mode() & 0o777 != OWNER_ONLY {
        file.set_permissions(Permissions::from_mode(OWNER_ONLY))
            .map_err(failed)?;
    }
    Ok(file)
}

/// Whether the path still leads to the open file.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Open flags as the standard library takes them.
pub(crate) fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// A file name for the lock of anything, different for different things.
pub(crate) fn file_name(what: &str) -> String {
    use std::fmt::Write;

    let mut name = String::new();
    for byte in what.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'@' => {
                name.push(char::from(byte));
            }
            _ => {
                // Writing to a string does not fail.
                let _ = write!(name, "%{byte:02x}");
            }
        }
    }
    if name.len() > LONGEST_NAME {
        name = format!("%{}", crate::journal::EntryHash::of(what.as_bytes()));
    }
    name + ".lock"
}

const FIRST_PAUSE: Duration = Duration::from_micros(200);
const LAST_PAUSE: Duration = Duration::from_millis(20);
const OWNER_ONLY: u32 = 0o600;
const HOLDER_BYTES: u64 = 512;
const HOLDER_CHARS: usize = 64;
const LONGEST_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_things_have_different_files() {
        assert_eq!(file_name("server-tsm1"), "server-tsm1.lock");
        assert_eq!(file_name("TSM1@repl"), "TSM1@repl.lock");
        assert_eq!(file_name("../ledger"), "%2e%2e%2fledger.lock");
        assert_eq!(file_name("a%2e"), "a%252e.lock");
        assert_ne!(file_name(&"x".repeat(300)), file_name(&"x".repeat(301)));
        assert!(file_name(&"ä".repeat(300)).len() < 100);
    }

    #[test]
    fn holder_is_written_while_held_and_cleared_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("thing.lock");
        let guard = LockGuard::acquire(&path, "thing", Duration::ZERO).unwrap();
        let holder = Holder::read(&File::open(&path).unwrap()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        drop(guard);
        assert_eq!(Holder::read(&File::open(&path).unwrap()), None);
    }

    #[test]
    fn odd_text_names_no_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("thing.lock");
        for text in [
            "",
            "\n",
            "1",
            "1 x",
            "x y\n",
            "\u{fffd}",
            &"9".repeat(9_000),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(Holder::read(&File::open(&path).unwrap()), None, "{text:?}");
        }
    }
}
