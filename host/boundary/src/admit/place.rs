//! The way to a file, walked once: every directory and link on it is checked as it is passed.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::admit::look::{Look, Stamp};
use crate::admit::{ParentFault, Refusal};

/// A regular file that was opened once, after everything on the way to it had been checked.
#[derive(Debug)]
pub(super) struct Place {
    /// The file, open for reading.
    pub(super) file: File,
    /// How many bytes it has.
    pub(super) size: u64,
    /// Where it lies, without any link.
    pub(super) real: PathBuf,
    /// What the path given and the path without links led to.
    pub(super) looks: Vec<Look>,
    /// Only root can change it or put another one in its place.
    pub(super) only_root: bool,
    way: Walk,
}

impl Place {
    /// Walks to a file, opens it and checks it.
    pub(super) fn find(path: &Path) -> Result<Self, Refusal> {
        let absolute = std::path::absolute(path).map_err(|error| Refusal::Unreadable {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        let mut way = Walk::root(&absolute)?;
        way.follow(&absolute)?;
        way.file(&absolute)
    }

    /// Sealed memory, as if it were the file that was copied into it.
    pub(super) fn of_memory(file: File, real: &Path) -> Result<Self, Refusal> {
        let way = Walk::root(real)?;
        let metadata = file.metadata().map_err(|error| way.unreadable(&error))?;
        Ok(Self {
            size: metadata.len(),
            file,
            real: real.to_owned(),
            looks: Vec::new(),
            only_root: false,
            way,
        })
    }

    /// The same for a file in the same directory as this one; a link may lead elsewhere from there.
    pub(super) fn sibling(&self, name: &str) -> Result<Self, Refusal> {
        let path = self.real.with_file_name(name);
        let mut way = self.way.again(&path)?;
        way.pending.push(OsString::from(name));
        way.file(&path)
    }
}

/// Walks to a directory and checks it: nobody but root and the user that this process runs as can
/// change what is in it.
pub(super) fn check_directory(path: &Path) -> Result<(), Refusal> {
    if directory_is_shared(path)? {
        return Err(Refusal::UnsafeParent {
            path: path.to_owned(),
            parent: path.to_owned(),
            fault: ParentFault::Mode(OTHERS_WRITE | STICKY),
        });
    }
    Ok(())
}

/// Walks to a directory and checks it; whether others may make files of their own in it, and move
/// none of this user's.
pub(crate) fn directory_is_shared(path: &Path) -> Result<bool, Refusal> {
    let absolute = std::path::absolute(path).map_err(|error| Refusal::Unreadable {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let mut way = Walk::root(&absolute)?;
    way.follow(&absolute)?;
    match way.walk()? {
        Some(_) => Err(Refusal::NotAFile {
            path: absolute,
            found: "no directory",
        }),
        None => Ok(way.trail.last().is_none_or(|last| last.shared)),
    }
}

/// Whether somebody else could put a file into a directory, or make the directory where it is
/// missing. Where no directory can be, nothing is found either.
pub(super) fn others_can_fill(directory: &Path) -> bool {
    let Ok(mut way) = Walk::root(directory) else {
        return true;
    };
    if way.follow(directory).is_err() {
        return true;
    }
    match way.walk() {
        Ok(_) | Err(Refusal::NotFound { .. }) => way.trail.last().is_none_or(|last| last.shared),
        Err(_) => true,
    }
}

/// A walk from the root: where it is, and what is still to go.
#[derive(Debug)]
struct Walk {
    /// What is looked for, for errors.
    wanted: PathBuf,
    /// The directories passed, the root first.
    trail: Vec<Directory>,
    /// Names still to go, the next one last.
    pending: Vec<OsString>,
    links: usize,
    /// Everything so far can be changed by root only.
    only_root: bool,
}

#[derive(Debug)]
struct Directory {
    descriptor: File,
    name: OsString,
    /// Others may make files of their own in it, as in /tmp, and cannot move those of others.
    shared: bool,
}

impl Walk {
    fn root(wanted: &Path) -> Result<Self, Refusal> {
        let mut walk = Self {
            wanted: wanted.to_owned(),
            trail: Vec::new(),
            pending: Vec::new(),
            links: 0,
            only_root: true,
        };
        walk.start_again()?;
        Ok(walk)
    }

    /// A walk that goes on from the same directory.
    fn again(&self, wanted: &Path) -> Result<Self, Refusal> {
        let trail = self.trail.iter().map(|directory| {
            let descriptor = directory.descriptor.try_clone();
            Ok(Directory {
                descriptor: descriptor.map_err(|error| self.unreadable(&error))?,
                name: directory.name.clone(),
                shared: directory.shared,
            })
        });
        Ok(Self {
            wanted: wanted.to_owned(),
            trail: trail.collect::<Result<_, Refusal>>()?,
            pending: Vec::new(),
            links: self.links,
            only_root: self.only_root,
        })
    }

    fn start_again(&mut self) -> Result<(), Refusal> {
        self.trail.clear();
        let root = rustix::fs::open("/", DIRECTORY, Mode::empty());
        let root = root.map_err(|error| self.unreadable(&error))?;
        self.enter(root, OsString::new())
    }

    /// Puts a path before all that is still to go.
    fn follow(&mut self, path: &Path) -> Result<(), Refusal> {
        if path.has_root() {
            self.start_again()?;
        }
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.pending.push(name.to_owned()),
                Component::ParentDir => self.pending.push(OsString::from("..")),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        Ok(())
    }

    /// Goes on to the end; the name of what lies there in the last directory, unless it is a
    /// directory itself.
    fn walk(&mut self) -> Result<Option<OsString>, Refusal> {
        while let Some(name) = self.pending.pop() {
            if name == ".." {
                // The root is its own parent.
                if self.trail.len() > 1 {
                    self.trail.pop();
                }
                continue;
            }
            let here = self.here()?;
            let stat = rustix::fs::statat(here, &name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| self.missing(error))?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink => self.link(&name, stat.st_uid)?,
                FileType::Directory => {
                    let directory =
                        rustix::fs::openat(self.here()?, &name, DIRECTORY, Mode::empty());
                    let directory = directory.map_err(|error| self.vanished(error))?;
                    self.enter(directory, name)?;
                }
                _ if self.pending.is_empty() => return Ok(Some(name)),
                _ => return Err(self.missing(Errno::NOTDIR)),
            }
        }
        Ok(None)
    }

    /// Goes on to the end, and opens the file there.
    fn file(mut self, asked: &Path) -> Result<Place, Refusal> {
        let Some(name) = self.walk()? else {
            return Err(self.no_file("a directory"));
        };
        // Neither a pipe nor a terminal that was put there this very moment keeps this waiting.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.here()?, &name, flags, Mode::empty());
        let file = File::from(file.map_err(|error| self.vanished(error))?);
        let metadata = file.metadata().map_err(|error| self.unreadable(&error))?;
        let real = self.path().join(&name);
        self.check_file(&metadata)?;
        let stamp = Stamp::of(&metadata);
        let look = |path: &Path| Look {
            path: path.to_owned(),
            stamp,
        };
        let mut looks = vec![look(&real)];
        if asked != real {
            looks.push(look(asked));
        }
        Ok(Place {
            size: metadata.len(),
            only_root: self.only_root && metadata.uid() == 0,
            file,
            real,
            looks,
            way: self,
        })
    }

    fn check_file(&self, metadata: &Metadata) -> Result<(), Refusal> {
        if !metadata.is_file() {
            return Err(self.no_file(kind_of(metadata)));
        }
        let path = self.wanted.clone();
        let me = me();
        match metadata.uid() {
            0 => {}
            owner if owner == me => {}
            found => {
                return Err(Refusal::UnsafeOwner {
                    path,
                    found,
                    expected: me,
                });
            }
        }
        if metadata.mode() & OTHERS_WRITE != 0 {
            let found = metadata.mode();
            return Err(Refusal::UnsafeMode { path, found });
        }
        Ok(())
    }

    fn enter(&mut self, descriptor: OwnedFd, name: OsString) -> Result<(), Refusal> {
        let descriptor = File::from(descriptor);
        let metadata = descriptor
            .metadata()
            .map_err(|error| self.unreadable(&error))?;
        let mode = metadata.mode();
        let open = mode & OTHERS_WRITE != 0;
        let shared = open && mode & STICKY != 0;
        self.trail.push(Directory {
            descriptor,
            name,
            shared,
        });
        self.check_owner(metadata.uid(), self.path())?;
        if open && !shared {
            return Err(self.unsafe_parent(self.path(), ParentFault::Mode(mode)));
        }
        self.only_root &= !shared;
        Ok(())
    }

    /// Goes where a link leads; whoever owns a link may have put it there.
    fn link(&mut self, name: &OsStr, owner: u32) -> Result<(), Refusal> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(self.missing(Errno::LOOP));
        }
        self.check_owner(owner, self.path().join(name))?;
        let target = rustix::fs::readlinkat(self.here()?, name, Vec::new())
            .map_err(|error| self.vanished(error))?;
        self.follow(&PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// That somebody who may decide what runs here owns a step of the way.
    fn check_owner(&mut self, owner: u32, step: PathBuf) -> Result<(), Refusal> {
        let expected = me();
        if owner != 0 && owner != expected {
            let found = owner;
            return Err(self.unsafe_parent(step, ParentFault::Owner { found, expected }));
        }
        self.only_root &= owner == 0;
        Ok(())
    }

    /// The directory that was reached.
    fn here(&self) -> Result<impl AsFd + '_, Refusal> {
        let last = self.trail.last();
        let directory = last.ok_or_else(|| self.missing(Errno::NOENT))?;
        Ok(directory.descriptor.as_fd())
    }

    /// Where it is.
    fn path(&self) -> PathBuf {
        let names = self.trail.iter().skip(1).map(|directory| &directory.name);
        std::iter::once(OsStr::new("/"))
            .chain(names.map(OsString::as_os_str))
            .collect()
    }

    fn missing(&self, error: Errno) -> Refusal {
        match error {
            Errno::NOENT => Refusal::NotFound {
                path: self.wanted.clone(),
            },
            error => self.unreadable(&error),
        }
    }

    /// Why what was there a moment ago cannot be opened: it is something else by now, or it may not
    /// be.
    fn vanished(&self, error: Errno) -> Refusal {
        match error {
            Errno::INVAL | Errno::LOOP | Errno::NOENT | Errno::NOTDIR | Errno::NXIO => {
                Refusal::Replaced {
                    path: self.wanted.clone(),
                }
            }
            error => self.unreadable(&error),
        }
    }

    fn unreadable(&self, error: &dyn std::error::Error) -> Refusal {
        Refusal::Unreadable {
            path: self.wanted.clone(),
            why: error.to_string(),
        }
    }

    fn no_file(&self, found: &'static str) -> Refusal {
        Refusal::NotAFile {
            path: self.wanted.clone(),
            found,
        }
    }

    fn unsafe_parent(&self, parent: PathBuf, fault: ParentFault) -> Refusal {
        Refusal::UnsafeParent {
            path: self.wanted.clone(),
            parent,
            fault,
        }
    }
}

fn kind_of(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// To pass through a directory, no right to list it is needed.
#[cfg(target_os = "linux")]
const DIRECTORY: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// As many as the kernel follows.
const LINKS_MAX: usize = 40;

#[cfg(test)]
mod tests;
