//! What a file looked like when it was checked, and whether it still does.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::admit::Refusal;

/// What tells one state of one file from every other: device, inode, size, and the moments of its
/// last changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(pub(crate) [u64; Self::WORDS]);

/// A path, and the file that it led to when that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// The path; where it leads through links, they count.
    pub(crate) path: PathBuf,
    /// The file.
    pub(crate) stamp: Stamp,
}

impl Stamp {
    /// How many words it has on the wire.
    pub(crate) const WORDS: usize = 7;

    /// The stamp of what a system call has told.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        // A moment may lie before 1970; its bits tell it from another one all the same.
        let bits = |number: i64| u64::from_ne_bytes(number.to_ne_bytes());
        Self([
            metadata.dev(),
            metadata.ino(),
            metadata.size(),
            bits(metadata.mtime()),
            bits(metadata.mtime_nsec()),
            bits(metadata.ctime()),
            bits(metadata.ctime_nsec()),
        ])
    }
}

impl Look {
    /// Refuses a path that leads to something else by now, or to nothing where it has to lead
    /// somewhere.
    pub(crate) fn again(&self, has_to_be_there: bool) -> Result<(), Refusal> {
        match std::fs::metadata(&self.path) {
            Ok(metadata) if Stamp::of(&metadata) == self.stamp => Ok(()),
            // A runner sees the files that it was granted and no others.
            Err(error)
                if !has_to_be_there
                    && matches!(
                        error.kind(),
                        ErrorKind::NotFound | ErrorKind::PermissionDenied
                    ) =>
            {
                Ok(())
            }
            _ => Err(Refusal::Replaced {
                path: self.path.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn look(path: &std::path::Path) -> Look {
        Look {
            path: path.to_owned(),
            stamp: Stamp::of(&fs::metadata(path).unwrap()),
        }
    }

    #[test]
    fn what_stayed_as_it_was_is_not_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(look(file.path()).again(true), Ok(()));
    }

    #[test]
    fn another_file_another_size_and_another_link_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other, link) = (
            dir.path().join("a"),
            dir.path().join("b"),
            dir.path().join("l"),
        );
        fs::write(&path, "one").unwrap();
        fs::write(&other, "two").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let (seen, linked) = (look(&path), look(&link));
        let replaced = |path: &std::path::Path| {
            Err(Refusal::Replaced {
                path: path.to_owned(),
            })
        };
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        assert_eq!(linked.again(false), replaced(&link));
        fs::write(&path, "longer").unwrap();
        assert_eq!(seen.again(false), replaced(&path));
        fs::rename(&other, &path).unwrap();
        assert_eq!(seen.again(false), replaced(&path));
    }

    #[test]
    fn what_is_gone_is_missed_where_it_has_to_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "one").unwrap();
        let seen = look(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(seen.again(false), Ok(()));
        assert!(seen.again(true).is_err());
    }
}
