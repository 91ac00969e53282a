//! Tests of the lock file: what is taken for one, what is refused, and that it lets in one writer.

use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;
use crate::location::Location;
use crate::workshop;

/// Nobody in particular.
const STRANGER: u32 = 65_534;
/// Somebody else.
const OTHER: u32 = 65_533;

/// A directory for a database.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
        }
    }

    /// One that belongs to somebody else than root, for tests that only root can run.
    fn of_a_stranger() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            workshop::skip("only root can play another user");
            return None;
        }
        let place = Self::new();
        give(place.directory.path(), STRANGER);
        Some(place)
    }

    fn lock(&self) -> PathBuf {
        self.directory.path().join("anchors.p12.lock")
    }

    fn take(&self) -> Result<WriteLock, DatabaseError> {
        self.take_within(Duration::ZERO)
    }

    fn take_within(&self, limit: Duration) -> Result<WriteLock, DatabaseError> {
        let location = Location::new(&self.directory.path().join("anchors.p12")).unwrap();
        assert_eq!(location.lock, self.lock());
        let patience = Patience {
            limit,
            cancelled: &|| false,
        };
        WriteLock::take(&self.lock(), Owner::of(&location)?, &patience)
    }

    /// Refused, with the file that is there as it was.
    #[track_caller]
    fn check_refused(&self, because: &str) {
        let facts = || {
            let found = fs::symlink_metadata(self.lock()).unwrap();
            let times = (found.mtime(), found.mtime_nsec(), found.ctime_nsec());
            let owner = (found.uid(), found.gid(), found.mode(), found.nlink());
            (found.ino(), owner, times, fs::read(self.lock()).unwrap())
        };
        let before = facts();
        let error = self.take().unwrap_err().to_string();
        assert!(error.contains(because), "{error}");
        assert!(error.contains("anchors.p12.lock"), "{error}");
        assert_eq!(facts(), before);
    }
}

fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
}

fn owner(path: &Path) -> u32 {
    fs::metadata(path).unwrap().uid()
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn it_names_its_holder_while_it_is_held() {
    let place = Place::new();
    let lock = place.take().unwrap();
    let text = fs::read_to_string(place.lock()).unwrap();
    let program = text
        .strip_prefix(&format!("{} ", std::process::id()))
        .and_then(|rest| rest.strip_suffix('\n'));
    let program = program.unwrap_or_else(|| panic!("{text:?}"));
    assert!(program.contains("keydb"), "{text:?}");
    assert_eq!(fs::metadata(place.lock()).unwrap().mode() & 0o777, 0o600);
    let busy = place.take().unwrap_err();
    assert!(
        matches!(busy, DatabaseError::Busy { holder: Some(pid) } if pid == std::process::id()),
        "{busy}"
    );
    drop(lock);
    assert_eq!(fs::read(place.lock()).unwrap(), b"");
    drop(place.take().unwrap());
}

#[test]
fn what_a_dead_writer_left_is_no_hindrance() {
    let place = Place::new();
    for left in [
        &b""[..],
        b"1",
        b"4194304\n",
        b"12 ",
        b"12 anchor",
        b"12 anchorhold\n",
        b"12 name with \xc3\xa4\n",
        b"\0\0\0\0\0\0\0\0",
    ] {
        write(&place.lock(), left);
        drop(
            place
                .take()
                .unwrap_or_else(|error| panic!("{left:?}: {error}")),
        );
    }
}

#[test]
fn a_file_that_holds_anything_else_is_refused() {
    let place = Place::new();
    let long = format!("1 {}\n", "x".repeat(1_000));
    for foreign in [
        "root:*:20000:0:99999:7:::\n",
        "secret",
        "1 anchorhold\n2 anchorhold\n",
        "1 anchorhold\n\n",
        "12345678901\n",
        "1234\tx\n",
        "1x\n",
        "\n",
        " \n",
        "1 \u{1b}[2J\n",
        "\0\0\0x",
        &long,
        &"\0".repeat(10_000),
    ] {
        write(&place.lock(), foreign);
        place.check_refused("holds something else");
    }
}

#[test]
fn a_file_with_another_name_is_refused() {
    let place = Place::new();
    let victim = place.directory.path().join("victim");
    for content in ["", "1 anchorhold\n", "precious"] {
        write(&victim, content);
        fs::hard_link(&victim, place.lock()).unwrap();
        place.check_refused("another name");
        fs::remove_file(place.lock()).unwrap();
    }
}

#[test]
fn root_gives_away_no_file_that_it_did_not_make() {
    let Some(place) = Place::of_a_stranger() else {
        return;
    };
    let victim = place.directory.path().join("victim");
    for content in ["precious", "", "1 anchorhold\n"] {
        write(&victim, content);
        fs::hard_link(&victim, place.lock()).unwrap();
        place.check_refused("another name");
        assert_eq!(
            (owner(&victim), fs::read(&victim).unwrap()),
            (0, content.into())
        );
        fs::remove_file(place.lock()).unwrap();
    }
    for content in ["precious", "1 anchorhold\n"] {
        write(&victim, content);
        fs::rename(&victim, place.lock()).unwrap();
        place.check_refused("belongs to user 0");
        fs::remove_file(place.lock()).unwrap();
    }
    write(&place.lock(), "");
    give(&place.lock(), OTHER);
    place.check_refused(&format!("belongs to user {OTHER}"));
    fs::remove_file(place.lock()).unwrap();
    drop(place.take().unwrap());
    assert_eq!(owner(&place.lock()), STRANGER);
}

#[test]
fn root_uses_the_lock_file_of_the_owner() {
    let Some(place) = Place::of_a_stranger() else {
        return;
    };
    write(&place.lock(), "77 anchorhold\n");
    give(&place.lock(), STRANGER);
    let inode = fs::metadata(place.lock()).unwrap().ino();
    drop(place.take().unwrap());
    let after = fs::metadata(place.lock()).unwrap();
    assert_eq!(
        (after.ino(), after.uid(), after.len()),
        (inode, STRANGER, 0)
    );
    write(&place.lock(), "precious");
    place.check_refused("holds something else");
}

#[test]
fn an_empty_file_that_root_died_over_makes_way_for_one_of_the_owner() {
    let Some(place) = Place::of_a_stranger() else {
        return;
    };
    write(&place.lock(), "");
    // Whoever still has it open may write into it: it must not become the stranger's.
    let old = File::open(place.lock()).unwrap();
    let held = place.take().unwrap();
    assert_eq!(owner(&place.lock()), STRANGER);
    assert_eq!(old.metadata().unwrap().uid(), 0);
    assert!(matches!(place.take(), Err(DatabaseError::Busy { .. })));
    drop(held);
}

#[test]
fn a_lock_file_that_was_removed_does_not_let_two_in() {
    let place = Place::new();
    let first = place.take().unwrap();
    let waiting = AtomicUsize::new(0);
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            let patience = Patience {
                limit: Duration::MAX,
                cancelled: &|| {
                    waiting.fetch_add(1, Ordering::Relaxed);
                    false
                },
            };
            let location = Location::new(&place.directory.path().join("anchors.p12")).unwrap();
            let lock = WriteLock::take(&place.lock(), Owner::of(&location).unwrap(), &patience);
            lock.unwrap()
        });
        // The second has the old file open by now.
        while waiting.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        fs::remove_file(place.lock()).unwrap();
        drop(first);
        let second = second.join().unwrap();
        assert!(matches!(place.take(), Err(DatabaseError::Busy { .. })));
        drop(second);
    });
    drop(place.take().unwrap());
}
