//! Whom a file lets in: its owner, its mode and its access list, kept when it is written again.

use std::ffi::CStr;
use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::{OFlags, XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

use crate::error::DatabaseError;
use crate::location::{self, Location};
use crate::owner::Owner;

/// Whom a new file lets in.
#[derive(Clone, Debug)]
pub(crate) struct Likeness {
    owner: Owner,
    /// The group of the file that it stands for; none where there was none.
    group: Option<u32>,
    mode: u32,
    /// Its access list, where it has one.
    list: Option<Vec<u8>>,
    /// What else is said of it by name, such as the label of a system that confines programs.
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Likeness {
    /// A file for its owner alone.
    pub(crate) fn private(owner: Owner) -> Self {
        Self {
            owner,
            group: None,
            mode: PRIVATE,
            list: None,
            attributes: Vec::new(),
        }
    }

    /// The database that is there; where there is none, a file for its owner alone.
    pub(crate) fn of(location: &Location) -> Result<Self, DatabaseError> {
        let private = Self::private(Owner::of(location)?);
        let path = &location.database;
        let Some(file) = location::open(path, OFlags::RDONLY)? else {
            return Ok(private);
        };
        let failed = |error| DatabaseError::io("look at", path)(error);
        let metadata = file.metadata().map_err(failed)?;
        let read = |name: &[u8]| value(&file, name, path);
        let mut attributes = Vec::new();
        for name in names(&file, path)? {
            if KEPT.iter().any(|kept| name.starts_with(kept)) {
                attributes.extend(read(&name)?.map(|value| (name, value)));
            }
        }
        Ok(Self {
            group: Some(metadata.gid()),
            mode: metadata.mode() & 0o777,
            list: read(LIST.to_bytes())?,
            attributes,
            ..private
        })
    }

    /// Whose it is.
    pub(crate) fn owner(&self) -> Owner {
        self.owner
    }

    /// Gives a file that was just made, and that nobody else can open yet, to its owner.
    pub(crate) fn give(&self, file: &File, path: &Path) -> Result<(), DatabaseError> {
        file.set_permissions(Permissions::from_mode(PRIVATE))
            .map_err(DatabaseError::io("protect", path))?;
        self.owner.give(file, path)
    }

    /// Lets in whom the file is for, and nobody else.
    pub(crate) fn admit(&self, file: &File, path: &Path) -> Result<(), DatabaseError> {
        self.join_group(file, path)?;
        for (name, value) in &self.attributes {
            // None of these lets anybody in.
            let _ = fsetxattr(file, name.as_slice(), value, XattrFlags::empty());
        }
        let kept = match &self.list {
            Some(list) => fsetxattr(file, LIST, list, XattrFlags::empty()),
            // A list that comes from the directory would let in others than before.
            None => fremovexattr(file, LIST).or_else(absent),
        };
        kept.map_err(|error| DatabaseError::io("keep the access list of", path)(error.into()))?;
        // With a list, the bits of the group say how much of it counts.
        file.set_permissions(Permissions::from_mode(self.mode))
            .map_err(DatabaseError::io("protect", path))
    }

    /// Puts the file into its group, without which the bits of the mode would mean others.
    fn join_group(&self, file: &File, path: &Path) -> Result<(), DatabaseError> {
        let failed = |error| DatabaseError::io("keep the group of", path)(error);
        let Some(group) = self.group else {
            return Ok(());
        };
        if file.metadata().map_err(failed)?.gid() == group {
            return Ok(());
        }
        match fchown(file, None, Some(group)) {
            Err(_) if self.mode & 0o070 == 0 => Ok(()),
            changed => changed.map_err(failed),
        }
    }
}

/// What is said of the file by name.
fn names(file: &File, path: &Path) -> Result<Vec<Vec<u8>>, DatabaseError> {
    let mut room = vec![0; MOST];
    let length = match flistxattr(file, room.as_mut_slice()) {
        Ok(length) => length,
        Err(error) => absent(error)
            .map(|()| 0)
            .map_err(|error| DatabaseError::io("read the attributes of", path)(error.into()))?,
    };
    room.truncate(length);
    let names = room
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    Ok(names.map(<[u8]>::to_vec).collect())
}

/// What is said of it under this name; none where nothing is.
fn value(file: &File, name: &[u8], path: &Path) -> Result<Option<Vec<u8>>, DatabaseError> {
    let mut room = vec![0; MOST];
    match fgetxattr(file, name, room.as_mut_slice()) {
        Ok(length) => {
            room.truncate(length);
            Ok(Some(room))
        }
        Err(error) => absent(error)
            .map(|()| None)
            .map_err(|error| DatabaseError::io("read the attributes of", path)(error.into())),
    }
}

/// Whether the error only says that there is no such thing, or none on this file system.
fn absent(error: Errno) -> Result<(), Errno> {
    match error {
        Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS => Ok(()),
        error => Err(error),
    }
}

/// The mode of a file for its owner alone.
const PRIVATE: u32 = 0o600;
/// Who may do what, beyond the mode.
const LIST: &CStr = c"system.posix_acl_access";
/// How the names begin of what else is kept. Checksums that the system keeps are not: they are
/// those of the old contents.
const KEPT: &[&[u8]] = &[b"user.", b"security.selinux"];
/// The most bytes that the system has of either names or a value.
const MOST: usize = 64 << 10;
