//! Directories that only this user can enter, and what a killed process left of them.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::{Pid, geteuid, test_kill_process};

use crate::admit;

/// What the name of every such directory begins with; the number of its process follows.
const PREFIX: &str = "anchorhold-";
/// More names than this are not looked at in one directory.
const NAMES_MAX: usize = 1 << 16;
/// More names than this are not tried.
const ATTEMPTS: u32 = 1000;

/// A directory that only this user can enter; removed with all that lies in it when dropped.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    path: PathBuf,
    /// As long as it is open, this is no directory that was left behind.
    _held: File,
}

impl PrivateDirectory {
    /// Makes a new one in a directory in which nobody but this user and root can change it.
    pub(crate) fn make(parent: &Path) -> io::Result<Self> {
        admit::directory_is_shared(parent).map_err(io::Error::other)?;
        sweep(parent);
        for attempt in 0..ATTEMPTS {
            let path = parent.join(name(std::process::id(), attempt));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    let held = hold(&path).inspect_err(|_| {
                        // The error is told; an empty directory lies in nobody's way.
                        let _ = fs::remove_dir(&path);
                    })?;
                    return Ok(Self { path, _held: held });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        // What cannot be removed lies in nobody's way; there is nobody to tell.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Where such a directory may lie, the best first. No environment variable has a say in it.
pub(crate) fn places() -> Vec<PathBuf> {
    let me = geteuid();
    let own = if me.is_root() {
        PathBuf::from("/run")
    } else {
        PathBuf::from(format!("/run/user/{}", me.as_raw()))
    };
    vec![own, PathBuf::from("/var/tmp"), PathBuf::from("/tmp")]
}

/// What one is called.
fn name(process: u32, attempt: u32) -> String {
    format!("{PREFIX}{process}-{attempt}")
}

/// Keeps a directory from being taken for one that was left behind, for as long as this is open. A
/// process is not seen from everywhere by its number, as from another container.
fn hold(directory: &Path) -> io::Result<File> {
    let held = open(directory)?;
    flock(&held, FlockOperation::NonBlockingLockExclusive)?;
    Ok(held)
}

/// Removes this user's directories whose process is gone. What cannot be removed lies in nobody's way.
fn sweep(parent: &Path) {
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

/// Whose it is by its name.
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
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let made = |name: String, mode: u32| {
            let path = parent.path().join(name);
            DirBuilder::new().mode(mode).create(&path).unwrap();
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

    #[test]
    fn directory_is_this_users_alone_and_goes_with_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let one = PrivateDirectory::make(parent.path()).unwrap();
        let other = PrivateDirectory::make(parent.path()).unwrap();
        assert_ne!(one.path(), other.path());
        assert!(is_own(one.path()));
        fs::create_dir(one.path().join("below")).unwrap();
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists() && other.path().exists());
    }
}
