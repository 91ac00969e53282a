//! Files that are replaced whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::directory::sync_dir;
use crate::lock::flags;

/// Puts the bytes where the path says, so that whatever happens the old or the new file is there.
///
/// # Errors
/// What the system said; the old file is then untouched. Anything but a plain file in its place
/// (a link, a device) is refused.
pub fn atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    prepare(path, bytes, mode)?.replace()
}

/// Writes the bytes to the disk beside the path, to be given its name by a call that writes no
/// more, so that several files can be whole before the first of them is there.
///
/// # Errors
/// What the system said; nothing is left. Anything but a plain file at the path is refused.
pub fn prepare(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Whole> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path names no file",
        ));
    };
    check_kind(path)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (beside, file) = create_beside(folder, name)?;
    let whole = Whole {
        path: path.to_owned(),
        folder: folder.to_owned(),
        beside: Some(beside),
    };
    fill(file, bytes, mode)?;
    Ok(whole)
}

/// A file that is on the disk as a whole, under a passing name; dropped, it is gone.
#[derive(Debug)]
pub struct Whole {
    path: PathBuf,
    folder: PathBuf,
    /// None once it has its own name.
    beside: Option<PathBuf>,
}

impl Whole {
    /// Gives it its name, in the place of whatever plain file is there.
    ///
    /// # Errors
    /// What the system said; the old file is then untouched.
    pub fn replace(mut self) -> io::Result<()> {
        check_kind(&self.path)?;
        if let Some(beside) = &self.beside {
            fs::rename(beside, &self.path)?;
        }
        self.beside = None;
        sync_dir(&self.folder)
    }

    /// Gives it its name where nothing has it yet.
    ///
    /// # Errors
    /// What the system said, and that there is something already.
    pub fn add(mut self) -> io::Result<()> {
        if let Some(beside) = &self.beside {
            // A second name is never taken from what is there, on whatever file system.
            match renameat_with(CWD, beside, CWD, &self.path, RenameFlags::NOREPLACE) {
                Err(Errno::INVAL | Errno::NOSYS) => {
                    fs::hard_link(beside, &self.path)?;
                    fs::remove_file(beside)?;
                }
                renamed => renamed?,
            }
        }
        self.beside = None;
        sync_dir(&self.folder)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // What is left would only be in the way.
            let _ = fs::remove_file(beside);
        }
    }
}

/// Anything but a plain file is refused.
fn check_kind(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a plain file",
        )),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn create_beside(folder: &Path, name: &std::ffi::OsStr) -> io::Result<(PathBuf, File)> {
    for number in 0..ATTEMPTS {
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".new-{}-{number}", std::process::id()));
        let beside = folder.join(beside);
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(flags(OFlags::NOFOLLOW))
            .open(&beside);
        match opened {
            // A process of the same number may have been killed here before.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => return Ok((beside, file)),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "too many unfinished files beside it",
    ))
}

fn fill(mut file: File, bytes: &[u8], mode: u32) -> io::Result<()> {
    // Whatever the umask is; and before anything is in it.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

const ATTEMPTS: u32 = 100;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn names(dir: &Path) -> Vec<OsString> {
        fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect()
    }

    #[test]
    fn new_and_old_files_are_replaced_with_the_mode_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for (bytes, mode) in [(&b"one"[..], 0o600), (b"", 0o644), (&[7; 100_000], 0o640)] {
            atomic(&path, bytes, mode).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        }
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn link_and_directory_are_refused_and_left() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "x").unwrap();
        symlink(&real, &link).unwrap();
        for path in [link.as_path(), dir.path(), Path::new("/")] {
            let error = atomic(path, b"y", 0o600).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::InvalidInput,
                "{}",
                path.display()
            );
        }
        assert_eq!(fs::read(&real).unwrap(), b"x");
    }

    #[test]
    fn what_is_there_is_never_replaced_by_what_is_added() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        prepare(&path, b"first", 0o600).unwrap().add().unwrap();
        let late = prepare(&path, b"second", 0o600).unwrap();
        let error = late.add().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let link = dir.path().join("link");
        symlink("nowhere", &link).unwrap();
        assert!(prepare(&link, b"x", 0o600).is_err());
        assert_eq!(names(dir.path()).len(), 2);
    }

    #[test]
    fn what_gets_no_name_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(prepare(&dir.path().join("file"), b"x", 0o600).unwrap());
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn what_a_killed_process_left_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir
            .path()
            .join(format!(".file.new-{}-0", std::process::id()));
        fs::write(&left, "half").unwrap();
        atomic(&dir.path().join("file"), b"whole", 0o600).unwrap();
        assert_eq!(fs::read(dir.path().join("file")).unwrap(), b"whole");
        assert_eq!(fs::read(left).unwrap(), b"half");
    }

    #[test]
    fn missing_folder_is_an_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let error = atomic(&dir.path().join("no/file"), b"x", 0o600).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(names(dir.path()).is_empty());
    }
}
