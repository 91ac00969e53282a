//! Copies that a process left behind when it was killed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::{Pid, geteuid, test_kill_process};

/// What the name of every copy begins with; the number of its process follows.
const PREFIX: &str = "anchorhold-";
/// More names than this are not looked at in one directory.
const NAMES_MAX: usize = 1 << 16;

/// What a copy is called.
pub(super) fn name(process: u32, attempt: u32) -> String {
    format!("{PREFIX}{process}-{attempt}")
}

/// Keeps a copy from being taken for one that was left behind, for as long as this is open. A
/// process is not seen from everywhere by its number, as from another container.
pub(super) fn hold(directory: &Path) -> io::Result<File> {
    let held = open(directory)?;
    flock(&held, FlockOperation::NonBlockingLockExclusive)?;
    Ok(held)
}

/// Removes this user's copies whose process is gone. What cannot be removed lies in nobody's way.
pub(super) fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.take(NAMES_MAX) {
        let name = entry.file_name();
        let process = name.to_str().and_then(maker_of);
        let path = entry.path();
        if process.is_some_and(is_gone) && is_own(&path) && hold(&path).is_ok() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Whose copy it is by its name.
fn maker_of(name: &str) -> Option<Pid> {
    let (process, attempt) = name.strip_prefix(PREFIX)?.split_once('-')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(process) || !is_number(attempt) || attempt.is_empty() {
        return None;
    }
    Pid::from_raw(process.parse().ok()?)
}

fn is_gone(process: Pid) -> bool {
    test_kill_process(process) == Err(Errno::SRCH)
}

/// Whether it is a directory of this user that nobody else can enter, and so what this makes.
fn is_own(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o7777 == 0o700
    })
}

fn open(directory: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    File::options()
        .read(true)
        .custom_flags(flags)
        .open(directory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{DirBuilderExt, symlink};
    use std::process::Command;

    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let made = |name: String, mode: u32| {
            let path = parent.path().join(name);
            fs::DirBuilder::new().mode(mode).create(&path).unwrap();
            fs::write(path.join("lib.so"), "bytes").unwrap();
            path
        };
        let mut ended = Command::new("true").spawn().unwrap();
        let gone = ended.id();
        ended.wait().unwrap();
        let left = made(name(gone, 0), 0o700);
        let held = made(name(gone, 1), 0o700);
        let lock = hold(&held).unwrap();
        let kept = [
            held.clone(),
            made(name(gone, 2), 0o755),
            made(name(std::process::id(), 0), 0o700),
            made(format!("anchorhold-{gone}"), 0o700),
            made(format!("anchorhold-{gone}-x"), 0o700),
            made(format!("anchorhold--{gone}-0"), 0o700),
            made(format!("{gone}-0"), 0o700),
        ];
        let link = parent.path().join(name(gone, 3));
        symlink(&kept[1], &link).unwrap();
        sweep(parent.path());
        assert!(!left.exists());
        assert!(kept.iter().all(|path| path.join("lib.so").exists()));
        assert!(link.is_symlink());
        drop(lock);
        sweep(parent.path());
        assert!(!held.exists());
    }
}
