//! Files that are replaced whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::directory::sync_dir;
use crate::lock::flags;

/// Puts the bytes where the path says, so that whatever happens the old or the new file is there.
///
/// # Errors
/// What the system said; the old file is then untouched. Anything but a plain file in its place
/// (a link, a device) is refused.
pub fn atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path names no file",
        ));
    };
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a plain file",
            ));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (beside, file) = create_beside(folder, name)?;
    let written = fill(file, bytes, mode).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // What is left would only be in the way; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    sync_dir(folder)
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
