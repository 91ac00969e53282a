//! One lock per thing, between processes and threads, which names its holder.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
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
        // From the start each time: whoever waits looks more than once.
        let mut bytes = [0; HOLDER_BYTES];
        let length = file.read_at(&mut bytes, 0).ok()?;
        let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
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
///
/// Whoever holds it may stop for ever, so that a limit counts from when it last passed to another
/// holder; where many wait in turn, that is longer than any of them holds it. Nothing is longer
/// than [`TURNS`] limits.
pub(crate) struct Patience<'a> {
    what: &'a str,
    wait: Duration,
    since: Instant,
}

/// What somebody who waits has seen of the holders.
struct Watch {
    holder: Option<Holder>,
    looked: Instant,
    moved: Instant,
}

impl Watch {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            holder: None,
            looked: now,
            moved: now,
        }
    }

    /// Looks from time to time whether another one holds the lock by now.
    fn look(&mut self, file: &File) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let holder = Holder::read(file);
        if holder.is_some() && holder != self.holder {
            // The first that is seen is no other one.
            if self.holder.is_some() {
                self.moved = self.looked;
            }
            self.holder = holder;
        }
    }
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
    pub(crate) fn wait(&self, file: &File, operation: FlockOperation) -> Result<(), StateError> {
        self.wait_until(file, || try_lock(file, operation))
    }

    /// Waits until an attempt succeeds, the last of whose locks is on the file.
    ///
    /// The system's own wait has no limit, and a stopped process may hold a lock for ever.
    pub(crate) fn wait_until(
        &self,
        file: &File,
        mut attempt: impl FnMut() -> rustix::io::Result<bool>,
    ) -> Result<(), StateError> {
        let mut pause = FIRST_PAUSE;
        let mut watch = Watch::new();
        loop {
            match attempt() {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    return Err(StateError::io(format!("lock {}", self.what), error.into()));
                }
            }
            watch.look(file);
            let waited = self.since.elapsed();
            let Some(left) = self.left(waited, &watch) else {
                let what = self.what.to_owned();
                return Err(StateError::Busy {
                    what,
                    holder: Holder::read(file),
                    waited,
                });
            };
            thread::sleep(pause.min(left));
            pause = longest_pause(waited).min(pause * 2);
        }
    }

    /// How long is still waited; nothing once it is enough.
    fn left(&self, waited: Duration, watch: &Watch) -> Option<Duration> {
        let of_this = self.wait.saturating_sub(waited.min(watch.moved.elapsed()));
        let of_all = (self.wait * TURNS).saturating_sub(waited);
        Some(of_this.min(of_all)).filter(|left| !left.is_zero())
    }
}

/// Whether a lock was free; the operation is one that does not block.
pub(crate) fn try_lock(file: &File, operation: FlockOperation) -> rustix::io::Result<bool> {
    match rustix::fs::flock(file, operation) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How long is slept between two tries. Who has waited long tries more often, so that it is not
/// always somebody else whose turn it is.
fn longest_pause(waited: Duration) -> Duration {
    let shares = u32::try_from(waited.as_millis() / 500).unwrap_or(u32::MAX);
    LAST_PAUSE / shares.saturating_add(1)
}

/// Who holds the lock of a file, for people; none where nobody does.
pub(crate) fn held_by(path: &Path) -> Result<Option<String>, StateError> {
    let failed = |error| StateError::io(format!("open {}", path.display()), error);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
        .open(path);
    let file = match file {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            // Closing alone would not end it while a process that was just forked has the file.
            let _ = rustix::fs::flock(&file, FlockOperation::Unlock);
            Ok(None)
        }
        Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {
            let holder = Holder::read(&file).map(|holder| holder.to_string());
            Ok(Some(holder.unwrap_or_else(|| "another process".to_owned())))
        }
        Err(error) => Err(failed(error.into())),
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
/// How often somebody who waits looks who holds a lock.
const LOOK: Duration = Duration::from_millis(100);
/// How many limits are waited at most while a lock passes from one to another.
const TURNS: u32 = 6;
const OWNER_ONLY: u32 = 0o600;
const HOLDER_BYTES: usize = 512;
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
        let waiting = File::open(&path).unwrap();
        assert_eq!(Holder::read(&waiting), Holder::read(&waiting));
        assert!(Holder::read(&waiting).is_some(), "it is seen at every look");
        drop(guard);
        assert_eq!(Holder::read(&File::open(&path).unwrap()), None);
    }

    #[test]
    fn who_has_waited_long_tries_more_often() {
        assert_eq!(longest_pause(Duration::ZERO), LAST_PAUSE);
        assert!(longest_pause(Duration::from_secs(5)) < LAST_PAUSE / 10);
        assert!(!longest_pause(Duration::from_secs(60)).is_zero());
    }

    #[test]
    fn a_lock_that_passes_on_is_waited_for_longer_than_one_that_does_not() {
        let patience = Patience {
            what: "thing",
            wait: Duration::from_secs(10),
            since: Instant::now(),
        };
        let now = Instant::now();
        let (early, late) = (now.checked_sub(Duration::from_secs(12)).unwrap(), now);
        let watch = |moved| Watch {
            holder: None,
            looked: now,
            moved,
        };
        let waited = Duration::from_secs(12);
        assert_eq!(patience.left(waited, &watch(early)), None);
        assert!(patience.left(waited, &watch(late)).is_some());
        assert_eq!(patience.left(Duration::from_secs(60), &watch(late)), None);
        let at_once = Patience::new("thing", Duration::ZERO);
        assert_eq!(at_once.left(Duration::ZERO, &watch(late)), None);
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
