//! Whose the files of a database are: the user's that they are for, whoever writes them.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::error::DatabaseError;
use crate::location::Location;

/// The user and group that new files are given to; none where they are right as they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(Option<(u32, u32)>);

impl Owner {
    /// The owner for new files of a database. Root gives them to the owner of the file that is
    /// there, else of the directory; anybody else writes only their own.
    pub(crate) fn of(location: &Location) -> Result<Self, DatabaseError> {
        match location.metadata()? {
            Some(file) if is_root() => Ok(Self(Some((file.uid(), file.gid())))),
            Some(file) if file.uid() != rustix::process::geteuid().as_raw() => {
                Err(DatabaseError::Owner {
                    path: location.database.clone(),
                    uid: file.uid(),
                })
            }
            Some(_) => Ok(Self(None)),
            None => Self::of_directory(&location.directory),
        }
    }

    /// The owner for what is new in a directory.
    pub(crate) fn of_directory(path: &Path) -> Result<Self, DatabaseError> {
        if !is_root() {
            return Ok(Self(None));
        }
        let directory = fs::metadata(path).map_err(DatabaseError::io("look at", path))?;
        Ok(Self(Some((directory.uid(), directory.gid()))))
    }

    /// Whether this user is the owner.
    pub(crate) fn has(self, uid: u32) -> bool {
        let owner = self.0.map(|(user, _)| user);
        uid == owner.unwrap_or_else(|| rustix::process::geteuid().as_raw())
    }

    /// Gives a file that was just made to its owner.
    pub(crate) fn give(self, file: &File, path: &Path) -> Result<(), DatabaseError> {
        match self.0 {
            Some((user, group)) => fchown(file, Some(user), Some(group))
                .map_err(DatabaseError::io("change the owner of", path)),
            None => Ok(()),
        }
    }

    /// Gives a directory that was just made to its owner. What somebody put in its place
    /// meanwhile, a second name of another file above all, is given to nobody.
    pub(crate) fn give_directory(self, path: &Path) -> Result<(), DatabaseError> {
        if self.0.is_none() {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|error| DatabaseError::io("open", path)(error.into()))?;
        self.give(&File::from(directory), path)
    }
}

/// Whether this is root's, and so are we.
pub(crate) fn is_own_of_root(uid: u32) -> bool {
    is_root() && uid == 0
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_is_given_away_as_one() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, b"").unwrap();
        let link = place.path().join("link");
        std::os::unix::fs::symlink(place.path(), &link).unwrap();
        let before = fs::metadata(&file).unwrap().uid();
        for path in [&file, &link] {
            Owner(Some((65534, 65534)))
                .give_directory(path)
                .unwrap_err();
        }
        assert_eq!(fs::metadata(&file).unwrap().uid(), before);
        assert_eq!(fs::symlink_metadata(&link).unwrap().uid(), before);
        Owner(None).give_directory(&file).unwrap();
    }
}
