//! A file that is made whole, for its owner only, where nothing was before.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::input;

/// A file that is going to be made.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    passing: PathBuf,
    file: File,
    established: bool,
}

impl NewFile {
    /// Begins it beside its place, under a passing name.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        if input::is_standard_input(path) {
            let message = "the file for support is never printed: --bundle needs the name of a \
                           file to make";
            return Err(Failure::usage("usage", message));
        }
        let refused = |error: &io::Error| {
            let message = format!("{}: cannot be made", path.display());
            Failure::usage("output-refused", message)
                .because(error)
                .remedy("name a file that does not exist, in a directory that you can write to")
        };
        if path.symlink_metadata().is_ok() {
            return Err(refused(&ErrorKind::AlreadyExists.into()));
        }
        let Some(name) = path.file_name() else {
            return Err(refused(&ErrorKind::InvalidInput.into()));
        };
        let mut passing = std::ffi::OsString::from(".");
        passing.push(name);
        passing.push(format!(".new-{}", std::process::id()));
        let passing = path.with_file_name(passing);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&passing)
            .map_err(|error| refused(&error))?;
        Ok(Self {
            path: path.to_owned(),
            passing,
            file,
            established: false,
        })
    }

    /// Writes it whole, and gives it its name, unless something has it by now.
    pub(super) fn establish(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes);
        let written = written.and_then(|()| self.file.sync_all());
        written
            .and_then(|()| move_to_nothing(&self.passing, &self.path))
            .map_err(|error| {
                let message = format!("{}: cannot be written", self.path.display());
                Failure::failed("output-failed", message).because(&error)
            })?;
        self.established = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.established {
            // What is left would only be in the way.
            let _ = std::fs::remove_file(&self.passing);
        }
    }
}

/// Gives a file another name, and overwrites nothing.
fn move_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system can.
            Err(
                rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP,
            ) => {}
            done => return done.map_err(io::Error::from),
        }
    }
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).expect("readable");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("there")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn it_is_there_whole_and_for_its_owner_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("b.json");
        let file = NewFile::begin(&path).expect("begun");
        assert!(!path.exists());
        file.establish(b"whole").expect("made");
        assert_eq!(std::fs::read(&path).expect("there"), b"whole");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(names(directory.path()), ["b.json"]);
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("b.json");
        let begun = NewFile::begin(&path).expect("begun");
        std::fs::write(&path, "precious").expect("written");
        let failure = NewFile::begin(&path).expect_err("refused");
        assert_eq!((failure.exit.status(), failure.code), (2, "output-refused"));
        let failure = begun.establish(b"late").expect_err("refused");
        assert_eq!((failure.exit.status(), failure.code), (3, "output-failed"));
        assert_eq!(std::fs::read(&path).expect("there"), b"precious");
        assert_eq!(names(directory.path()), ["b.json"]);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).expect("linked");
        for path in [
            link.as_path(),
            directory.path(),
            Path::new("-"),
            Path::new("/"),
        ] {
            let failure = NewFile::begin(path).expect_err("refused");
            assert_eq!(failure.exit.status(), 2, "{}", path.display());
        }
    }
}
